package ratelimit

import (
	"slices"
	"sort"
	"time"
)

// openAtOnce is how many requests at a time a bucket takes that Discord does not limit.
const openAtOnce = 10

// bucket is one of Discord's counters with the requests that wait for it.
// The Limiter's mutex guards it.
type bucket struct {
	key       string
	known     bool      // Discord has described it
	open      bool      // Discord has answered without describing it: no limit of its own
	limit     int       // valid when known
	remaining int       // starts left before reset, by our count
	reset     time.Time // when remaining is limit again
	blocked   time.Time // by a 429
	refused   int       // 429s in a row that did not say for how long
	flying    int       // requests on their way
	leaving   *waiter   // the one of them that has not left the process yet
	queue     []*waiter // by rank
	into      *bucket   // what it turned out to be, once that is known
	used      time.Time
}

// waiter is a request that is not on its way.
type waiter struct {
	rank      time.Time // when it was made, less its head start: the smallest is next
	seq       uint64    // decides between equal ranks
	priority  Priority
	exempt    bool      // from the global limit
	route     string    // method and path template, for logs
	deadline  time.Time // after which starting is of no use
	notBefore time.Time // a repeat waits in its place for this
	since     time.Time // when this wait began
	bucket    *bucket
	start     chan struct{} // closed when it may start, or has failed
	started   bool
	err       error // why it failed
}

func (w *waiter) before(o *waiter) bool {
	if !w.rank.Equal(o.rank) {
		return w.rank.Before(o.rank)
	}
	return w.seq < o.seq
}

// resolve follows a bucket to what it turned out to be.
func (b *bucket) resolve() *bucket {
	for b.into != nil {
		b = b.into
	}
	return b
}

func (b *bucket) add(w *waiter) {
	w.bucket = b
	i := sort.Search(len(b.queue), func(i int) bool { return w.before(b.queue[i]) })
	b.queue = slices.Insert(b.queue, i, w)
}

func (b *bucket) remove(w *waiter) bool {
	i := slices.Index(b.queue, w)
	if i < 0 {
		return false
	}
	b.queue = slices.Delete(b.queue, i, i+1)
	return true
}

// startAt returns when the bucket lets one more request start, and false when
// that depends on a request that is on its way. A time that is not after now
// means now.
func (b *bucket) startAt(now time.Time) (time.Time, bool) {
	switch {
	case b.blocked.After(now):
		return b.blocked, true
	case b.leaving != nil:
		return now, false // or the next could overtake it
	case b.open:
		return now, b.flying < openAtOnce
	case !b.known:
		return now, b.flying == 0 // the first answer will describe it
	}
	if !b.reset.After(now) {
		// A new period. What is on its way may fall into it.
		b.remaining = max(b.remaining, b.limit-b.flying)
	}
	switch {
	case b.remaining > 0:
		return now, true
	case b.reset.After(now):
		return b.reset, true
	}
	return now, b.flying == 0
}

// took counts a start.
func (b *bucket) took(w *waiter, now time.Time) {
	b.flying++
	b.leaving = w
	b.used = now
	if b.known {
		b.remaining--
	}
}

// left notes that a started request has left the process, or never will.
func (b *bucket) left(w *waiter) bool {
	if b.leaving != w {
		return false
	}
	b.leaving = nil
	return true
}

// samePeriod is how far apart two answers may put the end of one period.
const samePeriod = 250 * time.Millisecond

// learn takes an answer's standing. flying still counts the request it answers.
func (b *bucket) learn(s standing, now time.Time) {
	if !s.told() {
		return
	}
	others := max(0, b.flying-1)
	reset := now.Add(s.reset)
	fresh := !b.known || !b.reset.After(now) || reset.After(b.reset.Add(samePeriod))
	b.known, b.open = true, false
	b.limit = max(s.limit, s.remaining, 1)
	if fresh {
		// The others may not be counted in it yet.
		b.remaining = max(0, s.remaining-others)
		b.reset = reset
		return
	}
	// Answers of one period may arrive out of order: the least remaining is the truth.
	b.remaining = min(b.remaining, s.remaining)
}

// merge moves what waits and flies in b to the bucket it turned out to be.
func (b *bucket) merge(to *bucket) {
	b.into = to
	for _, w := range b.queue {
		to.add(w)
	}
	b.queue = nil
	to.flying += b.flying
	if to.leaving == nil {
		to.leaving = b.leaving
	}
	if b.blocked.After(to.blocked) {
		to.blocked = b.blocked
	}
}
