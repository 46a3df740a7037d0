package live

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	piece    = 256       // sends of one room before another's turn
	burst    = 64 << 10  // bytes sent to a watcher at a time
	backlog  = 1 << 20   // bytes gathered in a room before they give way to a snapshot
	keepSize = 128 << 10 // buffers up to this are used again
	keep     = 64        // and so many of them are kept
)

// shard sends for the rooms that are its own. Each room has a queue of frames
// and of changes of who is to get them, in order. The shard's goroutine takes
// what has gathered in a queue and sends it to each watcher in one go; events
// that come meanwhile gather for the next time. So under load there are fewer
// and longer sends, and without load nothing waits.
type shard struct {
	limits  *Limits
	metrics *metrics
	wake    chan struct{}

	mu     sync.Mutex
	listed []*queue // with something to send, not yet seen by the goroutine
	spare  [][]byte
}

// queue is the way out of one room.
type queue struct {
	s *shard

	// Under s.mu.
	pend   []byte
	ops    []op
	events int       // in pend
	since  time.Time // when the first of them came
	listed bool      // the goroutine knows, or will

	// The goroutine's own.
	members []*subscription
	cur     batch
	due     time.Time     // when a big room is next to be sent to
	age     time.Duration // of the oldest event that has gathered
}

// op adds or removes a watcher of a room, at a point of what is sent there.
type op struct {
	at    int // offset in the queue's bytes
	sub   *subscription
	frame []byte // for that watcher alone, sent at that point; nil for none
	add   bool
}

// subscription is a watcher's place in one room.
type subscription struct {
	conn *conn
	pos  int // in the room's members; the shard's goroutine's own
}

// batch is what is being sent of a queue, and how far that is.
type batch struct {
	b      []byte
	ops    []op
	events int
	since  time.Time
	age    time.Duration // of its oldest event when that came here
	active bool
	at     int // how much of b is done
	end    int // how far this round of the members goes
	op     int // how many ops are done
	pos    int // how many members have got b[at:end]
}

func newShard(limits *Limits, m *metrics) *shard {
	return &shard{limits: limits, metrics: m, wake: make(chan struct{}, 1)}
}

// publish appends a message for all who are subscribed at this point. Where
// more has gathered than anybody should read, snapshot replaces it: that is
// called then, and must give the room as it is with this message.
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

// add subscribes somebody from here on, with a frame to begin with.
func (q *queue) add(sub *subscription, frame []byte) { q.op(op{sub: sub, frame: frame, add: true}) }

// remove ends a subscription here, with a frame to end with or nil.
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

// list ends what publish and op began: it has the goroutine look, and unlocks.
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

// turn is what became of a queue's turn.
type turn int

const (
	idle turn = iota // nothing left
	more             // there is more to do
	wait             // there is, when its gap is over
)

// run sends until ctx ends.
func (s *shard) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var active, later []*queue // later: in the order they are due, for the gap is the same for all
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

// step returns a queue its turn: at most piece sends.
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
		if b.end == b.at { // the next round: up to the next op, or a burst
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

// take begins a batch with what has gathered; false if nothing has.
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

// counters that are read by the metrics and written on the hot path.
type counters struct {
	sends      atomic.Uint64 // hand-overs to sockets
	deliveries atomic.Uint64 // messages times watchers
	events     atomic.Uint64 // messages
}
