package webhooks

import (
	"math"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// Limits on what is sent at the same time. A slow receiver holds a slot for up to outward.Timeout, so no server
// may use all slots:
//   - a send is one message, and a hook has one send at a time;
//   - a server has at most perGuild sends at a time;
//   - half of the slots are reserved for servers whose receivers usually answer within quickLimit, one send
//     each: fast receivers do not wait for slow ones;
//   - of the waiting servers, the one that recently used the least time goes first.
const (
	slots      = 64
	slowSlots  = slots / 2
	perGuild   = 4
	quickLimit = 2 * time.Second
	window     = time.Minute // half-life of the time a server used
	remember   = time.Hour   // how long a server's usual time is remembered
)

// backoff is how long a hook with this many failures in a row waits before its next send, whatever is due.
func backoff(failures int) time.Duration {
	return min(time.Second<<min(failures-1, 10), time.Minute)
}

// scheduler decides which hook sends next. It does not read the clock. It is safe for concurrent use.
type scheduler struct {
	mu      sync.Mutex
	running int // sends in progress
	slow    int // how many of them are not quick
	guilds  map[snowflake.ID]*guildUsage
	hooks   map[hookKey]*hookFailures
}

// guildUsage is the time that a server's sends took recently, and its sends in progress.
type guildUsage struct {
	used  time.Duration // as of at, without sends in progress
	usual time.Duration // of one send; the latest ones count most
	at    time.Time     // when the last send ended
	on    map[hookKey]running
}

type running struct {
	begun time.Time
	quick bool
}

// hookFailures counts a hook's latest failures.
type hookFailures struct {
	failures int       // in a row
	until    time.Time // no send before
}

func newScheduler() *scheduler {
	return &scheduler{guilds: map[snowflake.ID]*guildUsage{}, hooks: map[hookKey]*hookFailures{}}
}

// faded returns the time used by sends that ended, halved for each window since.
func (s *guildUsage) faded(now time.Time) time.Duration {
	return time.Duration(float64(s.used) * math.Exp2(-float64(now.Sub(s.at))/float64(window)))
}

// total returns the time used, including sends in progress.
func (s *guildUsage) total(now time.Time) time.Duration {
	used := s.faded(now)
	for _, t := range s.on {
		used += now.Sub(t.begun)
	}
	return used
}

// begin chooses one of the hooks that have something due, and returns false if none may send now. The
// caller must call end for it.
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

// end records that a hook's send ended.
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

// remembered is the number of servers or hooks above which old ones are dropped.
const remembered = 10_000

// forget drops old entries, so that memory stays bounded.
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
