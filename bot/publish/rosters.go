// Package publish puts what dashboards show into the hub: rosters as they
// change, and everything again when the hub's memory began anew.
package publish

import (
	"context"
	"errors"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/room"
)

// Rosters hands rosters to the hub in order and without waiting; it is package voice's Publisher.
type Rosters struct {
	p     *hub.Publisher[room.Live]
	holds func(guild snowflake.ID) bool
}

// NewRosters makes Rosters. holds says whether a guild is surely this process's.
func NewRosters(h *hub.Hub, holds func(guild snowflake.ID) bool) (*Rosters, error) {
	p, err := h.Rosters.Publisher(0)
	return &Rosters{p, holds}, err
}

// errNotHeld keeps a roster from being published while its shard may be another process's.
var errNotHeld = errors.New("publish: the shard's lease is not surely held")

// Put publishes a roster, unless its guild may be another process's by now.
func (r *Rosters) Put(key string, live room.Live, done func(error)) {
	if !r.holds(live.Room.GuildID) {
		done(errNotHeld)
		return
	}
	if err := r.p.Put(key, live, func(_ hub.Rev, err error) { done(err) }); err != nil {
		done(err)
	}
}

// Close waits until the hub has everything, or until ctx ends.
func (r *Rosters) Close(ctx context.Context) error { return r.p.Close(ctx) }
