package discordsim

import (
	"slices"
	"time"
)

// me returns the calling user: the bot's own, or the Bearer token's.
func (c *call) me() *user {
	if c.app != nil {
		return c.app.bot
	}
	return c.user
}

func getSelf(c *call) (int, any, error) {
	return 200, c.me().self(c.app == nil && slices.Contains(c.scopes, "email")), nil
}

func updateSelf(c *call) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	u := c.me()
	name := u.username
	if f.given("username") {
		name = f.str("username", 2, 32)
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	u.username = name
	c.dispatch(event{name: "USER_UPDATE", app: c.app, data: u.self(false), user: u.id})
	c.watcher.UsersChanged()
	return 200, u.self(false), nil
}

func getUser(c *call) (int, any, error) {
	u := c.users[c.id("user")]
	if u == nil {
		return 0, nil, errUnknownUser()
	}
	return 200, u.wire(), nil
}

func getSelfMember(c *call) (int, any, error) {
	m := c.member(c.id("guild"), c.user.id)
	if m == nil {
		return 0, nil, errUnknownGuild()
	}
	w := m.wire()
	p := c.basePerms(c.guilds[c.id("guild")], m)
	w.Permissions = &p
	return 200, w, nil
}

func getConnections(*call) (int, any, error) { return 200, []struct{}{}, nil }

// wireApplication is an application as its own bot sees it.
type wireApplication struct {
	ID             ID       `json:"id"`
	Name           string   `json:"name"`
	Icon           *string  `json:"icon"`
	Description    string   `json:"description"`
	Type           *int     `json:"type"`
	Bot            wireUser `json:"bot"`
	BotPublic      bool     `json:"bot_public"`
	RequireCode    bool     `json:"bot_require_code_grant"`
	VerifyKey      string   `json:"verify_key"`
	Flags          int      `json:"flags"`
	FlagsNew       string   `json:"flags_new"`
	RedirectURIs   []string `json:"redirect_uris"`
	InteractionURL *string  `json:"interactions_endpoint_url"`
	RoleURL        *string  `json:"role_connections_verification_url"`
	Owner          wireUser `json:"owner"`
	Guilds         int      `json:"approximate_guild_count"`
	UserInstalls   int      `json:"approximate_user_install_count"`
	UserGrants     int      `json:"approximate_user_authorization_count"`
	ContentFilter  int      `json:"explicit_content_filter"`
	Team           *string  `json:"team"`
	Scopes         []string `json:"eligible_oauth2_scopes"`
}

func (c *call) wireApplication(a *application) wireApplication {
	redirects := slices.Clone(a.redirects)
	if redirects == nil {
		redirects = []string{}
	}
	return wireApplication{ID: a.id, Name: a.name, Description: a.description, Bot: a.bot.wire(), BotPublic: true,
		VerifyKey: a.verifyKey, Flags: a.flags(), FlagsNew: itoa(a.flags()), RedirectURIs: redirects,
		Owner: c.users[a.owner].wire(), Guilds: len(a.guilds), UserGrants: c.oauth.users(a.id),
		Scopes: []string{
			"identify", "email", "guilds", "guilds.join", "guilds.members.read", "bot", "applications.commands",
		}}
}

func getApplication(c *call) (int, any, error) { return 200, c.wireApplication(c.app), nil }

// getApplicationByID is getApplication with the application's own id.
func getApplicationByID(c *call) (int, any, error) {
	if c.id("app") != c.app.id {
		return 0, nil, errUnknownApplication()
	}
	return getApplication(c)
}

func updateApplication(c *call) (int, any, error) {
	if c.r.PathValue("app") != "" && c.id("app") != c.app.id {
		return 0, nil, errUnknownApplication()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	if f.has("description") {
		c.app.description = f.str("description", 0, 400)
	}
	if f.given("interactions_endpoint_url") && f.str("interactions_endpoint_url", 0, 2048) != "" {
		f.errs.at("interactions_endpoint_url").add("SIMULATOR_HAS_NONE",
			"The simulated Discord sends interactions over the gateway alone.")
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	return getApplication(c)
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
	l := c.opts.Limits
	left, reset := c.app.starts.left(c.now(), l.SessionStarts, 24*time.Hour)
	return 200, bot{c.gatewayURL(), limit{max(1, l.MaxConcurrency), left, reset.Milliseconds(), l.SessionStarts},
		max(1, (len(c.app.guilds)+l.Recommended-1)/max(1, l.Recommended))}, nil
}

// getAuthorization is /oauth2/@me.
func getAuthorization(c *call) (int, any, error) {
	_, token := authorization(c.r)
	app, expires := c.app, c.now().Add(c.opts.AccessTokenLife)
	if g := c.oauth.access[token]; g != nil {
		app, expires = c.apps[g.app], g.expires
	}
	out := map[string]any{"scopes": c.scopes, "expires": stamp(expires)}
	if c.scopes == nil {
		out["scopes"] = []string{"bot", "applications.commands"}
	}
	if app == nil {
		// A user's own token belongs to no application: any will do.
		for _, id := range sortedIDs(c.apps) {
			app = c.apps[id]
			break
		}
		if app == nil {
			return 0, nil, errUnknownApplication()
		}
	}
	w := c.wireApplication(app)
	out["application"] = map[string]any{"id": w.ID, "name": w.Name, "icon": nil, "description": w.Description,
		"type":       nil,
		"bot_public": true, "bot_require_code_grant": false, "verify_key": w.VerifyKey, "flags": w.Flags,
		"flags_new": w.FlagsNew}
	if c.user != nil && slices.Contains(c.scopes, "identify") {
		out["user"] = c.user.wire()
	}
	return 200, out, nil
}
