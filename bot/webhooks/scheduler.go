package webhooks

import (
	"math"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// What may be sent at the same time. A receiver that is slow holds a slot
// for up to sendTime, so that no server gets them all:
//   - a turn is one message, and a hook has one turn at a time;
//   - a server has at most perGuild turns at a time;
//   - half of the slots are for servers whose receivers usually answer within
//     swift, one turn each: who answers quickly does not wait for who does not;
//   - of those that wait, who used least of late goes first.
const (
	slots      = 64
	slowSlots  = slots / 2
	perGuild   = 4
	quickLimit = 2 * time.Second
	window     = time.Minute // in which what was used fades by half
	remember   = time.Hour   // for how long a server's usual time is known
)

// backoff is how long a hook that failed so many times in a row waits for its next turn, whatever is due.
func backoff(failures int) time.Duration {
	return min(time.Second<<min(failures-1, 10), time.Minute)
}

// scheduler decides whose turn it is. It reads no clock, and is safe for concurrent use.
type scheduler struct {
	mu      sync.Mutex
	running int // turns that are on
	slow    int // of those, how many do not count as quick
	guilds  map[snowflake.ID]*guildUsage
	hooks   map[hookKey]*hookFailures
}

// guildUsage is what a server used of late, and its turns that are on.
type guildUsage struct {
	used  time.Duration // as of at, without turns that are on
	usual time.Duration // a turn's, the last ones counting most
	at    time.Time     // when a turn ended last
	on    map[hookKey]running
}

type running struct {
	begun time.Time
	quick bool
}

// hookFailures is how a hook's last turns went.
type hookFailures struct {
	failures int       // in a row
	until    time.Time // it rests until then
}

func newScheduler() *scheduler {
	return &scheduler{guilds: map[snowflake.ID]*guildUsage{}, hooks: map[hookKey]*hookFailures{}}
}

// faded gives what was used by turns that ended.
func (s *guildUsage) faded(now time.Time) time.Duration {
	return time.Duration(float64(s.used) * math.Exp2(-float64(now.Sub(s.at))/float64(window)))
}

// total gives what was used, turns that are on included.
func (s *guildUsage) total(now time.Time) time.Duration {
	used := s.faded(now)
	for _, t := range s.on {
		used += now.Sub(t.begun)
	}
	return used
}

// begin gives a turn to one of the hooks that have something due, if one may have it; end has to follow.
func (t *scheduler) begin(now time.Time, due []hookKey) (hookKey, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running >= slots {
		return hookKey{}, false
	}
	var best hookKey
	var bestUsed time.Duration
	found, bestQuick := false, false
	for _, k := range due {
		s := t.guilds[k.guild]
		if s == nil {
			s = &guildUsage{}
		}
		if _, on := s.on[k]; on || len(s.on) >= perGuild {
			continue
		}
		if r := t.hooks[k]; r != nil && now.Before(r.until) {
			continue
		}
		used := s.total(now)
		isQuick := s.usual < quickLimit && len(s.on) == 0
		if !isQuick && t.slow >= slowSlots {
			continue
		}
		if !found || used < bestUsed {
			best, bestUsed, bestQuick, found = k, used, isQuick, true
		}
	}
	if found {
		t.take(best, running{now, bestQuick})
	}
	return best, found
}

func (t *scheduler) take(k hookKey, one running) {
	s := t.guilds[k.guild]
	if s == nil {
		s = &guildUsage{at: one.begun, on: map[hookKey]running{}}
		t.guilds[k.guild] = s
	}
	s.on[k] = one
	t.running++
	if !one.quick {
		t.slow++
	}
}

// end ends a hook's turn.
func (t *scheduler) end(now time.Time, k hookKey, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.guilds[k.guild]
	one := s.on[k]
	delete(s.on, k)
	took := now.Sub(one.begun)
	s.used, s.usual, s.at = s.faded(now)+took, (s.usual+took)/2, now
	t.running--
	if !one.quick {
		t.slow--
	}
	if failed {
		r := t.hooks[k]
		if r == nil {
			r = &hookFailures{}
			t.hooks[k] = r
		}
		r.failures++
		r.until = now.Add(backoff(r.failures))
	} else {
		delete(t.hooks, k)
	}
	t.forget(now)
}

// remembered is from how many servers or hooks on the old ones are forgotten.
const remembered = 10_000

// forget drops what no longer says anything, so that memory stays bounded.
func (t *scheduler) forget(now time.Time) {
	if len(t.guilds) > remembered {
		for g, s := range t.guilds {
			if len(s.on) == 0 && now.Sub(s.at) > remember {
				delete(t.guilds, g)
			}
		}
	}
	if len(t.hooks) > remembered {
		for k, r := range t.hooks {
			if now.Sub(r.until) > remember {
				delete(t.hooks, k)
			}
		}
	}
}
