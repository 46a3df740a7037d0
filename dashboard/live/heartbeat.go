package live

import (
	"context"
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
	l.hearing.shards = h.Shards
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

// beat sends heartbeats every BeatEvery until ctx ends, and in between to the watchers whose shard
// has lost its connection or is connected again.
func (l *Live) beat(ctx context.Context) {
	tick := time.NewTicker(l.o.Limits.Sweep)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if time.Since(last) < l.o.Limits.BeatEvery {
				l.beatChanged()
				continue
			}
			last = time.Now()
			l.beatTo(func(int, bool) bool { return true })
		}
	}
}

func (l *Live) beatChanged() {
	l.beatTo(func(shard int, ok bool) bool {
		said, known := l.hearing.reported[shard]
		return known && said != ok
	})
}

// beatTo sends a heartbeat to the watchers of the shards for which wants returns true. It is
// encoded once for all that get the same one.
func (l *Live) beatTo(wants func(shard int, ok bool) bool) {
	type news struct {
		ok bool
		at time.Time
	}
	frames, to := map[news][]byte{}, map[*conn][]byte{}
	now := time.Now()
	l.mu.Lock()
	wanted := map[int]bool{}
	for w := range l.watchers {
		if w.left || w.admission == (admission{}) {
			continue
		}
		shard := l.hearing.shard(w.admission.guild)
		ok, at := l.hears(shard, now)
		want, judged := wanted[shard]
		if !judged {
			want = wants(shard, ok)
			wanted[shard] = want
		}
		if !want {
			continue
		}
		frame := frames[news{ok, at}]
		if frame == nil {
			frame = l.heartbeat(ok, now.Sub(at))
			frames[news{ok, at}] = frame
		}
		to[w.conn] = frame
	}
	for shard := range wanted {
		l.hearing.reported[shard], _ = l.hears(shard, now)
	}
	l.mu.Unlock()
	for c, frame := range to {
		c.send(frame)
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
