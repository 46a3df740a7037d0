package bot

import (
	"context"
	"time"

	"snug/bot/gateway"
	"snug/shared/hub"
)

const (
	heardLook     = 500 * time.Millisecond
	lostFor       = 5 * time.Second  // without a connection Discord is heard no more
	unansweredFor = 10 * time.Second // without an ACK neither
)

// tellHeard tells dashboards whether Discord is heard on a shard until ctx
// ends: at once when that changes, else every [hub.HeardEvery]. A connection on
// which nothing happens is heard: its heartbeats are answered.
func (b *Bot) tellHeard(ctx context.Context, s *saver) {
	tick := time.NewTicker(heardLook)
	defer tick.Stop()
	connected, heard, told := time.Now(), time.Now(), hub.Heard{}
	var toldAt time.Time
	for {
		now := time.Now()
		if s.shard.State().Phase == gateway.Ready {
			connected, heard = now, now.Add(-s.shard.AckMissing())
		}
		ok := now.Sub(connected) <= lostFor && now.Sub(heard) <= unansweredFor
		h := hub.Heard{Shard: s.id, Shards: s.shard.ShardCount(), OK: ok, At: heard}
		if h.OK != told.OK || now.Sub(toldAt) >= hub.HeardEvery {
			if err := hub.DiscordHeard.Send(b.o.Hub, h); err == nil { // else it is told next time
				told, toldAt = h, now
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
