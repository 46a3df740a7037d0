package bot

import (
	"net/http"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/shards/lease"
	"snug/shared/hub"
)

// Where several processes share the bot's shards, nothing is done about a guild
// whose shard may be another process's by now: no event is applied, no session
// resumed, nothing written to the hub, no call answered and nothing asked of
// Discord. Each of these looks at the clock right before it happens, because a
// process that was stopped, or cut off, and goes on knows nothing of it yet.

func (b *Bot) leases() *lease.Holder {
	b.shards.mu.Lock()
	defer b.shards.mu.Unlock()
	return b.shards.leases
}

// leaseOf gives how the gateway asks for a shard's lease; nil where there is none.
func (b *Bot) leaseOf(shard int) func() time.Duration {
	leases := b.leases()
	if leases == nil {
		return nil
	}
	return func() time.Duration { return leases.Left(shard) }
}

// holds says whether a guild is surely this process's.
func (b *Bot) holds(guild snowflake.ID) bool {
	leases := b.leases()
	return leases == nil || leases.Held(shardOf(guild, b.shardCount()))
}

// holding lists the guilds that are known here and surely this process's.
func (b *Bot) holding() []snowflake.ID {
	all := b.keeper.Holds()
	if b.leases() == nil {
		return all
	}
	var mine []snowflake.ID
	for _, g := range all {
		if b.holds(g) {
			mine = append(mine, g)
		}
	}
	return mine
}

// term gives the number of the tenure that calls for a guild are meant for; 0 where there are no leases.
func (b *Bot) term(guild snowflake.ID) uint64 {
	if leases := b.leases(); leases != nil {
		return leases.Term(shardOf(guild, b.shardCount()))
	}
	return 0
}

// mine fails unless a guild is surely this process's.
func (b *Bot) mine(guild snowflake.ID) error {
	if b.holds(guild) {
		return nil
	}
	return hub.NotHeld(guild)
}

func (b *Bot) mineShard(shard int) error {
	if leases := b.leases(); leases != nil && !leases.Held(shard) {
		return hub.NotHeld(0)
	}
	return nil
}

// mayAsk says why Discord may not be asked something, if it may not. The
// limiter asks right before a request leaves, behind every queue. What is about
// no guild that is known here, a direct message or an interaction's answer,
// needs a lease of any shard; what is about the application as a whole, none.
func (b *Bot) mayAsk(r *http.Request) error {
	leases := b.leases()
	if leases == nil {
		return nil
	}
	_, path, _ := strings.Cut(r.URL.Path, "/api/v10/")
	kind, rest, _ := strings.Cut(path, "/")
	first, _, _ := strings.Cut(rest, "/")
	id, err := snowflake.Parse(first)
	switch {
	case kind == "guilds" && err == nil:
		return b.mine(id)
	case kind == "channels" && err == nil:
		if c, ok := b.client.Caches.Channel(id); ok {
			return b.mine(c.GuildID())
		}
	case kind == "interactions", kind == "webhooks":
	default:
		return nil
	}
	if leases.Any() {
		return nil
	}
	return hub.NotHeld(0)
}
