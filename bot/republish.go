package bot

import (
	"context"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// refillRetry is how long to wait before what the hub did not take is told again.
const refillRetry = 250 * time.Millisecond

// follow notices when the hub's memory began anew (a NATS server without a
// disk for it was started again) and has rosters and servers published again.
func (b *Bot) follow() error {
	var mu sync.Mutex
	known := map[string]string{} // bucket → epoch
	anew := make(chan struct{}, 1)
	changed := func(bucket string) func(string) {
		return func(epoch string) {
			mu.Lock()
			defer mu.Unlock()
			first := known[bucket] == ""
			known[bucket] = epoch
			if first {
				return // what is told from now on goes there
			}
			select {
			case anew <- struct{}{}:
			default:
			}
		}
	}
	waitRosters, err := b.o.Hub.Rosters.Epochs(b.ctx, changed("rosters"))
	if err != nil {
		return err
	}
	b.wg.Go(waitRosters)
	waitGuilds, err := b.o.Hub.Guilds.Epochs(b.ctx, changed("guilds"))
	if err != nil {
		return err
	}
	b.wg.Go(waitGuilds)
	b.wg.Go(func() {
		for {
			select {
			case <-anew:
				b.refill()
			case <-b.ctx.Done():
				return
			}
		}
	})
	return nil
}

// refill publishes every server's rosters and then that it is ready, until the hub has taken all.
func (b *Bot) refill() {
	b.o.Log.Warn("the hub's memory began anew: publishing rosters and servers again")
	began := time.Now()
	for todo := b.holding(); len(todo) > 0; {
		var left []snowflake.ID
		var last error
		for _, id := range todo {
			if err := b.refillGuild(id); err != nil {
				left, last = append(left, id), err
			}
		}
		b.metrics.refilled(last)
		if todo = left; len(todo) == 0 {
			break
		}
		b.o.Log.Warn("not all rosters could be published again; trying on", "servers", len(todo), "err", last)
		select {
		case <-time.After(refillRetry):
		case <-b.ctx.Done():
			return
		}
	}
	b.o.Log.Info("rosters and servers are published again", "took", time.Since(began).Round(time.Millisecond))
}

// refillGuild publishes a server's rosters, and when the hub has them, the server.
func (b *Bot) refillGuild(id snowflake.ID) error {
	ctx, cancel := context.WithTimeout(b.ctx, saveTime)
	defer cancel()
	taken := make(chan error, 1)
	b.presence.Refill(id, func(err error) { taken <- err })
	select {
	case err := <-taken:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return b.keeper.Reannounce(ctx, id)
}
