package discordsim

import "time"

// Dispatch reports that an event goes to one session: on the session's writing goroutine, just before the bytes are
// written.
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

// Dispatch queues an event for every session that should get it. The world hands it over in order, so all sessions
// get events in the same order.
func (s *Gateway) Dispatch(e *event) {
	if e.app != nil {
		s.dispatchTo(e.app, e, nil)
		return
	}
	var data []byte
	for _, app := range e.guild.bots {
		data = s.dispatchTo(app, e, data)
	}
}

func (s *Gateway) dispatchTo(app *application, e *event, data []byte) []byte {
	for _, sess := range s.shards[app.id] {
		if !wanted(e, sess) {
			continue
		}
		it := item{name: e.name, user: e.user, at: e.at}
		if e.guild != nil {
			it.guild = e.guild.id
		}
		if e.per != nil {
			v := e.per(receiver{app: sess.app, intents: sess.intents})
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

func wanted(e *event, sess *session) bool {
	if e.intent != 0 && sess.intents&e.intent == 0 {
		return false
	}
	if e.guild == nil {
		return sess.shard == 0
	}
	return sess.takes(e.guild.id) && (e.name == "INTERACTION_CREATE" || !sess.awaits(e.guild.id))
}

// Announce makes an application's sessions get the GUILD_CREATE of a guild they don't have yet.
func (s *Gateway) Announce(app *application, g *guild) {
	for _, sess := range s.shards[app.id] {
		if sess.takes(g.id) && sess.intents&IntentGuilds != 0 {
			sess.expect(g.id)
		}
	}
}

// Retract tells an application's sessions that a guild is gone or temporarily unavailable.
func (s *Gateway) Retract(app *application, g *guild, unavailable bool) {
	type gone struct {
		ID          ID   `json:"id"`
		Unavailable bool `json:"unavailable,omitempty"`
	}
	for _, sess := range s.shards[app.id] {
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
// read and queued in one View: it contains all earlier changes, and later ones are sent as events.
func (s *Gateway) streamGuild(sess *session) (sent bool) {
	s.world.View(func(w *state) { sent = s.streamFrom(w, sess) })
	return sent
}

func (s *Gateway) streamFrom(w *state, sess *session) bool {
	id, ok := sess.next(func(id ID) bool { return w.guilds[id] == nil || !w.guilds[id].unavailable })
	if !ok {
		return false
	}
	g := w.guilds[id]
	if g == nil || g.members[sess.app.id] == nil {
		sess.forget(id)
		return true
	}
	data := marshal(g.wireCreate(sess.app.id, sess.intents, sess.large,
		func(c *channel) wireChannel { return w.wireFor(g, sess.app, c) }))
	if sess.forget(id) {
		sess.append(item{name: "GUILD_CREATE", guild: id, data: data, at: time.Now()})
	}
	return true
}
