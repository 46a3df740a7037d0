// Package schedule does things again and again: every so often, or at a time of day.
//
// Cron does them, by the wall clock: when that is put back, cron waits until
// it shows the same time again. So a watchdog, which goes by the monotonic
// clock, does what cron has missed twice. What takes longer than its period is
// not begun a second time meanwhile.
package schedule

import (
	"context"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// task is something done again and again.
type task struct {
	every time.Duration
	do    func()

	doing sync.Mutex // held while it is done
	mu    sync.Mutex
	last  time.Time // when it was begun last, with a monotonic reading
}

// Schedule is what is done again and again. Make it with New, add to it, then
// Start it, once; Stop ends it.
type Schedule struct {
	cron  *cron.Cron
	tasks []*task

	ctx      context.Context // ends with Stop
	stop     context.CancelFunc
	watching sync.WaitGroup
}

// New makes an empty Schedule.
func New() *Schedule {
	s := &Schedule{cron: cron.New(cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger)))}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Every has f done every so often once the schedule is started.
func (s *Schedule) Every(d time.Duration, f func()) error {
	t := &task{every: d, do: f}
	s.tasks = append(s.tasks, t)
	_, err := s.cron.AddFunc("@every "+d.String(), t.run)
	return err
}

// At has f done at times that a cron expression of five fields names, such as
// "17 4 * * *". No watchdog does what is missed.
func (s *Schedule) At(spec string, f func()) error {
	_, err := s.cron.AddFunc(spec, f)
	return err
}

// Start begins.
func (s *Schedule) Start() {
	s.cron.Start()
	s.watch()
}

// Stop begins nothing any more, and waits for what is being done.
func (s *Schedule) Stop() {
	s.stop()
	<-s.cron.Stop().Done()
	s.watching.Wait()
}

// run does a task, unless it is being done.
func (t *task) run() {
	if !t.doing.TryLock() {
		return
	}
	defer t.doing.Unlock()
	t.mu.Lock()
	t.last = time.Now()
	t.mu.Unlock()
	t.do()
}

// watch begins to do what cron misses.
func (s *Schedule) watch() {
	for _, t := range s.tasks {
		t.mu.Lock()
		t.last = time.Now()
		t.mu.Unlock()
		s.watching.Go(func() { t.watch(s.ctx) })
	}
}

func (t *task) watch(ctx context.Context) {
	tick := time.NewTicker(t.every / 5)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.mu.Lock()
			missed := time.Since(t.last) > 2*t.every
			t.mu.Unlock()
			if missed && ctx.Err() == nil {
				t.run()
			}
		case <-ctx.Done():
			return
		}
	}
}
