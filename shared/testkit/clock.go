package testkit

import (
	"sync"
	"time"
	"unsafe"
)

// Clock is a clock that a test puts forward. The zero value shows the system's
// time, and goes. It is safe for concurrent use and not to be copied.
type Clock struct {
	mu      sync.Mutex
	stopped time.Time // what it showed at first; zero: it goes
	ahead   time.Duration
	jumped  time.Duration // whole seconds
}

// NewStoppedClock makes a Clock that shows a time and stands still but for Forward and Jump.
func NewStoppedClock(at time.Time) *Clock { return &Clock{stopped: at.Round(0)} }

// Stop has the clock stand still from now on, but for Forward and Jump: what a test does takes no time.
func (c *Clock) Stop() {
	now := c.Now().Round(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped, c.ahead, c.jumped = now, 0, 0
}

// Now gives what the clock shows. There is a monotonic reading with it if time.Now gives one: in a Clock that
// goes, outside of a bubble of synctest.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped.IsZero() {
		return c.stopped.Add(c.ahead + c.jumped)
	}
	t := time.Now().Add(c.ahead)
	if t == t.Round(0) { // no monotonic reading
		return t.Add(c.jumped)
	}
	// As time.Time has it: the wall clock's seconds stand above 30 bits of nanoseconds, apart from the
	// monotonic reading.
	(*struct{ wall uint64 })(unsafe.Pointer(&t)).wall += uint64(int64(c.jumped/time.Second)) << 30
	return t
}

// Forward lets time pass: it moves both what the clock shows and its monotonic reading.
func (c *Clock) Forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// Jump sets the clock forward or back by whole seconds, as an administrator or
// NTP does: it moves what the clock shows and not its monotonic reading.
func (c *Clock) Jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jumped += d.Truncate(time.Second)
}

// Ahead gives by how much Forward has put the clock forward.
func (c *Clock) Ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}
