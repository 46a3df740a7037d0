package control

import (
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// RequireTwoFactor sets whether a guild requires two-factor authentication of moderators.
func (c *Control) RequireTwoFactor(guild world.ID, on bool) error {
	return c.do(func(s held) error {
		g := s.Guilds[guild]
		if g == nil {
			return form.UnknownGuild()
		}
		g.TwoFactor = on
		return nil
	})
}

// OwnerHasTwoFactor sets whether the account that owns an application uses two-factor
// authentication, as it does by default.
func (c *Control) OwnerHasTwoFactor(app world.ID, on bool) error {
	return c.do(func(s held) error {
		a := s.Apps[app]
		if a == nil {
			return form.UnknownApplication()
		}
		a.NoTwoFactor = !on
		return nil
	})
}

// ForbidWords makes a guild reject channel names that contain one of the words, as servers in Server
// Discovery do: with 20031, or with INVALID_COMMUNITY_PROPERTY_NAME in a form error. Both have been observed.
func (c *Control) ForbidWords(guild world.ID, inForm bool, words ...string) error {
	return c.do(func(s held) error {
		g := s.Guilds[guild]
		if g == nil {
			return form.UnknownGuild()
		}
		g.BadWords, g.BadInForm = words, inForm
		return nil
	})
}

// EnableActivities creates an application's Entry Point command, as enabling Activities does.
func (c *Control) EnableActivities(app world.ID) error {
	return c.do(func(s held) error {
		a := s.Apps[app]
		if a == nil {
			return form.UnknownApplication()
		}
		handler := world.HandledByDiscord
		cmd := &world.Command{
			ID: s.NextID(), App: app, Version: s.NextID(), Type: world.CommandEntry, Name: "launch", DM: true,
			Integrations: []int{0, 1}, Handler: &handler,
		}
		if a.Commands[0] == nil {
			a.Commands[0] = map[world.ID]*world.Command{}
		}
		a.Commands[0][cmd.ID] = cmd
		return nil
	})
}

// Quarantine quarantines a bot as Discord's anti-spam system does, or ends that.
func (c *Control) Quarantine(app world.ID, on bool) error {
	return c.do(func(s held) error {
		a := s.Apps[app]
		if a == nil {
			return form.UnknownApplication()
		}
		a.DMUse = world.DMUse{Total: a.DMUse.Total, Quarantined: on}
		return nil
	})
}
