package rest

import (
	"slices"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// elevated are the permissions that require two-factor authentication of the application's owner in
// a guild with that setting: those with one asterisk in Discord's document of permissions.
const elevated = world.PermKickMembers | world.PermBanMembers | world.PermAdministrator | world.PermManageChannels |
	world.PermManageGuild | world.PermManageMessages | world.PermManageRoles | world.PermManageWebhooks |
	world.PermManageGuildExpressions | world.PermManageThreads | world.PermViewCreatorMonetizationAnalytics

// checkTwoFactor rejects the use of an elevated permission if the owner's account has no two-factor authentication.
func (c *call) checkTwoFactor(g *world.Guild, p world.Permissions) error {
	if g != nil && g.TwoFactor && c.app != nil && c.app.NoTwoFactor && p&elevated != 0 {
		return form.Fail(403, 60003, "Two factor is required for this operation")
	}
	return nil
}

// checkWords checks a request's name for a channel.
func checkWords(g *world.Guild, f *form.Form, name string) error {
	bad := func(w string) bool { return strings.Contains(strings.ToLower(name), strings.ToLower(w)) }
	switch {
	case !f.Given("name") || !slices.ContainsFunc(g.BadWords, bad):
	case g.BadInForm:
		f.Errs.At("name").Add("INVALID_COMMUNITY_PROPERTY_NAME",
			"Contains words not allowed for servers in Server Discovery.")
	default:
		return form.Fail(400, 20031,
			"Your Stage topic, server name, server description, or channel names contain words that are not allowed")
	}
	return nil
}

// oldEditsWindow is the period of Limits.OldEdits. Discord publishes no number (discord/discord-api-docs#4413).
const oldEditsWindow = time.Hour

// checkOldEdit counts an edit of a message older than an hour.
func (c *call) checkOldEdit(ch *world.Channel, m *world.Message) error {
	now := c.Now()
	if c.Opts.Limits.OldEdits == 0 || now.Sub(m.Created()) < time.Hour {
		return nil
	}
	recent := slices.DeleteFunc(slices.Clone(ch.OldEdits),
		func(t time.Time) bool { return now.Sub(t) >= oldEditsWindow })
	if len(recent) >= c.Opts.Limits.OldEdits {
		e := form.TooMany((oldEditsWindow - now.Sub(recent[0])).Seconds(), "user")
		e.Code, e.Message = 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later."
		return e
	}
	ch.OldEdits = append(recent, now)
	return nil
}
