package discordsim

import (
	"slices"
	"time"
)

// The functions in this file change the state and dispatch the events. Their callers have checked the permissions.

// guildRef is the guild_id of an event.
type guildRef struct {
	GuildID ID `json:"guild_id"`
}

// addMember adds a user to a guild.
func (s *state) addMember(g *guild, u *user, nick string, roles []ID) *member {
	m := &member{user: u, nick: nick, roles: slices.Clone(roles), joinedAt: s.now(), pending: g.screening && !u.bot}
	g.members[u.id] = m
	if a := s.apps[u.id]; a != nil {
		a.guilds[g.id] = struct{}{}
		g.bots = append(g.bots, a)
		for _, c := range g.channels {
			s.noteHidden(g, c, false)
		}
		s.sink.Announce(a, g)
	}
	w := m.wire()
	w.GuildID = &g.id
	s.dispatch(event{name: "GUILD_MEMBER_ADD", intent: IntentGuildMembers, guild: g, user: u.id, data: w,
		per: exceptFor(u.id, w)})
	s.watcher.GuildChanged(g.id)
	s.watcher.UsersChanged()
	return m
}

// exceptFor omits a bot's own sessions, which get GUILD_CREATE when the bot joins.
func exceptFor(bot ID, data any) func(receiver) any {
	return func(to receiver) any {
		if to.app.id == bot {
			return nil
		}
		return data
	}
}

// removeMember disconnects a member from voice, then removes them. Their overwrites in channels stay, as in Discord.
func (s *state) removeMember(g *guild, id ID) {
	m := g.members[id]
	s.disconnect(g, m)
	delete(g.members, id)
	if a := s.apps[id]; a != nil {
		delete(a.guilds, g.id)
		g.bots = slices.DeleteFunc(g.bots, func(b *application) bool { return b == a })
		for rid, r := range g.roles {
			if r.botID == id {
				s.removeRole(g, rid)
			}
		}
		s.sink.Retract(a, g, false)
	}
	type removed struct {
		guildRef
		User wireUser `json:"user"`
	}
	s.dispatch(event{name: "GUILD_MEMBER_REMOVE", intent: IntentGuildMembers, guild: g, user: id,
		data: removed{guildRef{g.id}, m.user.wire()}})
	s.watcher.GuildChanged(g.id)
	s.watcher.UsersChanged()
}

// memberEvent dispatches a change of a member's roles, nickname or state. A bot gets its own even without the intent.
func (s *state) memberEvent(g *guild, m *member) {
	w := m.wire()
	w.GuildID = &g.id
	s.dispatch(event{name: "GUILD_MEMBER_UPDATE", guild: g, user: m.user.id, per: func(to receiver) any {
		if to.intents&IntentGuildMembers == 0 && to.app.id != m.user.id {
			return nil
		}
		return w
	}})
	if m.user.bot {
		s.revisit(g)
	}
	s.watcher.GuildChanged(g.id)
}

// roleEvent dispatches an event about a role.
func (s *state) roleEvent(g *guild, name string, r *role) {
	type changed struct {
		guildRef
		Role wireRole `json:"role"`
	}
	s.dispatch(event{name: name, intent: IntentGuilds, guild: g, data: changed{guildRef{g.id}, r.wire()}})
	if name == "GUILD_ROLE_UPDATE" {
		s.revisit(g)
	}
	s.watcher.GuildChanged(g.id)
}

// removeRole deletes a role, and removes it from members and overwrites.
func (s *state) removeRole(g *guild, id ID) {
	delete(g.roles, id)
	for _, m := range g.members {
		if i := slices.Index(m.roles, id); i >= 0 {
			m.roles = slices.Delete(slices.Clone(m.roles), i, i+1)
			s.memberEvent(g, m)
		}
	}
	for _, c := range g.sortedChannels() {
		if i := c.findOverwrite(id); i >= 0 {
			c.overwrites = slices.Delete(c.overwrites, i, i+1)
			s.channelEvent("CHANNEL_UPDATE", c)
		}
	}
	type removed struct {
		guildRef
		RoleID ID `json:"role_id"`
	}
	s.dispatch(event{name: "GUILD_ROLE_DELETE", intent: IntentGuilds, guild: g, data: removed{guildRef{g.id}, id}})
	s.revisit(g)
	s.watcher.GuildChanged(g.id)
}

// guildEvent dispatches a change of a guild's settings.
func (s *state) guildEvent(g *guild) {
	s.dispatch(event{name: "GUILD_UPDATE", intent: IntentGuilds, guild: g, data: g.wire()})
	s.watcher.GuildChanged(g.id)
}

// removeChannel deletes a channel: a category's children move out of it, and people in voice are disconnected first.
func (s *state) removeChannel(c *channel) {
	g := s.guilds[c.guild]
	for _, v := range g.sortedVoice() {
		if v.channel == c.id {
			s.disconnect(g, g.members[v.user])
		}
	}
	for code, inv := range s.invites {
		if inv.channel == c.id {
			s.removeInvite(code)
		}
	}
	delete(g.channels, c.id)
	delete(s.channels, c.id)
	delete(s.messages, c.id)
	for _, child := range g.sortedChannels() {
		if child.parent == c.id {
			child.parent = 0
			s.channelEvent("CHANNEL_UPDATE", child)
		}
	}
	if g.system == c.id {
		g.system = 0
	}
	if g.afk == c.id {
		g.afk = 0
		s.guildEvent(g)
	}
	s.channelEvent("CHANNEL_DELETE", c)
}

// setStatus sets a voice channel's status.
func (s *state) setStatus(c *channel, status string) {
	c.status = status
	type changed struct {
		ID ID `json:"id"`
		guildRef
		Status *string `json:"status"`
	}
	s.channelNews("VOICE_CHANNEL_STATUS_UPDATE", c, changed{c.id, guildRef{c.guild}, optional(status)})
	s.watcher.GuildChanged(c.guild)
}

// connect connects a member to a voice channel, or changes their voice state, and returns when it was dispatched.
func (s *state) connect(g *guild, m *member, v voiceState) time.Time {
	old := g.voice[m.user.id]
	if old == nil || old.session == "" {
		v.session = s.randomHex(16)
	} else {
		v.session = old.session
	}
	v.user = m.user.id
	g.voice[m.user.id] = &v
	at := s.voiceEvent(g, m)
	if old != nil {
		s.voiceSession(g, old.channel)
	}
	s.voiceSession(g, v.channel)
	return at
}

// disconnect disconnects a member from voice, if they are connected.
func (s *state) disconnect(g *guild, m *member) time.Time {
	v := g.voice[m.user.id]
	if v == nil {
		return time.Now()
	}
	delete(g.voice, m.user.id)
	gone := *v
	gone.channel = 0
	gone.selfStream, gone.selfVideo, gone.suppress, gone.speak = false, false, false, time.Time{}
	at := s.tellVoice(g, m, &gone)
	s.voiceSession(g, v.channel)
	return at
}

// voiceSession starts what a channel has while somebody is in it, and ends it, with the status,
// when the last one has left.
func (s *state) voiceSession(g *guild, id ID) {
	c := g.channels[id]
	if c == nil {
		return
	}
	began, lasts := !c.voiceStart.IsZero(), g.inVoice(id) > 0
	if !lasts && c.status != "" {
		s.setStatus(c, "")
	}
	if began == lasts {
		return
	}
	if c.voiceStart = (time.Time{}); lasts {
		c.voiceStart = s.now()
	}
	type changed struct {
		ID ID `json:"id"`
		guildRef
		Start *int64 `json:"voice_start_time"`
	}
	s.channelNews("VOICE_CHANNEL_START_TIME_UPDATE", c, changed{c.id, guildRef{g.id}, c.started()})
}

// started returns when somebody first joined the channel, in Unix seconds; nil while nobody is in it.
func (c *channel) started() *int64 {
	if c.voiceStart.IsZero() {
		return nil
	}
	at := c.voiceStart.Unix()
	return &at
}

// channelNews dispatches an event about a channel to those who can view it.
func (s *state) channelNews(name string, c *channel, data any) {
	g := s.guilds[c.guild]
	s.dispatch(event{name: name, intent: IntentGuilds, guild: g, per: func(to receiver) any {
		if s.hiddenFrom(g, to.app.id, c) {
			return nil
		}
		return data
	}})
}

// voiceEvent dispatches a connected member's voice state, and returns when.
func (s *state) voiceEvent(g *guild, m *member) time.Time {
	return s.tellVoice(g, m, g.voice[m.user.id])
}

func (s *state) tellVoice(g *guild, m *member, v *voiceState) time.Time {
	w := g.wireVoice(m, v, true)
	at := s.dispatch(event{
		name: "VOICE_STATE_UPDATE", intent: IntentGuildVoiceStates, guild: g, user: m.user.id, data: w,
	})
	s.watcher.VoiceChanged(s, g.id, w)
	return at
}

// setUnavailable begins or ends an outage of a guild.
func (s *state) setUnavailable(g *guild, unavailable bool) {
	if g.unavailable == unavailable {
		return
	}
	g.unavailable = unavailable
	for _, app := range g.bots {
		if unavailable {
			s.sink.Retract(app, g, true)
		}
		s.sink.Announce(app, g)
	}
	s.watcher.GuildChanged(g.id)
}
