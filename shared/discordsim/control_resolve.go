package discordsim

import "slices"

// resolve adds the object with an id to the data, and reports whether it exists.
func (b *dataBuilder) resolve(kind int, id ID, channelTypes []int) bool {
	switch kind {
	case optUser:
		return b.user(id)
	case optRole:
		return b.role(id)
	case optMentionable:
		return b.user(id) || b.role(id)
	case optChannel:
		return b.channel(id, channelTypes)
	}
	return false
}

func (b *dataBuilder) user(id ID) bool {
	u := b.s.users[id]
	if u == nil {
		return false
	}
	put(&b.resolved.Users, id, u.wire())
	if b.guild != nil {
		if m := b.guild.members[id]; m != nil {
			w := m.wirePartial()
			p := b.s.basePerms(b.guild, m)
			w.Permissions = &p
			put(&b.resolved.Members, id, w)
		}
	}
	return true
}

func (b *dataBuilder) role(id ID) bool {
	if b.guild == nil || b.guild.roles[id] == nil {
		return false
	}
	put(&b.resolved.Roles, id, b.guild.roles[id].wire())
	return true
}

func (b *dataBuilder) channel(id ID, types []int) bool {
	if b.guild == nil || b.guild.channels[id] == nil {
		return false
	}
	ch := b.guild.channels[id]
	if len(types) > 0 && !slices.Contains(types, int(ch.kind)) {
		return false
	}
	w := partialChannel{ID: ch.id, Name: ch.name, Type: ch.kind, Position: ch.position, NSFW: ch.nsfw,
		GuildID:  ch.guild,
		ParentID: optionalID(ch.parent), Permissions: b.s.permsIn(b.guild, b.guild.members[b.me], ch)}
	if bot := b.guild.members[b.app]; bot != nil {
		w.AppPermissions = b.s.permsIn(b.guild, bot, ch)
	}
	if ch.kind != ChannelCategory {
		w.LastMessage, w.LastPin, w.Slowmode = &nullID{ch.lastMessage}, optionalTime(ch.lastPin), &ch.slowmode
		if !ch.voice() {
			w.Topic = orNull(ch.topic)
		}
	}
	put(&b.resolved.Channels, id, w)
	return true
}

// partialChannel is the part of a channel that an interaction contains.
// https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-resolved-data-structure
type partialChannel struct {
	ID             ID          `json:"id"`
	Name           string      `json:"name"`
	Type           ChannelType `json:"type"`
	Permissions    Permissions `json:"permissions"`
	AppPermissions Permissions `json:"app_permissions"`
	LastMessage    *nullID     `json:"last_message_id,omitempty"`
	LastPin        *stamp      `json:"last_pin_timestamp,omitempty"`
	NSFW           bool        `json:"nsfw"`
	ParentID       *ID         `json:"parent_id"`
	GuildID        ID          `json:"guild_id"`
	Flags          int         `json:"flags"`
	Slowmode       *int        `json:"rate_limit_per_user,omitempty"`
	Topic          *nullString `json:"topic,omitempty"`
	Position       int         `json:"position"`
}

// target resolves the target of a menu command.
func (b *dataBuilder) target(cmd *command, ch *channel, id ID) error {
	if cmd.Type == commandUser {
		if !b.user(id) {
			return errUnknownUser()
		}
		return nil
	}
	m := b.s.findMessage(ch.id, id)
	if m == nil {
		return errUnknownMessage()
	}
	put(&b.resolved.Messages, id, b.s.wireMessage(m, 0))
	return nil
}

func put[V any](m *map[ID]V, id ID, v V) {
	if *m == nil {
		*m = map[ID]V{}
	}
	(*m)[id] = v
}
