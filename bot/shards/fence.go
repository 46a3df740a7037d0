package shards

import (
	"net/http"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/shards/lease"
	"snug/shared/hub"
)

// When several processes share the bot's shards, a process does nothing for a guild whose shard may
// belong to another process by now: it applies no events, resumes no session, writes nothing to the
// hub, answers no calls and makes no requests to Discord. Each of these checks the clock right before
// it happens, because a process that was suspended or cut off doesn't know that yet when it continues.

func (s *Shards) leases() *lease.Holder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leased
}

// leaseOf returns Config.Lease for a shard's connection; nil without leases.
func (s *Shards) leaseOf(shard int) func() time.Duration {
	leases := s.leases()
	if leases == nil {
		return nil
	}
	return func() time.Duration { return leases.Left(shard) }
}

// HoldsAny reports whether this process certainly holds a shard; otherwise it must not do anything.
func (s *Shards) HoldsAny() bool {
	leases := s.leases()
	return leases == nil || leases.Any()
}

// Holds reports whether this process certainly holds a guild's shard.
func (s *Shards) Holds(guild snowflake.ID) bool {
	leases := s.leases()
	return leases == nil || leases.Held(Of(guild, s.Count()))
}

// Guilds lists the known guilds whose shard this process certainly holds.
func (s *Shards) Guilds() []snowflake.ID {
	all := s.o.KnownGuilds()
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

// Term returns the term of the lease that calls for a guild must carry; 0 without leases.
func (s *Shards) Term(guild snowflake.ID) uint64 {
	if leases := s.leases(); leases != nil {
		return leases.Term(Of(guild, s.Count()))
	}
	return 0
}

// Check returns hub.NotHeld unless this process certainly holds the guild's shard.
func (s *Shards) Check(guild snowflake.ID) error {
	if s.Holds(guild) {
		return nil
	}
	return hub.NotHeld(guild)
}

// checkShard is Check for what is stored of a shard. What is left of another number of shards is nobody's, and any
// holder may remove it.
func (s *Shards) checkShard(shards, shard int) error {
	leases := s.leases()
	switch {
	case leases == nil, shards == s.Count() && leases.Held(shard), shards != s.Count() && leases.Any():
		return nil
	}
	return hub.NotHeld(0)
}

// Allow returns an error if a request must not be sent to Discord. The rate limiter calls it right
// before sending, after all waiting. A request that isn't about a known guild, such as a direct message
// or an interaction callback, requires the lease of any shard; one about the application requires none.
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

// Share returns how many requests a second this process may make of those that Discord allows the bot: in proportion to
// its shards, which may be less than one. Processes without a shard share one of them, for what isn't about a shard.
func (s *Shards) Share(whole int) float64 {
	leases := s.leases()
	if leases == nil {
		return float64(whole)
	}
	if part := leases.Part(whole - 1); part > 0 {
		return part
	}
	return 1 / float64(leases.Present())
}

// RefusedElsewhere returns how many requests of other processes Discord refused in the last ten minutes.
func (s *Shards) RefusedElsewhere() int {
	if leases := s.leases(); leases != nil {
		return leases.RefusedElsewhere()
	}
	return 0
}
