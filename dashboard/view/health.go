package view

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"time"

	"snug/shared/guild"
)

// Health is the page at /admin/{guild}/health. Its form posts there, with the findings to mend as only.
type Health struct {
	AdminTab
	Preflight *guild.Preflight    // nil: not known
	Bot       *guild.Health       // nil: not known
	Report    *guild.RepairReport // nil: not known
	Applied   bool                // Report tells what was mended
	OpenURL   string              // opens the server in Discord
	Connected bool                // Discord's gateway tells of this server
	Sent      Latency             // from Discord to the connections of browsers
	Shown     Latency             // until browsers' word came back
}

// GrantURL leads to where in Discord a permission is granted: for the server
// as a whole that is adding Snug once more; for a category or channel there is
// no nearer link than the server itself.
func (p *Health) GrantURL(n guild.Need) string {
	switch {
	case n.Where != p.Guild.ID:
		return p.OpenURL
	case p.AddURL == "":
		return ""
	}
	u, err := url.Parse(p.AddURL)
	if err != nil {
		return p.AddURL
	}
	q := u.Query()
	q.Set("guild_id", p.Guild.ID.String())
	q.Set("disable_guild_select", "true")
	u.RawQuery = q.Encode()
	return u.String()
}

// Called names what a finding is about.
func (p *Health) Called(f guild.Issue) string {
	return cmp.Or(f.Name, p.Text.Say("name.gone.channel"))
}

// Concerns are what needs a look, as the parts of the page that tell of it; none: all is well.
func (p *Health) Concerns() (ids []string) {
	if !p.Connected || p.Bot != nil && p.Bot.Gateway.Phase != "ready" {
		ids = append(ids, "connection")
	}
	if p.Preflight != nil && (!p.Preflight.OK || len(p.Preflight.Lost) > 0) {
		ids = append(ids, "permissions")
	}
	if p.Bot != nil && p.Bot.DMs.HeldBack(p.Bot.Now) {
		ids = append(ids, "dms")
	}
	if p.Bot != nil && slices.ContainsFunc(p.Bot.Errors, func(t guild.RecentError) bool { return t.Serious }) {
		ids = append(ids, "errors")
	}
	if p.Report != nil && slices.ContainsFunc(p.Report.Issues, func(f guild.Issue) bool { return !f.Fixed }) {
		ids = append(ids, "repair")
	}
	return ids
}

// Known says whether enough is known to say that all is well.
func (p *Health) Known() bool { return p.Preflight != nil && p.Bot != nil && p.Report != nil }

// Tab is the page's own.
func (*Health) Tab() string { return "health" }

func (*Health) name() string { return "admin-health" }

// Millis tells a short time in milliseconds, "–" for none.
func (*Health) Millis(d time.Duration) string {
	if d <= 0 {
		return "–"
	}
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10) + " ms"
}
