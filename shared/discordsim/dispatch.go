package discordsim

import "time"

// Dispatch reports that an event goes to one session. Options.OnDispatch is called with it on the
// session's writing goroutine just before the bytes are written.
type Dispatch struct {
	Time        time.Time // now: the bytes are written next
	Queued      time.Time // when the change happened and the event was queued
	Event       string    // GUILD_CREATE, VOICE_STATE_UPDATE, …
	Application ID
	Guild       ID // 0 for events outside guilds
	User        ID // the user it is about; 0 for other events
	Shard       int
	Sequence    int64
}

// event is a change to be sent to sessions.
type event struct {
	name   string
	intent Intents      // any of these; 0: all sessions
	guild  *guild       // nil: a direct message or an event of an application
	app    *application // nil: every application in the guild
	user   ID
	data   any                // the same for all receivers
	per    func(*session) any // or one for each; nil skips a session
}

// dispatch queues an event for every session that should get it and returns the time at which it
// did. The caller holds the world for writing, so all sessions get events in the same order.
func (s *Server) dispatch(e event) time.Time {
	at := time.Now()
	if e.app != nil {
		s.dispatchTo(e.app, e, at, nil)
		return at
	}
	if e.guild == nil || e.guild.unavailable {
		return at
	}
	var data []byte
	for _, app := range e.guild.bots {
		data = s.dispatchTo(app, e, at, data)
	}
	return at
}

func (s *Server) dispatchTo(app *application, e event, at time.Time, data []byte) []byte {
	for _, sess := range app.sessions {
		if !e.wanted(sess) {
			continue
		}
		it := item{name: e.name, user: e.user, at: at}
		if e.guild != nil {
			it.guild = e.guild.id
		}
		if e.per != nil {
			v := e.per(sess)
			if v == nil {
				continue
			}
			it.data = marshal(v)
		} else {
			if data == nil {
				data = marshal(e.data)
			}
			it.data = data
		}
		sess.append(it)
	}
	return data
}

func (e *event) wanted(sess *session) bool {
	if e.intent != 0 && sess.intents&e.intent == 0 {
		return false
	}
	if e.guild == nil {
		return sess.shard == 0
	}
	return sess.takes(e.guild.id) && (e.name == "INTERACTION_CREATE" || !sess.awaits(e.guild.id))
}

// announce makes an application's sessions get the GUILD_CREATE of a guild they don't have yet: it
// was joined, or it is back after an outage.
func (s *Server) announce(app *application, g *guild) {
	for _, sess := range app.sessions {
		if sess.takes(g.id) && sess.intents&IntentGuilds != 0 {
			sess.expect(g.id)
		}
	}
}

// retract tells an application's sessions that a guild is gone or temporarily unavailable.
func (s *Server) retract(app *application, g *guild, unavailable bool) {
	type gone struct {
		ID          ID   `json:"id"`
		Unavailable bool `json:"unavailable,omitempty"`
	}
	for _, sess := range app.sessions {
		if !sess.takes(g.id) || sess.intents&IntentGuilds == 0 {
			continue
		}
		if sess.forget(g.id) && !unavailable {
			continue
		}
		sess.append(item{name: "GUILD_DELETE", guild: g.id, data: marshal(gone{g.id, unavailable}), at: time.Now()})
	}
}

// streamGuild sends one pending GUILD_CREATE to a session, and reports whether there was one. The guild is
// read and queued under the world's lock: it contains all earlier changes, and later ones are sent as events.
func (s *Server) streamGuild(sess *session) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, ok := sess.next(func(id ID) bool { return s.guilds[id] == nil || !s.guilds[id].unavailable })
	if !ok {
		return false
	}
	g := s.guilds[id]
	if g == nil || g.members[sess.app.id] == nil {
		sess.forget(id)
		return true
	}
	data := marshal(g.wireCreate(sess.app.id, sess.intents, sess.large,
		func(c *channel) wireChannel { return s.wireFor(g, sess.app, c) }))
	if sess.forget(id) {
		sess.append(item{name: "GUILD_CREATE", guild: id, data: data, at: time.Now()})
	}
	return true
}
