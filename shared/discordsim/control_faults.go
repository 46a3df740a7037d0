package discordsim

import "fmt"

// Inject adds a fault, or makes it happen, and returns it with its id and defaults. It fails if the
// kind is unknown or a required field is missing.
func (c *Control) Inject(f Fault) (Fault, error) {
	defer c.page.faultsChanged()
	now, err := f.read()
	switch {
	case err != nil:
		return f, err
	case now:
		return f, c.happen(&f)
	}
	return c.faults.add(f), nil
}

// ClearFaults ends the fault with this id, or with 0 all waiting ones. Requests that a latency fault delays go on at
// once. Unavailable guilds stay unavailable; "restore" brings them back.
func (c *Control) ClearFaults(id int) {
	c.faults.clear(id)
	c.page.faultsChanged()
}

// Faults lists the waiting faults.
func (c *Control) Faults() []Fault { return c.faults.all() }

// happen applies a fault of the first group.
func (c *Control) happen(f *Fault) error {
	switch f.Kind {
	case FaultOutage, FaultRestore:
		return c.outage(f)
	case FaultExpireTokens, FaultRevokeTokens:
		c.world.Update(func(s *state) { s.oauth.end(f.User, f.Kind == FaultRevokeTokens, s.now()) })
	default:
		c.gateway.Disturb(f)
	}
	return nil
}

// outage makes a guild unavailable, or available again.
func (c *Control) outage(f *Fault) error {
	return c.do(func(s controlHeld) error {
		g := s.guilds[f.Guild]
		if g == nil {
			return fmt.Errorf("discordsim: %s needs guild_id of a guild that exists", f.Kind)
		}
		s.setUnavailable(g, f.Kind == FaultOutage)
		if f.Kind == FaultOutage && f.Duration > 0 {
			c.gateway.After(seconds(f.Duration), func() { c.endOutage(g.id) })
		}
		return nil
	})
}

func (c *Control) endOutage(guild ID) {
	c.world.Update(func(s *state) {
		if g := s.guilds[guild]; g != nil {
			s.setUnavailable(g, false)
		}
	})
}
