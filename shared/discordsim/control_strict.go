package discordsim

// RequireTwoFactor sets whether a guild requires two-factor authentication of moderators.
func (c *Control) RequireTwoFactor(guild ID, on bool) error {
	return c.do(func(s controlHeld) error {
		g := s.guilds[guild]
		if g == nil {
			return errUnknownGuild()
		}
		g.twoFactor = on
		return nil
	})
}

// OwnerHasTwoFactor sets whether the account that owns an application uses two-factor
// authentication, as it does by default.
func (c *Control) OwnerHasTwoFactor(app ID, on bool) error {
	return c.do(func(s controlHeld) error {
		a := s.apps[app]
		if a == nil {
			return errUnknownApplication()
		}
		a.noTwoFactor = !on
		return nil
	})
}

// ForbidWords makes a guild reject channel names that contain one of the words, as servers in Server
// Discovery do: with 20031, or with INVALID_COMMUNITY_PROPERTY_NAME in a form error. Both have been observed.
func (c *Control) ForbidWords(guild ID, inForm bool, words ...string) error {
	return c.do(func(s controlHeld) error {
		g := s.guilds[guild]
		if g == nil {
			return errUnknownGuild()
		}
		g.badWords, g.badInForm = words, inForm
		return nil
	})
}

// EnableActivities creates an application's Entry Point command, as enabling Activities does.
func (c *Control) EnableActivities(app ID) error {
	return c.do(func(s controlHeld) error {
		a := s.apps[app]
		if a == nil {
			return errUnknownApplication()
		}
		handler := handledByDiscord
		cmd := &command{
			ID: s.nextID(), App: app, Version: s.nextID(), Type: commandEntry, Name: "launch", DM: true,
			Integrations: []int{0, 1}, Handler: &handler,
		}
		if a.commands[0] == nil {
			a.commands[0] = map[ID]*command{}
		}
		a.commands[0][cmd.ID] = cmd
		return nil
	})
}

// Quarantine quarantines a bot as Discord's anti-spam system does, or ends that.
func (c *Control) Quarantine(app ID, on bool) error {
	return c.do(func(s controlHeld) error {
		a := s.apps[app]
		if a == nil {
			return errUnknownApplication()
		}
		a.dmUse = dmUse{total: a.dmUse.total, quarantined: on}
		return nil
	})
}
