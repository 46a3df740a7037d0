package control

import (
	"slices"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// resolve adds the object with an id to the data, and reports whether it exists.
func (b *dataBuilder) resolve(kind int, id world.ID, channelTypes []int) bool {
	switch kind {
	case world.OptUser:
		return b.user(id)
	case world.OptRole:
		return b.role(id)
	case world.OptMentionable:
		return b.user(id) || b.role(id)
	case world.OptChannel:
		return b.channel(id, channelTypes)
	}
	return false
}

func (b *dataBuilder) user(id world.ID) bool {
	u := b.s.Users[id]
	if u == nil {
		return false
	}
	put(&b.resolved.Users, id, u.Wire())
	if b.guild != nil {
		if m := b.guild.Members[id]; m != nil {
			w := m.WirePartial()
			p := b.s.BasePerms(b.guild, m)
			w.Permissions = &p
			put(&b.resolved.Members, id, w)
		}
	}
	return true
}

func (b *dataBuilder) role(id world.ID) bool {
	if b.guild == nil || b.guild.Roles[id] == nil {
		return false
	}
	put(&b.resolved.Roles, id, b.guild.Roles[id].Wire())
	return true
}

func (b *dataBuilder) channel(id world.ID, types []int) bool {
	if b.guild == nil || b.guild.Channel(id) == nil {
		return false
	}
	ch := b.guild.Channel(id)
	if len(types) > 0 && !slices.Contains(types, int(ch.Kind)) {
		return false
	}
	w := partialChannel{ID: ch.ID, Name: ch.Name, Type: ch.Kind, Position: ch.Position, NSFW: ch.NSFW,
		GuildID:  ch.Guild,
		ParentID: world.OptionalID(ch.Parent), Permissions: b.s.PermsIn(b.guild, b.guild.Members[b.me], ch)}
	if bot := b.guild.Members[b.app]; bot != nil {
		w.AppPermissions = b.s.PermsIn(b.guild, bot, ch)
	}
	if ch.Kind != world.ChannelCategory {
		w.LastMessage, w.LastPin = &world.NullID{ID: ch.LastMessage}, world.OptionalTime(ch.LastPin)
		w.Slowmode = &ch.Slowmode
		if !ch.Voice() {
			w.Topic = world.OrNull(ch.Topic)
		}
	}
	put(&b.resolved.Channels, id, w)
	return true
}

// partialChannel is the part of a channel that an interaction contains.
// https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-resolved-data-structure
type partialChannel struct {
	ID             world.ID          `json:"id"`
	Name           string            `json:"name"`
	Type           world.ChannelType `json:"type"`
	Permissions    world.Permissions `json:"permissions"`
	AppPermissions world.Permissions `json:"app_permissions"`
	LastMessage    *world.NullID     `json:"last_message_id,omitempty"`
	LastPin        *world.Stamp      `json:"last_pin_timestamp,omitempty"`
	NSFW           bool              `json:"nsfw"`
	ParentID       *world.ID         `json:"parent_id"`
	GuildID        world.ID          `json:"guild_id"`
	Flags          int               `json:"flags"`
	Slowmode       *int              `json:"rate_limit_per_user,omitempty"`
	Topic          *world.NullString `json:"topic,omitempty"`
	Position       int               `json:"position"`
}

// target resolves the target of a menu command.
func (b *dataBuilder) target(cmd *world.Command, ch *world.Channel, id world.ID) error {
	if cmd.Type == world.CommandUser {
		if !b.user(id) {
			return form.UnknownUser()
		}
		return nil
	}
	m := b.s.FindMessage(ch.ID, id)
	if m == nil {
		return form.UnknownMessage()
	}
	put(&b.resolved.Messages, id, b.s.WireMessage(m, 0))
	return nil
}

func put[V any](m *map[world.ID]V, id world.ID, v V) {
	if *m == nil {
		*m = map[world.ID]V{}
	}
	(*m)[id] = v
}
