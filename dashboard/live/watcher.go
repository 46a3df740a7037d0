package live

import (
	"context"
	"errors"
	"net/netip"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/keyring"
	"snug/shared/protocol"
)

// watcher is one connection. receive is called for one message after another, by or for melody's
// reading goroutine; the fields under "Live.mu" are also used by others.
type watcher struct {
	conn    *conn
	addr    netip.Addr  // the address it counts for
	came    int64       // when, in Unix nanoseconds
	number  int32       // spreads the heartbeats: each watcher has another one than the one before it
	refused bool        // over the limit: it is only sent a close code
	timer   *time.Timer // ends it unless it authenticates; nil once it has begun to. For its own goroutine

	// Only for receive.
	authed bool
	tokens float64 // messages it may send now
	filled time.Time

	// Guarded by Live.mu.
	left      bool
	cancel    context.CancelFunc // of what authentication waits for; nil: nothing
	admission admission          // zero before authentication
	person    *person            // nil before authentication
	hidden    bool               // its page reported that it isn't visible
}

// allow reports whether the watcher may send another message now. It uses the machine's clock, because it limits work.
func (w *watcher) allow() bool {
	now := time.Now()
	if w.filled.IsZero() {
		w.tokens = protocol.MessageBurst
	} else {
		w.tokens = min(protocol.MessageBurst, w.tokens+now.Sub(w.filled).Seconds()*protocol.MessagesPerSec)
	}
	w.filled = now
	w.tokens--
	return w.tokens >= 0
}

// receive handles a text message.
func (l *Live) receive(w *watcher, b []byte) {
	l.mu.Lock()
	left := w.left
	l.mu.Unlock()
	switch {
	case left: // being closed
		return
	case !w.allow():
		l.end(w, protocol.ClosePolicy)
		return
	case !utf8.Valid(b):
		l.end(w, protocol.CloseNotUTF8)
		return
	}
	m, err := protocol.DecodeClient(b)
	switch m := m.(type) {
	case protocol.Auth:
		if w.authed {
			err = errs.Field("type", "This connection is already authenticated. Reconnect to use another token.")
		} else if err = l.authenticate(w, m); err == nil {
			w.authed = true
		}
	case protocol.Visible:
		if !w.authed {
			err = errs.Field("type", `The first message must be "auth".`)
		} else {
			l.mu.Lock()
			w.hidden = !m.Visible
			l.mu.Unlock()
		}
	case protocol.Rendered:
		if !w.authed {
			err = errs.Field("type", `The first message must be "auth".`)
		} else {
			l.rendered(w, m)
		}
	}
	if err == nil || errors.Is(err, errLeft) {
		return
	}
	w.conn.send(textFrame(protocol.EncodeError(err, l.o.Now())))
	if !w.authed {
		l.log.Debug("live: refused a connection", "err", err)
		l.end(w, protocol.CloseFor(err))
	}
}

// end makes a watcher leave and closes its connection with a code. It doesn't block.
func (l *Live) end(w *watcher, code protocol.CloseCode) {
	l.mu.Lock()
	first := !w.left
	l.leave(w)
	l.mu.Unlock()
	if first {
		l.metrics.ended(code)
	}
	w.conn.finish(code)
}

// gone removes a closed connection.
func (l *Live) gone(w *watcher) {
	slow := w.conn.wasSlow()
	l.mu.Lock()
	first := !w.left
	l.leave(w)
	if _, known := l.watchers[w]; known {
		delete(l.watchers, w)
		decrease(l.byAddr, w.addr)
	}
	l.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
	if first && slow {
		l.metrics.ended(protocol.ClosePolicy)
		l.log.Debug("live: cut off a slow watcher", "guild_id", w.admission.guild, "user_id", w.admission.user)
	}
}

// leave removes a watcher from every list except that of connections. The caller holds Live.mu.
func (l *Live) leave(w *watcher) {
	if w.left {
		return
	}
	w.left = true
	if w.cancel != nil {
		w.cancel()
	}
	if w.admission == (admission{}) {
		return
	}
	if !w.admission.spectator() {
		decrease(l.byUser, w.admission.user)
		if s := l.sessions[w.admission.session]; s != nil {
			if delete(s, w); len(s) == 0 {
				delete(l.sessions, w.admission.session)
			}
		}
		if w.person == nil {
			return
		}
		if delete(w.person.watchers, w); len(w.person.watchers) == 0 {
			delete(l.people, w.person.key)
		}
	}
	g := l.guilds[w.admission.guild]
	if g == nil {
		return
	}
	delete(g.pages, w)
	if w.admission.room != 0 {
		if e := g.rooms[w.admission.room]; e != nil {
			l.unsee(e, w)
		}
	} else {
		for _, e := range g.rooms {
			l.unsee(e, w)
		}
	}
	l.removeGuildIfUnused(g)
}

func (l *Live) unsee(e *entry, w *watcher) {
	delete(e.pages, w)
	if sub := e.subs[w]; sub != nil {
		delete(e.subs, w)
		e.out.remove(sub, nil)
	}
	l.removeIfUnused(e)
}

func decrease[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] <= 0 {
		delete(m, k)
	}
}

// errLeft ends an authentication whose connection is already being closed.
var errLeft = errors.New("live: connection ended")

// EndSession ends every watcher of a session with 4003, and rejects the tokens already made for it.
func (l *Live) EndSession(sessionID string) {
	id := hashSession(sessionID)
	l.mu.Lock()
	l.ended[id] = l.o.Now().Add(TokenLife + 2*keyring.Leeway)
	all := make([]*watcher, 0, len(l.sessions[id]))
	for w := range l.sessions[id] {
		all = append(all, w)
	}
	l.mu.Unlock()
	for _, w := range all {
		l.end(w, protocol.CloseSessionOver)
	}
}

// Seen returns, for each guild, the rooms that an admitted member (owner or guest) has open right
// now on a visible room page.
func (l *Live) Seen() map[snowflake.ID][]snowflake.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := map[snowflake.ID][]snowflake.ID{}
	for _, g := range l.guilds {
		for _, e := range g.rooms {
			for w := range e.pages {
				if !w.hidden && e.sees(w) && e.live.Room.Access.Admitted(w.admission.user) {
					seen[g.id] = append(seen[g.id], e.id)
					break
				}
			}
		}
	}
	return seen
}
