package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The roles that a process may have.
const (
	RoleBot       = "bot"       // connects to Discord, and alone changes rooms
	RoleDashboard = "dashboard" // serves pages, the API and the live view; holds no state
)

// maxShards is more than Discord has ever given a bot; it catches mistyped numbers.
const maxShards = 1 << 16

// Bot reports whether the process connects to Discord.
func (c *Serve) Bot() bool { return c.has(RoleBot) }

// Dashboard reports whether the process serves the web.
func (c *Serve) Dashboard() bool { return c.has(RoleDashboard) }

// has reports whether the process has a role. Without any it has all.
func (c *Serve) has(role string) bool { return len(c.Roles) == 0 || slices.Contains(c.Roles, role) }

// Shards are shards by number. None means all of them.
type Shards []int

// UnmarshalText parses numbers and ranges, such as 0-3,8.
func (s *Shards) UnmarshalText(b []byte) error {
	var list Shards
	for part := range strings.SplitSeq(string(b), ",") {
		from, to, span := strings.Cut(strings.TrimSpace(part), "-")
		if !span {
			to = from
		}
		first, err := strconv.Atoi(from)
		last, e := strconv.Atoi(to)
		if err := cmp.Or(err, e); err != nil || first < 0 || last < first || last >= maxShards {
			return fmt.Errorf("%q isn't a list of shards. Use something like 0-3 or 0-3,8", b)
		}
		for n := first; n <= last; n++ {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	*s = slices.Compact(list)
	return nil
}

// ShardCount is how many shards the bot has; 0 means as many as run already, or as Discord recommends.
type ShardCount int

// UnmarshalText parses auto or a number.
func (n *ShardCount) UnmarshalText(b []byte) error {
	if string(b) == "auto" {
		*n = 0
		return nil
	}
	i, err := strconv.Atoi(string(b))
	if err != nil || i < 1 || i > maxShards {
		return fmt.Errorf("%q isn't a number of shards. Use auto, or a number from 1", b)
	}
	*n = ShardCount(i)
	return nil
}

// checkRoles reports what is wrong with the roles, and with the shards that go with them.
func (c *Serve) checkRoles() (wrong []error) {
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	for _, r := range c.Roles {
		if r != RoleBot && r != RoleDashboard {
			report("SNUG_ROLES has %q, which isn't a role. Choose bot, dashboard, or both: bot,dashboard.", r)
		}
	}
	switch {
	case c.NATSURL != "":
	case !c.Bot() || !c.Dashboard():
		report("SNUG_ROLES is %s, so the rest of Snug runs elsewhere, and the processes meet in a NATS server. "+
			"Set SNUG_NATS_URL for all of them, or leave SNUG_ROLES empty.", strings.Join(c.Roles, ","))
	case len(c.Shards) > 0:
		report("SNUG_SHARDS is set, but nobody connects the other shards: without SNUG_NATS_URL, this is the only " +
			"process. Set SNUG_NATS_URL, or leave SNUG_SHARDS empty.")
	}
	if !c.Bot() && len(c.Shards) > 0 {
		report("SNUG_SHARDS is set, but this process isn't a bot. Leave SNUG_SHARDS empty, or add bot to SNUG_ROLES.")
	}
	if n := len(c.Shards); n > 0 && c.ShardCount > 0 && c.Shards[n-1] >= int(c.ShardCount) {
		report("SNUG_SHARDS has shard %d, but SNUG_SHARD_COUNT is %d. Shards are numbered from 0 to %d.",
			c.Shards[n-1], c.ShardCount, c.ShardCount-1)
	}
	return wrong
}
