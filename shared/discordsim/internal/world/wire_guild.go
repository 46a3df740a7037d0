package world

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
	Roles                    []WireRole     `json:"roles"`
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
	Emojis                   []WireEmoji    `json:"emojis"`
	Stickers                 []struct{}     `json:"stickers"`
	IncidentsData            map[string]any `json:"incidents_data"`
	ApproximateMembers       *int           `json:"approximate_member_count,omitempty"`
	ApproximatePresences     *int           `json:"approximate_presence_count,omitempty"`
}

// WireGuildCreate is a guild as GUILD_CREATE contains it.
type WireGuildCreate struct {
	wireGuild
	JoinedAt        Stamp                `json:"joined_at"`
	Large           bool                 `json:"large"`
	Unavailable     bool                 `json:"unavailable"`
	MemberCount     int                  `json:"member_count"`
	VoiceStates     []WireVoice          `json:"voice_states"`
	Members         []WireMember         `json:"members"`
	Channels        []WireChannel        `json:"channels"`
	Threads         []WireThread         `json:"threads"`
	Presences       []Presence           `json:"presences"`
	StageInstances  []*Stage             `json:"stage_instances"`
	ScheduledEvents []WireScheduledEvent `json:"guild_scheduled_events"`
	Soundboard      []struct{}           `json:"soundboard_sounds"`
}

// UnavailableGuild is a guild in READY.
type UnavailableGuild struct {
	ID          ID   `json:"id"`
	Unavailable bool `json:"unavailable"`
}

// Presence is that of a person: everybody is online.
type Presence struct {
	User         PartialUser    `json:"user"`
	GuildID      ID             `json:"guild_id"`
	Status       string         `json:"status"`
	Activities   []struct{}     `json:"activities"`
	ClientStatus map[string]any `json:"client_status"`
}

// PartialUser is a user's id.
type PartialUser struct {
	ID ID `json:"id"`
}

// Wire returns a guild as REST does.
func (g *Guild) Wire() wireGuild {
	w := wireGuild{ID: g.ID, Name: g.Name, Icon: Optional(g.Icon), Description: Optional(g.Description),
		Features: []string{}, OwnerID: g.Owner, Region: "deprecated", AFKChannelID: OptionalID(g.AFK),
		AFKTimeout:      g.AFKTimeout,
		SystemChannelID: OptionalID(g.System), VerificationLevel: g.Verify, MFALevel: number01(g.TwoFactor),
		MaxMembers:         500000,
		MaxStageVideoUsers: 50, MaxVideoUsers: 25, PreferredLocale: g.Locale,
		PremiumTier: g.Tier(), PremiumSubscriptionCount: g.Boosts,
		Emojis: g.WireEmojis(), Stickers: []struct{}{}}
	if g.Screening {
		w.Features = append(w.Features, "COMMUNITY", "MEMBER_VERIFICATION_GATE_ENABLED")
	}
	for _, r := range g.SortedRoles() {
		w.Roles = append(w.Roles, r.Wire())
	}
	return w
}

// WireCreate returns GUILD_CREATE for one session, with channels as show returns them. Without
// GUILD_PRESENCES it only contains the bot and the members in voice, and without GUILD_VOICE_STATES
// no voice states ("Guild Create" in Discord's documentation).
func (g *Guild) WireCreate(
	bot ID, intents Intents, largeThreshold int, show func(*Channel) WireChannel,
) WireGuildCreate {
	w := WireGuildCreate{wireGuild: g.Wire(), JoinedAt: Stamp(g.botJoined(bot)), MemberCount: len(g.Members),
		Large: len(g.Members) > largeThreshold, VoiceStates: []WireVoice{}, Members: []WireMember{},
		Channels: []WireChannel{}, Threads: []WireThread{}, Presences: []Presence{}, StageInstances: []*Stage{},
		ScheduledEvents: []WireScheduledEvent{}, Soundboard: []struct{}{}}
	for _, c := range g.SortedChannels() {
		cw := show(c)
		cw.GuildID = nil
		w.Channels = append(w.Channels, cw)
	}
	all := intents&IntentGuildPresences != 0 && !w.Large
	for _, m := range g.SortedMembers() {
		if all || m.User.ID == bot || g.Voice[m.User.ID] != nil {
			w.Members = append(w.Members, m.Wire())
		}
		if intents&IntentGuildPresences != 0 && !m.User.Bot {
			w.Presences = append(w.Presences, Presence{User: PartialUser{m.User.ID}, GuildID: g.ID, Status: "online",
				Activities: []struct{}{}, ClientStatus: map[string]any{"web": "online"}})
		}
	}
	if intents&IntentGuildVoiceStates != 0 {
		for _, v := range g.SortedVoice() {
			vw := g.WireVoice(g.Members[v.User], v, false)
			vw.GuildID = nil
			w.VoiceStates = append(w.VoiceStates, vw)
		}
	}
	return w
}

func (g *Guild) botJoined(bot ID) time.Time {
	if m := g.Members[bot]; m != nil {
		return m.JoinedAt
	}
	return g.JoinedAt
}

func number01(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
