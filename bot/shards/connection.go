package shards

import (
	"context"
	"time"

	"snug/bot/gateway"
	"snug/shared/hub"
)

const (
	connectionLook    = 500 * time.Millisecond
	disconnectedAfter = 5 * time.Second  // without a connection, until the shard counts as disconnected
	unansweredAfter   = 10 * time.Second // without a heartbeat's ACK
)

// publishConnection publishes whether a shard hears Discord, for dashboards,
// until ctx ends: at once when that changes, else every [hub.ShardReportInterval]. A
// connection on which nothing happens is alive: its heartbeats are answered.
func (s *Shard) publishConnection(ctx context.Context) {
	tick := time.NewTicker(connectionLook)
	defer tick.Stop()
	connected, heard, published := time.Now(), time.Now(), hub.ShardReport{}
	var publishedAt time.Time
	for {
		now := time.Now()
		if s.conn.State().Phase == gateway.Ready {
			connected, heard = now, now.Add(-s.conn.AckMissing())
		}
		ok := now.Sub(connected) <= disconnectedAfter && now.Sub(heard) <= unansweredAfter
		state := hub.ShardReport{Shard: s.id, Shards: s.conn.ShardCount(), OK: ok, At: heard}
		if state.OK != published.OK || now.Sub(publishedAt) >= hub.ShardReportInterval {
			if err := hub.ShardReports.Send(s.all.o.Hub, state); err == nil { // else it is published next time
				published, publishedAt = state, now
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
