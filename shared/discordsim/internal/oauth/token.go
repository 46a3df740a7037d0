package oauth

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

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

const codeLife = 60 * time.Second

var knownScopes = []string{"identify", "email", "connections", "guilds", "guilds.join", "guilds.members.read",
	"gdm.join", "openid", "bot", "applications.commands", "applications.commands.update",
	"applications.commands.permissions.update", "role_connections.write", "webhook.incoming", "messages.read"}

// redirectAllowed reports whether a redirect URI is one of the application's.
func redirectAllowed(a *world.Application, uri string) bool {
	if slices.Contains(a.Redirects, uri) {
		return true
	}
	u, err := url.Parse(uri)
	if err != nil || !a.Loopback || u.Scheme != "http" && u.Scheme != "https" {
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
	s.serveClient(w, r, "/oauth2/token", func(s held, app *world.Application, values url.Values) (any, *refusal) {
		switch values.Get("grant_type") {
		case "authorization_code":
			return s.exchange(app, values)
		case "refresh_token":
			return s.renew(app, values)
		case "client_credentials":
			return s.ownCredentials(app, values)
		case "":
			return nil, &refusal{"invalid_request", "grant_type is required"}
		}
		return nil, &refusal{
			"unsupported_grant_type", "grant_type is authorization_code, refresh_token or client_credentials",
		}
	})
}

// serveClient is the common part of both endpoints for applications: faults, client authentication,
// and errors in the form of RFC 6749, 5.2. It calls do in an Update.
func (s *Server) serveClient(
	w http.ResponseWriter, r *http.Request, route string,
	do func(held, *world.Application, url.Values) (any, *refusal),
) {
	form.CommonHeaders(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	where := faults.Target{Method: r.Method, Path: route, Route: route}
	if done, _ := s.faults.Before(w, r, where); done {
		return
	}
	status, body := 200, any(nil)
	values, app, problem := s.client(r)
	if problem == nil {
		s.world.Update(func(st *world.State) { body, problem = do(held{st}, app, values) })
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
	text := form.Marshal(body)
	if f, ok := s.faults.TakeAfter(where); ok {
		f.AnswerBroken(w)
		return
	}
	if f, ok := s.faults.TakeIf(faults.Answer, where, func(x *faults.Fault) bool { return x.After }); ok {
		f.Spoil(w.Header(), &status, &text)
	}
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// refusal is an error of RFC 6749, 5.2.
type refusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// client reads the form and identifies the application.
func (s *Server) client(r *http.Request) (url.Values, *world.Application, *refusal) {
	bad := func(why string) (url.Values, *world.Application, *refusal) {
		return nil, nil, &refusal{"invalid_request", why}
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
	var app *world.Application
	s.world.View(func(st *world.State) { app = st.Apps[form.ParseID(id)] })
	if app == nil || subtle.ConstantTimeCompare([]byte(secret), []byte(app.Secret)) != 1 {
		return nil, nil, &refusal{Error: "invalid_client"}
	}
	return values, app, nil
}

// exchange returns tokens for a code, which works once and only with its redirect URI.
func (s held) exchange(app *world.Application, values url.Values) (any, *refusal) {
	if values.Get("code") == "" {
		return nil, &refusal{"invalid_request", "code is required"}
	}
	code := s.OAuth.Codes[values.Get("code")]
	delete(s.OAuth.Codes, values.Get("code"))
	switch {
	case code == nil || code.App != app.ID || !s.Now().Before(code.Expires):
		return nil, invalidGrant("code")
	case code.Redirect != values.Get("redirect_uri"):
		return nil, invalidGrant("redirect_uri")
	case !proves(code, values.Get("code_verifier")):
		return nil, invalidGrant("code_verifier")
	}
	out := s.issue(&world.Grant{App: app.ID, User: code.User, Scopes: code.Scopes})
	if g := s.Guilds[code.Guild]; g != nil {
		out.Guild = g.Wire()
	}
	return out, nil
}

func invalidGrant(field string) *refusal {
	return &refusal{"invalid_grant", `Invalid "` + field + `" in request.`}
}

// proves checks PKCE: without a challenge, no verifier is needed.
func proves(code *world.AuthCode, verifier string) bool {
	if code.Challenge == "" {
		return true
	}
	have := verifier
	if code.Method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		have = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return verifier != "" && subtle.ConstantTimeCompare([]byte(have), []byte(code.Challenge)) == 1
}

// renew returns new tokens for a refresh token, which can't be used again.
func (s held) renew(app *world.Application, values url.Values) (any, *refusal) {
	if values.Get("refresh_token") == "" {
		return nil, &refusal{"invalid_request", "refresh_token is required"}
	}
	g := s.OAuth.Refresh[values.Get("refresh_token")]
	if g == nil || g.App != app.ID {
		return nil, invalidGrant("refresh_token")
	}
	// Scopes that were not granted can't be added now: RFC 6749, section 6.
	for _, sc := range strings.Fields(values.Get("scope")) {
		if !slices.Contains(g.Scopes, sc) {
			return nil, invalidScope()
		}
	}
	delete(s.OAuth.Refresh, g.Refresh)
	delete(s.OAuth.Access, g.AccessTok)
	return s.issue(&world.Grant{App: app.ID, User: g.User, Scopes: g.Scopes}), nil
}

func invalidScope() *refusal {
	return &refusal{"invalid_scope", "The requested scope is invalid, unknown, or malformed."}
}

func (s held) ownCredentials(app *world.Application, values url.Values) (any, *refusal) {
	scopes := strings.Fields(values.Get("scope"))
	for _, sc := range scopes {
		if !slices.Contains(knownScopes, sc) {
			return nil, invalidScope()
		}
	}
	out := s.issue(&world.Grant{App: app.ID, User: app.Owner, Scopes: scopes})
	delete(s.OAuth.Refresh, out.RefreshToken)
	out.RefreshToken = ""
	return out, nil
}

func (s held) issue(g *world.Grant) *tokenAnswer {
	g.AccessTok, g.Refresh = s.Secret(22), s.Secret(22)
	g.Expires = s.Now().Add(s.Opts.AccessTokenLife)
	s.OAuth.Access[g.AccessTok], s.OAuth.Refresh[g.Refresh] = g, g
	return &tokenAnswer{AccessToken: g.AccessTok, TokenType: "Bearer", ExpiresIn: int(s.Opts.AccessTokenLife.Seconds()),
		RefreshToken: g.Refresh, Scope: strings.Join(g.Scopes, " ")}
}

// serveRevoke revokes a token and everything that the same user granted the application. An invalid
// token isn't an error: RFC 7009, 2.2.
func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request) {
	s.serveClient(w, r, "/oauth2/token/revoke", func(
		s held, app *world.Application, values url.Values,
	) (any, *refusal) {
		token := values.Get("token")
		if token == "" {
			return nil, &refusal{"invalid_request", "token is required"}
		}
		g := s.OAuth.Access[token]
		if g == nil {
			g = s.OAuth.Refresh[token]
		}
		if g != nil && g.App == app.ID {
			for _, from := range []map[string]*world.Grant{s.OAuth.Access, s.OAuth.Refresh} {
				maps.DeleteFunc(from, func(_ string, x *world.Grant) bool { return x.App == g.App && x.User == g.User })
			}
		}
		return struct{}{}, nil
	})
}
