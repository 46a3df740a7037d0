// Package publish publishes what dashboards show to the hub: rosters as they change, and everything
// again when the hub has lost its memory buckets.
package publish

import (
	"context"
	"errors"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/room"
)

// Rosters publishes rosters in order and without blocking; it implements voice.Publisher.
type Rosters struct {
	p     *hub.Publisher[room.Live]
	holds func(guild snowflake.ID) bool
}

// NewRosters makes Rosters. holds reports whether this process certainly holds a guild.
func NewRosters(h *hub.Hub, holds func(guild snowflake.ID) bool) (*Rosters, error) {
	p, err := h.Rosters.Publisher(0)
	return &Rosters{p, holds}, err
}

// errNotHeld prevents publishing a roster whose shard may belong to another process.
var errNotHeld = errors.New("publish: another process may hold the shard's lease")

// Put publishes a roster, unless another process may hold its guild by now.
func (r *Rosters) Put(key string, live room.Live, done func(error)) {
	if !r.holds(live.Room.GuildID) {
		done(errNotHeld)
		return
	}
	if err := r.p.Put(key, live, func(_ hub.Rev, err error) { done(err) }); err != nil {
		done(err)
	}
}

// Flush waits until the hub has stored what was put so far, or until ctx ends.
func (r *Rosters) Flush(ctx context.Context) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for r.p.Pending() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Close waits until the hub has stored everything, or until ctx ends.
func (r *Rosters) Close(ctx context.Context) error { return r.p.Close(ctx) }
