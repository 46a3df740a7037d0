package live

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/protocol"
)

// hearing is what the holder of a shard last told of its connection to Discord.
type hearing struct {
	at   time.Time // when Discord was heard last; by the machine's clock, as told is
	ok   bool
	told time.Time
}

// Heard takes what the holder of a shard tells of its connection to Discord. Watchers are told at once when
// that changes.
func (l *Live) Heard(h hub.ShardReport) {
	l.mu.Lock()
	l.hearing.shards = h.Shards
	l.hearing.of[h.Shard] = hearing{h.At, h.OK, time.Now()}
	l.mu.Unlock()
	l.beatChanged()
}

// hearings are those of all shards, and what watchers were told of them last. Live.mu guards it.
type hearings struct {
	began  time.Time
	shards int // of the whole bot; 0: not known yet
	of     map[int]hearing
	said   map[int]bool // by shard, whether it was said to be heard
}

func (h *hearings) shard(guild snowflake.ID) int {
	if h.shards == 0 {
		return 0
	}
	return int(uint64(guild) >> 22 % uint64(h.shards))
}

// now reports whether Discord is heard on a shard, and when it was heard last.
func (h *hearings) now(shard int, at time.Time, patience time.Duration) (ok bool, last time.Time) {
	known, told := h.of[shard]
	switch {
	case !told && at.Sub(h.began) < patience: // whoever holds it may not have told yet
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

// beat sends heartbeats every BeatEvery until ctx ends, and in between to those for whom Discord is heard
// again, or no more.
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
		said, known := l.hearing.said[shard]
		return known && said != ok
	})
}

// beatTo sends a heartbeat to the watchers of the shards that want one. It is
// encoded once for all who are told the same.
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
		if w.left || w.seat == (seat{}) {
			continue
		}
		shard := l.hearing.shard(w.seat.guild)
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
		l.hearing.said[shard], _ = l.hears(shard, now)
	}
	l.mu.Unlock()
	for c, frame := range to {
		c.send(frame)
	}
}

// Hears reports whether Discord is heard on the shards of all these guilds, and
// for how long not; 0 when it is.
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

// hears reports whether Discord is heard on a shard; always, where nobody tells. Live.mu is held.
func (l *Live) hears(shard int, now time.Time) (ok bool, last time.Time) {
	if !l.o.Hears && l.hearing.shards == 0 {
		return true, now
	}
	return l.hearing.now(shard, now, l.o.Limits.DeafAfter)
}

// heartbeat returns the frame that says when Discord was heard last.
func (l *Live) heartbeat(ok bool, age time.Duration) []byte {
	l.metrics.beats.Inc()
	now := l.o.Now()
	return textFrame(protocol.EncodeHeartbeat(ok, now.Add(-age), now))
}
