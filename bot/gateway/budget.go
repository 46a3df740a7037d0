package gateway

import (
	"context"
	"sync"
	"time"
)

const (
	budgetSends   = 120              // messages a connection may send …
	budgetWindow  = 60 * time.Second // … within this time; Discord closes it with 4008 if it sends more
	budgetReserve = 8                // of them reserved for heartbeats
)

// budget counts what a connection has sent in the last minute. Heartbeats, IDENTIFY and RESUME never wait;
// everything else waits in line while only the reserve for heartbeats is left. Safe for concurrent use.
type budget struct {
	turn chan struct{} // holds one token: its holder sends next
	mu   sync.Mutex
	sent [budgetSends]time.Time // a ring of the last sends
	n    int
}

func newBudget() *budget {
	b := &budget{turn: make(chan struct{}, 1)}
	b.turn <- struct{}{}
	return b
}

// spend counts a message that doesn't wait.
func (b *budget) spend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent[b.n%budgetSends] = time.Now()
	b.n++
}

// wait blocks until an ordinary message may be sent, and counts it. It returns early with ctx's
// error, or with errGone when gone is closed.
func (b *budget) wait(ctx context.Context, gone <-chan struct{}) error {
	select {
	case <-b.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-gone:
		return errGone
	}
	defer func() { b.turn <- struct{}{} }()
	for {
		d := b.take()
		if d <= 0 {
			return nil
		}
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-gone:
			t.Stop()
			return errGone
		}
	}
}

// take counts a message if it may be sent now; otherwise it returns how long to wait.
func (b *budget) take() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	const free = budgetSends - budgetReserve
	if b.n >= free {
		nth := b.sent[(b.n-free)%budgetSends]
		if d := time.Until(nth.Add(budgetWindow)); d > 0 {
			return d
		}
	}
	b.sent[b.n%budgetSends] = time.Now()
	b.n++
	return 0
}
