package rest

import (
	"slices"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// me returns who calls: the bot's user, the Bearer token's, or the person who acts.
func (c *call) me() *world.User {
	if c.app != nil {
		return c.app.Bot
	}
	return c.user
}

func getSelf(c *call) (int, any, error) {
	return 200, c.me().Self(c.app == nil && slices.Contains(c.scopes, "email")), nil
}

func updateSelf(c *call) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	u := c.me()
	name := u.Username
	if f.Given("username") {
		name = f.Str("username", 2, 32)
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	u.Username = name
	c.Dispatch(world.Event{Name: "USER_UPDATE", App: c.app, Data: u.Self(false), User: u.ID})
	c.Watcher.UsersChanged()
	return 200, u.Self(false), nil
}

func getUser(c *call) (int, any, error) {
	u := c.Users[c.id("user")]
	if u == nil {
		return 0, nil, form.UnknownUser()
	}
	return 200, u.Wire(), nil
}

func getSelfMember(c *call) (int, any, error) {
	m := c.Member(c.id("guild"), c.user.ID)
	if m == nil {
		return 0, nil, form.UnknownGuild()
	}
	w := m.Wire()
	p := c.BasePerms(c.Guilds[c.id("guild")], m)
	w.Permissions = &p
	return 200, w, nil
}

func getConnections(*call) (int, any, error) { return 200, []struct{}{}, nil }

// wireApplication is an application as its own bot sees it.
type wireApplication struct {
	ID             world.ID       `json:"id"`
	Name           string         `json:"name"`
	Icon           *string        `json:"icon"`
	Description    string         `json:"description"`
	Type           *int           `json:"type"`
	Bot            world.WireUser `json:"bot"`
	BotPublic      bool           `json:"bot_public"`
	RequireCode    bool           `json:"bot_require_code_grant"`
	VerifyKey      string         `json:"verify_key"`
	Flags          int            `json:"flags"`
	FlagsNew       string         `json:"flags_new"`
	RedirectURIs   []string       `json:"redirect_uris"`
	InteractionURL *string        `json:"interactions_endpoint_url"`
	RoleURL        *string        `json:"role_connections_verification_url"`
	Owner          world.WireUser `json:"owner"`
	Guilds         int            `json:"approximate_guild_count"`
	UserInstalls   int            `json:"approximate_user_install_count"`
	UserGrants     int            `json:"approximate_user_authorization_count"`
	ContentFilter  int            `json:"explicit_content_filter"`
	Team           *string        `json:"team"`
	Scopes         []string       `json:"eligible_oauth2_scopes"`
}

func (c *call) wireApplication(a *world.Application) wireApplication {
	redirects := slices.Clone(a.Redirects)
	if redirects == nil {
		redirects = []string{}
	}
	return wireApplication{ID: a.ID, Name: a.Name, Description: a.Description, Bot: a.Bot.Wire(), BotPublic: true,
		VerifyKey: a.VerifyKey(), InteractionURL: world.Optional(a.Endpoint), Flags: a.Flags(),
		FlagsNew: itoa(a.Flags()), RedirectURIs: redirects,
		Owner: c.Users[a.Owner].Wire(), Guilds: len(a.Guilds), UserGrants: c.OAuth.Users(a.ID),
		Scopes: []string{
			"identify", "email", "guilds", "guilds.join", "guilds.members.read", "bot", "applications.commands",
		}}
}

func getApplication(c *call) (int, any, error) { return 200, c.wireApplication(c.app), nil }

// getApplicationByID is getApplication with the application's own id.
func getApplicationByID(c *call) (int, any, error) {
	if c.id("app") != c.app.ID {
		return 0, nil, form.UnknownApplication()
	}
	return getApplication(c)
}

func updateApplication(c *call) (int, any, error) {
	if c.r.PathValue("app") != "" && c.id("app") != c.app.ID {
		return 0, nil, form.UnknownApplication()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	app, description, endpoint := c.app, c.app.Description, c.app.Endpoint
	if f.Has("description") {
		description = f.Str("description", 0, 400)
	}
	asked := f.Has(endpointField)
	if asked {
		endpoint = c.api.endpointOf(f)
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	save := func() (int, any, error) {
		app.Description, app.Endpoint = description, endpoint
		return getApplication(c)
	}
	if asked && endpoint != "" {
		c.outside = func() error { return c.api.verify(c.r.Context(), app, endpoint) }
		c.finish = save
		return 0, nil, nil
	}
	return save()
}

func (c *call) gatewayURL() string {
	if c.r.TLS != nil || c.r.Header.Get("X-Forwarded-Proto") == "https" {
		return "wss://" + c.host
	}
	return "ws://" + c.host
}

func getGateway(c *call) (int, any, error) {
	return 200, map[string]string{"url": c.gatewayURL()}, nil
}

func getGatewayBot(c *call) (int, any, error) {
	type limit struct {
		Concurrency int   `json:"max_concurrency"`
		Remaining   int   `json:"remaining"`
		ResetAfter  int64 `json:"reset_after"`
		Total       int   `json:"total"`
	}
	type bot struct {
		URL    string `json:"url"`
		Limit  limit  `json:"session_start_limit"`
		Shards int    `json:"shards"`
	}
	l := c.Opts.Limits
	left, reset := c.app.Starts.Left(c.Now(), l.SessionStarts, 24*time.Hour)
	return 200, bot{c.gatewayURL(), limit{max(1, l.MaxConcurrency), left, reset.Milliseconds(), l.SessionStarts},
		max(1, (len(c.app.Guilds)+l.Recommended-1)/max(1, l.Recommended))}, nil
}

// getAuthorization is /oauth2/@me.
func getAuthorization(c *call) (int, any, error) {
	_, token := form.Authorization(c.r)
	app, expires := c.app, c.Now().Add(c.Opts.AccessTokenLife)
	if g := c.OAuth.Access[token]; g != nil {
		app, expires = c.Apps[g.App], g.Expires
	}
	out := map[string]any{"scopes": c.scopes, "expires": world.Stamp(expires)}
	if c.scopes == nil {
		out["scopes"] = []string{"bot", "applications.commands"}
	}
	if app == nil {
		// A user's own token belongs to no application: any will do.
		for _, id := range world.SortedIDs(c.Apps) {
			app = c.Apps[id]
			break
		}
		if app == nil {
			return 0, nil, form.UnknownApplication()
		}
	}
	w := c.wireApplication(app)
	out["application"] = map[string]any{"id": w.ID, "name": w.Name, "icon": nil, "description": w.Description,
		"type":       nil,
		"bot_public": true, "bot_require_code_grant": false, "verify_key": w.VerifyKey, "flags": w.Flags,
		"flags_new": w.FlagsNew}
	if c.user != nil && slices.Contains(c.scopes, "identify") {
		out["user"] = c.user.Wire()
	}
	return 200, out, nil
}
