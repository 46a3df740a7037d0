// Package gateway serves the gateway: connections, sessions that survive them, and the order in which events are sent.
package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
)

// Options configure the gateway. All fields except the hooks are required.
type Options struct {
	Log               *slog.Logger
	Now               func() time.Time
	Limits            *world.Limits
	HeartbeatInterval time.Duration  // sent in HELLO
	ResumeWindow      time.Duration  // how long a disconnected session can be resumed
	ReplayEvents      int            // events kept for RESUME
	ReplayBytes       int            // and their size in bytes
	OnDispatch        func(Dispatch) // called before each event is written, by a goroutine of its session; nil: nobody
	Changed           func()         // called when a session began, ended, connected or disconnected
}

// Gateway serves bots' WebSockets and is the world's Sink. Safe for concurrent use.
//
// Lock order: the world, then session.mu, gatewayConn.mu, connMu; no hooks are called while holding any of them.
type Gateway struct {
	world  *world.World
	faults *faults.Set
	opts   Options
	now    func() time.Time

	// These belong to whom the world belongs to: they change in an Update only.
	sessions map[string]*session
	shards   map[world.ID][]*session   // by application
	listed   map[[2]world.ID]time.Time // when an application last requested all members of a guild

	connMu  sync.Mutex // guards the following
	conns   map[*conn]struct{}
	closing bool
	wg      sync.WaitGroup // of connections
	timers  sync.WaitGroup
	stopped chan struct{} // closed when the connections have ended
}

// New makes the gateway of a world, which it doesn't register with: World.Tell does.
func New(w *world.World, f *faults.Set, o Options) *Gateway {
	return &Gateway{world: w, faults: f, opts: o, now: o.Now, sessions: map[string]*session{},
		shards: map[world.ID][]*session{}, listed: map[[2]world.ID]time.Time{}, conns: map[*conn]struct{}{},
		stopped: make(chan struct{})}
}

// enter registers a connection; it returns false if the gateway is closing.
func (s *Gateway) enter(c *conn) bool {
	s.connMu.Lock()
	defer s.connMu.Unlock()
	if s.closing {
		return false
	}
	s.conns[c] = struct{}{}
	s.wg.Add(1)
	return true
}

func (s *Gateway) leave(c *conn) {
	s.connMu.Lock()
	delete(s.conns, c)
	s.connMu.Unlock()
	s.wg.Done()
}

// After runs f after d, unless the gateway closes first; Close waits for it.
func (s *Gateway) After(d time.Duration, f func()) {
	s.connMu.Lock()
	defer s.connMu.Unlock()
	if s.closing {
		return
	}
	s.timers.Go(func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			f()
		case <-s.stopped:
		}
	})
}

// Close ends every connection as Discord does on a restart, cuts off those that don't close within a second or before
// ctx ends, and waits for all goroutines.
func (s *Gateway) Close(ctx context.Context) {
	s.connMu.Lock()
	again := s.closing
	s.closing = true
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.connMu.Unlock()
	for _, c := range conns {
		c.queue(frame{code: websocket.CloseGoingAway})
	}
	gone := make(chan struct{})
	go func() { s.wg.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
	for _, c := range conns {
		c.end()
		_ = c.ws.Close()
	}
	<-gone
	if !again {
		close(s.stopped)
	}
	s.timers.Wait()
}
