package live

import (
	"slices"
	"sync"
	"time"

	"snug/shared/protocol"
)

// How long events take from Discord to people, told in two ways.
//
// To the sockets: this process measures it of every event that somebody
// watches. Nobody else has a say in it, so alarms go by it.
//
// To the browsers: a browser says of an event now and then that it is on the
// screen, and what is measured is until that word is here, by the same clock
// that saw the event come; the way back is in it. What browsers say is
// believed no further than into this number: a word counts only of an event
// that went to that connection, from a member's visible page, and once in
// protocol.ShownEvery a person.

// recent are the last latencies.
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

// oldest is up to which age an event counts: what was retained while nobody watched says nothing of the way.
const oldest = time.Minute

func (m *metrics) delivered(took time.Duration) {
	if took < 0 || took > oldest {
		return
	}
	m.latency.Observe(took.Seconds())
	m.sent.add(took)
}

// Latency is how long events took, of the last 512 at most.
type Latency struct {
	Events   int // that were measured
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

// Latency returns how long the last events that somebody watched took from Discord's gateway to the sockets of watchers.
func (l *Live) Latency() Latency { return l.metrics.sent.latency() }

// BrowserLatency returns how long it took until browsers said that an event is on the screen.
func (l *Live) BrowserLatency() Latency { return l.metrics.seen.latency() }

// told are the times, in Unix nanoseconds, at which the last events of a room
// came from Discord: that of revision from, and of those after it. Under Live.mu.
type told struct {
	from uint64
	at   []int64
}

// mostTold is of how many events a room remembers them: seconds of the worst there is.
const mostTold = 512

func (t *told) add(n uint64, at time.Time) {
	if n != t.from+uint64(len(t.at)) {
		t.from, t.at = n, t.at[:0]
	}
	if len(t.at) == mostTold {
		t.from, t.at = t.from+mostTold/2, append(t.at[:0], t.at[mostTold/2:]...)
	}
	t.at = append(t.at, at.UnixNano())
}

func (t *told) when(n uint64) (at time.Time, ok bool) {
	if n < t.from || n-t.from >= uint64(len(t.at)) {
		return at, false
	}
	return time.Unix(0, t.at[n-t.from]), true
}

// showed takes a browser's word that an event is on its screen. What cannot be
// so, or comes too often, is passed over in silence: it is no mistake of the page's.
func (l *Live) showed(w *watcher, s protocol.Rendered) {
	now := l.o.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.guilds[w.seat.guild]
	if w.left || w.hidden || w.person == nil || g == nil || now.Sub(l.spoke[w.seat.user]) < protocol.RenderedEvery {
		return
	}
	e := g.rooms[s.ChannelID]
	if e == nil || e.subs[w] == nil || s.Rev.Epoch != e.epoch {
		return
	}
	at, ok := e.told.when(s.Rev.N)
	if !ok {
		return
	}
	l.spoke[w.seat.user] = now
	if took := now.Sub(at); took >= 0 && took <= oldest {
		l.metrics.shown.Observe(took.Seconds())
		l.metrics.seen.add(took)
	}
}
