package standin

import "slices"

// resolve adds what an id names to the data and says whether there is such a thing.
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
			w := m.wireWithoutUser()
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
	w := ch.wire()
	p := b.s.permsIn(b.guild, b.guild.members[b.me], ch)
	w.Permissions = &p
	put(&b.resolved.Channels, id, w)
	return true
}

// target resolves what a menu command was used on.
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
