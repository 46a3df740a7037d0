package eventjson

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/lenient"
)

// Channel is a server's channel with what Snug uses of it. disgo's own types can only be made by their UnmarshalJSON.
type Channel struct {
	discord.GuildChannel // nil; it makes this type one of disgo's channels, by the methods that disgo hides

	id, guild, parent snowflake.ID
	name              string
	kind              discord.ChannelType
	position          int32
	limit             int32
	overwrites        []discord.PermissionOverwrite
}

// Type implements discord.Channel.
func (c *Channel) Type() discord.ChannelType { return c.kind }

// ID implements discord.Channel.
func (c *Channel) ID() snowflake.ID { return c.id }

// Name implements discord.Channel.
func (c *Channel) Name() string { return c.name }

// GuildID implements discord.GuildChannel.
func (c *Channel) GuildID() snowflake.ID { return c.guild }

// CreatedAt implements discord.Channel.
func (c *Channel) CreatedAt() time.Time { return c.id.Time() }

// Position implements discord.GuildChannel.
func (c *Channel) Position() int { return int(c.position) }

// String implements discord.Channel.
func (c *Channel) String() string { return fmt.Sprintf("%d:%s(%s)", c.kind, c.name, c.id) }

// Mention implements discord.Mentionable.
func (c *Channel) Mention() string { return discord.ChannelMention(c.id) }

// ParentID implements discord.GuildChannel.
func (c *Channel) ParentID() *snowflake.ID {
	if c.parent == 0 {
		return nil
	}
	id := c.parent
	return &id
}

// PermissionOverwrites implements discord.GuildChannel. The result is shared and must not be changed.
func (c *Channel) PermissionOverwrites() discord.PermissionOverwrites { return c.overwrites }

// UserLimit is the user limit of a voice channel; 0 means none.
func (c *Channel) UserLimit() int { return int(c.limit) }

// MarshalJSON encodes the channel as Discord does, as far as it is known.
func (c *Channel) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID         snowflake.ID                  `json:"id"`
		Type       discord.ChannelType           `json:"type"`
		GuildID    snowflake.ID                  `json:"guild_id"`
		Name       string                        `json:"name"`
		ParentID   *snowflake.ID                 `json:"parent_id,omitempty"`
		Position   int                           `json:"position"`
		UserLimit  int                           `json:"user_limit,omitempty"`
		Overwrites []discord.PermissionOverwrite `json:"permission_overwrites,omitempty"`
	}{c.id, c.kind, c.guild, c.name, c.ParentID(), c.Position(), c.UserLimit(), c.overwrites})
}

var channelFields = []string{
	"id", "type", "name", "parent_id", "position", "permission_overwrites", "user_limit", "guild_id",
}

// channel reads a channel. One of a type that is new is left to disgo.
func (s *scanner) channel() discord.GuildChannel {
	s.peek()
	begin := s.i
	c, typed := &Channel{}, false
	s.object(channelFields, func(field int) {
		switch field {
		case 0:
			c.id = s.id()
		case 1:
			c.kind, typed = discord.ChannelType(s.int()), true
		case 2:
			c.name = s.string()
		case 3:
			if id := s.optionalID(); id != nil {
				c.parent = *id
			}
		case 4:
			c.position = int32(s.int())
		case 5:
			c.overwrites = s.overwrites()
		case 6:
			c.limit = int32(s.int())
		case 7:
			c.guild = s.id()
		}
	})
	if s.unsure || !typed || c.id == 0 {
		s.fail()
		return nil
	}
	switch c.kind {
	case discord.ChannelTypeGuildCategory:
		c.parent = 0
	case discord.ChannelTypeGuildText, discord.ChannelTypeGuildNews, discord.ChannelTypeGuildVoice,
		discord.ChannelTypeGuildStageVoice, discord.ChannelTypeGuildForum, discord.ChannelTypeGuildMedia:
	default:
		return s.strange(s.b[begin:s.i])
	}
	if c.kind != discord.ChannelTypeGuildVoice {
		c.limit = 0
	}
	return c
}

func (s *scanner) strange(raw []byte) discord.GuildChannel {
	var u discord.UnmarshalChannel
	if lenient.Unmarshal(raw, &u) == nil {
		if c, ok := u.Channel.(discord.GuildChannel); ok {
			return c
		}
	}
	s.fail()
	return nil
}

var overwriteFields = []string{"id", "type", "allow", "deny"}

func (s *scanner) overwrites() []discord.PermissionOverwrite {
	var list []discord.PermissionOverwrite
	s.list(func() {
		var id snowflake.ID
		var allow, deny discord.Permissions
		kind := 0
		s.object(overwriteFields, func(field int) {
			switch field {
			case 0:
				id = s.id()
			case 1:
				kind = s.int()
			case 2:
				allow = s.permissions()
			case 3:
				deny = s.permissions()
			}
		})
		switch discord.PermissionOverwriteType(kind) {
		case discord.PermissionOverwriteTypeRole:
			list = append(list, discord.RolePermissionOverwrite{RoleID: id, Allow: allow, Deny: deny})
		case discord.PermissionOverwriteTypeMember:
			list = append(list, discord.MemberPermissionOverwrite{UserID: id, Allow: allow, Deny: deny})
		default:
			s.fail()
		}
	})
	return list
}
