package shards

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

func (s *Shards) leases() *lease.Holder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leased
}

// leaseOf returns how the gateway asks for a shard's lease; nil where there is none.
func (s *Shards) leaseOf(shard int) func() time.Duration {
	leases := s.leases()
	if leases == nil {
		return nil
	}
	return func() time.Duration { return leases.Left(shard) }
}

// HoldsAny reports whether this process surely has a shard; without one nothing may be done.
func (s *Shards) HoldsAny() bool {
	leases := s.leases()
	return leases == nil || leases.Any()
}

// Holds reports whether a guild is surely this process's.
func (s *Shards) Holds(guild snowflake.ID) bool {
	leases := s.leases()
	return leases == nil || leases.Held(Of(guild, s.Count()))
}

// Guilds lists the guilds that the bot knows and that are surely this process's.
func (s *Shards) Guilds() []snowflake.ID {
	all := s.o.Known()
	if s.leases() == nil {
		return all
	}
	var mine []snowflake.ID
	for _, g := range all {
		if s.Holds(g) {
			mine = append(mine, g)
		}
	}
	return mine
}

// Term returns the number of the tenure that calls for a guild are meant for; 0 where there are no leases.
func (s *Shards) Term(guild snowflake.ID) uint64 {
	if leases := s.leases(); leases != nil {
		return leases.Term(Of(guild, s.Count()))
	}
	return 0
}

// Check fails, with hub.NotHeld, unless a guild is surely this process's.
func (s *Shards) Check(guild snowflake.ID) error {
	if s.Holds(guild) {
		return nil
	}
	return hub.NotHeld(guild)
}

func (s *Shards) checkShard(shard int) error {
	if leases := s.leases(); leases != nil && !leases.Held(shard) {
		return hub.NotHeld(0)
	}
	return nil
}

// Allow returns why Discord may not be asked something, if it may not. The rate
// limiter asks right before a request leaves, behind every queue. What is about
// no guild that is known here, a direct message or an interaction's answer,
// needs a lease of any shard; what is about the application as a whole, none.
func (s *Shards) Allow(r *http.Request) error {
	leases := s.leases()
	if leases == nil {
		return nil
	}
	_, path, _ := strings.Cut(r.URL.Path, "/api/v10/")
	kind, rest, _ := strings.Cut(path, "/")
	first, _, _ := strings.Cut(rest, "/")
	id, err := snowflake.Parse(first)
	switch {
	case kind == "guilds" && err == nil:
		return s.Check(id)
	case kind == "channels" && err == nil:
		if c, ok := s.o.Client.Caches.Channel(id); ok {
			return s.Check(c.GuildID())
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
