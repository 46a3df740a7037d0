package eventjson

import (
	"encoding/json"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
)

// Stored is what a checkpoint has of a guild.
type Stored struct {
	Guild    discord.Guild
	Self     *discord.Member // the bot's own membership
	Roles    []discord.Role
	Channels []discord.GuildChannel
	Voices   json.RawMessage // the caller's
}

// Encode encodes a guild in the forms that Discord uses, with the fields that Decode reads.
func (g Stored) Encode() ([]byte, error) {
	type overwrite struct {
		ID    snowflake.ID        `json:"id"`
		Type  int                 `json:"type"`
		Allow discord.Permissions `json:"allow"`
		Deny  discord.Permissions `json:"deny"`
	}
	type channel struct {
		ID         snowflake.ID        `json:"id"`
		Type       discord.ChannelType `json:"type"`
		Name       string              `json:"name"`
		ParentID   *snowflake.ID       `json:"parent_id,omitempty"`
		Position   int                 `json:"position"`
		UserLimit  int                 `json:"user_limit,omitempty"`
		Overwrites []overwrite         `json:"permission_overwrites,omitempty"`
	}
	type tags struct {
		BotID *snowflake.ID `json:"bot_id,omitempty"`
	}
	type role struct {
		ID          snowflake.ID        `json:"id"`
		Name        string              `json:"name"`
		Position    int                 `json:"position"`
		Permissions discord.Permissions `json:"permissions"`
		Managed     bool                `json:"managed,omitempty"`
		Tags        *tags               `json:"tags,omitempty"`
	}
	var out struct {
		Guild struct {
			ID     snowflake.ID  `json:"id"`
			Name   string        `json:"name"`
			Icon   *string       `json:"icon,omitempty"`
			Owner  snowflake.ID  `json:"owner_id"`
			AFK    *snowflake.ID `json:"afk_channel_id,omitempty"`
			Locale string        `json:"preferred_locale,omitempty"`
		} `json:"guild"`
		Self     *discord.Member `json:"self,omitempty"`
		Roles    []role          `json:"roles"`
		Channels []channel       `json:"channels"`
		Voices   json.RawMessage `json:"voices"`
	}
	in := &g.Guild
	out.Guild.ID, out.Guild.Name, out.Guild.Icon, out.Guild.Owner = in.ID, in.Name, in.Icon, in.OwnerID
	out.Guild.AFK, out.Guild.Locale, out.Self, out.Voices = in.AfkChannelID, in.PreferredLocale, g.Self, g.Voices
	out.Roles, out.Channels = make([]role, len(g.Roles)), make([]channel, len(g.Channels))
	for i, r := range g.Roles {
		out.Roles[i] = role{r.ID, r.Name, r.Position, r.Permissions, r.Managed, nil}
		if r.Tags != nil {
			out.Roles[i].Tags = &tags{r.Tags.BotID}
		}
	}
	for i, c := range g.Channels {
		w := channel{c.ID(), c.Type(), c.Name(), c.ParentID(), c.Position(), UserLimit(c), nil}
		for _, o := range c.PermissionOverwrites() {
			switch o := o.(type) {
			case discord.RolePermissionOverwrite:
				w.Overwrites = append(w.Overwrites, overwrite{o.RoleID, int(o.Type()), o.Allow, o.Deny})
			case discord.MemberPermissionOverwrite:
				w.Overwrites = append(w.Overwrites, overwrite{o.UserID, int(o.Type()), o.Allow, o.Deny})
			}
		}
		out.Channels[i] = w
	}
	return json.Marshal(out)
}

// UserLimit is the user limit of a voice channel, Snug's or disgo's; 0 means none, or that it isn't one.
func UserLimit(c discord.GuildChannel) int {
	switch c := c.(type) {
	case *Channel:
		return c.UserLimit()
	case discord.GuildVoiceChannel:
		return c.UserLimit
	}
	return 0
}

var storedFields = []string{"guild", "self", "roles", "channels", "voices"}

// DecodeStored decodes what Encode encoded, or encoding/json in earlier versions. It returns false if it isn't certain.
// Voices points into data.
func DecodeStored(data []byte) (g Stored, ok bool) {
	s := &scanner{b: data}
	s.object(storedFields, func(field int) {
		switch field {
		case 0:
			g.Guild = s.guildAlone()
		case 1:
			if !s.null() {
				m := s.member()
				g.Self = &m
			}
		case 2:
			s.list(func() { g.Roles = append(g.Roles, s.role()) })
		case 3:
			s.list(func() { g.Channels = append(g.Channels, s.channel()) })
		case 4:
			g.Voices = s.value()
		}
	})
	if !s.end() {
		return Stored{}, false
	}
	if g.Self != nil {
		g.Self.GuildID = g.Guild.ID
	}
	for i := range g.Roles {
		g.Roles[i].GuildID = g.Guild.ID
	}
	for _, c := range g.Channels {
		if c, ok := c.(*Channel); ok {
			c.guild = g.Guild.ID
		}
	}
	return g, true
}

// guildAlone reads a guild without its lists.
func (s *scanner) guildAlone() (g discord.Guild) {
	s.object(guildFields[:guildScalars], func(field int) { s.guildField(&g, field) })
	if g.ID == 0 {
		s.fail()
	}
	return g
}
