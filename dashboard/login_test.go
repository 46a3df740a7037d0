package dashboard

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/dashboard/session"
)

func TestLoginLeadsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	page := "/game/" + r.ID.String()
	w := b.browser(owner.String())
	first := w.get(page, navigates...)
	if first.status != http.StatusSeeOther || first.location() != "/login?return_to="+url.QueryEscape(page) {
		t.Fatalf("got %d to %s", first.status, first.location())
	}
	start := w.get(first.location())
	u, _ := url.Parse(start.header.Get("Location"))
	q := u.Query()
	if !strings.HasPrefix(u.String(), b.oauth.URL+"/authorize?") || q.Get("code_challenge_method") != "S256" ||
		q.Get("scope") != "identify" ||
		q.Get("redirect_uri") != b.url+session.CallbackPath || q.Get("state") == "" {
		t.Fatalf("got %s", u)
	}
	back := w.get(start.header.Get("Location"))
	done := w.get(back.header.Get("Location"))
	if done.status != http.StatusSeeOther || done.location() != page {
		t.Fatalf("got %d to %s", done.status, done.location())
	}
	cookies := done.header.Values("Set-Cookie")
	if len(cookies) != 2 || !strings.HasPrefix(cookies[0], "snug-login-") ||
		!strings.Contains(cookies[0], "Max-Age=0") {
		t.Fatalf("cookies %q", cookies)
	}
	cookie := cookies[1]
	for _, want := range []string{"snug=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie without %s: %s", want, cookie)
		}
	}
	if strings.Contains(cookie, "Secure") || strings.Contains(cookie, "Domain") {
		t.Errorf("cookie %s", cookie)
	}
	if got := w.get(page); got.status != http.StatusOK || !strings.Contains(got.body, "Friday &lt;draft&gt;") {
		t.Errorf("got %d %s", got.status, got.text())
	}
	// The same callback again signs nobody in, not even with the cookie it had.
	replay := b.browser(owner.String())
	for _, c := range [][]string{nil, {"Cookie", strings.SplitN(start.header.Get("Set-Cookie"), ";", 2)[0]}} {
		if got := replay.get(back.header.Get("Location"), c...); got.status < 400 ||
			got.header.Get("Set-Cookie") != "" {
			t.Errorf("a state worked twice: %d", got.status)
		}
	}
	if got := w.get(back.header.Get("Location")); got.status != http.StatusSeeOther || got.location() != page {
		t.Errorf("who is signed in and goes back gets %d", got.status)
	}
}

// A link opened in an app's own browser leads back from Discord into the phone's: no cookie there. The code is not
// exchanged, and the page's button signs in here and ends where the first was going.
func TestWayBackIntoAnotherBrowser(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(app *browser, page, invited string) (begun got, ends string){
		"a page": func(app *browser, _, _ string) (got, string) {
			return app.get(app.get("/servers/100", navigates...).location()), "/servers/100"
		},
		"an invite": func(app *browser, _, invited string) (got, string) {
			return app.form("/login", url.Values{"return_to": {invited}}), invited
		},
		"an invite, accepted": func(app *browser, page, invited string) (got, string) {
			return app.form("/i/"+inviteToken(invited), nil), invited
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := b.room()
			page := "/game/" + r.ID.String()
			invited := "/i/" + b.invite(r)
			app, phone := b.browser(member.String()), b.browser(member.String())
			begun, ends := begin(app, page, invited)
			way := app.get(begun.header.Get("Location")).header.Get("Location")
			asked := b.oauth.exchanges()
			landed := phone.get(way)
			if landed.status != http.StatusBadRequest || landed.header.Get("Set-Cookie") != "" ||
				b.oauth.exchanges() != asked {
				t.Fatalf("%d, cookies %q, the code was exchanged %d times", landed.status,
					landed.header.Values("Set-Cookie"), b.oauth.exchanges()-asked)
			}
			if !strings.Contains(landed.body, "with another browser") ||
				!strings.Contains(landed.body, `action="/login"`) {
				t.Errorf("the page does not say so: %s", landed.text())
			}
			for _, a := range landed.addresses() {
				if strings.Contains(a, inviteToken(invited)) || strings.Contains(a, "code=") {
					t.Errorf("it leads to %s", a)
				}
			}
			field := regexp.MustCompile(`action="/login"><input type="hidden" name="return_to" value="([^"]*)">` +
				`<button class="primary"`).FindStringSubmatch(landed.body)
			if field == nil {
				t.Fatalf("no button in %s", landed.text())
			}
			got := phone.form("/login", url.Values{"return_to": {html.UnescapeString(field[1])}})
			got = phone.get(phone.get(got.header.Get("Location")).header.Get("Location"))
			if got.status != http.StatusSeeOther || got.location() != ends {
				t.Errorf("signed in here, led to %d %s", got.status, got.location())
			}
			if len(b.guests(r.ID)) != 1 {
				t.Error("an invite that another browser accepted let somebody in without being asked here")
			}
			// The first browser's code is still good there, and there alone: nothing was used up.
			if got := app.get(way); got.status >= 400 {
				t.Errorf("in the browser where it began: %d", got.status)
			}
			// Who is signed in here is not asked again.
			if got := phone.get(way); got.status != http.StatusSeeOther || got.location() != ends {
				t.Errorf("signed in here already: %d to %s", got.status, got.location())
			}
		})
	}
}

// Login CSRF: somebody's own way back from Discord, opened in another's browser, signs nobody in there, whatever of the
// attacker's is sent along that a page elsewhere could make a browser send, and whoever is signed in stays
// who they are.
func TestLoginCSRF(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	attacker := b.browser(stranger.String())
	start := attacker.get("/login?return_to=/servers/200")
	way := attacker.get(start.header.Get("Location")).header.Get("Location")
	code := tokenOf(way, "code")

	victim := b.browser(owner.String())
	if got := victim.get(way); got.status != http.StatusBadRequest || got.header.Get("Set-Cookie") != "" {
		t.Errorf("signed in as the attacker: %d %q", got.status, got.header.Values("Set-Cookie"))
	}
	own := victim.get("/login")
	ownState := tokenOf(own.header.Get("Location"), "state")
	for name, path := range map[string]string{
		"the attacker's code with the victim's state": session.CallbackPath + "?code=" + code + "&state=" + ownState,
		"the attacker's code without a state":         session.CallbackPath + "?code=" + code,
		"the attacker's state twice": session.CallbackPath + "?code=" + code + "&state=" + ownState +
			"&state=" + tokenOf(way, "state"),
	} {
		if got := victim.get(path); got.status < 400 ||
			strings.Contains(strings.Join(got.header.Values("Set-Cookie"), ""), "snug=") {
			t.Errorf("%s: %d %q", name, got.status, got.header.Values("Set-Cookie"))
		}
	}
	if got := victim.api("GET", "/api/v1/me", ""); got.status != http.StatusUnauthorized {
		t.Errorf("the victim is somebody: %s", got.body)
	}
	// Signed in as themselves they stay that, and are led to no other site.
	in := b.signedIn(owner)
	if got := in.get(way); got.status != http.StatusSeeOther || got.location() != "/servers/200" ||
		got.header.Get("Set-Cookie") != "" {
		t.Errorf("got %d to %s", got.status, got.location())
	}
	if got := in.api("GET", "/api/v1/me", ""); !strings.Contains(got.body, `"`+owner.String()+`"`) {
		t.Errorf("the victim became %s", got.body)
	}
	// And no other site can begin a login by a form, nor have one lead elsewhere.
	if got := victim.form("/login", url.Values{"return_to": {"/"}}, "Sec-Fetch-Site",
		"cross-site"); got.status != http.StatusForbidden {
		t.Errorf("another site's form: %d", got.status)
	}
}

func tokenOf(address, name string) string {
	u, _ := url.Parse(address)
	return u.Query().Get(name)
}

// Whoever begins logins without end takes nothing from anybody: nothing is stored for them.
func TestBeginningLoginsStoresNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) { o.TrustedProxies = []string{"127.0.0.1"} })
	w := b.browser("")
	for i := range 500 {
		got := w.form("/login", url.Values{"return_to": {"/servers/100"}}, "X-Forwarded-For",
			fmt.Sprintf("198.51.%d.7", i%250))
		if got.status != http.StatusSeeOther {
			t.Fatalf("%d: %d", i, got.status)
		}
	}
	u, _ := url.Parse(b.url)
	if n := len(w.Jar.Cookies(u)); n != 5 {
		t.Errorf("the browser keeps %d cookies", n)
	}
	if keys, err := b.hub.Logins.Keys(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("%d stored, %v", len(keys), err)
	}
	b.signedIn(owner)
}

func TestLoginCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.browser("cancel")
	got := w.follow(w.get("/login?return_to=/servers/100"))
	if got.status != http.StatusForbidden || !strings.Contains(got.body, "You aren’t signed in") ||
		!strings.Contains(got.body, "/login?return_to=%2Fservers%2F100") {
		t.Errorf("got %d %s", got.status, got.text())
	}
}

func TestReturnToOwnPagesOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for raw, want := range map[string]string{
		"/servers/100": "/servers/100", "//evil.example": "/", "/\\evil.example": "/", "https://evil.example": "/",
		"/%2f%2fevil.example": "/",
		"/api/v1/me":          "/", "javascript:alert(1)": "/", "": "/",
	} {
		w := b.browser(owner.String())
		g := w.get("/login?return_to=" + url.QueryEscape(raw))
		for range 2 {
			g = w.get(g.header.Get("Location"))
		}
		if g.location() != want {
			t.Errorf("%q led to %q", raw, g.location())
		}
	}
}

func TestWhoIsNotSignedIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room().ID.String()
	w := b.browser("")
	for _, c := range []struct{ method, path, to string }{
		{"GET", "/servers/100", "/servers/100"},
		{"GET", "/game/" + r, "/game/" + r},
		{"GET", "/game/999", "/game/999"},
		{"GET", "/admin/100", "/admin/100"},
		{"POST", "/servers/100/rooms", "/servers/100"},
		{"POST", "/game/" + r + "/join", "/game/" + r},
		{"POST", "/game/" + r + "/keep", "/game/" + r},
		{"POST", "/game/" + r + "/close", "/game/" + r},
		{"POST", "/game/" + r + "/invites", "/game/" + r},
		{"POST", "/game/" + r + "/invites/abc/revoke", "/game/" + r},
		{"POST", "/admin/100", "/admin/100"},
	} {
		got := w.send(c.method, c.path, "application/x-www-form-urlencoded", "",
			append([]string{"Accept", "text/html"}, navigates...)...)
		if got.status != http.StatusSeeOther || got.location() != "/login?return_to="+url.QueryEscape(c.to) {
			t.Errorf("%s %s: %d to %s", c.method, c.path, got.status, got.location())
		}
		// The same, asked by a script of a page.
		if got := w.send(c.method, c.path, "application/json", "", "Accept",
			"application/json"); got.status != http.StatusUnauthorized ||
			got.problem().Code != "UNAUTHORIZED" {
			t.Errorf("%s %s as JSON: %d", c.method, c.path, got.status)
		}
	}
	for _, c := range []struct{ method, path string }{
		{"GET", "/api/v1/me"}, {"POST", "/api/v1/live-token"}, {"GET", "/api/v1/guilds/100/rooms"},
		{"POST", "/api/v1/guilds/100/rooms"},
		{"GET", "/api/v1/rooms/" + r}, {"POST", "/api/v1/rooms/" + r + "/join"},
		{"POST", "/api/v1/rooms/" + r + "/keep"},
		{"POST", "/api/v1/rooms/" + r + "/close"}, {"POST", "/api/v1/rooms/" + r + "/invites"},
		{"DELETE", "/api/v1/rooms/" + r + "/invites/x"},
		{"POST", "/api/v1/invites/redeem"}, {"GET", "/api/v1/guilds/100/settings"},
		{"PATCH", "/api/v1/guilds/100/settings"},
	} {
		got := w.send(c.method, c.path, "application/json", "{}", "Accept", "text/html")
		if p := got.problem(); got.status != http.StatusUnauthorized || p.Code != "UNAUTHORIZED" || p.Status != 401 ||
			p.RequestID == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.text())
		}
	}
	if got := w.get("/"); got.status != http.StatusOK {
		t.Errorf("the first page: %d", got.status)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.signedIn(owner), b.signedIn(owner)
	if got := one.form("/logout", nil); got.status != http.StatusSeeOther ||
		!strings.Contains(got.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("got %d %v", got.status, got.header)
	}
	if got := one.api("GET", "/api/v1/me", ""); got.status != http.StatusUnauthorized {
		t.Errorf("signed out, still somebody: %d", got.status)
	}
	if got := two.api("GET", "/api/v1/me", ""); got.status != http.StatusOK {
		t.Errorf("the other browser: %d", got.status)
	}
	three := b.signedIn(owner)
	if got := three.get("/logout"); !strings.Contains(got.body, "/logout/everywhere") {
		t.Errorf("no way to sign out everywhere: %s", got.text())
	}
	three.form("/logout/everywhere", nil)
	for _, w := range []*browser{two, three} {
		if got := w.api("GET", "/api/v1/me", ""); got.status != http.StatusUnauthorized {
			t.Errorf("signed out everywhere, still somebody: %d", got.status)
		}
	}
	b.oauth.mu.Lock()
	defer b.oauth.mu.Unlock()
	if b.oauth.revoked != 1 {
		t.Errorf("revoked %d times", b.oauth.revoked)
	}
}

func TestStolenCookieAfterLogout(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(owner)
	u, _ := url.Parse(b.url)
	var id string
	for _, c := range w.Jar.Cookies(u) {
		if c.Name == "snug" {
			id = c.Value
		}
	}
	w.form("/logout", nil)
	thief := b.browser("")
	if got := thief.send("GET", "/api/v1/me", "", "", "Cookie", "snug="+id); got.status != http.StatusUnauthorized {
		t.Errorf("got %d", got.status)
	}
}

func TestTenTabsRefreshOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(owner)
	b.clock.Forward(8 * 24 * time.Hour)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if got := w.api("GET", "/api/v1/me", ""); got.status != http.StatusOK {
				t.Errorf("got %d %s", got.status, got.text())
			}
		})
	}
	wg.Wait()
	b.oauth.mu.Lock()
	if b.oauth.refreshes != 1 {
		t.Errorf("%d refreshes", b.oauth.refreshes)
	}
	clear(b.oauth.refresh)
	b.oauth.mu.Unlock()
	b.clock.Forward(8 * 24 * time.Hour)
	got := w.get("/servers/100")
	if got.status != http.StatusSeeOther || got.location() != "/login?again=1&return_to=%2Fservers%2F100" ||
		!strings.Contains(got.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("refused by Discord: %d to %s", got.status, got.location())
	}
	if got := w.get(got.location()); !strings.Contains(got.header.Get("Location"), "prompt=none") {
		t.Errorf("who was signed in is asked again: %s", got.header.Get("Location"))
	}
}

func TestCookiesOnHTTPS(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) { o.BaseURL = "https://snug.example" })
	r := httptest.NewRequest("GET", "https://snug.example/login", nil)
	rec := httptest.NewRecorder()
	b.Handler().ServeHTTP(rec, r)
	cookie := rec.Header().Get("Set-Cookie")
	for _, want := range []string{"__Host-snug-login-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie without %s: %s", want, cookie)
		}
	}
	if rec.Header().Get("Strict-Transport-Security") == "" ||
		!strings.Contains(rec.Header().Get("Content-Security-Policy"), "wss://snug.example") {
		t.Errorf("headers %v", rec.Header())
	}
	if !strings.Contains(rec.Header().Get("Location"), url.QueryEscape("https://snug.example"+session.CallbackPath)) {
		t.Errorf("redirect to %s", rec.Header().Get("Location"))
	}
}

func TestExtraHosts(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) {
		u, _ := url.Parse(o.BaseURL)
		o.ExtraHosts = []string{"alice.localhost:" + u.Port()}
	})
	u, _ := url.Parse(b.url)
	r := httptest.NewRequest("GET", "http://alice.localhost:"+u.Port()+"/login", nil)
	rec := httptest.NewRecorder()
	b.Handler().ServeHTTP(rec, r)
	if !strings.Contains(rec.Header().Get("Location"),
		url.QueryEscape("http://alice.localhost:"+u.Port()+session.CallbackPath)) {
		t.Errorf("redirect to %s", rec.Header().Get("Location"))
	}
}

// inviteToken gives the token in an invite's link.
func inviteToken(link string) string {
	_, token, _ := strings.Cut(link, "/i/")
	return token
}
