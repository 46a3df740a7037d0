// Package schedule runs functions periodically or at a time of day.
//
// It uses cron, which goes by the wall clock: when that is set back, cron waits until it shows the
// same time again. A watchdog, which goes by the monotonic clock, therefore runs what cron missed
// twice in a row. A function that takes longer than its period isn't started a second time meanwhile.
package schedule

import (
	"context"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// task is a function that is run periodically.
type task struct {
	every time.Duration
	do    func()

	doing sync.Mutex // held while it runs
	mu    sync.Mutex
	last  time.Time // when it was last started, with a monotonic reading
}

// Schedule runs functions periodically. Make it with New, add functions, then call Start and Stop once each.
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

// Every runs f with the period d while the schedule runs.
func (s *Schedule) Every(d time.Duration, f func()) error {
	t := &task{every: d, do: f}
	s.tasks = append(s.tasks, t)
	_, err := s.cron.AddFunc("@every "+d.String(), t.run)
	return err
}

// At runs f at the times given by a cron expression with five fields, such as "17 4 * * *". The
// watchdog doesn't cover these.
func (s *Schedule) At(spec string, f func()) error {
	_, err := s.cron.AddFunc(spec, f)
	return err
}

// Start starts the schedule.
func (s *Schedule) Start() {
	s.cron.Start()
	s.watch()
}

// Stop starts nothing more, and waits for running functions.
func (s *Schedule) Stop() {
	s.stop()
	<-s.cron.Stop().Done()
	s.watching.Wait()
}

// run runs a task unless it is already running.
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

// watch starts the watchdogs.
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
