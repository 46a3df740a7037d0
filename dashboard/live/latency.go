package live

import (
	"slices"
	"sync"
	"time"

	"snug/shared/protocol"
)

// Events' latency from Discord to people is measured in two ways.
//
// To the sockets: this process measures it for every event that somebody watches. Browsers have no
// influence on it, so alerts use it.
//
// To the browsers: from time to time a browser reports that an event is on the screen. The time
// until that report arrives is measured by the clock that also timed the event's arrival, so it
// includes the way back. Reports influence only this number: one counts only if its event was sent
// to that connection, for a member's visible page, and once per protocol.ShownEvery and person.

// recent holds the last latencies.
type recent struct {
	mu   sync.Mutex
	ring [512]time.Duration
	n    int
}

func (r *recent) add(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[r.n%len(r.ring)] = took
	r.n++
}

// maxEventAge is the age up to which an event counts: one retained while nobody watched says nothing about latency.
const maxEventAge = time.Minute

func (m *metrics) delivered(took time.Duration) {
	if took < 0 || took > maxEventAge {
		return
	}
	m.latency.Observe(took.Seconds())
	m.sent.add(took)
}

// Latency summarizes the latency of at most the last 512 events.
type Latency struct {
	Events   int // number of measured events
	P50, P95 time.Duration
}

func (r *recent) latency() Latency {
	r.mu.Lock()
	list := slices.Clone(r.ring[:min(r.n, len(r.ring))])
	r.mu.Unlock()
	if len(list) == 0 {
		return Latency{}
	}
	slices.Sort(list)
	return Latency{len(list), list[len(list)/2], list[len(list)*95/100]}
}

// Latency returns how long the last watched events took from Discord's gateway to the watchers' sockets.
func (l *Live) Latency() Latency { return l.metrics.sent.latency() }

// BrowserLatency returns how long the last events took until browsers reported that they were on the screen.
func (l *Live) BrowserLatency() Latency { return l.metrics.seen.latency() }

// eventTimes holds when the last events of a room came from Discord, in Unix nanoseconds: those from
// revision from on. Guarded by Live.mu.
type eventTimes struct {
	from uint64
	at   []int64
}

// maxEventTimes is how many events of a room are remembered: a few seconds in the busiest room.
const maxEventTimes = 512

func (t *eventTimes) add(n uint64, at time.Time) {
	if n != t.from+uint64(len(t.at)) {
		t.from, t.at = n, t.at[:0]
	}
	if len(t.at) == maxEventTimes {
		t.from, t.at = t.from+maxEventTimes/2, append(t.at[:0], t.at[maxEventTimes/2:]...)
	}
	t.at = append(t.at, at.UnixNano())
}

func (t *eventTimes) when(n uint64) (at time.Time, ok bool) {
	if n < t.from || n-t.from >= uint64(len(t.at)) {
		return at, false
	}
	return time.Unix(0, t.at[n-t.from]), true
}

// rendered handles a browser's report that an event is on its screen. It ignores reports that are
// impossible or come too often: the page did nothing wrong.
func (l *Live) rendered(w *watcher, s protocol.Rendered) {
	now := l.o.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.guilds[w.admission.guild]
	if w.left || w.hidden || w.person == nil || g == nil ||
		now.Sub(l.spoke[w.admission.user]) < protocol.RenderedEvery {
		return
	}
	e := g.rooms[s.ChannelID]
	if e == nil || e.subs[w] == nil || s.Rev.Epoch != e.epoch {
		return
	}
	at, ok := e.eventTimes.when(s.Rev.N)
	if !ok {
		return
	}
	l.spoke[w.admission.user] = now
	if took := now.Sub(at); took >= 0 && took <= maxEventAge {
		l.metrics.shown.Observe(took.Seconds())
		l.metrics.seen.add(took)
	}
}
