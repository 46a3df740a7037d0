package world

import (
	"slices"
	"time"
)

// The functions in this file change the state and dispatch the events. Their callers have checked the permissions.

// GuildRef is the guild_id of an event.
type GuildRef struct {
	GuildID ID `json:"guild_id"`
}

// AddMember adds a user to a guild.
func (s *State) AddMember(g *Guild, u *User, nick string, roles []ID) *Member {
	m := &Member{User: u, Nick: nick, Roles: slices.Clone(roles), JoinedAt: s.Now(), Pending: g.Screening && !u.Bot}
	g.Members[u.ID] = m
	if a := s.Apps[u.ID]; a != nil {
		a.Guilds[g.ID] = struct{}{}
		g.Bots = append(g.Bots, a)
		for _, c := range g.Channels {
			s.noteHidden(g, c, false)
		}
		s.sink.Announce(a, g)
	}
	w := m.Wire()
	w.GuildID = &g.ID
	s.Dispatch(Event{Name: "GUILD_MEMBER_ADD", Intent: IntentGuildMembers, Guild: g, User: u.ID, Data: w,
		Per: exceptFor(u.ID, w)})
	s.CheckProfile(g, m)
	s.Watcher.GuildChanged(g.ID)
	s.Watcher.UsersChanged()
	return m
}

// exceptFor omits a bot's own sessions, which get GUILD_CREATE when the bot joins.
func exceptFor(bot ID, data any) func(Receiver) any {
	return func(to Receiver) any {
		if to.App.ID == bot {
			return nil
		}
		return data
	}
}

// RemoveMember disconnects a member from voice, then removes them. Their overwrites in channels stay, as in Discord.
func (s *State) RemoveMember(g *Guild, id ID) {
	m := g.Members[id]
	s.Disconnect(g, m)
	for _, t := range g.ThreadsOf(func(*Channel) bool { return true }) {
		s.LeaveThread(t, id)
	}
	delete(g.Members, id)
	if a := s.Apps[id]; a != nil {
		delete(a.Guilds, g.ID)
		g.Bots = slices.DeleteFunc(g.Bots, func(b *Application) bool { return b == a })
		for rid, r := range g.Roles {
			if r.BotID == id {
				s.RemoveRole(g, rid)
			}
		}
		s.sink.Retract(a, g, false)
	}
	type removed struct {
		GuildRef
		User WireUser `json:"user"`
	}
	s.Dispatch(Event{Name: "GUILD_MEMBER_REMOVE", Intent: IntentGuildMembers, Guild: g, User: id,
		Data: removed{GuildRef{g.ID}, m.User.Wire()}})
	s.Watcher.GuildChanged(g.ID)
	s.Watcher.UsersChanged()
}

// Ban keeps a user out of a guild, and removes them if they are a member.
func (s *State) Ban(g *Guild, u *User, reason string) {
	g.Bans[u.ID] = reason
	if g.Members[u.ID] != nil {
		s.RemoveMember(g, u.ID)
	}
	s.banEvent(g, "GUILD_BAN_ADD", u)
}

// Unban lets a user back into a guild.
func (s *State) Unban(g *Guild, u *User) {
	delete(g.Bans, u.ID)
	s.banEvent(g, "GUILD_BAN_REMOVE", u)
}

func (s *State) banEvent(g *Guild, name string, u *User) {
	type changed struct {
		GuildRef
		User WireUser `json:"user"`
	}
	s.Dispatch(Event{Name: name, Intent: IntentGuildModeration, Guild: g, User: u.ID,
		Data: changed{GuildRef{g.ID}, u.Wire()}})
}

// MemberEvent dispatches a change of a member's roles, nickname or state. A bot gets its own even without the intent.
func (s *State) MemberEvent(g *Guild, m *Member) {
	w := m.Wire()
	w.GuildID = &g.ID
	s.Dispatch(Event{Name: "GUILD_MEMBER_UPDATE", Guild: g, User: m.User.ID, Per: func(to Receiver) any {
		if to.Intents&IntentGuildMembers == 0 && to.App.ID != m.User.ID {
			return nil
		}
		return w
	}})
	if m.User.Bot {
		s.revisit(g)
	}
	s.Watcher.GuildChanged(g.ID)
}

// RoleEvent dispatches an event about a role.
func (s *State) RoleEvent(g *Guild, name string, r *Role) {
	type changed struct {
		GuildRef
		Role WireRole `json:"role"`
	}
	s.Dispatch(Event{Name: name, Intent: IntentGuilds, Guild: g, Data: changed{GuildRef{g.ID}, r.Wire()}})
	if name == "GUILD_ROLE_UPDATE" {
		s.revisit(g)
	}
	s.Watcher.GuildChanged(g.ID)
}

// RemoveRole deletes a role, and removes it from members and overwrites.
func (s *State) RemoveRole(g *Guild, id ID) {
	delete(g.Roles, id)
	for _, m := range g.Members {
		if i := slices.Index(m.Roles, id); i >= 0 {
			m.Roles = slices.Delete(slices.Clone(m.Roles), i, i+1)
			s.MemberEvent(g, m)
		}
	}
	for _, c := range g.SortedChannels() {
		if i := c.FindOverwrite(id); i >= 0 {
			c.Overwrites = slices.Delete(c.Overwrites, i, i+1)
			s.ChannelEvent("CHANNEL_UPDATE", c)
		}
	}
	s.forgetRole(g, id)
	type removed struct {
		GuildRef
		RoleID ID `json:"role_id"`
	}
	s.Dispatch(Event{Name: "GUILD_ROLE_DELETE", Intent: IntentGuilds, Guild: g, Data: removed{GuildRef{g.ID}, id}})
	s.revisit(g)
	s.Watcher.GuildChanged(g.ID)
}

// GuildEvent dispatches a change of a guild's settings.
func (s *State) GuildEvent(g *Guild) {
	s.Dispatch(Event{Name: "GUILD_UPDATE", Intent: IntentGuilds, Guild: g, Data: g.Wire()})
	s.Watcher.GuildChanged(g.ID)
}

// RemoveChannel deletes a channel: a category's children move out of it, and people in voice are disconnected first.
func (s *State) RemoveChannel(c *Channel) {
	g := s.Guilds[c.Guild]
	for _, v := range g.SortedVoice() {
		if v.Channel == c.ID {
			s.Disconnect(g, g.Members[v.User])
		}
	}
	for code, inv := range s.Invites {
		if inv.Channel == c.ID {
			s.RemoveInvite(code)
		}
	}
	for _, h := range s.WebhooksOf(func(h *Webhook) bool { return h.Channel == c.ID }) {
		delete(s.Webhooks, h.ID)
	}
	for _, t := range g.ThreadsOf(func(t *Channel) bool { return t.Parent == c.ID }) {
		s.dropThread(g, t)
	}
	s.EndStage(g, c.ID)
	for _, id := range SortedIDs(g.Events) {
		if e := g.Events[id]; e.Channel == c.ID && !e.Over() { // it can't take place any more: a guess
			e.Status = EventCanceled
			s.EventOfGuild("GUILD_SCHEDULED_EVENT_UPDATE", e)
		}
	}
	delete(g.Channels, c.ID)
	delete(s.Channels, c.ID)
	delete(s.Messages, c.ID)
	for _, child := range g.SortedChannels() {
		if child.Parent == c.ID {
			child.Parent = 0
			s.ChannelEvent("CHANNEL_UPDATE", child)
		}
	}
	if g.System == c.ID {
		g.System = 0
	}
	if g.AFK == c.ID {
		g.AFK = 0
		s.GuildEvent(g)
	}
	s.ChannelEvent("CHANNEL_DELETE", c)
}

// SetStatus sets a voice channel's status.
func (s *State) SetStatus(c *Channel, status string) {
	c.Status = status
	type changed struct {
		ID ID `json:"id"`
		GuildRef
		Status *string `json:"status"`
	}
	s.channelNews("VOICE_CHANNEL_STATUS_UPDATE", c, changed{c.ID, GuildRef{c.Guild}, Optional(status)})
	s.Watcher.GuildChanged(c.Guild)
}

// Connect connects a member to a voice channel, or changes their voice state, and returns when it was dispatched.
func (s *State) Connect(g *Guild, m *Member, v voiceState) time.Time {
	old := g.Voice[m.User.ID]
	if old == nil || old.session == "" {
		v.session = s.RandomHex(16)
	} else {
		v.session = old.session
	}
	v.User = m.User.ID
	s.See(m.User)
	g.Voice[m.User.ID] = &v
	at := s.VoiceEvent(g, m)
	if old != nil {
		s.voiceSession(g, old.Channel)
	}
	s.voiceSession(g, v.Channel)
	return at
}

// Disconnect disconnects a member from voice, if they are connected.
func (s *State) Disconnect(g *Guild, m *Member) time.Time {
	v := g.Voice[m.User.ID]
	if v == nil {
		return time.Now()
	}
	s.See(m.User)
	delete(g.Voice, m.User.ID)
	gone := *v
	gone.Channel = 0
	gone.SelfStream, gone.SelfVideo, gone.Suppress, gone.Speak = false, false, false, time.Time{}
	at := s.tellVoice(g, m, &gone)
	s.voiceSession(g, v.Channel)
	return at
}

// voiceSession starts what a channel has while somebody is in it, and ends it, with the status,
// when the last one has left.
func (s *State) voiceSession(g *Guild, id ID) {
	c := g.Channels[id]
	if c == nil {
		return
	}
	began, lasts := !c.voiceStart.IsZero(), g.inVoice(id) > 0
	if !lasts && c.Status != "" {
		s.SetStatus(c, "")
	}
	if began == lasts {
		return
	}
	if c.voiceStart = (time.Time{}); lasts {
		c.voiceStart = s.Now()
	}
	type changed struct {
		ID ID `json:"id"`
		GuildRef
		Start *int64 `json:"voice_start_time"`
	}
	s.channelNews("VOICE_CHANNEL_START_TIME_UPDATE", c, changed{c.ID, GuildRef{g.ID}, c.Started()})
}

// Started returns when somebody first joined the channel, in Unix seconds; nil while nobody is in it.
func (c *Channel) Started() *int64 {
	if c.voiceStart.IsZero() {
		return nil
	}
	at := c.voiceStart.Unix()
	return &at
}

// channelNews dispatches an event about a channel to those who can view it.
func (s *State) channelNews(name string, c *Channel, data any) {
	g := s.Guilds[c.Guild]
	s.Dispatch(Event{Name: name, Intent: IntentGuilds, Guild: g, Per: func(to Receiver) any {
		if s.HiddenFrom(g, to.App.ID, c) {
			return nil
		}
		return data
	}})
}

// VoiceEvent dispatches a connected member's voice state, and returns when.
func (s *State) VoiceEvent(g *Guild, m *Member) time.Time {
	return s.tellVoice(g, m, g.Voice[m.User.ID])
}

func (s *State) tellVoice(g *Guild, m *Member, v *voiceState) time.Time {
	w := g.WireVoice(m, v, true)
	at := s.Dispatch(Event{
		Name: "VOICE_STATE_UPDATE", Intent: IntentGuildVoiceStates, Guild: g, User: m.User.ID, Data: w,
	})
	s.Watcher.VoiceChanged(s, g.ID, w)
	return at
}

// SetUnavailable begins or ends an outage of a guild.
func (s *State) SetUnavailable(g *Guild, unavailable bool) {
	if g.Unavailable == unavailable {
		return
	}
	g.Unavailable = unavailable
	for _, app := range g.Bots {
		if unavailable {
			s.sink.Retract(app, g, true)
		}
		s.sink.Announce(app, g)
	}
	s.Watcher.GuildChanged(g.ID)
}
