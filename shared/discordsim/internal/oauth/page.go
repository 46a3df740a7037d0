// Package oauth serves OAuth2: the page on which people authorize an application, and the endpoints for applications.
package oauth

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

//go:embed authorize.html
var authorizeHTML string

// loginCookie remembers, only for the authorize page, whom a browser chose last.
const loginCookie = "sim_user"

// authRequest is a checked authorization request.
type authRequest struct {
	app    *world.Application
	query  url.Values
	scopes []string
	guild  world.ID
}

type authPage struct {
	Error       string
	Application string
	Description string
	Redirect    string
	Scopes      []scopeLine
	Users       []authUser
	Guilds      []authGuild
	Permissions string
	Bot         bool
	Hidden      map[string]string
}

type scopeLine struct{ Name, Meaning string }

type authGuild struct {
	ID   world.ID
	Name string
}

type authUser struct {
	ID      world.ID
	Name    string
	Account string
	Avatar  string
	Chosen  bool // offered first
	Known   bool // this browser has chosen them before
}

var scopeMeanings = map[string]string{
	"identify": "see your name and picture", "email": "see your mail address", "guilds": "see which servers you are in",
	"guilds.join": "let you into servers", "guilds.members.read": "see your roles in a server",
	"bot": "add its bot to a server", "applications.commands": "add its commands to a server",
	"connections": "see your connections", "openid": "confirm who you are",
}

// Server serves OAuth2: the page on which people authorize an application, and the endpoints for applications.
// Safe for concurrent use.
type Server struct {
	world  *world.World
	faults *faults.Set
	page   *template.Template
}

// New makes the OAuth2 of a world.
func New(w *world.World, f *faults.Set) *Server {
	return &Server{world: w, faults: f, page: template.Must(template.New("authorize").Parse(authorizeHTML))}
}

// held is the state while a View or an Update holds the world, and what OAuth2 does with it.
type held struct{ *world.State }

// Mount serves OAuth2 at Discord's paths. People consent behind asked, which asks who may be them.
func (s *Server) Mount(mux *http.ServeMux, asked func(http.Handler) http.Handler) {
	for _, prefix := range []string{"", "/api", "/api/v10", "/api/v9"} {
		mux.Handle("GET "+prefix+"/oauth2/authorize", asked(http.HandlerFunc(s.serveAuthorize)))
		mux.Handle("POST "+prefix+"/oauth2/authorize", asked(http.HandlerFunc(s.decideAuthorize)))
		mux.HandleFunc("POST "+prefix+"/oauth2/token", s.serveToken)
		mux.HandleFunc("POST "+prefix+"/oauth2/token/revoke", s.serveRevoke)
	}
}

// checkAuth checks an authorization request. A problem with the application or the redirect URI is
// shown here; others could be sent back, but a page helps developers more.
func (s held) checkAuth(q url.Values) (*authRequest, string) {
	a := &authRequest{app: s.Apps[form.ParseID(q.Get("client_id"))], query: q, scopes: strings.Fields(q.Get("scope"))}
	redirect := q.Get("redirect_uri")
	switch {
	case a.app == nil:
		return nil, "There is no application with this client_id."
	case len(a.scopes) == 0:
		return nil, "The request has no scope."
	}
	if redirect == "" && len(a.app.Redirects) == 1 {
		redirect = a.app.Redirects[0]
		q.Set("redirect_uri", redirect)
	}
	onlyBot := !slices.ContainsFunc(a.scopes,
		func(sc string) bool { return sc != "bot" && sc != "applications.commands" })
	switch {
	case redirect == "" && onlyBot:
	case !redirectAllowed(a.app, redirect):
		return nil, "Invalid OAuth2 redirect_uri: the application has not registered " + redirect
	case q.Get("response_type") != "code":
		return nil, "response_type must be code."
	}
	for _, sc := range a.scopes {
		if !slices.Contains(knownScopes, sc) {
			return nil, "The scope " + sc + " is unknown."
		}
	}
	if m := q.Get("code_challenge_method"); q.Get("code_challenge") != "" && m != "" && m != "S256" && m != "plain" {
		return nil, "code_challenge_method must be S256 or plain."
	}
	a.guild = form.ParseID(q.Get("guild_id"))
	return a, ""
}

func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	var a *authRequest
	var p authPage
	s.world.View(func(st *world.State) {
		held := held{st}
		if a, p.Error = held.checkAuth(r.URL.Query()); a != nil {
			p = held.authPage(a, r)
		}
	})
	// prompt=none lets a browser through if it has chosen before.
	if a != nil && a.query.Get("prompt") == "none" {
		for _, u := range p.Users {
			if u.Known {
				var location string
				s.world.Update(func(st *world.State) { location, _ = held{st}.grantCode(a, u.ID) })
				http.Redirect(w, r, location, http.StatusFound)
				return
			}
		}
	}
	status := http.StatusOK
	if p.Error != "" {
		status = http.StatusBadRequest
	}
	s.writePage(w, status, p)
}

func (s *Server) writePage(w http.ResponseWriter, status int, p authPage) {
	var b strings.Builder
	if err := s.page.Execute(&b, p); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, b.String())
}

func (s held) authPage(a *authRequest, r *http.Request) authPage {
	p := authPage{Application: a.app.Name, Description: a.app.Description, Redirect: a.query.Get("redirect_uri"),
		Bot: slices.Contains(a.scopes, "bot"), Permissions: a.query.Get("permissions"), Hidden: map[string]string{}}
	for k, v := range a.query {
		if k != "user_id" && k != "guild_id" && k != "decision" {
			p.Hidden[k] = v[0]
		}
	}
	for _, sc := range a.scopes {
		p.Scopes = append(p.Scopes, scopeLine{sc, scopeMeanings[sc]})
	}
	known := ""
	if c, err := r.Cookie(loginCookie); err == nil {
		known = c.Value
	}
	home := "" // the person whose own host the site was opened at
	if u, err := url.Parse(p.Redirect); err == nil {
		home, _ = strings.CutSuffix(u.Hostname(), ".localhost")
	}
	for _, id := range world.SortedIDs(s.Users) {
		if u := s.Users[id]; s.IsPerson(u) {
			p.Users = append(p.Users,
				authUser{
					id, u.DisplayName(), u.Username, "/avatars/" + id.String() + "/" + u.Avatar + ".png?size=64", false,
					id.String() == known,
				})
			if len(p.Users) == 200 {
				break // more than a page can reasonably offer
			}
		}
	}
	i := slices.IndexFunc(p.Users, func(u authUser) bool { return u.Account == home })
	if i < 0 { // the host's person takes precedence over the last one
		i = slices.IndexFunc(p.Users, func(u authUser) bool { return u.Known })
	}
	if i >= 0 {
		first := p.Users[i]
		first.Chosen = true
		p.Users = slices.Insert(slices.Delete(p.Users, i, i+1), 0, first)
	}
	if p.Bot {
		for _, id := range world.SortedIDs(s.Guilds) {
			if len(p.Guilds) < 200 {
				p.Guilds = append(p.Guilds, authGuild{id, s.Guilds[id].Name})
			}
		}
	}
	return p
}

// decideAuthorize handles the decision: from the page's form, or from a script that uses a user's
// token as Discord's client does.
func (s *Server) decideAuthorize(w http.ResponseWriter, r *http.Request) {
	if _, token := form.Authorization(r); token != "" {
		s.authorizeByToken(w, r, token)
		return
	}
	// A form on another site must not decide: browsers send where a POST comes from.
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		s.writePage(w, http.StatusForbidden, authPage{Error: "This decision did not come from this page."})
		return
	}
	if err := r.ParseForm(); err != nil {
		s.writePage(w, http.StatusBadRequest, authPage{Error: "The form could not be read."})
		return
	}
	q := r.PostForm
	for k, v := range r.URL.Query() {
		if !q.Has(k) {
			q[k] = v
		}
	}
	user := form.ParseID(q.Get("user_id"))
	var location, problem string
	s.world.Update(func(st *world.State) { location, problem = held{st}.decide(q, user) })
	if problem != "" {
		s.writePage(w, http.StatusBadRequest, authPage{Error: problem})
		return
	}
	if user != 0 {
		// The page also sets it when somebody follows a link: it only says whom to offer first.
		http.SetCookie(w,
			&http.Cookie{Name: loginCookie, Value: user.String(), Path: "/", SameSite: http.SameSiteLaxMode})
	}
	http.Redirect(w, r, location, http.StatusSeeOther)
}

// decide returns where to send the browser after a person's decision, or what is wrong with the request.
func (s held) decide(q url.Values, user world.ID) (location, problem string) {
	a, problem := s.checkAuth(q)
	switch {
	case a == nil:
		return "", problem
	case q.Get("decision") == "cancel":
		return deniedAt(a), ""
	}
	return s.grantCode(a, user)
}

func (s *Server) authorizeByToken(w http.ResponseWriter, r *http.Request, token string) {
	form.CommonHeaders(w.Header())
	var body struct {
		Authorize   bool              `json:"authorize"`
		Permissions world.Permissions `json:"permissions"`
		GuildID     *world.ID         `json:"guild_id"`
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err == nil && len(raw) > 0 {
		err = json.Unmarshal(raw, &body)
	}
	if err != nil {
		form.WriteError(w, form.Fail(400, 50109, "The request body contains invalid JSON."))
		return
	}
	var location string
	var refused *form.Error
	s.world.Update(func(st *world.State) {
		held := held{st}
		u := st.UserTokens[token]
		if u == nil {
			refused = form.Unauthorized()
			return
		}
		a, problem := held.checkAuth(r.URL.Query())
		switch {
		case a == nil:
		case !body.Authorize:
			location = deniedAt(a)
		default:
			if body.GuildID != nil {
				a.guild = *body.GuildID
			}
			location, problem = held.grantCode(a, u.ID)
		}
		if problem != "" {
			refused = form.Fail(400, 50035, problem)
		}
	})
	if refused != nil {
		form.WriteError(w, refused)
		return
	}
	_, _ = w.Write(form.Marshal(map[string]string{"location": location}))
}

func deniedAt(a *authRequest) string {
	return withQuery(a.query.Get("redirect_uri"), map[string]string{"error": "access_denied",
		"error_description": "The resource owner or authorization server denied the request",
		"state":             a.query.Get("state")})
}

func withQuery(address string, add map[string]string) string {
	if address == "" {
		return "/"
	}
	u, err := url.Parse(address)
	if err != nil {
		return "/"
	}
	q := u.Query()
	for k, v := range add {
		if v != "" {
			q.Set(k, v)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// grantCode does what the user agreed to: the bot joins the guild they chose, and the code is sent
// back. It is called in an Update.
func (s held) grantCode(a *authRequest, user world.ID) (location, problem string) {
	u := s.Users[user]
	if u == nil || u.Bot {
		return "", "Choose who you are."
	}
	if slices.Contains(a.scopes, "bot") {
		g := s.Guilds[a.guild]
		if g == nil {
			return "", "Choose a server for the bot."
		}
		if m := g.Members[user]; m == nil || !s.BasePerms(g, m).Has(world.PermManageGuild) {
			return "", u.DisplayName() + " may not add bots to " + g.Name + ": that needs Manage Server."
		}
		if a.app.DMUse.Quarantined && g.Members[a.app.ID] == nil {
			return "", a.app.Name + " cannot be added to servers now: Discord's anti-spam system has flagged it."
		}
		s.InstallBot(g, a.app, world.Permissions(form.ParseID(a.query.Get("permissions")))&world.AllPermissions)
	}
	redirect := a.query.Get("redirect_uri")
	if redirect == "" {
		return "/", ""
	}
	for old, c := range s.OAuth.Codes {
		if !s.Now().Before(c.Expires) {
			delete(s.OAuth.Codes, old)
		}
	}
	code := s.Secret(22)
	method := a.query.Get("code_challenge_method")
	if method == "" {
		method = "plain"
	}
	s.OAuth.Codes[code] = &world.AuthCode{
		App: a.app.ID, User: user, Scopes: a.scopes, Redirect: redirect, Guild: a.guild,
		Challenge: a.query.Get("code_challenge"), Method: method, Expires: s.Now().Add(codeLife),
	}
	add := map[string]string{"code": code, "state": a.query.Get("state")}
	if slices.Contains(a.scopes, "bot") {
		add["guild_id"], add["permissions"] = a.guild.String(), a.query.Get("permissions")
	}
	return withQuery(redirect, add), ""
}
