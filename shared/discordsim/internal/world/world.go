package world

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim/internal/world/form"
)

// ID is a Discord snowflake.
type ID = snowflake.ID

// ChannelType is a channel's type, with Discord's numbers.
type ChannelType int

// The types of channels that the simulator has.
const (
	ChannelText          ChannelType = 0
	ChannelDM            ChannelType = 1
	ChannelVoice         ChannelType = 2
	ChannelCategory      ChannelType = 4
	ChannelAnnouncement  ChannelType = 5
	ChannelNewsThread    ChannelType = 10
	ChannelPublicThread  ChannelType = 11
	ChannelPrivateThread ChannelType = 12
	ChannelStage         ChannelType = 13
	ChannelForum         ChannelType = 15
)

// Whose permissions an overwrite changes, with Discord's numbers.
const (
	OverwriteRole   = 0
	OverwriteMember = 1
)

// User is an account of a person or a bot.
type User struct {
	ID         ID
	Username   string
	GlobalName string
	Avatar     string // its hash
	Locale     string // such as en-US
	Token      string // which scripts act with as this user
	Bot        bool
	DMsClosed  bool // doesn't accept direct messages from bots
	Unverified bool // neither a verified email address nor a phone
	developer  bool // created as the owner of an application
	webhook    bool // the author of a webhook's message
	flags      int
	seen       time.Time // when they last did something
}

// Guild is one server.
type Guild struct {
	ID          ID
	Name        string
	Icon        string // its hash; empty: none
	Description string
	Owner       ID
	Locale      string    // such as en-US
	JoinedAt    time.Time // when it was founded
	Roles       map[ID]*Role
	Channels    map[ID]*Channel // without threads
	Threads     map[ID]*Channel
	Events      map[ID]*ScheduledEvent
	Stages      map[ID]*Stage // by channel
	Emojis      map[ID]*CustomEmoji
	ModRules    map[ID]*ModRule // of auto moderation
	Members     map[ID]*Member
	Voice       map[ID]*voiceState
	Bans        map[ID]string  // reasons, by user
	Bots        []*Application // the applications whose bots are members
	Audit       []AuditEntry   // oldest first
	Unavailable bool           // as in an outage: bots get no events of it
	AFK         ID             // the AFK channel; 0: none
	AFKTimeout  int            // seconds
	System      ID             // the channel of welcome messages; 0: none
	Verify      int            // the verification level, 0 to 4
	Screening   bool           // membership screening is enabled
	TwoFactor   bool           // moderators need two-factor authentication
	Boosts      int            // which decide the boost tier
	BadWords    []string       // forbidden in channel names
	BadInForm   bool           // and the form of that error
	mentioned   []time.Time    // when people mentioned somebody lately; only where mention raids are looked for
}

// Role is a role of a guild.
type Role struct {
	ID          ID
	Name        string
	Permissions Permissions
	Position    int // @everyone has 0, higher ones are above
	Color       int // 0xRRGGBB; 0: none
	Hoist       bool
	Managed     bool
	Mentionable bool
	BotID       ID // of the bot that it belongs to; 0: nobody's
}

// Channel is a channel of a guild, or a DM channel.
type Channel struct {
	ID          ID
	Guild       ID      // 0 for a DM channel
	Parent      ID      // the category, or the channel of a thread; 0: none
	Thread      *Thread // nil unless it is one
	Tags        []Tag   // of a forum
	Kind        ChannelType
	Name        string
	Topic       *string
	Position    int // among those of its kind
	Bitrate     int // bits per second; voice only
	UserLimit   int // 0: none
	Slowmode    int // seconds
	NSFW        bool
	Region      *string // nil: automatic
	Quality     int     // of video: 1 automatic, 2 720p
	ArchiveMins int     // of threads by default; 0: not set
	Overwrites  []Overwrite
	Status      string    // of a voice channel
	voiceStart  time.Time // zero while nobody is in it
	LastMessage ID        // 0: none
	LastPin     time.Time
	Renames     []time.Time      // those that the limit counts, oldest first
	OldEdits    []time.Time      // edits of messages older than an hour, likewise
	Parties     []ID             // the two recipients of a DM channel
	spoke       map[ID]time.Time // when people last wrote, while it has a slowmode
}

// Overwrite allows and denies permissions in a channel.
type Overwrite struct {
	ID    ID  // of the role or member
	Kind  int // OverwriteRole or OverwriteMember
	Allow Permissions
	Deny  Permissions
}

// Member is a user's membership in a guild.
type Member struct {
	User     *User
	Nick     string
	Roles    []ID // without @everyone
	JoinedAt time.Time
	Timeout  time.Time // until when they are timed out; past or zero: they aren't
	Mute     bool      // by moderators, as Deaf is
	Deaf     bool
	Pending  bool // hasn't passed the screening
	flags    int
}

// voiceState is a member's connection to a voice channel.
type voiceState struct {
	User       ID
	Channel    ID
	session    string
	selfMute   bool
	selfDeaf   bool
	SelfStream bool
	SelfVideo  bool
	Suppress   bool
	Speak      time.Time
}

// Voice reports whether people can connect to the channel.
func (c *Channel) Voice() bool { return c.Kind == ChannelVoice || c.Kind == ChannelStage }

// Texts reports whether the channel accepts messages: voice channels have a chat too.
func (c *Channel) Texts() bool {
	switch c.Kind {
	case ChannelText, ChannelDM, ChannelVoice, ChannelAnnouncement, ChannelStage, ChannelNewsThread,
		ChannelPublicThread, ChannelPrivateThread:
		return true
	}
	return false
}

// FindOverwrite returns the index of the overwrite for a role or a member; -1 if there is none.
func (c *Channel) FindOverwrite(id ID) int {
	return slices.IndexFunc(c.Overwrites, func(o Overwrite) bool { return o.ID == id })
}

// IsParty reports whether a user is a recipient of the DM channel.
func (c *Channel) IsParty(u ID) bool { return slices.Contains(c.Parties, u) }

// Has reports whether a member has a role.
func (m *Member) Has(role ID) bool { return slices.Contains(m.Roles, role) }

// DisplayName returns the name that others see.
func (u *User) DisplayName() string {
	if u.GlobalName != "" {
		return u.GlobalName
	}
	return u.Username
}

// NextID makes a snowflake for the current time. Later calls return larger ids.
func (s *State) NextID() ID {
	ms := s.Now().UnixMilli() - snowflake.Epoch
	if ms > s.lastMS {
		s.lastMS, s.lastInc = ms, 0
	} else if s.lastInc++; s.lastInc > 0xfff {
		s.lastMS, s.lastInc = s.lastMS+1, 0
	}
	return ID(uint64(s.lastMS)<<22 | 1<<17 | s.lastInc)
}

// FoundingID makes a snowflake from a year ago, each one millisecond after the previous: the
// initial objects are older than what happens later, and guilds are spread over shards, which
// depend on the milliseconds.
func (s *State) FoundingID() ID {
	s.founded++
	return ID(uint64(s.foundingMS+s.founded)<<22 | 2<<17 | uint64(s.founded)&0xfff)
}

// RandomHex returns n random bytes as hex.
func (s *State) RandomHex(n int) string { return hex.EncodeToString(s.randomBytes(n)) }

func (s *State) randomBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.rng.UintN(256))
	}
	return b
}

// Secret returns n random bytes in the alphabet of Discord's tokens.
func (s *State) Secret(n int) string { return base64.RawURLEncoding.EncodeToString(s.randomBytes(n)) }

// botToken makes a token whose first part is the id, which libraries decode.
func (s *State) botToken(id ID) string {
	return base64.RawStdEncoding.EncodeToString([]byte(id.String())) + "." + s.Secret(5) + "." + s.Secret(28)
}

// tokenID returns the id that a bot's token begins with; 0: none.
func tokenID(token string) ID {
	first, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(first, "="))
	if err != nil {
		return 0
	}
	return form.ParseID(string(raw))
}

// seed makes ids and tokens follow from a number; 0: from chance.
func (s *State) seed(seed uint64) {
	if seed == 0 {
		seed = rand.Uint64()
	}
	s.source = rand.NewPCG(seed, 0x736e7567)
	s.rng = rand.New(s.source)
}

// Member finds a member of a guild by both ids; nil if there is none.
func (s *State) Member(guild, user ID) *Member {
	if g := s.Guilds[guild]; g != nil {
		return g.Members[user]
	}
	return nil
}

// SortedChannels lists a guild's channels by position, then id.
func (g *Guild) SortedChannels() []*Channel {
	list := make([]*Channel, 0, len(g.Channels))
	for _, c := range g.Channels {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *Channel) int {
		if a.Position != b.Position {
			return a.Position - b.Position
		}
		return CompareIDs(a.ID, b.ID)
	})
	return list
}

// SortedRoles lists a guild's roles by position, then id.
func (g *Guild) SortedRoles() []*Role {
	list := make([]*Role, 0, len(g.Roles))
	for _, r := range g.Roles {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *Role) int {
		if a.Position != b.Position {
			return a.Position - b.Position
		}
		return CompareIDs(a.ID, b.ID)
	})
	return list
}

// SortedMembers lists a guild's members by user id.
func (g *Guild) SortedMembers() []*Member {
	list := make([]*Member, 0, len(g.Members))
	for _, m := range g.Members {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *Member) int { return CompareIDs(a.User.ID, b.User.ID) })
	return list
}

// SortedVoice lists a guild's voice states by user id.
func (g *Guild) SortedVoice() []*voiceState {
	list := make([]*voiceState, 0, len(g.Voice))
	for _, v := range g.Voice {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b *voiceState) int { return CompareIDs(a.User, b.User) })
	return list
}

// inVoice counts the members connected to a channel.
func (g *Guild) inVoice(channel ID) int {
	n := 0
	for _, v := range g.Voice {
		if v.Channel == channel {
			n++
		}
	}
	return n
}

// ChildCount counts the channels in a category.
func (g *Guild) ChildCount(parent ID) int {
	n := 0
	for _, c := range g.Channels {
		if c.Parent == parent {
			n++
		}
	}
	return n
}

// CompareIDs orders ids by age.
func CompareIDs(a, b ID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TextName normalizes the name of a text channel as Discord does.
func TextName(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "-"))
}

// SortedIDs lists a map's ids, oldest first.
func SortedIDs[V any](m map[ID]V) []ID {
	ids := make([]ID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, CompareIDs)
	return ids
}

// Matches reports whether one of a member's names starts with a lower-case prefix.
func (m *Member) Matches(prefix string) bool {
	for _, n := range []string{m.User.Username, m.User.GlobalName, m.Nick} {
		if (n != "" || prefix == "") && strings.HasPrefix(strings.ToLower(n), prefix) {
			return true
		}
	}
	return false
}

// IsPerson reports whether to offer an account on the page: not bots, and application owners that
// were created automatically only if they are in a guild.
func (s *State) IsPerson(u *User) bool {
	if !u.developer {
		return !u.Bot
	}
	for _, g := range s.Guilds {
		if g.Members[u.ID] != nil {
			return true
		}
	}
	return false
}
