package rooms

import (
	"context"

	"github.com/disgoorg/snowflake/v2"
)

// Release drops a guild that another process holds from now on; nothing of it is changed. It
// waits for the guild's running tasks, until ctx ends. Queued and later jobs are discarded.
func (rs *Rooms) Release(ctx context.Context, id snowflake.ID) {
	rs.mu.Lock()
	g := rs.guilds[id]
	delete(rs.guilds, id)
	delete(rs.observed, id)
	delete(rs.missed, id)
	rs.mu.Unlock()
	if g == nil {
		return
	}
	g.released.Store(true)
	ctx, t, err := g.begin(ctx, nil)
	if err != nil {
		return
	}
	defer t.end()
	g.awaitExclusive(ctx)
}
