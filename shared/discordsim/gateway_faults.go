package discordsim

import "time"

// reconnectGrace is how long a client may take to disconnect after op 7.
const reconnectGrace = 5 * time.Second

// Disturb makes a fault that happens at once happen to the connected sessions that it applies to.
func (s *Gateway) Disturb(f *Fault) {
	for _, sess := range s.hitSessions(f) {
		s.disturb(f, sess)
	}
}

func (s *Gateway) hitSessions(f *Fault) (hit []*session) {
	s.world.View(func(*state) {
		for app, list := range s.shards {
			for _, sess := range list {
				t := target{app: app, shard: sess.shard, hasShard: true}
				if f.Guild != 0 && sess.takes(f.Guild) {
					t.guild = f.Guild
				}
				if f.hits(t) && sess.connection() != nil {
					hit = append(hit, sess)
				}
			}
		}
	})
	return hit
}

func (s *Gateway) disturb(f *Fault, sess *session) {
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
		s.After(reconnectGrace, func() { c.closeWith(closeUnknown) })
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
