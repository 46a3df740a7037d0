package discordsim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

const callback = "http://127.0.0.1:9/auth/discord/callback"

func (w *world) oauth(scopes ...string) *oauth2.Config {
	return &oauth2.Config{ClientID: w.Application.ID.String(), ClientSecret: w.Application.ClientSecret,
		RedirectURL: callback, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: w.base + "/oauth2/authorize", TokenURL: w.base + "/api/oauth2/token"}}
}

// decide posts the authorise page's form and gives where it leads.
func (w *world) decide(address string, form url.Values) (status int, location *url.URL, page string) {
	w.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	for k, v := range u.Query() {
		form[k] = v
	}
	c := &http.Client{
		Transport:     testkit.HTTP.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := c.PostForm(w.base+u.Path, form)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	location, err = res.Location()
	if err != nil && res.StatusCode < 400 {
		w.t.Fatal(err)
	}
	return res.StatusCode, location, string(body)
}

func TestLoginWithPKCE(t *testing.T) {
	w := start(t)
	cfg := w.oauth("identify", "guilds")
	verifier := oauth2.GenerateVerifier()
	address := cfg.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier))
	res, err := testkit.HTTP.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%d %v", res.StatusCode, err)
	}
	for _, want := range []string{"Snug", "identify", "Alice", "Inês", `name="user_id"`, `value="state-1"`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, c := range res.Cookies() {
		if strings.HasPrefix(c.Name, "snug") {
			t.Errorf("a cookie is called %s", c.Name)
		}
	}
	status, to, _ := w.decide(address, url.Values{"user_id": {w.Users[3].ID.String()}})
	if status != http.StatusSeeOther || !strings.HasPrefix(to.String(), callback) ||
		to.Query().Get("state") != "state-1" {
		t.Fatalf("%d to %s", status, to)
	}
	ctx := context.Background()
	code := to.Query().Get("code")
	if _, err := cfg.Exchange(ctx, code,
		oauth2.VerifierOption("wrong-verifier-wrong-verifier-wrong-verifier")); err == nil {
		t.Fatal("a wrong verifier was taken")
	}
	_, to, _ = w.decide(address, url.Values{"user_id": {w.Users[3].ID.String()}})
	code = to.Query().Get("code")
	tok, err := cfg.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Exchange(ctx, code, oauth2.VerifierOption(verifier)); err == nil {
		t.Error("a code worked twice")
	}
	bearer := "Bearer " + tok.AccessToken
	me := w.request("GET", "/api/v10/users/@me", bearer, nil).must(t, 200)
	if me.str("id") != w.Users[3].ID.String() || me.json["email"] != nil {
		t.Errorf("%s", me.raw)
	}
	w.request("GET", "/api/v10/users/@me/guilds", bearer, nil).must(t, 200)
	w.request("GET", "/api/v10/oauth2/@me", bearer, nil).must(t, 200)
	// the scope was not asked for
	w.request("GET", "/api/v10/users/@me"+w.guildPath("/member"), bearer, nil).must(t, 401)
	refreshed, err := cfg.TokenSource(ctx,
		&oauth2.Token{RefreshToken: tok.RefreshToken, Expiry: time.Unix(1, 0)}).Token()
	if err != nil {
		t.Fatal(err)
	}
	w.request("GET", "/api/v10/users/@me", bearer, nil).must(t, 401) // replaced by the refresh
	bearer = "Bearer " + refreshed.AccessToken
	w.request("GET", "/api/v10/users/@me", bearer, nil).must(t, 200)
	if err := w.inject(discordsim.Fault{Kind: "expire_tokens", User: w.Users[3].ID}); err != nil {
		t.Fatal(err)
	}
	w.request("GET", "/api/v10/users/@me", bearer, nil).must(t, 401)
	again, err := cfg.TokenSource(ctx,
		&oauth2.Token{RefreshToken: refreshed.RefreshToken, Expiry: time.Unix(1, 0)}).Token()
	if err != nil {
		t.Fatal(err)
	}
	w.revoke(again.AccessToken)
	w.request("GET", "/api/v10/users/@me", "Bearer "+again.AccessToken, nil).must(t, 401)
	if _, err := cfg.TokenSource(ctx,
		&oauth2.Token{RefreshToken: again.RefreshToken, Expiry: time.Unix(1, 0)}).Token(); err == nil {
		t.Error("a revoked grant was refreshed")
	}
}

// revoke revokes by Basic authorisation.
func (w *world) revoke(token string) {
	w.t.Helper()
	req, err := http.NewRequest("POST", w.base+"/api/v10/oauth2/token/revoke",
		strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.SetBasicAuth(w.Application.ID.String(), w.Application.ClientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := testkit.HTTP.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		w.t.Errorf("revoke: %d", res.StatusCode)
	}
}

func TestAuthoriseRules(t *testing.T) {
	w := start(t)
	good := w.oauth("identify")
	for name, c := range map[string]struct {
		change func(q url.Values)
		want   int
	}{
		"as it should be":        {func(url.Values) {}, 303},
		"cancelled":              {func(q url.Values) { q.Set("decision", "cancel") }, 303},
		"an unknown application": {func(q url.Values) { q.Set("client_id", "1") }, 400},
		"an address elsewhere":   {func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") }, 400},
		"another loopback address": {
			func(q url.Values) { q.Set("redirect_uri", "http://alice.localhost:8080/auth/discord/callback") }, 303,
		},
		"an unknown scope":      {func(q url.Values) { q.Set("scope", "identify everything") }, 400},
		"no scope":              {func(q url.Values) { q.Set("scope", "") }, 400},
		"another response type": {func(q url.Values) { q.Set("response_type", "token") }, 400},
		"nobody":                {func(q url.Values) { q.Del("user_id") }, 400},
		"the bot by somebody small": {
			func(q url.Values) { q.Set("scope", "identify bot"); q.Set("guild_id", w.Guild.ID.String()) }, 400,
		},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(good.AuthCodeURL("s"))
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			q.Set("user_id", w.Users[4].ID.String())
			c.change(q)
			status, to, page := w.decide(w.base+"/oauth2/authorize", q)
			if status != c.want {
				t.Fatalf("status %d: %s", status, page)
			}
			if name == "cancelled" && to.Query().Get("error") != "access_denied" {
				t.Errorf("to %s", to)
			}
		})
	}
}

func TestPostsFromElsewhereDoNotAuthorise(t *testing.T) {
	w := start(t)
	u := w.oauth("identify").AuthCodeURL("s")
	req, err := http.NewRequest("POST", u, strings.NewReader("user_id="+w.Owner.ID.String()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := testkit.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestScriptsLogInWithoutABrowser(t *testing.T) {
	w := start(t)
	cfg := w.oauth("identify", "guilds.members.read", "guilds.join", "email")
	verifier := oauth2.GenerateVerifier()
	u, err := url.Parse(cfg.AuthCodeURL("state 2", oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		t.Fatal(err)
	}
	a := w.request("POST", "/api/v10/oauth2/authorize?"+u.RawQuery, w.Users[2].Token,
		map[string]any{"authorize": true}).must(t,
		200)
	to, err := url.Parse(a.str("location"))
	if err != nil || to.Query().Get("state") != "state 2" {
		t.Fatalf("%s %v", a.raw, err)
	}
	tok, err := cfg.Exchange(context.Background(), to.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	me := w.request("GET", "/api/v10/users/@me", "Bearer "+tok.AccessToken, nil).must(t, 200)
	if me.str("email") == "" {
		t.Errorf("%s", me.raw)
	}
	w.request("GET", "/api/v10/users/@me"+w.guildPath("/member"), "Bearer "+tok.AccessToken, nil).must(t, 200)
	no := w.request("POST", "/api/v10/oauth2/authorize?"+u.RawQuery, w.Users[2].Token,
		map[string]any{"authorize": false}).must(t,
		200)
	if !strings.Contains(no.str("location"), "error=access_denied") {
		t.Errorf("%s", no.raw)
	}
	w.request("POST", "/api/v10/oauth2/authorize?"+u.RawQuery, "nonsense", map[string]any{"authorize": true}).must(t,
		401)
}

func TestGuildsJoin(t *testing.T) {
	w := start(t)
	guest := w.AddUser("guest", "Guest")
	path := w.guildPath("/members/%s", guest.ID)
	w.refuse(t, w.bot("PUT", path, map[string]any{"access_token": "x"}), 403, 50025)
	w.refuse(t, w.bot("PUT", path, map[string]any{"access_token": w.Owner.Token}), 403, 50025)
	w.bot("PUT", path, map[string]any{"access_token": guest.Token}).must(t, 201)
	w.bot("PUT", path, map[string]any{"access_token": guest.Token}).must(t, 204)
	w.allow(discordsim.SnugPermissions &^ discordsim.PermCreateInstantInvite)
	if err := w.SetRole(w.Guild.ID, w.Guild.ID,
		discordsim.DefaultEveryone&^discordsim.PermCreateInstantInvite); err != nil {
		t.Fatal(err)
	}
	w.refuse(t, w.bot("PUT", path, map[string]any{"access_token": guest.Token}), 403, 50013)
}

func TestUserTokensAreBearerTokens(t *testing.T) {
	w := start(t)
	me := w.request("GET", "/api/v10/users/@me", "Bearer "+w.Owner.Token, nil).must(t, 200)
	if me.str("username") != "alice" {
		t.Errorf("%s", me.raw)
	}
	var guilds []struct {
		Owner bool   `json:"owner"`
		ID    string `json:"id"`
	}
	a := w.request("GET", "/api/v10/users/@me/guilds", "Bearer "+w.Owner.Token, nil).must(t, 200)
	if err := json.Unmarshal(a.raw, &guilds); err != nil || len(guilds) != 1 || !guilds[0].Owner {
		t.Errorf("%s", a.raw)
	}
}

func TestTheBotIsAddedThroughTheAuthorisePage(t *testing.T) {
	w := start(t)
	other, err := w.AddGuild("Other", w.Owner.ID)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := w.login(nil)
	status, to, page := w.decide(w.base+"/oauth2/authorize",
		url.Values{"client_id": {w.Application.ID.String()}, "scope": {"bot applications.commands"},
			"permissions": {"1024"}, "guild_id": {other.ID.String()}, "user_id": {w.Owner.ID.String()}})
	if status != 303 || to.Path != "/" {
		t.Fatalf("%d %v %s", status, to, page)
	}
	c.until("GUILD_CREATE", nil)
}

const rfc6749 = "https://www.rfc-editor.org/rfc/rfc6749"

// TestTokenEndpointRules tries OAuth2's endpoints for applications by their documents.
func TestTokenEndpointRules(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	// post sends a form; edit changes it and the request.
	post := func(
		t *testing.T, w *world, path string, fields url.Values, edit func(*http.Request),
	) (int, http.Header, map[string]any) {
		t.Helper()
		req, err := http.NewRequest("POST", w.base+"/api/oauth2/"+path, strings.NewReader(fields.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", form)
		req.SetBasicAuth(w.Application.ID.String(), w.Application.ClientSecret)
		if edit != nil {
			edit(req)
		}
		res, err := testkit.HTTP.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body map[string]any
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header, body
	}
	code := func(t *testing.T, w *world) string {
		_, to, _ := w.decide(w.oauth("identify").AuthCodeURL("s"), url.Values{"user_id": {w.Owner.ID.String()}})
		return to.Query().Get("code")
	}
	good := func(t *testing.T, w *world) url.Values {
		return url.Values{"grant_type": {"authorization_code"}, "code": {code(t, w)}, "redirect_uri": {callback}}
	}
	refused := func(
		status int, problem string, change func(t *testing.T, w *world, f url.Values), edit func(*http.Request),
	) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			f := good(t, w)
			if change != nil {
				change(t, w, f)
			}
			got, h, body := post(t, w, "token", f, edit)
			if got != status || body["error"] != problem {
				t.Errorf("%d %v, want %d %s", got, body, status, problem)
			}
			if h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/json" {
				t.Errorf("headers %v", h)
			}
			if (h.Get("WWW-Authenticate") != "") != (status == 401 && edit != nil) {
				t.Errorf("WWW-Authenticate %q", h.Get("WWW-Authenticate"))
			}
		}
	}
	set := func(name, value string) func(*testing.T, *world, url.Values) {
		return func(_ *testing.T, _ *world, f url.Values) { f.Set(name, value) }
	}
	runRules(t, []rule{
		{"a code is exchanged", docOAuth2 + "#authorization-code-grant", func(t *testing.T, w *world) {
			if status, _, body := post(t, w, "token", good(t, w), nil); status != 200 ||
				body["token_type"] != "Bearer" {
				t.Errorf("%d %v", status, body)
			}
		}},
		{
			"JSON is refused", docOAuth2,
			refused(400, "invalid_request", nil,
				func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }),
		},
		{
			"no content type is refused", docOAuth2,
			refused(400, "invalid_request", nil, func(r *http.Request) { r.Header.Del("Content-Type") }),
		},
		{"no grant_type", rfc6749 + "#section-5.2", refused(400, "invalid_request", set("grant_type", ""), nil)},
		{
			"an unknown grant_type", rfc6749 + "#section-5.2",
			refused(400, "unsupported_grant_type", set("grant_type", "password"), nil),
		},
		{"no code", rfc6749 + "#section-4.1.3", refused(400, "invalid_request", set("code", ""), nil)},
		{"a made-up code", rfc6749 + "#section-5.2", refused(400, "invalid_grant", set("code", "x"), nil)},
		{
			"another redirect_uri", rfc6749 + "#section-4.1.3",
			refused(400, "invalid_grant", set("redirect_uri", callback+"/"), nil),
		},
		{
			"a parameter twice", rfc6749 + "#section-3.2",
			refused(400, "invalid_request", func(_ *testing.T, _ *world, f url.Values) { f.Add("code", "x") }, nil),
		},
		{
			"a client that authorises itself twice", rfc6749 + "#section-2.3",
			refused(400, "invalid_request",
				func(_ *testing.T, w *world, f url.Values) { f.Set("client_secret", w.Application.ClientSecret) }, nil),
		},
		{"two client_ids", rfc6749 + "#section-2.3", refused(400, "invalid_request", set("client_id", "1"), nil)},
		{
			"a wrong secret", rfc6749 + "#section-5.2",
			refused(401, "invalid_client", nil, func(r *http.Request) { r.SetBasicAuth("1", "no") }),
		},
		{"a code works once", rfc6749 + "#section-4.1.2", func(t *testing.T, w *world) {
			f := good(t, w)
			post(t, w, "token", f, nil)
			if status, _, body := post(t, w, "token", f, nil); status != 400 || body["error"] != "invalid_grant" {
				t.Errorf("%d %v", status, body)
			}
		}},
		{"a refresh token works once, and for no more than was granted", rfc6749 + "#section-6",
			func(t *testing.T, w *world) {
				_, _, tok := post(t, w, "token", good(t, w), nil)
				f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tok["refresh_token"].(string)}}
				for _, c := range []struct {
					scope, want string
				}{{"identify email", "invalid_scope"}, {"", ""}, {"", "invalid_grant"}} {
					f.Set("scope", c.scope)
					status, _, body := post(t, w, "token", f, nil)
					if problem, _ := body["error"].(string); problem != c.want || (status == 200) != (c.want == "") {
						t.Errorf("scope %q: %d %v", c.scope, status, body)
					}
				}
				if status, _, body := post(t, w, "token", url.Values{"grant_type": {"refresh_token"}},
					nil); status != 400 ||
					body["error"] != "invalid_request" {
					t.Errorf("no token: %d %v", status, body)
				}
			}},
		{"revoking ends all tokens of the authorization", docOAuth2 + "#authorization-code-grant-token-revocation",
			func(t *testing.T, w *world) {
				_, _, one := post(t, w, "token", good(t, w), nil)
				_, _, two := post(t, w, "token", good(t, w), nil)
				if status, _, body := post(t, w, "token/revoke", url.Values{"token": {one["access_token"].(string)}},
					nil); status != 200 {
					t.Fatalf("%d %v", status, body)
				}
				w.request("GET", "/api/v10/users/@me", "Bearer "+two["access_token"].(string), nil).must(t, 401)
				if status, _, _ := post(t, w, "token/revoke", url.Values{"token": {"nonsense"}}, nil); status != 200 {
					t.Errorf("a token that is none: %d", status) // RFC 7009, 2.2
				}
			}},
	})
}

// TestAnswersAreReplaced tries the fault that has anything answered, before and after a request's effect.
func TestAnswersAreReplaced(t *testing.T) {
	w := start(t)
	page := discordsim.Fault{
		Kind: "answer", Status: 403, Body: "<html>", Headers: map[string]string{"Content-Type": "text/html", "Via": ""},
	}
	if err := w.inject(page); err != nil {
		t.Fatal(err)
	}
	a := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x"})
	if a.status != 403 || string(a.raw) != "<html>" || a.header.Get("Content-Type") != "text/html" ||
		a.header.Get("Via") != "" {
		t.Errorf("%d %s %v", a.status, a.raw, a.header)
	}
	if err := w.inject(discordsim.Fault{
		Kind: "answer", After: true, Headers: map[string]string{"X-RateLimit-Limit": "7"},
	}); err != nil {
		t.Fatal(err)
	}
	a = w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x"})
	if a.status != 201 || a.str("name") != "x" || a.header.Get("X-RateLimit-Limit") != "7" {
		t.Errorf("%d %s %v", a.status, a.raw, a.header)
	}
	w.bot("GET", "/channels/"+a.str("id"), nil).must(t, 200)
	if _, err := w.Inject(discordsim.Fault{Kind: "answer", Status: 77}); err == nil {
		t.Error("a status of 77 was taken")
	}
}

// TestAgents: programs that do not name themselves as Discord's document says may be blocked before they reach it.
func TestAgents(t *testing.T) {
	for agent, want := range map[string]bool{
		"DiscordBot (https://github.com/disgoorg/disgo, 0.19.6)": true,
		"DiscordBot (https://example.org, 1) more":               true,
		"": false, "Go-http-client/1.1": false, "DiscordBot": false, "DiscordBot (example, 1)": false,
		"DiscordBot (https://example.org 1)": false,
	} {
		for _, path := range []string{"/api/v10/gateway", "/api/v10/oauth2/token", "/api/oauth2/token"} {
			s := discordsim.New(discordsim.Options{Seed: 1, Named: true})
			req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
			req.Header.Set("User-Agent", agent)
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, req)
			if blocked := w.Code == http.StatusForbidden && w.Body.String() == "error code: 1010"; blocked == want {
				t.Errorf("%s as %q: %d %s", path, agent, w.Code, w.Body)
			}
		}
	}
}
