package control

import (
	"fmt"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
)

// Inject adds a fault, or makes it happen, and returns it with its id and defaults. It fails if the
// kind is unknown or a required field is missing.
func (c *Control) Inject(f faults.Fault) (faults.Fault, error) {
	defer c.page.faultsChanged()
	now, err := f.Read()
	switch {
	case err != nil:
		return f, err
	case now:
		return f, c.happen(&f)
	}
	return c.faults.Add(f), nil
}

// ClearFaults ends the fault with this id, or with 0 all waiting ones. Requests that a latency fault delays go on at
// once. Unavailable guilds stay unavailable; "restore" brings them back.
func (c *Control) ClearFaults(id int) {
	c.faults.Clear(id)
	c.page.faultsChanged()
}

// Faults lists the waiting faults.
func (c *Control) Faults() []faults.Fault { return c.faults.All() }

// happen applies a fault of the first group.
func (c *Control) happen(f *faults.Fault) error {
	switch f.Kind {
	case faults.Outage, faults.Restore:
		return c.outage(f)
	case faults.ExpireTokens, faults.RevokeTokens:
		c.world.Update(func(s *world.State) { s.OAuth.End(f.User, f.Kind == faults.RevokeTokens, s.Now()) })
	default:
		c.gateway.Disturb(f)
	}
	return nil
}

// outage makes a guild unavailable, or available again.
func (c *Control) outage(f *faults.Fault) error {
	return c.do(func(s held) error {
		g := s.Guilds[f.Guild]
		if g == nil {
			return fmt.Errorf("discordsim: %s needs guild_id of a guild that exists", f.Kind)
		}
		s.SetUnavailable(g, f.Kind == faults.Outage)
		if f.Kind == faults.Outage && f.Duration > 0 {
			c.gateway.After(faults.Seconds(f.Duration), func() { c.endOutage(g.ID) })
		}
		return nil
	})
}

func (c *Control) endOutage(guild world.ID) {
	c.world.Update(func(s *world.State) {
		if g := s.Guilds[guild]; g != nil {
			s.SetUnavailable(g, false)
		}
	})
}
