package bot

import (
	"context"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// round is something done again and again. Cron does it, by the wall clock:
// when that is put back, cron waits until it shows the same time again. So a
// watchdog, which goes by the monotonic clock, does it when cron has missed two.
type round struct {
	every time.Duration
	do    func()

	doing sync.Mutex // held while it is done: rounds do not overlap
	mu    sync.Mutex
	last  time.Time // when it was begun last, with a monotonic reading
}

// rounds are what a bot does again and again.
type rounds struct {
	cron *cron.Cron
	list []*round
}

// add has f done every so often once the rounds run.
func (r *rounds) add(every time.Duration, f func()) error {
	x := &round{every: every, do: f}
	r.list = append(r.list, x)
	_, err := r.cron.AddFunc("@every "+every.String(), x.run)
	return err
}

// run does it, unless it is being done.
func (x *round) run() {
	if !x.doing.TryLock() {
		return
	}
	defer x.doing.Unlock()
	x.mu.Lock()
	x.last = time.Now()
	x.mu.Unlock()
	x.do()
}

// watch does what cron misses, until ctx ends.
func (r *rounds) watch(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, x := range r.list {
		x.mu.Lock()
		x.last = time.Now()
		x.mu.Unlock()
		all.Go(func() { x.watch(ctx) })
	}
}

func (x *round) watch(ctx context.Context) {
	tick := time.NewTicker(x.every / 5)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			x.mu.Lock()
			missed := time.Since(x.last) > 2*x.every
			x.mu.Unlock()
			if missed && ctx.Err() == nil {
				x.run()
			}
		case <-ctx.Done():
			return
		}
	}
}
