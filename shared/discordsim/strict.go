package discordsim

import (
	"slices"
	"strings"
	"time"
)

// elevated are the permissions that require two-factor authentication of the application's owner in
// a guild with that setting: those with one asterisk in Discord's document of permissions.
const elevated = PermKickMembers | PermBanMembers | PermAdministrator | PermManageChannels | PermManageGuild |
	PermManageMessages | PermManageRoles | PermManageWebhooks | PermManageGuildExpressions | PermManageThreads |
	PermViewCreatorMonetizationAnalytics

// RequireTwoFactor sets whether a guild requires two-factor authentication of moderators.
func (s *Server) RequireTwoFactor(guild ID, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil {
		return errUnknownGuild()
	}
	g.twoFactor = on
	return nil
}

// OwnerHasTwoFactor sets whether the account that owns an application uses two-factor
// authentication, as it does by default.
func (s *Server) OwnerHasTwoFactor(app ID, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[app]
	if a == nil {
		return errUnknownApplication()
	}
	a.noTwoFactor = !on
	return nil
}

// checkTwoFactor rejects the use of an elevated permission if the owner's account has no two-factor authentication.
func (c *call) checkTwoFactor(g *guild, p Permissions) error {
	if g != nil && g.twoFactor && c.app != nil && c.app.noTwoFactor && p&elevated != 0 {
		return fail(403, 60003, "Two factor is required for this operation")
	}
	return nil
}

// ForbidWords makes a guild reject channel names that contain one of the words, as servers in Server
// Discovery do: with 20031, or with INVALID_COMMUNITY_PROPERTY_NAME in a form error. Both have been observed.
func (s *Server) ForbidWords(guild ID, inForm bool, words ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil {
		return errUnknownGuild()
	}
	g.badWords, g.badInForm = words, inForm
	return nil
}

// checkWords checks a request's name for a channel.
func (g *guild) checkWords(f *form, name string) error {
	bad := func(w string) bool { return strings.Contains(strings.ToLower(name), strings.ToLower(w)) }
	switch {
	case !f.given("name") || !slices.ContainsFunc(g.badWords, bad):
	case g.badInForm:
		f.errs.at("name").add("INVALID_COMMUNITY_PROPERTY_NAME",
			"Contains words not allowed for servers in Server Discovery.")
	default:
		return fail(400, 20031,
			"Your Stage topic, server name, server description, or channel names contain words that are not allowed")
	}
	return nil
}

// EnableActivities creates an application's Entry Point command, as enabling Activities does.
func (s *Server) EnableActivities(app ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
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
}

// oldEditsWindow is the period of Limits.OldEdits. Discord publishes no number (discord/discord-api-docs#4413).
const oldEditsWindow = time.Hour

// checkOldEdit counts an edit of a message older than an hour.
func (c *call) checkOldEdit(ch *channel, m *message) error {
	now := c.now()
	if c.opts.Limits.OldEdits == 0 || now.Sub(m.created()) < time.Hour {
		return nil
	}
	recent := slices.DeleteFunc(slices.Clone(ch.oldEdits),
		func(t time.Time) bool { return now.Sub(t) >= oldEditsWindow })
	if len(recent) >= c.opts.Limits.OldEdits {
		e := tooMany((oldEditsWindow - now.Sub(recent[0])).Seconds(), "user")
		e.Code, e.Message = 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later."
		return e
	}
	ch.oldEdits = append(recent, now)
	return nil
}
