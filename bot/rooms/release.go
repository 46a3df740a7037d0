package rooms

import (
	"context"

	"github.com/disgoorg/snowflake/v2"
)

// Release lets go of a guild that is another process's from now on, and changes
// nothing of it. It waits for what goes on in the guild, until ctx ends; what
// was enqueued, or comes late, is not done any more.
func (rs *Rooms) Release(ctx context.Context, id snowflake.ID) {
	rs.mu.Lock()
	g := rs.guilds[id]
	delete(rs.guilds, id)
	for who := range rs.observed {
		if who[0] == id {
			delete(rs.observed, who)
		}
	}
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
