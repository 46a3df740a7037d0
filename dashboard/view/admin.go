package view

import (
	"net/url"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/setting"
)

// AdminTab is what the pages of those who manage a server share.
type AdminTab struct {
	Layout
	Guild room.GuildInfo
	// Failed says why something was not done just now; nil otherwise.
	Failed *errs.Error
}

func (t *AdminTab) about() []snowflake.ID { return []snowflake.ID{t.Guild.ID} }

// Tabs are the pages of those who manage a server; the message admin.tab.{name} names each.
func (AdminTab) Tabs() []string {
	return []string{"settings", "presets", "history", "activity", "health", "webhooks", "tokens"}
}

// TabURL is where a page is.
func (a AdminTab) TabURL(tab string) string {
	return map[string]pages.Path{
		"settings": pages.Admin, "presets": pages.ServerPresets, "history": pages.History, "activity": pages.Activity,
		"health": pages.Health, "webhooks": pages.Webhooks, "tokens": pages.ServerTokens,
	}[tab].With(a.Guild.ID)
}

// Admin is the page at /admin/{guild}: the settings. Its form posts there.
type Admin struct {
	AdminTab
	Form SettingsForm
	Rev  uint64 // of the settings shown; posted back as rev
	// What can be chosen from. With none a field is left out and its setting stays.
	Places  guild.ChannelsAndRoles
	Lobbies []guild.Lobby
	Saved   bool        // the settings were saved just now, by this page's form or from a file
	Done    bool        // something else was saved just now: a lobby
	Err     *errs.Error // Err.Field is the setting's JSON name, or "" for the whole
	// LobbyForm is the form of a lobby as it was filled in, and LobbyErr what is wrong with it.
	LobbyForm url.Values
	LobbyErr  *errs.Error
	// OtherChanges are the settings that somebody else saved while the form was filled in.
	OtherChanges []OtherChange
}

// Tab is the page's own.
func (*Admin) Tab() string { return "settings" }

// Example is what a name template gives.
func (a *Admin) Example(template string) string {
	owner := "Mara"
	if a.Me != nil {
		owner = a.Me.Name
	}
	random, _, _ := strings.Cut(a.Form.Value("random_names"), "\n")
	return guild.RoomName(template, guild.Fill{Owner: owner, N: 1, Random: random})
}

// Lobby names a lobby and says the values of its own.
func (a *Admin) Lobby(l guild.Lobby) string {
	return setting.SayLobby(a.Text, l, named(a.Text, a.Places))
}

// AdminHistory is the page at /admin/{guild}/history.
type AdminHistory struct {
	AdminTab
	Versions []guild.SettingsVersion
	Members  Members                // who saved
	Places   guild.ChannelsAndRoles // what their ids stand for
	Undone   bool
}

// Tab is the page's own.
func (*AdminHistory) Tab() string { return "history" }

// Who is who saved a version.
func (p *AdminHistory) Who(v guild.SettingsVersion) access.Standing {
	return p.Members.member(p.Text, v.By)
}

// Describe says a setting's value, which is JSON.
func (p *AdminHistory) Describe(name, v string) string {
	return describer{p.Text, p.Places}.setting(name, v)
}

func (*AdminHistory) name() string { return "admin-history" }
