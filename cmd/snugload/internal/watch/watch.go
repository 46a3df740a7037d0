// Package watch is snugload's watchers: thousands of WebSocket connections that read events, check each of them, and
// say when the next ones are due. On Linux one thread does all of it with epoll, so that measuring costs less than what
// is measured; it knows how busy it is. Elsewhere each connection has a goroutine, and how busy they are isn't known.
package watch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"snug/cmd/snugload/internal/fanout"
	"snug/cmd/snugload/internal/figures"
	"snug/cmd/snugload/internal/usage"
)

// Loop reads what all crowds receive. One goroutine at a time may use it and its crowds.
type Loop struct {
	p      poller
	crowds []*Crowd
}

// poller reads connections.
type poller interface {
	add(c *conn) error   // begins to read it
	leave(c *conn) error // reads it no more, and doesn't close it
	// wait reads what is there, and if that is nothing, waits for something until then.
	wait(until time.Time) error
	close()
}

// New returns a loop without connections. Close ends it.
func New() (*Loop, error) {
	p, err := newPoller()
	return &Loop{p: p}, err
}

// Close closes all connections.
func (l *Loop) Close() {
	for _, c := range l.crowds {
		c.close()
	}
	l.p.close()
}

// Crowd are the watchers of one sender.
type Crowd struct {
	l       *Loop
	all     []*conn
	reading []int // watchers that read, by room
	sent    []uint64
	hint    int // where the mark was in the last message
	rooms   *rand.Rand
	owed    uint64 // events of the current turn times watchers
	base    uint64 // received before the current turn

	Counts
}

// Counts are what a crowd has received, and what shouldn't have happened.
type Counts struct {
	Received  uint64
	Misrouted uint64 // events of another room
	Misplaced uint64 // events that came twice, or after later ones
	Skipped   uint64 // events that were missing when a later one came
	Lost      uint64 // events that hadn't come at a turn's end, skipped ones included
	Ended     uint64 // watchers that read, and were cut off nevertheless
	Late      figures.Histogram
}

// Take returns what was counted since the last time, and begins again.
func (c *Crowd) Take() Counts {
	n := c.Counts
	c.Counts = Counts{}
	c.base = 0
	return n
}

// Watchers returns how many are connected and read.
func (c *Crowd) Watchers() (n int) {
	for _, r := range c.reading {
		n += r
	}
	return n
}

// Stall has every n-th watcher read no more, with a small receive buffer, and returns how many that are.
func (c *Crowd) Stall(n int) (stalled int, err error) {
	for i := 0; i < len(c.all); i += n {
		w := c.all[i]
		if w.state != reads {
			continue
		}
		if err := errors.Join(c.l.p.leave(w), w.shrink()); err != nil {
			return stalled, err
		}
		w.state = stalls
		c.reading[w.room]--
		stalled++
	}
	return stalled, nil
}

func (c *Crowd) close() {
	for _, w := range c.all {
		if w.state == reads {
			_ = c.l.p.leave(w) // it is closed anyway
		}
		if w.state != ended {
			w.close()
		}
	}
	c.all = nil
}

// Script says which events a turn has.
type Script struct {
	For    time.Duration // how long events are made
	Window int           // closed loop: as many events are on their way at a time
	Rate   float64       // open loop: events a second, each due at its time whatever became of those before
	Burst  int           // events that are due at once, at the beginning

	// Each, if set, is called every 20 ms.
	Each func() error
}

// Publisher sends events to the crowd's sender.
type Publisher interface {
	Publish(events []fanout.Event) error
}

// Played is how a turn went.
type Played struct {
	Took time.Duration // until the last event was received
	Busy float64       // the share of this time in which the watchers' thread ran; below 0: unknown
}

// patience is how long nothing may arrive before what is missing counts as lost.
const patience = time.Second

// Play makes a script's events and reads them. It returns when all have arrived, or nothing has for a second.
func (l *Loop) Play(ctx context.Context, c *Crowd, p Publisher, s Script) (Played, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.owed, c.base = 0, c.Received
	began, before := time.Now(), usage.Thread()
	d := &director{c: c, p: p, s: s, began: began, next: began}
	end := began.Add(s.For)
	for now := began; now.Before(end) && ctx.Err() == nil; now = time.Now() {
		if err := d.direct(now); err != nil {
			return Played{}, err
		}
		if err := l.p.wait(d.until(end)); err != nil {
			return Played{}, err
		}
	}
	last := time.Now()
	for heard := last; c.Received-c.base < c.owed && ctx.Err() == nil; {
		got := c.Received
		if err := l.p.wait(time.Now().Add(20 * time.Millisecond)); err != nil {
			return Played{}, err
		}
		if last = time.Now(); c.Received != got {
			heard = last
		} else if last.Sub(heard) > patience {
			last = heard
			break
		}
	}
	c.settle()
	return Played{last.Sub(began), usage.Thread().BusySince(before)}, ctx.Err()
}

// Tend answers pings for a while, and makes no events.
func (l *Loop) Tend(ctx context.Context, d time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; {
		if err := l.p.wait(end); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// director makes a script's events.
type director struct {
	c      *Crowd
	p      Publisher
	s      Script
	began  time.Time
	made   int
	looked time.Time
	next   time.Time // when something is due even if nothing arrives
	events []fanout.Event
}

// direct makes the events that are due.
func (d *director) direct(now time.Time) error {
	if d.s.Each != nil && now.Sub(d.looked) >= 20*time.Millisecond {
		d.looked = now
		if err := d.s.Each(); err != nil {
			return err
		}
	}
	d.events = d.events[:0]
	switch {
	case d.s.Window > 0:
		per := max(len(d.c.all)/len(d.c.sent), 1)
		under := d.made - int((d.c.Received-d.c.base)/uint64(per))
		if free := d.s.Window - under; free >= max(d.s.Window/8, 1) {
			for range free {
				d.make(now.UnixNano())
			}
		}
		d.next = now.Add(20 * time.Millisecond)
	case d.s.Burst > 0:
		for d.made < d.s.Burst {
			d.make(d.began.UnixNano())
		}
		d.next = now.Add(20 * time.Millisecond)
	case d.s.Rate > 0:
		due := func() time.Time { return d.began.Add(time.Duration(float64(d.made) / d.s.Rate * 1e9)) }
		for !due().After(now) {
			d.make(due().UnixNano())
		}
		d.next = due()
	default:
		d.next = now.Add(20 * time.Millisecond)
	}
	if len(d.events) == 0 {
		return nil
	}
	return d.p.Publish(d.events)
}

func (d *director) until(end time.Time) time.Time {
	if d.next.After(end) {
		return end
	}
	return d.next
}

// make makes an event of any room.
func (d *director) make(at int64) {
	c := d.c
	room := c.rooms.IntN(len(c.sent))
	c.sent[room]++
	c.owed += uint64(c.reading[room])
	d.made++
	d.events = append(d.events, fanout.Event{Room: room, N: c.sent[room], At: at})
}

// settle counts what hasn't arrived, and takes it as given up.
func (c *Crowd) settle() {
	for _, w := range c.all {
		if w.state != reads {
			continue
		}
		if sent := c.sent[w.room]; w.got < sent {
			c.Lost += sent - w.got
		}
		w.got, w.seen = c.sent[w.room], c.sent[w.room]
	}
}

// take checks a frame.
func (w *conn) take(first byte, p []byte, now int64) error {
	c := w.crowd
	switch first & 0xf {
	case 9:
		return w.write(maskedFrame(10, p))
	case 8:
		_ = w.write(maskedFrame(8, p)) // it is over anyway
		return nil
	case 1:
	default:
		return nil
	}
	e, at, ok := fanout.FindMark(p, c.hint)
	if !ok {
		return nil // a heartbeat, a snapshot
	}
	c.hint = at
	for ; ok; e, at, ok = fanout.FindMark(p, -1) {
		w.count(e, now)
		p = p[at+fanout.MarkLen:]
	}
	return nil
}

// count checks an event.
func (w *conn) count(e fanout.Event, now int64) {
	c := w.crowd
	c.Received++
	c.Late.Add(now - e.At)
	switch {
	case e.Room != w.room:
		c.Misrouted++
		return
	case e.N <= w.seen:
		c.Misplaced++
	case e.N > w.seen+1:
		c.Skipped += e.N - w.seen - 1
	}
	w.got++
	w.seen = max(w.seen, e.N)
}

// parse takes whole frames and returns what is left.
func (w *conn) parse(b []byte, now int64) (rest []byte, err error) {
	for {
		size, head := frameSize(b)
		if size == 0 || size > len(b) {
			return b, nil
		}
		if err := w.take(b[0], b[head:size], now); err != nil {
			return nil, err
		}
		b = b[size:]
	}
}

// over is called when a connection has ended.
func (w *conn) over() {
	if w.state == reads {
		w.crowd.Ended++
		w.crowd.reading[w.room]--
	}
	w.state = ended
	w.close()
}

var errTooLong = fmt.Errorf("watch: a message is longer than %d bytes", bufferSize)
