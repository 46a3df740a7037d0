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

const codeLife = 60 * time.Second

var knownScopes = []string{"identify", "email", "connections", "guilds", "guilds.join", "guilds.members.read",
	"gdm.join", "openid", "bot", "applications.commands", "applications.commands.update",
	"applications.commands.permissions.update", "role_connections.write", "webhook.incoming", "messages.read"}

// redirectAllowed reports whether a redirect URI is one of the application's.
func redirectAllowed(a *application, uri string) bool {
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
func (s *oauthServer) serveToken(w http.ResponseWriter, r *http.Request) {
	s.serveClient(w, r, "/oauth2/token", func(s oauthHeld, app *application, values url.Values) (any, *oauthProblem) {
		switch values.Get("grant_type") {
		case "authorization_code":
			return s.exchange(app, values)
		case "refresh_token":
			return s.renew(app, values)
		case "client_credentials":
			return s.ownCredentials(app, values)
		case "":
			return nil, &oauthProblem{"invalid_request", "grant_type is required"}
		}
		return nil, &oauthProblem{
			"unsupported_grant_type", "grant_type is authorization_code, refresh_token or client_credentials",
		}
	})
}

// serveClient is the common part of both endpoints for applications: faults, client authentication,
// and errors in the form of RFC 6749, 5.2. It calls do in an Update.
func (s *oauthServer) serveClient(
	w http.ResponseWriter, r *http.Request, route string,
	do func(oauthHeld, *application, url.Values) (any, *oauthProblem),
) {
	commonHeaders(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	where := target{method: r.Method, path: route, route: route}
	if done, _ := s.faults.before(w, r, where); done {
		return
	}
	status, body := 200, any(nil)
	values, app, problem := s.oauthClient(r)
	if problem == nil {
		s.world.Update(func(st *state) { body, problem = do(oauthHeld{st}, app, values) })
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
	text := marshal(body)
	if f, ok := s.faults.takeAfter(where); ok {
		f.answerBroken(w)
		return
	}
	if f, ok := s.faults.takeIf(FaultAnswer, where, func(x *Fault) bool { return x.After }); ok {
		f.spoil(w.Header(), &status, &text)
	}
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// oauthProblem is an error of RFC 6749, 5.2.
type oauthProblem struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// oauthClient reads the form and identifies the application.
func (s *oauthServer) oauthClient(r *http.Request) (url.Values, *application, *oauthProblem) {
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
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return bad("the body is no form")
	}
	for name, list := range values {
		if len(list) > 1 {
			return bad(name + " is given twice") // RFC 6749, 3.2
		}
	}
	id, secret, basic := r.BasicAuth()
	switch {
	case basic && values.Has("client_secret"):
		return bad("the client authorises itself in two ways") // RFC 6749, 2.3
	case basic: // both are form-encoded in it: RFC 6749, 2.3.1
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		if values.Has("client_id") && values.Get("client_id") != id {
			return bad("two different client_ids")
		}
	default:
		id, secret = values.Get("client_id"), values.Get("client_secret")
	}
	var app *application
	s.world.View(func(st *state) { app = st.apps[parseID(id)] })
	if app == nil || subtle.ConstantTimeCompare([]byte(secret), []byte(app.secret)) != 1 {
		return nil, nil, &oauthProblem{Error: "invalid_client"}
	}
	return values, app, nil
}

// exchange returns tokens for a code, which works once and only with its redirect URI.
func (s oauthHeld) exchange(app *application, values url.Values) (any, *oauthProblem) {
	if values.Get("code") == "" {
		return nil, &oauthProblem{"invalid_request", "code is required"}
	}
	code := s.oauth.codes[values.Get("code")]
	delete(s.oauth.codes, values.Get("code"))
	switch {
	case code == nil || code.app != app.id || !s.now().Before(code.expires):
		return nil, invalidGrant("code")
	case code.redirect != values.Get("redirect_uri"):
		return nil, invalidGrant("redirect_uri")
	case !proves(code, values.Get("code_verifier")):
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
func (s oauthHeld) renew(app *application, values url.Values) (any, *oauthProblem) {
	if values.Get("refresh_token") == "" {
		return nil, &oauthProblem{"invalid_request", "refresh_token is required"}
	}
	g := s.oauth.refresh[values.Get("refresh_token")]
	if g == nil || g.app != app.id {
		return nil, invalidGrant("refresh_token")
	}
	// Scopes that were not granted can't be added now: RFC 6749, section 6.
	for _, sc := range strings.Fields(values.Get("scope")) {
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

func (s oauthHeld) ownCredentials(app *application, values url.Values) (any, *oauthProblem) {
	scopes := strings.Fields(values.Get("scope"))
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

func (s oauthHeld) issue(g *grant) *tokenAnswer {
	g.accessTok, g.refresh = s.secret(22), s.secret(22)
	g.expires = s.now().Add(s.opts.AccessTokenLife)
	s.oauth.access[g.accessTok], s.oauth.refresh[g.refresh] = g, g
	return &tokenAnswer{AccessToken: g.accessTok, TokenType: "Bearer", ExpiresIn: int(s.opts.AccessTokenLife.Seconds()),
		RefreshToken: g.refresh, Scope: strings.Join(g.scopes, " ")}
}

// serveRevoke revokes a token and everything that the same user granted the application. An invalid
// token isn't an error: RFC 7009, 2.2.
func (s *oauthServer) serveRevoke(w http.ResponseWriter, r *http.Request) {
	s.serveClient(w, r, "/oauth2/token/revoke", func(
		s oauthHeld, app *application, values url.Values,
	) (any, *oauthProblem) {
		token := values.Get("token")
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
