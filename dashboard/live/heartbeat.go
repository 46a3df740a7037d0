package live

import (
	"context"
	"runtime"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/protocol"
)

// hearing is the last report about a shard's connection to Discord.
type hearing struct {
	at   time.Time // when Discord was last heard, by this machine's clock
	ok   bool
	told time.Time // when that was reported
}

// Heard handles a report about a shard's connection to Discord. If the connection was lost or is
// back, watchers get a heartbeat at once.
func (l *Live) Heard(h hub.ShardReport) {
	l.mu.Lock()
	if l.hearing.shards != h.Shards { // what was heard of shards of another number says nothing about these
		clear(l.hearing.of)
		l.hearing.shards, l.hearing.began = h.Shards, time.Now()
	}
	l.hearing.of[h.Shard] = hearing{h.At, h.OK, time.Now()}
	l.mu.Unlock()
	l.beatChanged()
}

// hearings are those of all shards, and what watchers were last sent about them. Guarded by Live.mu.
type hearings struct {
	began    time.Time
	shards   int // of the whole bot; 0: unknown
	of       map[int]hearing
	reported map[int]bool // by shard, whether watchers were told that it is connected
}

func (h *hearings) shard(guild snowflake.ID) int {
	if h.shards == 0 {
		return 0
	}
	return int(uint64(guild) >> 22 % uint64(h.shards))
}

// now reports whether a shard is connected to Discord, and when Discord was last heard.
func (h *hearings) now(shard int, at time.Time, patience time.Duration) (ok bool, last time.Time) {
	known, told := h.of[shard]
	switch {
	case !told && at.Sub(h.began) < patience: // its holder may not have reported yet
		return true, at
	case !told:
		return false, h.began
	case at.Sub(known.told) > patience:
		return false, known.at
	case known.ok:
		return true, at
	}
	return false, known.at
}

// beat sends every watcher a heartbeat every BeatEvery until ctx ends, with a ping in it every PingEvery: one write
// for both. The watchers' heartbeats are spread over that time; the first one comes after half of it to one and a half.
// Those whose shard has lost its connection, or is connected again, get another one at once.
func (l *Live) beat(ctx context.Context) {
	every := min(l.o.Limits.Sweep, l.o.Limits.BeatEvery)
	tick := time.NewTicker(every)
	defer tick.Stop()
	parts := int(l.o.Limits.BeatEvery / every)
	pings := max(1, int(l.o.Limits.PingEvery/l.o.Limits.BeatEvery)) // every how many heartbeats
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.beatChanged()
		part, settled := n%parts, time.Now().Add(-l.o.Limits.BeatEvery/2).UnixNano()
		theirs := func(w *watcher) bool { return int(uint32(w.number))%parts == part && w.came < settled }
		l.beatTo(theirs, nil, (n/parts+part)%pings == 0)
	}
}

// beatChanged sends heartbeats to the watchers of shards of which they were last told something else.
func (l *Live) beatChanged() {
	changed := func(shard int, ok bool) bool {
		said, known := l.hearing.reported[shard]
		return known && said != ok
	}
	l.beatTo(func(*watcher) bool { return true }, changed, false)
}

// beatTo sends a heartbeat to the watchers among those for whom who returns true whose shards have changed, or to all
// of them if changed is nil. It is encoded once for all that get the same one.
func (l *Live) beatTo(who func(*watcher) bool, changed func(shard int, ok bool) bool, ping bool) {
	type news struct {
		ok bool
		at time.Time
	}
	frames, to := map[news][]byte{}, map[*conn][]byte{}
	now := time.Now()
	l.mu.Lock()
	wanted := map[int]bool{}
	for w := range l.watchers {
		if w.left || w.admission == (admission{}) || !who(w) {
			continue
		}
		shard := l.hearing.shard(w.admission.guild)
		ok, at := l.hears(shard, now)
		if changed != nil {
			want, judged := wanted[shard]
			if !judged {
				want = changed(shard, ok)
				wanted[shard] = want
			}
			if !want {
				continue
			}
		}
		frame := frames[news{ok, at}]
		if frame == nil {
			if frame = l.heartbeat(ok, now.Sub(at)); ping {
				frame = append(frame, pingFrame...)
			}
			frames[news{ok, at}] = frame
		}
		to[w.conn] = frame
	}
	for shard := range wanted {
		l.hearing.reported[shard], _ = l.hears(shard, now)
	}
	l.mu.Unlock()
	n := 0
	for c, frame := range to {
		c.send(frame)
		if n++; n%64 == 0 {
			runtime.Gosched() // events are more urgent
		}
	}
}

// Hears reports whether the shards of all these guilds are connected to Discord, and if not, for
// how long they have been silent.
func (l *Live) Hears(guilds ...snowflake.ID) (ok bool, silent time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, g := range guilds {
		if ok, at := l.hears(l.hearing.shard(g), now); !ok {
			silent = max(silent, now.Sub(at), time.Millisecond)
		}
	}
	return silent == 0, silent
}

// hears reports whether a shard is connected to Discord; always true if nothing reports it. The caller holds Live.mu.
func (l *Live) hears(shard int, now time.Time) (ok bool, last time.Time) {
	if !l.o.Hears && l.hearing.shards == 0 {
		return true, now
	}
	return l.hearing.now(shard, now, l.o.Limits.DeafAfter)
}

// heartbeat returns the frame that says when Discord was last heard.
func (l *Live) heartbeat(ok bool, age time.Duration) []byte {
	l.metrics.beats.Inc()
	now := l.o.Now()
	return textFrame(protocol.EncodeHeartbeat(ok, now.Add(-age), now))
}
