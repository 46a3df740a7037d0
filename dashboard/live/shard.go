package live

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	piece    = 256       // writes for one room before another room's turn
	burst    = 64 << 10  // bytes sent to a watcher at a time
	backlog  = 1 << 20   // bytes queued for a room before a snapshot replaces them
	keepSize = 128 << 10 // buffers up to this size are reused
	keep     = 64        // and at most this many of them are kept
)

// shard sends the events of its rooms. Each room has an ordered queue of frames and of changes to
// its set of watchers. The shard's goroutine takes everything in a queue and writes it to each
// watcher at once; events that arrive meanwhile are collected for the next time. Under load this
// leads to fewer and longer writes; without load nothing waits.
type shard struct {
	limits  *Limits
	metrics *metrics
	wake    chan struct{}

	mu     sync.Mutex
	listed []*queue // queues with something to send that the goroutine hasn't seen yet
	spare  [][]byte
}

// queue holds what is to be sent to one room's watchers.
type queue struct {
	s *shard

	// Guarded by s.mu.
	pend   []byte
	ops    []op
	events int       // in pend
	since  time.Time // when the first of them arrived
	listed bool      // the goroutine knows about it, or will

	// Only for the shard's goroutine.
	members []*subscription
	cur     batch
	due     time.Time     // when a big room may be sent to again
	age     time.Duration // of the oldest collected event
}

// op adds or removes a watcher of a room, at a position in what is sent there.
type op struct {
	at    int // offset in the queue's bytes
	sub   *subscription
	frame []byte // sent to that watcher only, at that position; nil for none
	add   bool
}

// subscription is a watcher's membership in one room.
type subscription struct {
	conn *conn
	pos  int // index in the room's members; only for the shard's goroutine
}

// batch is the part of a queue that is being sent, and the progress.
type batch struct {
	b      []byte
	ops    []op
	events int
	since  time.Time
	age    time.Duration // age of its oldest event when that arrived here
	active bool
	at     int // how much of b is finished
	end    int // how far the current round of the members goes
	op     int // number of finished ops
	pos    int // number of members that have b[at:end]
}

func newShard(limits *Limits, m *metrics) *shard {
	return &shard{limits: limits, metrics: m, wake: make(chan struct{}, 1)}
}

// publish appends a message for everybody who is subscribed at this point. If more has been
// collected than anybody should have to read, snapshot is called instead and must return the room's
// state including this message.
func (q *queue) publish(message []byte, snapshot func() []byte) {
	q.s.mu.Lock()
	if len(q.pend) > backlog {
		from := 0
		if n := len(q.ops); n > 0 {
			from = q.ops[n-1].at
		}
		q.pend, message = q.pend[:from], snapshot()
	}
	q.begin()
	q.pend = appendFrame(q.pend, opText, message)
	q.events++
	q.list()
}

// aged records how old the event is that is published next.
func (q *queue) aged(d time.Duration) {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	q.age = max(q.age, d)
}

// add subscribes a watcher from here on; it first gets frame.
func (q *queue) add(sub *subscription, frame []byte) { q.op(op{sub: sub, frame: frame, add: true}) }

// remove ends a subscription here; the watcher last gets frame, unless nil.
func (q *queue) remove(sub *subscription, frame []byte) { q.op(op{sub: sub, frame: frame}) }

func (q *queue) op(o op) {
	q.s.mu.Lock()
	q.begin()
	o.at = len(q.pend)
	q.ops = append(q.ops, o)
	q.list()
}

func (q *queue) begin() {
	if len(q.pend) > 0 || len(q.ops) > 0 {
		return
	}
	q.since = time.Now()
	if q.pend == nil {
		if n := len(q.s.spare); n > 0 {
			q.pend, q.s.spare = q.s.spare[n-1], q.s.spare[:n-1]
		}
	}
}

// list completes publish and op: it wakes the goroutine and unlocks.
func (q *queue) list() {
	first := !q.listed
	if first {
		q.listed = true
		q.s.listed = append(q.s.listed, q)
	}
	q.s.mu.Unlock()
	if first {
		select {
		case q.s.wake <- struct{}{}:
		default:
		}
	}
}

// turn is the result of a queue's turn.
type turn int

const (
	idle turn = iota // nothing left
	more             // more to do
	wait             // more to do, after the gap
)

// run sends until ctx ends.
func (s *shard) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var active, later []*queue // later: ordered by due time, because all gaps are equal
	for ctx.Err() == nil {
		s.mu.Lock()
		active = append(active, s.listed...)
		clear(s.listed)
		s.listed = s.listed[:0]
		s.mu.Unlock()
		for len(later) > 0 && time.Until(later[0].due) <= 0 {
			active = append(active, later[0])
			later[0], later = nil, later[1:]
		}
		n := 0
		for _, q := range active {
			switch s.step(q) {
			case more:
				active[n] = q
				n++
			case wait:
				later = append(later, q)
			}
		}
		clear(active[n:])
		if active = active[:n]; n > 0 {
			continue
		}
		timer.Reset(time.Hour)
		if len(later) > 0 {
			timer.Reset(time.Until(later[0].due))
		}
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// step processes a queue for one turn: at most piece writes.
func (s *shard) step(q *queue) turn {
	b := &q.cur
	if !b.active {
		if !q.due.IsZero() && time.Until(q.due) > 0 {
			return wait
		}
		if !s.take(q) {
			return idle
		}
	}
	for left := piece; left > 0; {
		if b.end == b.at { // the next round: until the next op, or a burst
			b.end = len(b.b)
			if b.op < len(b.ops) {
				b.end = b.ops[b.op].at
			}
			b.end = b.at + framesWithin(b.b[b.at:b.end], burst)
		}
		switch {
		case b.at < b.end:
			to := q.members[b.pos:min(len(q.members), b.pos+left)]
			for _, m := range to {
				m.conn.send(b.b[b.at:b.end])
			}
			s.metrics.sends.Add(uint64(len(to)))
			b.pos, left = b.pos+len(to), left-len(to)
			if b.pos == len(q.members) {
				b.at, b.pos = b.end, 0
			}
		case b.op < len(b.ops):
			q.apply(&b.ops[b.op])
			b.op++
			left--
		default:
			return s.done(q)
		}
	}
	return more
}

func (q *queue) apply(o *op) {
	if o.frame != nil {
		o.sub.conn.send(o.frame)
	}
	if o.add {
		o.sub.pos = len(q.members)
		q.members = append(q.members, o.sub)
		return
	}
	last := len(q.members) - 1
	moved := q.members[last]
	q.members[o.sub.pos], moved.pos = moved, o.sub.pos
	q.members[last] = nil
	q.members = q.members[:last]
}

// take starts a batch with what was collected; it returns false if there is nothing.
func (s *shard) take(q *queue) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(q.pend) == 0 && len(q.ops) == 0 {
		q.listed = false
		return false
	}
	q.cur = batch{b: q.pend, ops: q.ops, events: q.events, since: q.since, age: q.age, active: true}
	q.pend, q.ops, q.events, q.age = nil, nil, 0, 0
	return true
}

// done ends a batch.
func (s *shard) done(q *queue) turn {
	b := q.cur
	q.cur = batch{}
	if b.events > 0 {
		took := time.Since(b.since)
		s.metrics.flushed(b.events, len(q.members), took)
		if b.age > 0 && len(q.members) > 0 {
			s.metrics.delivered(b.age + took)
		}
	}
	if len(q.members) >= s.limits.BigRoom {
		q.due = time.Now().Add(s.limits.Gap)
	} else {
		q.due = time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.b != nil && cap(b.b) <= keepSize && len(s.spare) < keep {
		s.spare = append(s.spare, b.b[:0])
	}
	if len(q.pend) == 0 && len(q.ops) == 0 {
		q.listed = false
		return idle
	}
	if !q.due.IsZero() {
		return wait
	}
	return more
}

// counters are written on the hot path and read by the metrics.
type counters struct {
	sends      atomic.Uint64 // writes to sockets
	deliveries atomic.Uint64 // messages multiplied by watchers
	events     atomic.Uint64 // messages
}
