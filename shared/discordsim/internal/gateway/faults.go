package gateway

import (
	"time"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
)

// reconnectGrace is how long a client may take to disconnect after op 7.
const reconnectGrace = 5 * time.Second

// Disturb makes a fault that happens at once happen to the connected sessions that it applies to.
func (s *Gateway) Disturb(f *faults.Fault) {
	for _, sess := range s.hitSessions(f) {
		s.disturb(f, sess)
	}
}

func (s *Gateway) hitSessions(f *faults.Fault) (hit []*session) {
	s.world.View(func(*world.State) {
		for app, list := range s.shards {
			for _, sess := range list {
				t := faults.Target{App: app, Shard: sess.shard, HasShard: true}
				if f.Guild != 0 && sess.takes(f.Guild) {
					t.Guild = f.Guild
				}
				if f.Hits(t) && sess.connection() != nil {
					hit = append(hit, sess)
				}
			}
		}
	})
	return hit
}

func (s *Gateway) disturb(f *faults.Fault, sess *session) {
	c := sess.connection()
	if c == nil {
		return
	}
	switch f.Kind {
	case faults.Drop:
		c.drop()
	case faults.Close:
		if f.Code == closeInvalidSeq || f.Code == closeTimedOut {
			s.endSession(sess)
		}
		c.closeWith(f.Code)
	case faults.Reconnect:
		c.send(opReconnect, nil)
		s.After(reconnectGrace, func() { c.closeWith(closeUnknown) })
	case faults.InvalidSession:
		// The socket stays open: the client may identify or resume on it, or on a new one.
		c.setSession(nil)
		sess.detach(c, s.now())
		if !f.Resumable {
			s.endSession(sess)
		}
		c.send(opInvalidSession, f.Resumable)
	case faults.Heartbeat:
		c.send(opHeartbeat, nil)
	case faults.HalfOpen:
		c.silent.Store(true)
	}
}
