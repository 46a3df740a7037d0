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

// checkTwoFactor rejects the use of an elevated permission if the owner's account has no two-factor authentication.
func (c *call) checkTwoFactor(g *guild, p Permissions) error {
	if g != nil && g.twoFactor && c.app != nil && c.app.noTwoFactor && p&elevated != 0 {
		return fail(403, 60003, "Two factor is required for this operation")
	}
	return nil
}

// checkWords checks a request's name for a channel.
func checkWords(g *guild, f *form, name string) error {
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
