package ratelimit

import "time"

// State is a snapshot of the queue.
type State struct {
	Waiting     int           // requests waiting to start
	Longest     time.Duration // the longest current wait
	OnWay       int           // running requests
	Limited     int           // 429 responses since the limiter was made
	LastLimited time.Time     // when the last 429 arrived; zero: none yet
	Invalid     int           // invalid responses in the last ten minutes
	Blocked     time.Time     // until then, only interaction callbacks may start; zero: not blocked
}

// State returns a snapshot. It visits every waiting request.
func (l *Limiter) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	s := State{OnWay: l.out, Limited: l.limited, LastLimited: l.lastLimited, Invalid: l.invalids.count(now)}
	for b := range l.waiting {
		for _, w := range b.queue {
			s.Waiting++
			s.Longest = max(s.Longest, now.Sub(w.since))
		}
	}
	for _, t := range []time.Time{l.global, l.banned} {
		if t.After(now) && t.After(s.Blocked) {
			s.Blocked = t
		}
	}
	s.OnWay -= min(s.OnWay, l.repeats())
	return s
}

// repeats counts requests waiting for another try, which keep their ticket. The caller holds l.mu.
func (l *Limiter) repeats() int {
	n := 0
	for _, list := range l.flights {
		for _, t := range list {
			if !t.flying {
				n++
			}
		}
	}
	return n
}
