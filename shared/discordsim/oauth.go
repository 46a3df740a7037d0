package discordsim

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// oauthState is the part of the world for OAuth2. Guarded by Server.mu.
type oauthState struct {
	codes   map[string]*authCode
	access  map[string]*grant
	refresh map[string]*grant
}

func newOAuthState() oauthState {
	return oauthState{codes: map[string]*authCode{}, access: map[string]*grant{}, refresh: map[string]*grant{}}
}

type authCode struct {
	app       ID
	user      ID
	scopes    []string
	redirect  string
	challenge string
	method    string
	expires   time.Time
	guild     ID
}

type grant struct {
	app       ID
	user      ID // 0 for client credentials
	scopes    []string
	accessTok string
	refresh   string
	expires   time.Time
}

const codeLife = 60 * time.Second

// users counts the users who have authorized an application.
func (o *oauthState) users(app ID) int {
	seen := map[ID]bool{}
	for _, g := range o.refresh {
		if g.app == app {
			seen[g.user] = true
		}
	}
	return len(seen)
}

// end makes access tokens of a user (0: of everybody) expire, or revokes them with their refresh tokens.
func (o *oauthState) end(user ID, revoke bool, now time.Time) {
	for tok, g := range o.access {
		if user == 0 || g.user == user {
			g.expires = now
			if revoke {
				delete(o.access, tok)
			}
		}
	}
	for tok, g := range o.refresh {
		if revoke && (user == 0 || g.user == user) {
			delete(o.refresh, tok)
		}
	}
}

// mayJoin reports whether a token lets an application add a user to guilds.
func (o *oauthState) mayJoin(s *Server, token string, user, app ID) bool {
	if u := s.userTokens[token]; u != nil {
		return u.id == user
	}
	g := o.access[token]
	return g != nil && g.user == user && g.app == app && s.now().Before(g.expires) &&
		slices.Contains(g.scopes, "guilds.join")
}

var knownScopes = []string{"identify", "email", "connections", "guilds", "guilds.join", "guilds.members.read",
	"gdm.join", "openid", "bot", "applications.commands", "applications.commands.update",
	"applications.commands.permissions.update", "role_connections.write", "webhook.incoming", "messages.read"}

// redirectAllowed reports whether a redirect URI is one of the application's.
func (a *application) redirectAllowed(uri string) bool {
	if slices.Contains(a.redirects, uri) {
		return true
	}
	u, err := url.Parse(uri)
	if err != nil || !a.loopback || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || ip != nil && ip.IsLoopback()
}

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
	Guild        any    `json:"guild,omitempty"`
}

// serveToken is the token endpoint; it accepts credentials in the form or with Basic.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	s.serveClient(w, r, "/oauth2/token", func(app *application, form url.Values) (any, *oauthProblem) {
		switch form.Get("grant_type") {
		case "authorization_code":
			return s.exchange(app, form)
		case "refresh_token":
			return s.renew(app, form)
		case "client_credentials":
			return s.ownCredentials(app, form)
		case "":
			return nil, &oauthProblem{"invalid_request", "grant_type is required"}
		}
		return nil, &oauthProblem{
			"unsupported_grant_type", "grant_type is authorization_code, refresh_token or client_credentials",
		}
	})
}

// serveClient is the common part of both endpoints for applications: faults, client authentication,
// and errors in the form of RFC 6749, 5.2. It calls do with the world locked for writing.
func (s *Server) serveClient(
	w http.ResponseWriter, r *http.Request, route string, do func(*application, url.Values) (any, *oauthProblem),
) {
	commonHeaders(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	where := target{method: r.Method, path: route, route: route}
	if done, _ := s.faultBefore(w, r, where); done {
		return
	}
	status, body := 200, any(nil)
	form, app, problem := s.oauthClient(r)
	if problem == nil {
		s.mu.Lock()
		body, problem = do(app, form)
		s.mu.Unlock()
	}
	if problem != nil {
		status, body = 400, problem
		if problem.Error == "invalid_client" {
			status = 401
			if r.Header.Get("Authorization") != "" { // it MUST name the scheme that was used
				w.Header().Set("WWW-Authenticate", `Basic realm="oauth2"`)
			}
		}
	}
	a := answer{status: status, body: marshal(body)}
	if f, ok := s.faults.takeAfter(where); ok {
		f.answerBroken(w)
		return
	}
	if f, ok := s.faults.takeIf(FaultAnswer, where, func(x *Fault) bool { return x.After }); ok {
		f.spoil(w.Header(), &a)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// oauthProblem is an error of RFC 6749, 5.2.
type oauthProblem struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// oauthClient reads the form and identifies the application.
func (s *Server) oauthClient(r *http.Request) (url.Values, *application, *oauthProblem) {
	bad := func(why string) (url.Values, *application, *oauthProblem) {
		return nil, nil, &oauthProblem{"invalid_request", why}
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return bad("the content type is application/x-www-form-urlencoded and no other")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return bad("the body could not be read")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return bad("the body is no form")
	}
	for name, values := range form {
		if len(values) > 1 {
			return bad(name + " is given twice") // RFC 6749, 3.2
		}
	}
	id, secret, basic := r.BasicAuth()
	switch {
	case basic && form.Has("client_secret"):
		return bad("the client authorises itself in two ways") // RFC 6749, 2.3
	case basic: // both are form-encoded in it: RFC 6749, 2.3.1
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		if form.Has("client_id") && form.Get("client_id") != id {
			return bad("two different client_ids")
		}
	default:
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	s.mu.RLock()
	app := s.apps[parseID(id)]
	s.mu.RUnlock()
	if app == nil || subtle.ConstantTimeCompare([]byte(secret), []byte(app.secret)) != 1 {
		return nil, nil, &oauthProblem{Error: "invalid_client"}
	}
	return form, app, nil
}

// exchange returns tokens for a code, which works once and only with its redirect URI.
func (s *Server) exchange(app *application, form url.Values) (any, *oauthProblem) {
	if form.Get("code") == "" {
		return nil, &oauthProblem{"invalid_request", "code is required"}
	}
	code := s.oauth.codes[form.Get("code")]
	delete(s.oauth.codes, form.Get("code"))
	switch {
	case code == nil || code.app != app.id || !s.now().Before(code.expires):
		return nil, invalidGrant("code")
	case code.redirect != form.Get("redirect_uri"):
		return nil, invalidGrant("redirect_uri")
	case !proves(code, form.Get("code_verifier")):
		return nil, invalidGrant("code_verifier")
	}
	out := s.issue(&grant{app: app.id, user: code.user, scopes: code.scopes})
	if g := s.guilds[code.guild]; g != nil {
		out.Guild = g.wire()
	}
	return out, nil
}

func invalidGrant(field string) *oauthProblem {
	return &oauthProblem{"invalid_grant", `Invalid "` + field + `" in request.`}
}

// proves checks PKCE: without a challenge, no verifier is needed.
func proves(code *authCode, verifier string) bool {
	if code.challenge == "" {
		return true
	}
	have := verifier
	if code.method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		have = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return verifier != "" && subtle.ConstantTimeCompare([]byte(have), []byte(code.challenge)) == 1
}

// renew returns new tokens for a refresh token, which can't be used again.
func (s *Server) renew(app *application, form url.Values) (any, *oauthProblem) {
	if form.Get("refresh_token") == "" {
		return nil, &oauthProblem{"invalid_request", "refresh_token is required"}
	}
	g := s.oauth.refresh[form.Get("refresh_token")]
	if g == nil || g.app != app.id {
		return nil, invalidGrant("refresh_token")
	}
	// Scopes that were not granted can't be added now: RFC 6749, section 6.
	for _, sc := range strings.Fields(form.Get("scope")) {
		if !slices.Contains(g.scopes, sc) {
			return nil, invalidScope()
		}
	}
	delete(s.oauth.refresh, g.refresh)
	delete(s.oauth.access, g.accessTok)
	return s.issue(&grant{app: app.id, user: g.user, scopes: g.scopes}), nil
}

func invalidScope() *oauthProblem {
	return &oauthProblem{"invalid_scope", "The requested scope is invalid, unknown, or malformed."}
}

func (s *Server) ownCredentials(app *application, form url.Values) (any, *oauthProblem) {
	scopes := strings.Fields(form.Get("scope"))
	for _, sc := range scopes {
		if !slices.Contains(knownScopes, sc) {
			return nil, invalidScope()
		}
	}
	out := s.issue(&grant{app: app.id, user: app.owner, scopes: scopes})
	delete(s.oauth.refresh, out.RefreshToken)
	out.RefreshToken = ""
	return out, nil
}

func (s *Server) issue(g *grant) *tokenAnswer {
	g.accessTok, g.refresh = s.secret(22), s.secret(22)
	g.expires = s.now().Add(s.opts.AccessTokenLife)
	s.oauth.access[g.accessTok], s.oauth.refresh[g.refresh] = g, g
	return &tokenAnswer{AccessToken: g.accessTok, TokenType: "Bearer", ExpiresIn: int(s.opts.AccessTokenLife.Seconds()),
		RefreshToken: g.refresh, Scope: strings.Join(g.scopes, " ")}
}

// serveRevoke revokes a token and everything that the same user granted the application. An invalid
// token isn't an error: RFC 7009, 2.2.
func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request) {
	s.serveClient(w, r, "/oauth2/token/revoke", func(app *application, form url.Values) (any, *oauthProblem) {
		token := form.Get("token")
		if token == "" {
			return nil, &oauthProblem{"invalid_request", "token is required"}
		}
		g := s.oauth.access[token]
		if g == nil {
			g = s.oauth.refresh[token]
		}
		if g != nil && g.app == app.id {
			for _, from := range []map[string]*grant{s.oauth.access, s.oauth.refresh} {
				maps.DeleteFunc(from, func(_ string, x *grant) bool { return x.app == g.app && x.user == g.user })
			}
		}
		return struct{}{}, nil
	})
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
