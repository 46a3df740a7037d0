package rooms

import (
	"context"

	"github.com/disgoorg/snowflake/v2"
)

// Forget lets go of a guild that is another process's from now on, and changes
// nothing of it. It waits for what goes on in the guild, until ctx ends; what
// was enqueued, or comes late, is not done any more.
func (k *Keeper) Forget(ctx context.Context, id snowflake.ID) {
	k.mu.Lock()
	g := k.guilds[id]
	delete(k.guilds, id)
	for who := range k.heard {
		if who[0] == id {
			delete(k.heard, who)
		}
	}
	k.mu.Unlock()
	if g == nil {
		return
	}
	g.gone.Store(true)
	ctx, t, err := g.begin(ctx, nil)
	if err != nil {
		return
	}
	defer t.end()
	g.awaitAlone(ctx)
}
