package discordsim

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// ID is a Discord snowflake.
type ID = snowflake.ID

// ChannelType is a channel's type, with Discord's numbers.
type ChannelType int

// The types of channels that the simulator has.
const (
	ChannelText         ChannelType = 0
	ChannelDM           ChannelType = 1
	ChannelVoice        ChannelType = 2
	ChannelCategory     ChannelType = 4
	ChannelAnnouncement ChannelType = 5
	ChannelStage        ChannelType = 13
	ChannelForum        ChannelType = 15
)

const (
	overwriteRole   = 0
	overwriteMember = 1
)

// user is an account of a person or a bot.
type user struct {
	id         ID
	username   string
	globalName string
	avatar     string
	locale     string
	token      string
	bot        bool
	dmsClosed  bool
	unverified bool // neither a verified email address nor a phone
	developer  bool // created as the owner of an application
	flags      int
}

// guild is one server.
type guild struct {
	id          ID
	name        string
	icon        string
	description string
	owner       ID
	locale      string
	joinedAt    time.Time
	roles       map[ID]*role
	channels    map[ID]*channel
	members     map[ID]*member
	voice       map[ID]*voiceState
	bans        map[ID]string
	bots        []*application
	audit       []auditEntry
	unavailable bool
	afk         ID // the AFK channel; 0: none
	afkTimeout  int
	system      ID
	verify      int
	screening   bool // membership screening is enabled
	twoFactor   bool
	badWords    []string // forbidden in channel names
	badInForm   bool     // and the form of that error
}

// role is a role of a guild.
type role struct {
	id          ID
	name        string
	permissions Permissions
	position    int
	color       int
	hoist       bool
	managed     bool
	mentionable bool
	botID       ID
}

// channel is a channel of a guild, or a DM channel.
type channel struct {
	id          ID
	guild       ID // 0 for a DM channel
	parent      ID
	kind        ChannelType
	name        string
	topic       *string
	position    int
	bitrate     int
	userLimit   int
	slowmode    int
	nsfw        bool
	region      *string
	quality     int
	archiveMins int
	overwrites  []overwrite
	status      string
	voiceStart  time.Time // zero while nobody is in it
	lastMessage ID
	lastPin     time.Time
	renames     []time.Time
	oldEdits    []time.Time
	parties     []ID // the two recipients of a DM channel
}

// overwrite allows and denies permissions in a channel.
type overwrite struct {
	id    ID
	kind  int
	allow Permissions
	deny  Permissions
}

// member is a user's membership in a guild.
type member struct {
	user     *user
	nick     string
	roles    []ID
	joinedAt time.Time
	timeout  time.Time
	mute     bool
	deaf     bool
	pending  bool
	flags    int
}

// voiceState is a member's connection to a voice channel.
type voiceState struct {
	user       ID
	channel    ID
	session    string
	selfMute   bool
	selfDeaf   bool
	selfStream bool
	selfVideo  bool
	suppress   bool
	speak      time.Time
}

// voice reports whether people can connect to the channel.
func (c *channel) voice() bool { return c.kind == ChannelVoice || c.kind == ChannelStage }

// texts reports whether the channel accepts messages: voice channels have a chat too.
func (c *channel) texts() bool {
	switch c.kind {
	case ChannelText, ChannelDM, ChannelVoice, ChannelAnnouncement, ChannelStage:
		return true
	}
	return false
}

// findOverwrite returns the index of the overwrite for a role or a member; -1 if there is none.
func (c *channel) findOverwrite(id ID) int {
	return slices.IndexFunc(c.overwrites, func(o overwrite) bool { return o.id == id })
}

// isParty reports whether a user is a recipient of the DM channel.
func (c *channel) isParty(u ID) bool { return slices.Contains(c.parties, u) }

// has reports whether a member has a role.
func (m *member) has(role ID) bool { return slices.Contains(m.roles, role) }

// displayName returns the name that others see.
func (u *user) displayName() string {
	if u.globalName != "" {
		return u.globalName
	}
	return u.username
}

// nextID makes a snowflake for the current time. Later calls return larger ids.
func (s *state) nextID() ID {
	ms := s.now().UnixMilli() - snowflake.Epoch
	if ms > s.lastMS {
		s.lastMS, s.lastInc = ms, 0
	} else if s.lastInc++; s.lastInc > 0xfff {
		s.lastMS, s.lastInc = s.lastMS+1, 0
	}
	return ID(uint64(s.lastMS)<<22 | 1<<17 | s.lastInc)
}

// foundingID makes a snowflake from a year ago, each one millisecond after the previous: the
// initial objects are older than what happens later, and guilds are spread over shards, which
// depend on the milliseconds.
func (s *state) foundingID() ID {
	s.founded++
	return ID(uint64(s.foundingMS+s.founded)<<22 | 2<<17 | uint64(s.founded)&0xfff)
}

// randomHex returns n random bytes as hex.
func (s *state) randomHex(n int) string { return hex.EncodeToString(s.randomBytes(n)) }

func (s *state) randomBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.rng.UintN(256))
	}
	return b
}

// secret returns n random bytes in the alphabet of Discord's tokens.
func (s *state) secret(n int) string { return base64.RawURLEncoding.EncodeToString(s.randomBytes(n)) }

// botToken makes a token whose first part is the id, which libraries decode.
func (s *state) botToken(id ID) string {
	return base64.RawStdEncoding.EncodeToString([]byte(id.String())) + "." + s.secret(5) + "." + s.secret(28)
}

func newRand(seed uint64) *rand.Rand {
	if seed == 0 {
		seed = rand.Uint64()
	}
	return rand.New(rand.NewPCG(seed, 0x736e7567))
}

// member finds a member of a guild by both ids; nil if there is none.
func (s *state) member(guild, user ID) *member {
	if g := s.guilds[guild]; g != nil {
		return g.members[user]
	}
	return nil
}

// sortedChannels lists a guild's channels by position, then id.
func (g *guild) sortedChannels() []*channel {
	list := make([]*channel, 0, len(g.channels))
	for _, c := range g.channels {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *channel) int {
		if a.position != b.position {
			return a.position - b.position
		}
		return compareIDs(a.id, b.id)
	})
	return list
}

// sortedRoles lists a guild's roles by position, then id.
func (g *guild) sortedRoles() []*role {
	list := make([]*role, 0, len(g.roles))
	for _, r := range g.roles {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *role) int {
		if a.position != b.position {
			return a.position - b.position
		}
		return compareIDs(a.id, b.id)
	})
	return list
}

// sortedMembers lists a guild's members by user id.
func (g *guild) sortedMembers() []*member {
	list := make([]*member, 0, len(g.members))
	for _, m := range g.members {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *member) int { return compareIDs(a.user.id, b.user.id) })
	return list
}

// sortedVoice lists a guild's voice states by user id.
func (g *guild) sortedVoice() []*voiceState {
	list := make([]*voiceState, 0, len(g.voice))
	for _, v := range g.voice {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b *voiceState) int { return compareIDs(a.user, b.user) })
	return list
}

// inVoice counts the members connected to a channel.
func (g *guild) inVoice(channel ID) int {
	n := 0
	for _, v := range g.voice {
		if v.channel == channel {
			n++
		}
	}
	return n
}

// childCount counts the channels in a category.
func (g *guild) childCount(parent ID) int {
	n := 0
	for _, c := range g.channels {
		if c.parent == parent {
			n++
		}
	}
	return n
}

// compareIDs orders ids by age.
func compareIDs(a, b ID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// textName normalizes the name of a text channel as Discord does.
func textName(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "-"))
}

// sortedIDs lists a map's ids, oldest first.
func sortedIDs[V any](m map[ID]V) []ID {
	ids := make([]ID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, compareIDs)
	return ids
}

// matches reports whether one of a member's names starts with a lower-case prefix.
func (m *member) matches(prefix string) bool {
	for _, n := range []string{m.user.username, m.user.globalName, m.nick} {
		if (n != "" || prefix == "") && strings.HasPrefix(strings.ToLower(n), prefix) {
			return true
		}
	}
	return false
}

// isPerson reports whether to offer an account on the page: not bots, and application owners that
// were created automatically only if they are in a guild.
func (s *state) isPerson(u *user) bool {
	if !u.developer {
		return !u.bot
	}
	for _, g := range s.guilds {
		if g.members[u.id] != nil {
			return true
		}
	}
	return false
}
