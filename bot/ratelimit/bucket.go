package ratelimit

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// openAtOnce is the number of concurrent requests in a bucket that Discord doesn't limit.
const openAtOnce = 10

// bucket is one of Discord's rate limit buckets, with the requests waiting for it. The Limiter's mutex guards it.
type bucket struct {
	key       string
	known     bool      // a response has described it
	open      bool      // a response came without a description: it has no limit of its own
	limit     int       // valid if known
	remaining int       // requests left before reset, by our count
	reset     time.Time // when remaining is limit again
	blocked   time.Time // by a 429, until then
	refused   int       // consecutive 429s without a time to wait
	flying    int       // requests on their way
	leaving   *waiter   // the one of them that hasn't been written yet
	queue     []*waiter // by rank
	into      *bucket   // the bucket it was merged into
	used      time.Time
}

// waiter is a request that is waiting to start.
type waiter struct {
	rank      time.Time // when it was queued, minus its head start: the smallest is next
	seq       uint64    // breaks ties of rank
	priority  Priority
	exempt    bool      // from the global limit
	route     string    // method and path template, for logs
	deadline  time.Time // after this there is no point in starting
	notBefore time.Time // of a repeat, which keeps its place until then
	since     time.Time // when this wait began
	bucket    *bucket
	start     chan struct{} // closed when it may start or has failed
	started   bool
	err       error // why it failed
}

func (w *waiter) before(o *waiter) bool {
	if !w.rank.Equal(o.rank) {
		return w.rank.Before(o.rank)
	}
	return w.seq < o.seq
}

// resolve follows merges to the bucket in use.
func (b *bucket) resolve() *bucket {
	for b.into != nil {
		b = b.into
	}
	return b
}

// called returns the key that the bucket would have under another name: its major parameter stays.
func (b *bucket) called(name string) string {
	_, major, _ := strings.Cut(b.key, "\x00")
	return name + "\x00" + major
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

// startAt returns when the bucket allows the next request, or false if that depends on a request on
// its way. A time that isn't after now means now.
func (b *bucket) startAt(now time.Time) (time.Time, bool) {
	switch {
	case b.blocked.After(now):
		return b.blocked, true
	case b.leaving != nil:
		return now, false // otherwise the next one could overtake it
	case b.open:
		return now, b.flying < openAtOnce
	case !b.known:
		return now, b.flying == 0 // the first response will describe it
	}
	if !b.reset.After(now) {
		// A new period. Requests on their way may count towards it.
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

// took counts a started request.
func (b *bucket) took(w *waiter, now time.Time) {
	b.flying++
	b.leaving = w
	b.used = now
	if b.known {
		b.remaining--
	}
}

// left records that a started request has been written, or never will be.
func (b *bucket) left(w *waiter) bool {
	if b.leaving != w {
		return false
	}
	b.leaving = nil
	return true
}

// samePeriod is the tolerance when comparing the end of a period in two responses.
const samePeriod = 250 * time.Millisecond

// learn updates the bucket from a response. flying still includes the request it answers.
func (b *bucket) learn(s bucketState, now time.Time) {
	if !s.complete() {
		return
	}
	others := max(0, b.flying-1)
	reset := now.Add(s.reset)
	fresh := !b.known || !b.reset.After(now) || reset.After(b.reset.Add(samePeriod))
	b.known, b.open = true, false
	b.limit = max(s.limit, s.remaining, 1)
	if fresh {
		// It may not include the others yet.
		b.remaining = max(0, s.remaining-others)
		b.reset = reset
		return
	}
	// Responses of one period may arrive out of order: the lowest remaining is right.
	b.remaining = min(b.remaining, s.remaining)
}

// merge moves waiting and running requests to the bucket that b turned out to be.
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
