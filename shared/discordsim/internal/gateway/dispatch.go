package gateway

import (
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Dispatch reports that an event goes to one session: on the session's writing goroutine, just before the bytes are
// written.
type Dispatch struct {
	Time        time.Time // now: the bytes are written next
	Queued      time.Time // when the change happened and the event was queued
	Event       string    // GUILD_CREATE, VOICE_STATE_UPDATE, …
	Application world.ID
	Guild       world.ID // 0 for events outside guilds
	User        world.ID // the user it is about; 0 for other events
	Shard       int
	Sequence    int64
}

// Dispatch queues an event for every session that should get it. The world hands it over in order, so all sessions
// get events in the same order.
func (s *Gateway) Dispatch(e *world.Event) {
	if e.App != nil {
		s.dispatchTo(e.App, e, nil)
		return
	}
	var data []byte
	for _, app := range e.Guild.Bots {
		data = s.dispatchTo(app, e, data)
	}
}

func (s *Gateway) dispatchTo(app *world.Application, e *world.Event, data []byte) []byte {
	for _, sess := range s.shards[app.ID] {
		if !wanted(e, sess) {
			continue
		}
		it := item{name: e.Name, user: e.User, at: e.At}
		if e.Guild != nil {
			it.guild = e.Guild.ID
		}
		if e.Per != nil {
			v := e.Per(world.Receiver{App: sess.app, Intents: sess.intents})
			if v == nil {
				continue
			}
			it.data = form.Marshal(v)
		} else {
			if data == nil {
				data = form.Marshal(e.Data)
			}
			it.data = data
		}
		sess.append(it)
	}
	return data
}

func wanted(e *world.Event, sess *session) bool {
	if e.Intent != 0 && sess.intents&e.Intent == 0 {
		return false
	}
	if e.Guild == nil {
		return sess.shard == 0
	}
	return sess.takes(e.Guild.ID) && (e.Name == "INTERACTION_CREATE" || !sess.awaits(e.Guild.ID))
}

// Announce makes an application's sessions get the GUILD_CREATE of a guild they don't have yet.
func (s *Gateway) Announce(app *world.Application, g *world.Guild) {
	for _, sess := range s.shards[app.ID] {
		if sess.takes(g.ID) && sess.intents&world.IntentGuilds != 0 {
			sess.expect(g.ID)
		}
	}
}

// Retract tells an application's sessions that a guild is gone or temporarily unavailable.
func (s *Gateway) Retract(app *world.Application, g *world.Guild, unavailable bool) {
	type gone struct {
		ID          world.ID `json:"id"`
		Unavailable bool     `json:"unavailable,omitempty"`
	}
	for _, sess := range s.shards[app.ID] {
		if !sess.takes(g.ID) || sess.intents&world.IntentGuilds == 0 {
			continue
		}
		if sess.forget(g.ID) && !unavailable {
			continue
		}
		sess.append(item{name: "GUILD_DELETE", guild: g.ID,
			data: form.Marshal(gone{g.ID, unavailable}), at: time.Now()})
	}
}

// streamGuild sends one pending GUILD_CREATE to a session, and reports whether there was one. The guild is
// read and queued in one View: it contains all earlier changes, and later ones are sent as events.
func (s *Gateway) streamGuild(sess *session) (sent bool) {
	s.world.View(func(w *world.State) { sent = s.streamFrom(w, sess) })
	return sent
}

func (s *Gateway) streamFrom(w *world.State, sess *session) bool {
	id, ok := sess.next(func(id world.ID) bool { return w.Guilds[id] == nil || !w.Guilds[id].Unavailable })
	if !ok {
		return false
	}
	g := w.Guilds[id]
	if g == nil || g.Members[sess.app.ID] == nil {
		sess.forget(id)
		return true
	}
	whole := g.WireCreate(sess.app.ID, sess.intents, sess.large,
		func(c *world.Channel) world.WireChannel { return w.WireFor(g, sess.app, c) })
	whole.Threads, whole.StageInstances = w.ActiveThreads(g, sess.app.ID), w.StagesFor(g, sess.app.ID)
	whole.ScheduledEvents = w.ScheduledEventsFor(g, sess.app.ID, false)
	data := form.Marshal(whole)
	if sess.forget(id) {
		sess.append(item{name: "GUILD_CREATE", guild: id, data: data, at: time.Now()})
	}
	return true
}

// Replaced ends every session: bots are asked to identify again, and none can resume.
func (s *Gateway) Replaced() {
	for _, sess := range s.sessions {
		if c := sess.connection(); c != nil {
			c.setSession(nil)
			sess.detach(c, s.now())
			c.send(opInvalidSession, false)
		}
	}
	clear(s.sessions)
	clear(s.shards)
	clear(s.listed)
}
