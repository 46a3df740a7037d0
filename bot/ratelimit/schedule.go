package ratelimit

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// All functions in this file except observe and tick are called with l.mu held.

// bucket returns the bucket of a route with its major parameter, and makes it if needed.
func (l *Limiter) bucket(route, major string) *bucket {
	name, ok := l.learned[route]
	if !ok {
		name = route
	}
	return l.named(name + "\x00" + major)
}

func (l *Limiter) named(key string) *bucket {
	b := l.buckets[key]
	if b == nil {
		b = &bucket{key: key}
		l.buckets[key] = b
	}
	return b
}

// queue queues a waiter, and starts it if possible. A waiter that can't start before its deadline is refused at once.
func (l *Limiter) queue(ctx context.Context, w *waiter, b *bucket) error {
	if l.closed {
		return closedError()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	now := time.Now()
	w.since = now
	w.start = make(chan struct{})
	w.deadline, _ = ctx.Deadline()
	w.bucket = b
	if at, known := l.startAt(w, now); known && at.After(w.deadline) {
		return limitedError(at.Sub(now), nil)
	}
	b.add(w)
	l.waiting[b] = struct{}{}
	l.cfg.Metrics.queued(w)
	// The other waiters couldn't start before, and that hasn't changed.
	if b.queue[0] != w {
		return nil
	}
	at, known := l.startAt(w, now)
	switch {
	case !known:
	case at.After(now):
		l.wake(at, now)
	default:
		l.begin(w, now)
	}
	return nil
}

// startAt returns when w could start if it were first in its bucket, or false if that depends on a request on its way.
func (l *Limiter) startAt(w *waiter, now time.Time) (time.Time, bool) {
	at, known := w.bucket.startAt(now)
	later := func(t time.Time) {
		if t.After(at) {
			at = t
		}
	}
	later(w.notBefore)
	later(l.banned)
	later(l.budget(w, now))
	if !w.exempt {
		later(l.global)
		later(l.rate.next(l.cfg.Share()))
	}
	return at, known
}

// budget returns when the budget of invalid requests lets w start. A part of it is reserved for interactive requests.
// What other processes have used of it counts, too.
func (l *Limiter) budget(w *waiter, now time.Time) time.Time {
	most := l.cfg.InvalidMax * 8 / 10
	if w.priority >= Interactive {
		most = l.cfg.InvalidMax * 9 / 10
	}
	if most -= l.cfg.OthersInvalid(); most <= 0 {
		return now.Add(invalidSlot) // then more is known
	}
	return l.invalids.below(now, most)
}

// pump starts every request that may start, and sets the timer for the next.
func (l *Limiter) pump() {
	if l.closed {
		return
	}
	now := time.Now()
	for {
		best, next := l.scan(now)
		if best == nil {
			l.next = time.Time{}
			if !next.IsZero() {
				l.wake(next, now)
			}
			return
		}
		l.begin(best, now)
	}
}

// scan finds the request to start next; if there is none, it returns when the clock alone may allow one.
func (l *Limiter) scan(now time.Time) (best *waiter, next time.Time) {
	shut := l.rate.next(l.cfg.Share())
	if l.global.After(shut) {
		shut = l.global
	}
	for b := range l.waiting {
		w := b.queue[0]
		at, known := shut, true // if all of them are blocked globally, don't look further
		if w.exempt || !shut.After(now) {
			at, known = l.startAt(w, now)
		}
		switch {
		case !known:
		case at.After(now):
			if next.IsZero() || at.Before(next) {
				next = at
			}
		case best == nil || w.before(best):
			best = w
		}
	}
	return best, next
}

// begin starts the first waiter of a bucket.
func (l *Limiter) begin(w *waiter, now time.Time) {
	b := w.bucket
	b.queue = b.queue[1:]
	if len(b.queue) == 0 {
		b.queue = nil
		delete(l.waiting, b)
	}
	b.took(w, now)
	if !w.exempt {
		l.rate.start(now)
	}
	w.started = true
	l.cfg.Metrics.left(w, now)
	close(w.start)
}

// fail ends a waiter that was removed from its queue.
func (l *Limiter) fail(w *waiter, err error) {
	w.err = err
	l.cfg.Metrics.left(w, time.Now())
	close(w.start)
}

// wake sets the timer, unless it fires earlier.
func (l *Limiter) wake(at, now time.Time) {
	if !l.next.IsZero() && !at.Before(l.next) {
		return
	}
	l.next = at
	if l.timer == nil {
		l.timer = time.AfterFunc(at.Sub(now), l.tick)
		return
	}
	l.timer.Reset(at.Sub(now))
}

// tick is called by the timer, and locks l.mu itself.
func (l *Limiter) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = time.Time{}
	l.pump()
}

// block stops a bucket until a time, and refuses its waiters whose deadline is before it.
func (l *Limiter) block(b *bucket, until time.Time) {
	if until.After(b.blocked) {
		b.blocked = until
	}
	if b.known {
		b.remaining = 0
	}
	kept := b.queue[:0]
	for _, w := range b.queue {
		if w.deadline.Before(b.blocked) {
			l.fail(w, limitedError(time.Until(b.blocked), nil))
			continue
		}
		kept = append(kept, w)
	}
	clear(b.queue[len(kept):])
	b.queue = kept
	if len(kept) == 0 {
		delete(l.waiting, b)
	}
}

// sweep removes unused buckets: every interaction creates one.
func (l *Limiter) sweep(now time.Time) {
	const every, after = time.Minute, time.Minute
	if now.Sub(l.swept) < every {
		return
	}
	l.swept = now
	for key, b := range l.buckets {
		if len(b.queue) == 0 && b.flying == 0 && !b.blocked.After(now) && !b.reset.After(now) &&
			now.Sub(b.used) > after {
			delete(l.buckets, key)
		}
	}
	l.cfg.Metrics.known(len(l.buckets))
}

// observe learns from the response to t. For a 429 it returns when the request may be repeated, and
// whether only this request has to wait (alone) or its whole bucket.
func (l *Limiter) observe(t *ticket, status int, h http.Header, body []byte) (until time.Time, alone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	s := readBucketState(h)
	l.cfg.Metrics.answered(status)
	if status != http.StatusTooManyRequests {
		b := l.identify(t, s.bucket)
		b.learn(s, now)
		if status < 500 {
			b.refused, l.globalTimes = 0, 0
			if !b.known {
				b.open = true
			}
		}
		if status == http.StatusUnauthorized || status == http.StatusForbidden {
			l.invalid(now)
		}
		return time.Time{}, false
	}
	said := readLimitResponse(h, body, l.cfg.HiddenLimit)
	said.hidden = said.hidden || oldEdit(body) // newer messages can still be edited
	if said.scope != scopeShared {
		l.invalid(now)
	}
	b := t.bucket.resolve()
	named := l.buckets[b.called(s.bucket)]
	if named == b {
		b.learn(s, now)
	}
	until, alone = l.obey(b, named, said, now)
	l.limited++
	l.lastLimited = now
	l.cfg.Metrics.limited(said.scope)
	l.log.Warn("rate limited by Discord", slog.String("scope", string(said.scope)), slog.String("route", t.route),
		slog.String("bucket", s.bucket), slog.Duration("retry_after", until.Sub(now)), slog.Bool("hidden", said.hidden))
	return until, alone
}

// obey applies the wait that a 429 asks for, to the request's bucket and to the one that it names, if that is known.
func (l *Limiter) obey(b, named *bucket, said limitResponse, now time.Time) (until time.Time, alone bool) {
	after := said.after
	switch said.scope {
	case scopeGlobal, scopeCloudflare:
		if after == 0 {
			l.globalTimes++
			after = l.cfg.backoff(l.globalTimes)
		}
		until = now.Add(after)
		held := &l.global
		if said.scope == scopeCloudflare {
			held = &l.banned
		}
		if until.After(*held) {
			*held = until
		}
		return until, false
	}
	if after == 0 {
		b.refused++
		after = l.cfg.backoff(b.refused)
	}
	until = now.Add(after)
	if !said.hidden {
		l.block(b, until)
		if named != nil {
			l.block(named, until)
		}
	}
	return until, said.hidden
}

// invalid counts a response that Discord counts as an invalid request.
func (l *Limiter) invalid(now time.Time) {
	l.invalids.add(now)
	n := l.invalids.count(now)
	l.cfg.Metrics.invalid(n)
	over := n+l.cfg.OthersInvalid() >= l.cfg.InvalidMax*8/10
	if over && !l.overspent {
		l.log.Error("too many invalid requests: pausing all calls before Discord bans this address. "+
			"Check the bot's token and permissions",
			slog.Int("refused_in_10m", n), slog.Int("ban_at", l.cfg.InvalidMax))
	}
	l.overspent = over
}

// identify returns the bucket that a response names, and moves the request there. A 429 doesn't tell which bucket a
// route has: it may name one that no other answer does (https://github.com/discord/discord-api-docs/issues/7394).
func (l *Limiter) identify(t *ticket, name string) *bucket {
	b := t.bucket.resolve()
	if name == "" || b.key == b.called(name) {
		return b
	}
	l.learned[t.route] = name
	to := l.named(b.called(name))
	if b.key != b.called(t.route) {
		// The route now uses another bucket. The old one may also be used by other routes, so it stays, with its
		// waiters.
		if t.flying {
			b.flying--
			b.left(t.waiter)
			to.flying++
		}
		t.bucket = to
		return to
	}
	delete(l.buckets, b.key)
	delete(l.waiting, b)
	b.merge(to)
	if len(to.queue) > 0 {
		l.waiting[to] = struct{}{}
	}
	return to
}
