package standin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// oauthState is the part of the world that OAuth2 needs. Guarded by Server.mu.
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
	user      ID // 0 with client credentials
	scopes    []string
	accessTok string
	refresh   string
	expires   time.Time
}

const codeLife = 60 * time.Second

// users counts who has granted an application anything.
func (o *oauthState) users(app ID) int {
	seen := map[ID]bool{}
	for _, g := range o.refresh {
		if g.app == app {
			seen[g.user] = true
		}
	}
	return len(seen)
}

// end lets access tokens of a user (0: of everybody) expire, or revokes them with their refresh tokens.
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

// mayJoin says whether a token lets an application put a user into guilds.
func (o *oauthState) mayJoin(s *Server, token string, user, app ID) bool {
	if u := s.userTokens[token]; u != nil {
		return u.id == user
	}
	g := o.access[token]
	return g != nil && g.user == user && g.app == app && s.now().Before(g.expires) && slices.Contains(g.scopes, "guilds.join")
}

var knownScopes = []string{"identify", "email", "connections", "guilds", "guilds.join", "guilds.members.read",
	"gdm.join", "openid", "bot", "applications.commands", "applications.commands.update",
	"applications.commands.permissions.update", "role_connections.write", "webhook.incoming", "messages.read"}

// redirectAllowed compares a redirect URI with those of the application.
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

// serveToken is the token endpoint; credentials come in the form or by Basic.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	commonHeaders(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	where := target{method: r.Method, path: "/oauth2/token", route: "/oauth2/token"}
	if done, _ := s.faultBefore(w, r, where); done {
		return
	}
	form, app, ok := s.oauthClient(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	var out *tokenAnswer
	problem, description := "unsupported_grant_type", "grant_type is authorization_code, refresh_token or client_credentials"
	switch form.Get("grant_type") {
	case "authorization_code":
		out, problem, description = s.exchange(app, form)
	case "refresh_token":
		out, problem, description = s.renew(app, form)
	case "client_credentials":
		out, problem, description = s.ownCredentials(app, form)
	}
	s.mu.Unlock()
	if problem != "" {
		oauthError(w, 400, problem, description)
		return
	}
	_, _ = w.Write(marshal(out))
}

func oauthError(w http.ResponseWriter, status int, problem, description string) {
	w.WriteHeader(status)
	_, _ = w.Write(marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{problem, description}))
}

// oauthClient reads the form and finds out which application sent it.
func (s *Server) oauthClient(w http.ResponseWriter, r *http.Request) (url.Values, *application, bool) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		oauthError(w, 400, "invalid_request", "the body could not be read")
		return nil, nil, false
	}
	form, err := url.ParseQuery(string(body))
	if kind == "application/json" {
		var m map[string]string
		form = url.Values{}
		if err = json.Unmarshal(body, &m); err == nil {
			for k, v := range m {
				form.Set(k, v)
			}
		}
	}
	if err != nil {
		oauthError(w, 400, "invalid_request", "the body is no form")
		return nil, nil, false
	}
	id, secret, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	s.mu.RLock()
	app := s.apps[parseID(id)]
	s.mu.RUnlock()
	if app == nil || subtle.ConstantTimeCompare([]byte(secret), []byte(app.secret)) != 1 {
		oauthError(w, 401, "invalid_client", "")
		return nil, nil, false
	}
	return form, app, true
}

// exchange gives tokens for a code, which works once and for its redirect URI only.
func (s *Server) exchange(app *application, form url.Values) (*tokenAnswer, string, string) {
	code := s.oauth.codes[form.Get("code")]
	delete(s.oauth.codes, form.Get("code"))
	switch {
	case code == nil || code.app != app.id || !s.now().Before(code.expires):
		return nil, "invalid_grant", `Invalid "code" in request.`
	case code.redirect != form.Get("redirect_uri"):
		return nil, "invalid_grant", `Invalid "redirect_uri" in request.`
	case !proves(code, form.Get("code_verifier")):
		return nil, "invalid_grant", `Invalid "code_verifier" in request.`
	}
	out := s.issue(&grant{app: app.id, user: code.user, scopes: code.scopes})
	if g := s.guilds[code.guild]; g != nil {
		out.Guild = g.wire()
	}
	return out, "", ""
}

// proves checks PKCE: no challenge, no verifier needed.
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

// renew gives new tokens for a refresh token, which is used up.
func (s *Server) renew(app *application, form url.Values) (*tokenAnswer, string, string) {
	g := s.oauth.refresh[form.Get("refresh_token")]
	if g == nil || g.app != app.id {
		return nil, "invalid_grant", `Invalid "refresh_token" in request.`
	}
	delete(s.oauth.refresh, g.refresh)
	delete(s.oauth.access, g.accessTok)
	return s.issue(&grant{app: app.id, user: g.user, scopes: g.scopes}), "", ""
}

func (s *Server) ownCredentials(app *application, form url.Values) (*tokenAnswer, string, string) {
	scopes := strings.Fields(form.Get("scope"))
	for _, sc := range scopes {
		if !slices.Contains(knownScopes, sc) {
			return nil, "invalid_scope", "The requested scope is invalid, unknown, or malformed."
		}
	}
	out := s.issue(&grant{app: app.id, user: app.owner, scopes: scopes})
	delete(s.oauth.refresh, out.RefreshToken)
	out.RefreshToken = ""
	return out, "", ""
}

func (s *Server) issue(g *grant) *tokenAnswer {
	g.accessTok, g.refresh = s.secret(22), s.secret(22)
	g.expires = s.now().Add(s.opts.AccessTokenLife)
	s.oauth.access[g.accessTok], s.oauth.refresh[g.refresh] = g, g
	return &tokenAnswer{AccessToken: g.accessTok, TokenType: "Bearer", ExpiresIn: int(s.opts.AccessTokenLife.Seconds()),
		RefreshToken: g.refresh, Scope: strings.Join(g.scopes, " ")}
}

// serveRevoke ends a token and its partner, as Discord ends all of the same grant.
func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request) {
	commonHeaders(w.Header())
	form, app, ok := s.oauthClient(w, r)
	if !ok {
		return
	}
	if form.Get("token") == "" {
		oauthError(w, 400, "invalid_request", "token is required")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, from := range []map[string]*grant{s.oauth.access, s.oauth.refresh} {
		if g := from[form.Get("token")]; g != nil && g.app == app.id {
			delete(s.oauth.access, g.accessTok)
			delete(s.oauth.refresh, g.refresh)
		}
	}
	_, _ = w.Write([]byte("{}"))
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
	out["application"] = map[string]any{"id": w.ID, "name": w.Name, "icon": nil, "description": w.Description, "type": nil,
		"bot_public": true, "bot_require_code_grant": false, "verify_key": w.VerifyKey, "flags": w.Flags, "flags_new": w.FlagsNew}
	if c.user != nil && slices.Contains(c.scopes, "identify") {
		out["user"] = c.user.wire()
	}
	return 200, out, nil
}
