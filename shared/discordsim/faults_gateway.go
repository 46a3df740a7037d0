package discordsim

import (
	"fmt"
	"time"
)

// reconnectGrace is how long a client may take to disconnect after op 7.
const reconnectGrace = 5 * time.Second

// happen applies a fault of the first group.
func (s *Server) happen(f *Fault) error {
	switch f.Kind {
	case FaultOutage, FaultRestore:
		return s.outage(f)
	case FaultExpireTokens, FaultRevokeTokens:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.oauth.end(f.User, f.Kind == FaultRevokeTokens, s.now())
		return nil
	case FaultClose:
		orElse(&f.Code, closeUnknown)
		if f.Code < 1000 || f.Code > 4999 || f.Code == 1005 || f.Code == 1006 {
			return fmt.Errorf("discordsim: close code %d cannot be sent; use 1000 to 4999 without 1005 and 1006",
				f.Code)
		}
	}
	for _, sess := range s.hitSessions(f) {
		s.disturb(f, sess)
	}
	return nil
}

// hitSessions lists the connected sessions that a fault applies to.
func (s *Server) hitSessions(f *Fault) []*session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var hit []*session
	for _, app := range s.apps {
		for _, sess := range app.sessions {
			t := target{app: app.id, shard: sess.shard, hasShard: true}
			if f.Guild != 0 && sess.takes(f.Guild) {
				t.guild = f.Guild
			}
			if f.hits(t) && sess.connection() != nil {
				hit = append(hit, sess)
			}
		}
	}
	return hit
}

func (s *Server) disturb(f *Fault, sess *session) {
	c := sess.connection()
	if c == nil {
		return
	}
	switch f.Kind {
	case FaultDrop:
		c.drop()
	case FaultClose:
		if f.Code == closeInvalidSeq || f.Code == closeTimedOut {
			s.endSession(sess)
		}
		c.closeWith(f.Code)
	case FaultReconnect:
		c.send(opReconnect, nil)
		s.after(reconnectGrace, func() { c.closeWith(closeUnknown) })
	case FaultInvalidSession:
		// The socket stays open: the client may identify or resume on it, or on a new one.
		c.setSession(nil)
		sess.detach(c, s.now())
		if !f.Resumable {
			s.endSession(sess)
		}
		c.send(opInvalidSession, f.Resumable)
	case FaultHeartbeat:
		c.send(opHeartbeat, nil)
	case FaultHalfOpen:
		c.silent.Store(true)
	}
}

// outage makes a guild unavailable, or available again.
func (s *Server) outage(f *Fault) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[f.Guild]
	if g == nil {
		return fmt.Errorf("discordsim: %s needs guild_id of a guild that exists", f.Kind)
	}
	s.setUnavailable(g, f.Kind == FaultOutage)
	if f.Kind == FaultOutage && f.Duration > 0 {
		id := g.id
		s.after(seconds(f.Duration), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if g := s.guilds[id]; g != nil {
				s.setUnavailable(g, false)
			}
		})
	}
	return nil
}

func (s *Server) setUnavailable(g *guild, unavailable bool) {
	if g.unavailable == unavailable {
		return
	}
	g.unavailable = unavailable
	for _, app := range g.bots {
		if unavailable {
			s.retract(app, g, true)
		}
		s.announce(app, g)
	}
	s.page.guildChanged(g.id)
}

// after runs f after d, unless the server closes first; Close waits for it.
func (s *Server) after(d time.Duration, f func()) {
	s.connMu.Lock()
	defer s.connMu.Unlock()
	if s.closing {
		return
	}
	s.serving.Go(func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			f()
		case <-s.stopped:
		}
	})
}
