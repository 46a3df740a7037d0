package discordsim

import (
	"sync/atomic"
	"time"
)

// clock is the time in a world: that of Options.Now, and what Advance added. Safe for concurrent use.
type clock struct {
	now   func() time.Time
	added atomic.Int64
}

func (c *clock) Now() time.Time { return c.now().Add(time.Duration(c.added.Load())) }

// advance moves the clock forward and returns the time.
func (c *clock) advance(d time.Duration) time.Time {
	c.added.Add(int64(max(d, 0)))
	return c.Now()
}

// Advance moves the world's clock forward and returns its time: interaction tokens, invites, timeouts, OAuth2 tokens
// and rate limits expire as if the time had passed. What waits for real time goes on waiting: heartbeats, the first
// response to an interaction, and how long a session can be resumed.
func (s *Server) Advance(d time.Duration) time.Time { return s.clock.advance(d) }
