package shards

import (
	"context"
	"time"

	"snug/bot/gateway"
	"snug/shared/hub"
)

const (
	connectionPoll    = 500 * time.Millisecond
	disconnectedAfter = 5 * time.Second  // without a connection for this long, the shard counts as disconnected
	unansweredAfter   = 10 * time.Second // or without a heartbeat ACK for this long
)

// publishConnection publishes whether a shard is connected to Discord, for dashboards, until ctx
// ends: at once when that changes, otherwise every [hub.ShardReportInterval]. A connection without
// events is alive as long as its heartbeats are acknowledged.
func (s *Shard) publishConnection(ctx context.Context) {
	tick := time.NewTicker(connectionPoll)
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
			if err := hub.ShardReports.Send(s.all.o.Hub, state); err == nil { // else it is published on the next tick
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
