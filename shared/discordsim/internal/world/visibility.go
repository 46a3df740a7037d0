package world

// flagObfuscated marks a channel that the recipient can't view.
const flagObfuscated = 1 << 17

// hiddenName replaces the name of a channel that can't be viewed.
const hiddenName = "___hidden___"

// HiddenFrom reports whether a bot can't view a channel: it doesn't have VIEW_CHANNEL and isn't
// connected to it; a category is visible if any of its channels is ("Obfuscated Channels" in
// Discord's document of the channel).
func (s *State) HiddenFrom(g *Guild, bot ID, c *Channel) bool {
	if s.Opts.ShowAllChannels {
		return false
	}
	m := g.Members[bot]
	if m == nil || s.sees(g, m, c) {
		return false
	}
	if c.Kind != ChannelCategory {
		return true
	}
	for _, child := range g.Channels {
		if child.Parent == c.ID && s.sees(g, m, child) {
			return false
		}
	}
	return true
}

func (s *State) sees(g *Guild, m *Member, c *Channel) bool {
	if v := g.Voice[m.User.ID]; v != nil && v.Channel == c.ID {
		return true
	}
	return s.PermsIn(g, m, c).Has(PermViewChannel)
}

// obfuscated returns what is sent to those who can't view a channel: its id, type and position, and
// one overwrite that denies viewing.
func (c *Channel) obfuscated() WireChannel {
	blank := Channel{ID: c.ID, Guild: c.Guild, Parent: c.Parent, Kind: c.Kind, Position: c.Position,
		Name: hiddenName, Overwrites: []Overwrite{{ID: c.Guild, Deny: PermViewChannel}}, Bitrate: 64000, Quality: 1}
	w := blank.Wire()
	w.Flags = flagObfuscated
	return w
}

// WireFor returns a channel as a bot's gateway connection gets it, and records whether it was hidden.
func (s *State) WireFor(g *Guild, app *Application, c *Channel) WireChannel {
	if s.HiddenFrom(g, app.ID, c) {
		return c.obfuscated()
	}
	return c.Wire()
}

// ChannelEvent dispatches an event about a channel, to each bot as it may see it.
func (s *State) ChannelEvent(name string, c *Channel) {
	g := s.Guilds[c.Guild]
	s.noteHidden(g, c, name == "CHANNEL_DELETE")
	var plain any = c.Wire()
	s.Dispatch(Event{Name: name, Intent: IntentGuilds, Guild: g, Per: func(to Receiver) any {
		if s.HiddenFrom(g, to.App.ID, c) {
			return c.obfuscated()
		}
		return plain
	}})
	if c.Parent != 0 && name != "CHANNEL_UPDATE" {
		s.revisit(g)
	}
	s.Watcher.GuildChanged(g.ID)
}

// noteHidden records from which bots a channel is hidden.
func (s *State) noteHidden(g *Guild, c *Channel, gone bool) {
	for _, app := range g.Bots {
		key := [2]ID{app.ID, c.ID}
		if !gone && s.HiddenFrom(g, app.ID, c) {
			s.hidden[key] = struct{}{}
		} else {
			delete(s.hidden, key)
		}
	}
}

// revisit updates bots about channels that became visible or hidden after a change of roles or members.
func (s *State) revisit(g *Guild) {
	if s.Opts.ShowAllChannels {
		return
	}
	for _, c := range g.SortedChannels() {
		for _, app := range g.Bots {
			key := [2]ID{app.ID, c.ID}
			_, was := s.hidden[key]
			if now := s.HiddenFrom(g, app.ID, c); now != was {
				s.noteHidden(g, c, false)
				s.Dispatch(Event{
					Name: "CHANNEL_UPDATE", Intent: IntentGuilds, Guild: g, App: app, Data: s.WireFor(g, app, c),
				})
				if !now {
					s.syncThreads(g, app, c)
				}
			}
		}
	}
}
