package control

import (
	"cmp"
	"slices"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/gateway"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// State is the world, or what one user sees of it, as Discord's objects.
type State struct {
	User         *world.ID                        `json:"user_id,omitempty"` // the viewer
	Guilds       []StateGuild                     `json:"guilds"`
	Messages     map[world.ID][]world.WireMessage `json:"messages"` // by channel, oldest first
	DMs          []world.WireDM                   `json:"dms"`
	Users        []StateUser                      `json:"users"`
	Applications []StateApplication               `json:"applications"`
	Modals       []Modal                          `json:"modals"` // that the user has open
	Faults       []faults.Fault                   `json:"faults"`
	Invites      map[string]world.WireInvite      `json:"invites,omitempty"`
	OwnHosts     []string                         `json:"own_hosts,omitempty"` // see GiveOwnHosts
}

// StateGuild is a guild with everything in it. Members and VoiceStates are complete, or limited to
// what the user sees: voice states in channels they can view.
type StateGuild struct {
	world.WireGuildCreate
	Mine       *world.Permissions `json:"permissions,omitempty"`          // the user's permissions in the guild
	Interested []world.ID         `json:"interested_event_ids,omitempty"` // the user's, of scheduled events
}

// StateUser is a person's account.
type StateUser struct {
	world.WireUser
	Locale    string     `json:"locale"`
	DMsClosed bool       `json:"dms_closed"`
	Guilds    []world.ID `json:"guild_ids"`
}

// StateApplication is an application with its gateway sessions.
type StateApplication struct {
	ID       world.ID          `json:"id"`
	Name     string            `json:"name"`
	Bot      world.WireUser    `json:"bot"`
	Sessions []gateway.Session `json:"sessions"`
	Guilds   []world.ID        `json:"guild_ids"`
	// DMsOpened counts the DM channels it opened.
	DMsOpened   int  `json:"dms_opened"`
	Quarantined bool `json:"quarantined"`
}

// State returns the whole world.
func (c *Control) State() (st *State) {
	c.world.View(func(s *world.State) { st = held{s, c}.snapshot(0) })
	return st
}

// StateFor returns the world as a user sees it.
func (c *Control) StateFor(user world.ID) (*State, error) {
	return ask(c, func(s held) (*State, error) {
		if s.Users[user] == nil {
			return nil, form.UnknownUser()
		}
		return s.snapshot(user), nil
	})
}

func (s held) snapshot(user world.ID) *State {
	st := &State{User: world.OptionalID(user), Guilds: []StateGuild{},
		Messages: map[world.ID][]world.WireMessage{}, DMs: []world.WireDM{},
		Users: s.stateUsers(), Applications: s.stateApplications(), Modals: []Modal{}, Faults: s.control.faults.All(),
		OwnHosts: s.OwnHosts}
	for _, id := range world.SortedIDs(s.Guilds) {
		if g := s.Guilds[id]; user == 0 || g.Members[user] != nil {
			st.Guilds = append(st.Guilds, s.stateGuild(g, user))
		}
	}
	for id, list := range s.Messages {
		ch := s.Channels[id]
		if ch == nil || user != 0 && !s.CanSee(user, ch) {
			continue
		}
		for _, m := range list {
			if user == 0 || m.Only == 0 || m.Only == user {
				st.Messages[id] = append(st.Messages[id], s.WireMessage(m, user))
			}
		}
	}
	for _, ch := range s.DMs {
		if user == 0 || ch.IsParty(user) {
			st.DMs = append(st.DMs, s.WireDMFor(ch, user))
		}
	}
	slices.SortFunc(st.DMs, func(a, b world.WireDM) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range s.Modals {
		if a.User.ID == user {
			st.Modals = append(st.Modals, *shownModal(a.Modal))
		}
	}
	if user == 0 {
		st.Invites = map[string]world.WireInvite{}
		for _, i := range s.InvitesOf(func(*world.Invite) bool { return true }) {
			st.Invites[i.Code] = s.WireInvite(i, true)
		}
	}
	return st
}

func (s held) stateGuild(g *world.Guild, user world.ID) StateGuild {
	w := StateGuild{WireGuildCreate: g.WireCreate(0, 0, 1<<30, (*world.Channel).Wire)}
	w.Unavailable = g.Unavailable
	w.Threads, w.StageInstances = s.ActiveThreads(g, user), s.StagesFor(g, user)
	w.ScheduledEvents = s.ScheduledEventsFor(g, user, true)
	for _, e := range w.ScheduledEvents {
		if slices.Contains(g.Events[e.ID].Interested, user) {
			w.Interested = append(w.Interested, e.ID)
		}
	}
	w.JoinedAt = world.Stamp(g.JoinedAt)
	me := g.Members[user]
	if me != nil {
		p := s.BasePerms(g, me)
		w.Mine = &p
		w.JoinedAt = world.Stamp(me.JoinedAt)
	}
	w.Channels = []world.WireChannel{}
	for _, ch := range g.SortedChannels() {
		cw := ch.Wire()
		if ch.Voice() {
			cw.Status = world.OrNull(world.Optional(ch.Status))
		}
		if me != nil {
			p := s.PermsIn(g, me, ch)
			if !p.Has(world.PermViewChannel) {
				continue
			}
			cw.Permissions = &p
		}
		w.Channels = append(w.Channels, cw)
	}
	w.Members = []world.WireMember{}
	for _, m := range g.SortedMembers() {
		w.Members = append(w.Members, m.Wire())
	}
	for _, v := range g.SortedVoice() {
		if me != nil && g.Channels[v.Channel] != nil &&
			!s.PermsIn(g, me, g.Channels[v.Channel]).Has(world.PermViewChannel) {
			continue
		}
		w.VoiceStates = append(w.VoiceStates, g.WireVoice(g.Members[v.User], v, false))
	}
	return w
}

func (s held) stateUsers() []StateUser {
	list := []StateUser{}
	where := map[world.ID][]world.ID{}
	for _, id := range world.SortedIDs(s.Guilds) {
		for u := range s.Guilds[id].Members {
			where[u] = append(where[u], id)
		}
	}
	for _, id := range world.SortedIDs(s.Users) {
		if u := s.Users[id]; len(list) < 1000 && s.IsPerson(u) {
			guilds := where[id]
			if guilds == nil {
				guilds = []world.ID{}
			}
			list = append(list, StateUser{u.Wire(), u.Locale, u.DMsClosed, guilds})
		}
	}
	return list
}

func (s held) stateApplications() []StateApplication {
	list := []StateApplication{}
	for _, id := range world.SortedIDs(s.Apps) {
		a := s.Apps[id]
		w := StateApplication{ID: id, Name: a.Name, Bot: a.Bot.Wire(), Sessions: s.control.gateway.Sessions(id),
			Guilds:    world.SortedIDs(a.Guilds),
			DMsOpened: a.DMUse.Total, Quarantined: a.DMUse.Quarantined}
		list = append(list, w)
	}
	return list
}
