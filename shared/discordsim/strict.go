package discordsim

// RequireTwoFactor sets whether a guild requires two-factor authentication of moderators.
func (s *Server) RequireTwoFactor(guild ID, on bool) error {
	return s.control.RequireTwoFactor(guild, on)
}

// OwnerHasTwoFactor sets whether the account that owns an application uses two-factor
// authentication, as it does by default.
func (s *Server) OwnerHasTwoFactor(app ID, on bool) error {
	return s.control.OwnerHasTwoFactor(app, on)
}

// ForbidWords makes a guild reject channel names that contain one of the words, as servers in Server
// Discovery do: with 20031, or with INVALID_COMMUNITY_PROPERTY_NAME in a form error. Both have been observed.
func (s *Server) ForbidWords(guild ID, inForm bool, words ...string) error {
	return s.control.ForbidWords(guild, inForm, words...)
}

// EnableActivities creates an application's Entry Point command, as enabling Activities does.
func (s *Server) EnableActivities(app ID) error { return s.control.EnableActivities(app) }

// Quarantine quarantines a bot as Discord's anti-spam system does, or ends that.
func (s *Server) Quarantine(app ID, on bool) error { return s.control.Quarantine(app, on) }
