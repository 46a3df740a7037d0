// Package eventjson decodes the events that come by the thousand, GUILD_CREATE and VOICE_STATE_UPDATE, ten times
// faster than encoding/json: with a scanner made for them, and only the fields that Snug uses. The result has disgo's
// types. Whatever is unusual in an event (a type, a form, a key twice) makes Decode give up, and then package lenient
// decodes it as it does all others, so nothing is understood less well than without this package.
//
// FuzzDecode compares both. A field that Snug begins to use is added here, and to the comparison.
package eventjson

import (
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/gateway"
)

// Decode decodes an event. It returns false for other events, and for those it isn't certain about. data isn't kept.
func Decode(kind gateway.EventType, data []byte) (gateway.EventData, bool) {
	s := &scanner{b: data}
	switch kind {
	case gateway.EventTypeGuildCreate:
		e := s.guildCreate()
		return e, s.end()
	case gateway.EventTypeVoiceStateUpdate:
		e := s.voiceStateUpdate()
		return e, s.end() && e.GuildID != 0 && e.UserID != 0
	}
	return nil, false
}

var guildFields = []string{
	"id", "name", "icon", "owner_id", "afk_channel_id", "preferred_locale", "unavailable", "roles", "channels",
	"members", "voice_states",
}

// guildScalars is how many of guildFields are read by guildField.
const guildScalars = 6

// guildField reads one of the first fields of a guild.
func (s *scanner) guildField(g *discord.Guild, field int) {
	switch field {
	case 0:
		g.ID = s.id()
	case 1:
		g.Name = s.string()
	case 2:
		g.Icon = s.optional()
	case 3:
		g.OwnerID = s.id()
	case 4:
		g.AfkChannelID = s.optionalID()
	case 5:
		g.PreferredLocale = s.string()
	}
}

func (s *scanner) guildCreate() (e gateway.EventGuildCreate) {
	s.object(guildFields, func(field int) {
		switch field {
		case 6:
			e.Unavailable = s.bool()
		case 7:
			s.list(func() { e.Roles = append(e.Roles, s.role()) })
		case 8:
			s.list(func() { e.Channels = append(e.Channels, s.channel()) })
		case 9:
			s.list(func() { e.Members = append(e.Members, s.member()) })
		case 10:
			s.list(func() { e.VoiceStates = append(e.VoiceStates, s.voiceState(nil)) })
		default:
			s.guildField(&e.Guild, field)
		}
	})
	if e.ID == 0 {
		s.fail()
	}
	for _, c := range e.Channels {
		if c, ok := c.(*Channel); ok {
			c.guild = e.ID
		}
	}
	return e
}

var roleFields = []string{"id", "name", "position", "permissions", "managed", "tags"}

func (s *scanner) role() (r discord.Role) {
	s.object(roleFields, func(field int) {
		switch field {
		case 0:
			r.ID = s.id()
		case 1:
			r.Name = s.string()
		case 2:
			r.Position = s.int()
		case 3:
			r.Permissions = s.permissions()
		case 4:
			r.Managed = s.bool()
		case 5:
			r.Tags = s.tags()
		}
	})
	if r.ID == 0 {
		s.fail()
	}
	return r
}

var tagFields = []string{"bot_id"}

func (s *scanner) tags() *discord.RoleTag {
	if s.null() {
		return nil
	}
	t := &discord.RoleTag{}
	s.object(tagFields, func(int) { t.BotID = s.optionalID() })
	return t
}

var memberFields = []string{"user", "nick", "avatar", "roles", "pending", "communication_disabled_until"}

func (s *scanner) member() (m discord.Member) {
	s.object(memberFields, func(field int) {
		switch field {
		case 0:
			m.User = s.user()
		case 1:
			m.Nick = s.optional()
		case 2:
			m.Avatar = s.optional()
		case 3:
			s.list(func() { m.RoleIDs = append(m.RoleIDs, s.id()) })
		case 4:
			m.Pending = s.bool()
		case 5:
			m.CommunicationDisabledUntil = s.time()
		}
	})
	if m.User.ID == 0 {
		s.fail()
	}
	return m
}

var userFields = []string{"id", "username", "discriminator", "global_name", "avatar", "bot"}

func (s *scanner) user() (u discord.User) {
	s.object(userFields, func(field int) {
		switch field {
		case 0:
			u.ID = s.id()
		case 1:
			u.Username = s.string()
		case 2:
			u.Discriminator = s.string()
		case 3:
			u.GlobalName = s.optional()
		case 4:
			u.Avatar = s.optional()
		case 5:
			u.Bot = s.bool()
		}
	})
	return u
}

var voiceFields = []string{
	"guild_id", "channel_id", "user_id", "deaf", "mute", "self_deaf", "self_mute", "self_stream", "self_video",
	"suppress", "member",
}

// voiceState reads a voice state, and its member into m; nil skips that.
func (s *scanner) voiceState(m *discord.Member) (v discord.VoiceState) {
	s.object(voiceFields, func(field int) {
		switch field {
		case 0:
			v.GuildID = s.id()
		case 1:
			v.ChannelID = s.optionalID()
		case 2:
			v.UserID = s.id()
		case 3:
			v.GuildDeaf = s.bool()
		case 4:
			v.GuildMute = s.bool()
		case 5:
			v.SelfDeaf = s.bool()
		case 6:
			v.SelfMute = s.bool()
		case 7:
			v.SelfStream = s.bool()
		case 8:
			v.SelfVideo = s.bool()
		case 9:
			v.Suppress = s.bool()
		case 10:
			if m == nil {
				s.skip()
				return
			}
			*m = s.member()
		}
	})
	return v
}

func (s *scanner) voiceStateUpdate() (e gateway.EventVoiceStateUpdate) {
	e.VoiceState = s.voiceState(&e.Member)
	return e
}
