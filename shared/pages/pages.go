// Package pages knows the addresses of the dashboard's pages and forms: the patterns that it serves, and the links
// that bot and dashboard give away. Nobody else writes one down.
package pages

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/disgoorg/snowflake/v2"
)

// Path is the address of a page or form below the dashboard's own, as gin writes it: ":guild" stands for an id.
type Path string

// The pages and forms.
const (
	Home             Path = "/"
	Login            Path = "/login"
	Callback         Path = "/auth/discord/callback" // where Discord sends who has signed in
	Logout           Path = "/logout"
	LogoutEverywhere Path = "/logout/everywhere"
	Language         Path = "/language"
	Tokens           Path = "/tokens"
	Presets          Path = "/presets" // a person's own
	OpenAnywhere     Path = "/open"    // opens a room in a server that is chosen
	Notifications    Path = "/notifications"
	Offline          Path = "/offline"              // what browsers keep for when they can't reach Snug
	Manifest         Path = "/manifest.webmanifest" // what Snug is as an app
	Worker           Path = "/sw.js"                // the service worker
	API              Path = "/api"                  // what programs can do
	Status           Path = "/status"
	Privacy          Path = "/privacy"
	PersonFile       Path = "/privacy/data.json"
	Erase            Path = "/privacy/erase"
	Terms            Path = "/terms"
	Card             Path = "/card/:picture" // what other sites show beside a link

	Server   Path = "/servers/:guild"
	OpenRoom Path = "/servers/:guild/rooms"
	Forget   Path = "/servers/:guild/forget" // preferences

	Room    Path = "/game/:channel"
	Coming  Path = "/game/:channel/coming" // on the way in
	Again   Path = "/game/:channel/again"  // a closed room
	Join    Path = "/game/:channel/join"
	Keep    Path = "/game/:channel/keep"
	Close   Path = "/game/:channel/close"
	Change  Path = "/game/:channel/change"
	Edit    Path = "/game/:channel/edit" // its texts and numbers together, where scripts don't run
	Knock   Path = "/game/:channel/knock"
	Answer  Path = "/game/:channel/answer" // a knock
	Wait    Path = "/game/:channel/wait"
	Invites Path = "/game/:channel/invites"
	Revoke  Path = "/game/:channel/invites/:id/revoke"

	Invite Path = "/i/:code" // an invite link

	Watch      Path = "/watch/:channel" // for spectators
	WatchToken Path = "/watch/:channel/token"

	Admin         Path = "/admin/:guild"         // a server's settings
	History       Path = "/admin/:guild/history" // of the settings
	Undo          Path = "/admin/:guild/undo"
	Activity      Path = "/admin/:guild/activity"
	ActivityCSV   Path = "/admin/:guild/activity.csv"
	ActivityJSON  Path = "/admin/:guild/activity.json"
	Health        Path = "/admin/:guild/health"
	Webhooks      Path = "/admin/:guild/webhooks"
	ServerTokens  Path = "/admin/:guild/tokens"
	SettingsFile  Path = "/admin/:guild/settings.json"
	Import        Path = "/admin/:guild/import"
	Lobbies       Path = "/admin/:guild/lobbies"
	ServerPresets Path = "/admin/:guild/presets"
)

// All has the paths by their names, for templates.
func All() map[string]Path {
	return map[string]Path{
		"Home":             Home,
		"Login":            Login,
		"Callback":         Callback,
		"Logout":           Logout,
		"LogoutEverywhere": LogoutEverywhere,
		"Language":         Language,
		"Tokens":           Tokens,
		"Presets":          Presets,
		"OpenAnywhere":     OpenAnywhere,
		"Notifications":    Notifications,
		"Offline":          Offline,
		"Worker":           Worker,
		"Manifest":         Manifest,
		"API":              API,
		"Status":           Status,
		"Privacy":          Privacy,
		"PersonFile":       PersonFile,
		"Erase":            Erase,
		"Terms":            Terms,
		"Card":             Card,
		"Server":           Server,
		"OpenRoom":         OpenRoom,
		"Forget":           Forget,
		"Room":             Room,
		"Coming":           Coming,
		"Again":            Again,
		"Join":             Join,
		"Keep":             Keep,
		"Close":            Close,
		"Change":           Change,
		"Edit":             Edit,
		"Knock":            Knock,
		"Answer":           Answer,
		"Wait":             Wait,
		"Invites":          Invites,
		"Invite":           Invite,
		"Revoke":           Revoke,
		"Watch":            Watch,
		"WatchToken":       WatchToken,
		"Admin":            Admin,
		"History":          History,
		"Undo":             Undo,
		"Activity":         Activity,
		"ActivityCSV":      ActivityCSV,
		"ActivityJSON":     ActivityJSON,
		"Health":           Health,
		"Webhooks":         Webhooks,
		"ServerTokens":     ServerTokens,
		"SettingsFile":     SettingsFile,
		"Import":           Import,
		"Lobbies":          Lobbies,
		"ServerPresets":    ServerPresets,
	}
}

var parameter = regexp.MustCompile(`:[a-z]+`)

// With puts ids in the places of the parameters. It panics unless there are as many: that's a mistake in the program.
func (p Path) With(ids ...any) string {
	n := 0
	out := parameter.ReplaceAllStringFunc(string(p), func(string) string {
		n++
		if n > len(ids) {
			return ""
		}
		return fmt.Sprint(ids[n-1])
	})
	if p == "" || n != len(ids) {
		panic(fmt.Sprintf("pages: %q with %d ids", string(p), len(ids)))
	}
	return out
}

// Root is the path's first part, with a slash on both sides where more follows: what addresses of its kind begin with.
func (p Path) Root() string {
	if i := strings.IndexByte(string(p), ':'); i >= 0 {
		return string(p[:i])
	}
	return string(p)
}

// Site gives whole addresses, for those who are not on a page: Base is scheme and host.
type Site struct{ Base string }

// At is the whole address of a path.
func (s Site) At(p Path, ids ...any) string { return s.Base + p.With(ids...) }

// Room is a room's page.
func (s Site) Room(id snowflake.ID) string { return s.At(Room, id) }

// Invite is the link that an invite is given away as; "" for no code.
func (s Site) Invite(code string) string {
	if code == "" {
		return ""
	}
	return s.At(Invite, code)
}

// CodeIn is the code in the path of an invite link, or "".
func CodeIn(path string) string {
	code, ok := strings.CutPrefix(path, Invite.Root())
	if !ok {
		return ""
	}
	code, _, _ = strings.Cut(code, "?")
	return code
}

// WithoutSecret returns a path without what lets its bearer in: a token in its query. For an invite link it's the
// home page.
func WithoutSecret(path string) string {
	if CodeIn(path) != "" {
		return string(Home)
	}
	u, err := url.Parse(path)
	if err != nil || !u.Query().Has("t") {
		return path
	}
	q := u.Query()
	q.Del("t")
	u.RawQuery = q.Encode()
	return u.String()
}

// Server is a server's page.
func (s Site) Server(id snowflake.ID) string { return s.At(Server, id) }

// Watch is the link by which spectators see a room.
func (s Site) Watch(id snowflake.ID, token string) string {
	return s.At(Watch, id) + "?t=" + url.QueryEscape(token)
}

// Presets is the page of a person's own presets.
func (s Site) Presets() string { return s.At(Presets) }

// Admin is a server's settings page.
func (s Site) Admin(id snowflake.ID) string { return s.At(Admin, id) }
