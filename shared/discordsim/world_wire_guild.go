package discordsim

import "time"

// wireGuild is a guild as REST returns it.
type wireGuild struct {
	ID                       ID             `json:"id"`
	Name                     string         `json:"name"`
	Icon                     *string        `json:"icon"`
	Description              *string        `json:"description"`
	HomeHeader               *string        `json:"home_header"`
	Splash                   *string        `json:"splash"`
	DiscoverySplash          *string        `json:"discovery_splash"`
	Features                 []string       `json:"features"`
	Banner                   *string        `json:"banner"`
	OwnerID                  ID             `json:"owner_id"`
	ApplicationID            *ID            `json:"application_id"`
	Region                   string         `json:"region"`
	AFKChannelID             *ID            `json:"afk_channel_id"`
	AFKTimeout               int            `json:"afk_timeout"`
	SystemChannelID          *ID            `json:"system_channel_id"`
	SystemChannelFlags       int            `json:"system_channel_flags"`
	WidgetEnabled            bool           `json:"widget_enabled"`
	WidgetChannelID          *ID            `json:"widget_channel_id"`
	VerificationLevel        int            `json:"verification_level"`
	Roles                    []wireRole     `json:"roles"`
	DefaultNotifications     int            `json:"default_message_notifications"`
	MFALevel                 int            `json:"mfa_level"`
	ExplicitContentFilter    int            `json:"explicit_content_filter"`
	MaxPresences             *int           `json:"max_presences"`
	MaxMembers               int            `json:"max_members"`
	MaxStageVideoUsers       int            `json:"max_stage_video_channel_users"`
	MaxVideoUsers            int            `json:"max_video_channel_users"`
	VanityURLCode            *string        `json:"vanity_url_code"`
	PremiumTier              int            `json:"premium_tier"`
	PremiumSubscriptionCount int            `json:"premium_subscription_count"`
	PreferredLocale          string         `json:"preferred_locale"`
	RulesChannelID           *ID            `json:"rules_channel_id"`
	SafetyAlertsChannelID    *ID            `json:"safety_alerts_channel_id"`
	PublicUpdatesChannelID   *ID            `json:"public_updates_channel_id"`
	PremiumProgressBar       bool           `json:"premium_progress_bar_enabled"`
	NSFW                     bool           `json:"nsfw"`
	NSFWLevel                int            `json:"nsfw_level"`
	Emojis                   []struct{}     `json:"emojis"`
	Stickers                 []struct{}     `json:"stickers"`
	IncidentsData            map[string]any `json:"incidents_data"`
	ApproximateMembers       *int           `json:"approximate_member_count,omitempty"`
	ApproximatePresences     *int           `json:"approximate_presence_count,omitempty"`
}

// wireGuildCreate is a guild as GUILD_CREATE contains it.
type wireGuildCreate struct {
	wireGuild
	JoinedAt        stamp         `json:"joined_at"`
	Large           bool          `json:"large"`
	Unavailable     bool          `json:"unavailable"`
	MemberCount     int           `json:"member_count"`
	VoiceStates     []wireVoice   `json:"voice_states"`
	Members         []wireMember  `json:"members"`
	Channels        []wireChannel `json:"channels"`
	Threads         []struct{}    `json:"threads"`
	Presences       []presence    `json:"presences"`
	StageInstances  []struct{}    `json:"stage_instances"`
	ScheduledEvents []struct{}    `json:"guild_scheduled_events"`
	Soundboard      []struct{}    `json:"soundboard_sounds"`
}

// unavailableGuild is a guild in READY.
type unavailableGuild struct {
	ID          ID   `json:"id"`
	Unavailable bool `json:"unavailable"`
}

// presence is that of a person: everybody is online.
type presence struct {
	User         partialUser    `json:"user"`
	GuildID      ID             `json:"guild_id"`
	Status       string         `json:"status"`
	Activities   []struct{}     `json:"activities"`
	ClientStatus map[string]any `json:"client_status"`
}

// partialUser is a user's id.
type partialUser struct {
	ID ID `json:"id"`
}

// wire returns a guild as REST does.
func (g *guild) wire() wireGuild {
	w := wireGuild{ID: g.id, Name: g.name, Icon: optional(g.icon), Description: optional(g.description),
		Features: []string{}, OwnerID: g.owner, Region: "deprecated", AFKChannelID: optionalID(g.afk),
		AFKTimeout:      g.afkTimeout,
		SystemChannelID: optionalID(g.system), VerificationLevel: g.verify, MFALevel: number01(g.twoFactor),
		MaxMembers:         500000,
		MaxStageVideoUsers: 50, MaxVideoUsers: 25, PreferredLocale: g.locale,
		Emojis: []struct{}{}, Stickers: []struct{}{}}
	if g.screening {
		w.Features = append(w.Features, "COMMUNITY", "MEMBER_VERIFICATION_GATE_ENABLED")
	}
	for _, r := range g.sortedRoles() {
		w.Roles = append(w.Roles, r.wire())
	}
	return w
}

// wireCreate returns GUILD_CREATE for one session, with channels as show returns them. Without
// GUILD_PRESENCES it only contains the bot and the members in voice, and without GUILD_VOICE_STATES
// no voice states ("Guild Create" in Discord's documentation).
func (g *guild) wireCreate(
	bot ID, intents Intents, largeThreshold int, show func(*channel) wireChannel,
) wireGuildCreate {
	w := wireGuildCreate{wireGuild: g.wire(), JoinedAt: stamp(g.botJoined(bot)), MemberCount: len(g.members),
		Large: len(g.members) > largeThreshold, VoiceStates: []wireVoice{}, Members: []wireMember{},
		Channels: []wireChannel{}, Threads: []struct{}{}, Presences: []presence{}, StageInstances: []struct{}{},
		ScheduledEvents: []struct{}{}, Soundboard: []struct{}{}}
	for _, c := range g.sortedChannels() {
		cw := show(c)
		cw.GuildID = nil
		w.Channels = append(w.Channels, cw)
	}
	all := intents&IntentGuildPresences != 0 && !w.Large
	for _, m := range g.sortedMembers() {
		if all || m.user.id == bot || g.voice[m.user.id] != nil {
			w.Members = append(w.Members, m.wire())
		}
		if intents&IntentGuildPresences != 0 && !m.user.bot {
			w.Presences = append(w.Presences, presence{User: partialUser{m.user.id}, GuildID: g.id, Status: "online",
				Activities: []struct{}{}, ClientStatus: map[string]any{"web": "online"}})
		}
	}
	if intents&IntentGuildVoiceStates != 0 {
		for _, v := range g.sortedVoice() {
			vw := g.wireVoice(g.members[v.user], v, false)
			vw.GuildID = nil
			w.VoiceStates = append(w.VoiceStates, vw)
		}
	}
	return w
}

func (g *guild) botJoined(bot ID) time.Time {
	if m := g.members[bot]; m != nil {
		return m.joinedAt
	}
	return g.joinedAt
}

func number01(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
