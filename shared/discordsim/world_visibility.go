package discordsim

// flagObfuscated marks a channel that the recipient can't view.
const flagObfuscated = 1 << 17

// hiddenName replaces the name of a channel that can't be viewed.
const hiddenName = "___hidden___"

// hiddenFrom reports whether a bot can't view a channel: it doesn't have VIEW_CHANNEL and isn't
// connected to it; a category is visible if any of its channels is ("Obfuscated Channels" in
// Discord's document of the channel).
func (s *state) hiddenFrom(g *guild, bot ID, c *channel) bool {
	if s.opts.ShowAllChannels {
		return false
	}
	m := g.members[bot]
	if m == nil || s.sees(g, m, c) {
		return false
	}
	if c.kind != ChannelCategory {
		return true
	}
	for _, child := range g.channels {
		if child.parent == c.id && s.sees(g, m, child) {
			return false
		}
	}
	return true
}

func (s *state) sees(g *guild, m *member, c *channel) bool {
	if v := g.voice[m.user.id]; v != nil && v.channel == c.id {
		return true
	}
	return s.permsIn(g, m, c).Has(PermViewChannel)
}

// obfuscated returns what is sent to those who can't view a channel: its id, type and position, and
// one overwrite that denies viewing.
func (c *channel) obfuscated() wireChannel {
	blank := channel{id: c.id, guild: c.guild, parent: c.parent, kind: c.kind, position: c.position,
		name: hiddenName, overwrites: []overwrite{{id: c.guild, deny: PermViewChannel}}, bitrate: 64000, quality: 1}
	w := blank.wire()
	w.Flags = flagObfuscated
	return w
}

// wireFor returns a channel as a bot's gateway connection gets it, and records whether it was hidden.
func (s *state) wireFor(g *guild, app *application, c *channel) wireChannel {
	if s.hiddenFrom(g, app.id, c) {
		return c.obfuscated()
	}
	return c.wire()
}

// channelEvent dispatches an event about a channel, to each bot as it may see it.
func (s *state) channelEvent(name string, c *channel) {
	g := s.guilds[c.guild]
	s.noteHidden(g, c, name == "CHANNEL_DELETE")
	var plain any = c.wire()
	s.dispatch(event{name: name, intent: IntentGuilds, guild: g, per: func(to receiver) any {
		if s.hiddenFrom(g, to.app.id, c) {
			return c.obfuscated()
		}
		return plain
	}})
	if c.parent != 0 && name != "CHANNEL_UPDATE" {
		s.revisit(g)
	}
	s.watcher.GuildChanged(g.id)
}

// noteHidden records from which bots a channel is hidden.
func (s *state) noteHidden(g *guild, c *channel, gone bool) {
	for _, app := range g.bots {
		key := [2]ID{app.id, c.id}
		if !gone && s.hiddenFrom(g, app.id, c) {
			s.hidden[key] = struct{}{}
		} else {
			delete(s.hidden, key)
		}
	}
}

// revisit updates bots about channels that became visible or hidden after a change of roles or members.
func (s *state) revisit(g *guild) {
	if s.opts.ShowAllChannels {
		return
	}
	for _, c := range g.sortedChannels() {
		for _, app := range g.bots {
			key := [2]ID{app.id, c.id}
			_, was := s.hidden[key]
			if now := s.hiddenFrom(g, app.id, c); now != was {
				s.noteHidden(g, c, false)
				s.dispatch(event{
					name: "CHANNEL_UPDATE", intent: IntentGuilds, guild: g, app: app, data: s.wireFor(g, app, c),
				})
			}
		}
	}
}
