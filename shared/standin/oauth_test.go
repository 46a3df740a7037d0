package standin_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"snug/shared/standin"
)

const callback = "http://127.0.0.1:9/auth/discord/callback"

func (w *world) oauth(scopes ...string) *oauth2.Config {
	return &oauth2.Config{ClientID: w.Application.ID.String(), ClientSecret: w.Application.ClientSecret, RedirectURL: callback, Scopes: scopes,
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
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
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
	res, err := http.Get(address)
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
	if status != http.StatusSeeOther || !strings.HasPrefix(to.String(), callback) || to.Query().Get("state") != "state-1" {
		t.Fatalf("%d to %s", status, to)
	}
	ctx := context.Background()
	code := to.Query().Get("code")
	if _, err := cfg.Exchange(ctx, code, oauth2.VerifierOption("wrong-verifier-wrong-verifier-wrong-verifier")); err == nil {
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
	w.request("GET", "/api/v10/users/@me"+w.guildPath("/member"), bearer, nil).must(t, 401) // the scope was not asked for
	refreshed, err := cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken, Expiry: time.Unix(1, 0)}).Token()
	if err != nil {
		t.Fatal(err)
	}
	w.request("GET", "/api/v10/users/@me", bearer, nil).must(t, 401) // replaced by the refresh
	bearer = "Bearer " + refreshed.AccessToken
	w.request("GET", "/api/v10/users/@me", bearer, nil).must(t, 200)
	if err := w.inject(standin.Fault{Kind: "expire_tokens", User: w.Users[3].ID}); err != nil {
		t.Fatal(err)
	}
	w.request("GET", "/api/v10/users/@me", bearer, nil).must(t, 401)
	again, err := cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshed.RefreshToken, Expiry: time.Unix(1, 0)}).Token()
	if err != nil {
		t.Fatal(err)
	}
	w.revoke(again.AccessToken)
	w.request("GET", "/api/v10/users/@me", "Bearer "+again.AccessToken, nil).must(t, 401)
	if _, err := cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: again.RefreshToken, Expiry: time.Unix(1, 0)}).Token(); err == nil {
		t.Error("a revoked grant was refreshed")
	}
}

// revoke revokes by Basic authorisation.
func (w *world) revoke(token string) {
	w.t.Helper()
	req, err := http.NewRequest("POST", w.base+"/api/v10/oauth2/token/revoke", strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.SetBasicAuth(w.Application.ID.String(), w.Application.ClientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
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
		"as it should be":           {func(url.Values) {}, 303},
		"cancelled":                 {func(q url.Values) { q.Set("decision", "cancel") }, 303},
		"an unknown application":    {func(q url.Values) { q.Set("client_id", "1") }, 400},
		"an address elsewhere":      {func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") }, 400},
		"another loopback address":  {func(q url.Values) { q.Set("redirect_uri", "http://alice.localhost:8080/auth/discord/callback") }, 303},
		"an unknown scope":          {func(q url.Values) { q.Set("scope", "identify everything") }, 400},
		"no scope":                  {func(q url.Values) { q.Set("scope", "") }, 400},
		"another response type":     {func(q url.Values) { q.Set("response_type", "token") }, 400},
		"nobody":                    {func(q url.Values) { q.Del("user_id") }, 400},
		"the bot by somebody small": {func(q url.Values) { q.Set("scope", "identify bot"); q.Set("guild_id", w.Guild.ID.String()) }, 400},
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
	res, err := http.DefaultClient.Do(req)
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
	a := w.request("POST", "/api/v10/oauth2/authorize?"+u.RawQuery, w.Users[2].Token, map[string]any{"authorize": true}).must(t, 200)
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
	no := w.request("POST", "/api/v10/oauth2/authorize?"+u.RawQuery, w.Users[2].Token, map[string]any{"authorize": false}).must(t, 200)
	if !strings.Contains(no.str("location"), "error=access_denied") {
		t.Errorf("%s", no.raw)
	}
	w.request("POST", "/api/v10/oauth2/authorize?"+u.RawQuery, "nonsense", map[string]any{"authorize": true}).must(t, 401)
}

func TestGuildsJoin(t *testing.T) {
	w := start(t)
	guest := w.AddUser("guest", "Guest")
	path := w.guildPath("/members/%s", guest.ID)
	w.refuse(t, w.bot("PUT", path, map[string]any{"access_token": "x"}), 403, 50025)
	w.refuse(t, w.bot("PUT", path, map[string]any{"access_token": w.Owner.Token}), 403, 50025)
	w.bot("PUT", path, map[string]any{"access_token": guest.Token}).must(t, 201)
	w.bot("PUT", path, map[string]any{"access_token": guest.Token}).must(t, 204)
	w.allow(standin.SnugPermissions &^ standin.PermCreateInstantInvite)
	if err := w.SetRole(w.Guild.ID, w.Guild.ID, standin.DefaultEveryone&^standin.PermCreateInstantInvite); err != nil {
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
	status, to, page := w.decide(w.base+"/oauth2/authorize", url.Values{"client_id": {w.Application.ID.String()}, "scope": {"bot applications.commands"},
		"permissions": {"1024"}, "guild_id": {other.ID.String()}, "user_id": {w.Owner.ID.String()}})
	if status != 303 || to.Path != "/" {
		t.Fatalf("%d %v %s", status, to, page)
	}
	c.until("GUILD_CREATE", nil)
}
