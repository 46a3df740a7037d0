package ratelimit

import "time"

// State is how the queue stands, for people.
type State struct {
	Waiting     int           // requests that wait to start
	Longest     time.Duration // how long the one waits that waits longest
	OnWay       int           // requests that were let start and are not done
	Limited     int           // 429 answers since the limiter was made
	LastLimited time.Time     // when the last of them came; zero: there was none
	Blocked     time.Time     // until when nothing but answers to interactions is let through; zero: all is
}

// State returns how the queue stands now. It looks at every request that waits.
func (l *Limiter) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	s := State{OnWay: l.out, Limited: l.limited, LastLimited: l.lastLimited}
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

// repeats counts requests that wait for another try: they keep their ticket. l.mu is held.
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
