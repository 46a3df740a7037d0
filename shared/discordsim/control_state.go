package discordsim

import (
	"cmp"
	"slices"
)

// State is the world, or what one user sees of it, as Discord's objects.
type State struct {
	User         *ID                   `json:"user_id,omitempty"` // the viewer
	Guilds       []StateGuild          `json:"guilds"`
	Messages     map[ID][]wireMessage  `json:"messages"` // by channel, oldest first
	DMs          []wireDM              `json:"dms"`
	Users        []StateUser           `json:"users"`
	Applications []StateApplication    `json:"applications"`
	Modals       []Modal               `json:"modals"` // that the user has open
	Faults       []Fault               `json:"faults"`
	Invites      map[string]wireInvite `json:"invites,omitempty"`
	OwnHosts     []string              `json:"own_hosts,omitempty"` // see GiveOwnHosts
}

// StateGuild is a guild with everything in it. Members and VoiceStates are complete, or limited to
// what the user sees: voice states in channels they can view.
type StateGuild struct {
	wireGuildCreate
	Mine *Permissions `json:"permissions,omitempty"` // the user's permissions in the guild
}

// StateUser is a person's account.
type StateUser struct {
	wireUser
	Locale    string `json:"locale"`
	DMsClosed bool   `json:"dms_closed"`
	Guilds    []ID   `json:"guild_ids"`
}

// StateApplication is an application with its gateway sessions.
type StateApplication struct {
	ID       ID        `json:"id"`
	Name     string    `json:"name"`
	Bot      wireUser  `json:"bot"`
	Sessions []Session `json:"sessions"`
	Guilds   []ID      `json:"guild_ids"`
	// DMsOpened counts the DM channels it opened.
	DMsOpened   int  `json:"dms_opened"`
	Quarantined bool `json:"quarantined"`
}

// State returns the whole world.
func (c *Control) State() (st *State) {
	c.world.View(func(s *state) { st = controlHeld{s, c}.snapshot(0) })
	return st
}

// StateFor returns the world as a user sees it.
func (c *Control) StateFor(user ID) (*State, error) {
	return ask(c, func(s controlHeld) (*State, error) {
		if s.users[user] == nil {
			return nil, errUnknownUser()
		}
		return s.snapshot(user), nil
	})
}

func (s controlHeld) snapshot(user ID) *State {
	st := &State{User: optionalID(user), Guilds: []StateGuild{}, Messages: map[ID][]wireMessage{}, DMs: []wireDM{},
		Users: s.stateUsers(), Applications: s.stateApplications(), Modals: []Modal{}, Faults: s.control.faults.all(),
		OwnHosts: s.ownHosts}
	for _, id := range sortedIDs(s.guilds) {
		if g := s.guilds[id]; user == 0 || g.members[user] != nil {
			st.Guilds = append(st.Guilds, s.stateGuild(g, user))
		}
	}
	for id, list := range s.messages {
		ch := s.channels[id]
		if ch == nil || user != 0 && !s.canSee(user, ch) {
			continue
		}
		for _, m := range list {
			if user == 0 || m.only == 0 || m.only == user {
				st.Messages[id] = append(st.Messages[id], s.wireMessage(m, user))
			}
		}
	}
	for _, ch := range s.dms {
		if user == 0 || ch.isParty(user) {
			st.DMs = append(st.DMs, s.wireDMFor(ch, user))
		}
	}
	slices.SortFunc(st.DMs, func(a, b wireDM) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range s.modals {
		if a.user.id == user {
			st.Modals = append(st.Modals, *shownModal(a.modal))
		}
	}
	if user == 0 {
		st.Invites = map[string]wireInvite{}
		for _, i := range s.invitesOf(func(*invite) bool { return true }) {
			st.Invites[i.code] = s.wireInvite(i, true)
		}
	}
	return st
}

func (s controlHeld) stateGuild(g *guild, user ID) StateGuild {
	w := StateGuild{wireGuildCreate: g.wireCreate(0, 0, 1<<30, (*channel).wire)}
	w.Unavailable = g.unavailable
	w.JoinedAt = stamp(g.joinedAt)
	me := g.members[user]
	if me != nil {
		p := s.basePerms(g, me)
		w.Mine = &p
		w.JoinedAt = stamp(me.joinedAt)
	}
	w.Channels = []wireChannel{}
	for _, ch := range g.sortedChannels() {
		cw := ch.wire()
		if ch.voice() {
			cw.Status = orNull(optional(ch.status))
		}
		if me != nil {
			p := s.permsIn(g, me, ch)
			if !p.Has(PermViewChannel) {
				continue
			}
			cw.Permissions = &p
		}
		w.Channels = append(w.Channels, cw)
	}
	w.Members = []wireMember{}
	for _, m := range g.sortedMembers() {
		w.Members = append(w.Members, m.wire())
	}
	for _, v := range g.sortedVoice() {
		if me != nil && g.channels[v.channel] != nil && !s.permsIn(g, me, g.channels[v.channel]).Has(PermViewChannel) {
			continue
		}
		w.VoiceStates = append(w.VoiceStates, g.wireVoice(g.members[v.user], v, false))
	}
	return w
}

func (s controlHeld) stateUsers() []StateUser {
	list := []StateUser{}
	where := map[ID][]ID{}
	for _, id := range sortedIDs(s.guilds) {
		for u := range s.guilds[id].members {
			where[u] = append(where[u], id)
		}
	}
	for _, id := range sortedIDs(s.users) {
		if u := s.users[id]; len(list) < 1000 && s.isPerson(u) {
			guilds := where[id]
			if guilds == nil {
				guilds = []ID{}
			}
			list = append(list, StateUser{u.wire(), u.locale, u.dmsClosed, guilds})
		}
	}
	return list
}

func (s controlHeld) stateApplications() []StateApplication {
	list := []StateApplication{}
	for _, id := range sortedIDs(s.apps) {
		a := s.apps[id]
		w := StateApplication{ID: id, Name: a.name, Bot: a.bot.wire(), Sessions: s.control.gateway.Sessions(id),
			Guilds:    sortedIDs(a.guilds),
			DMsOpened: a.dmUse.total, Quarantined: a.dmUse.quarantined}
		list = append(list, w)
	}
	return list
}
