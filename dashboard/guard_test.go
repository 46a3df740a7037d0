package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/testkit"
)

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(owner)
	for _, path := range []string{"/", "/servers/100", "/nonsense", "/logout"} {
		h := w.get(path).header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{
			"default-src 'none'", "script-src 'self';", "style-src 'self';", "img-src 'self' https://cdn.example;",
			"frame-ancestors 'none'",
			"base-uri 'none'", "form-action 'self' " + b.oauth.URL,
			"connect-src 'self' " + strings.Replace(b.url, "http", "ws", 1),
		} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy without %s: %s", path, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: policy %s", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Cache-Control":              "no-store", "Strict-Transport-Security": "", "Server": "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestNoInlineScriptsOrStyles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w, m := b.signedIn(owner), b.signedIn(manager)
	token := b.invite(r)
	for path, g := range map[string]got{
		"/": w.get("/"), "server": w.get("/servers/100"), "room": w.get("/game/" + r.ID.String()),
		"admin":   m.get("/admin/100"),
		"landing": b.browser("").get("/i/" + token), "lost": w.get("/nonsense"),
	} {
		lower := strings.ToLower(g.body)
		for _, bad := range []string{"<style", " style=", " onclick=", " onload=", "javascript:"} {
			if strings.Contains(lower, bad) {
				t.Errorf("%s has %s", path, bad)
			}
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	u, _ := url.Parse(b.url)
	w := b.browser("")
	if got := w.get("/game/5?t=tok", "Host", "evil.example"); got.status != http.StatusTemporaryRedirect ||
		got.header.Get("Location") != b.url+"/game/5?t=tok" {
		t.Errorf("got %d to %s", got.status, got.header.Get("Location"))
	}
	if got := w.form("/logout", nil, "Host", "localhost:"+u.Port()); got.status != http.StatusMisdirectedRequest ||
		!strings.Contains(got.body, b.url) {
		t.Errorf("got %d %s", got.status, got.text())
	}
	if got := w.get("/api/ws", "Host", "evil.example", "Upgrade", "websocket", "Connection",
		"Upgrade"); got.status != http.StatusMisdirectedRequest {
		t.Errorf("a socket by another name: %d", got.status)
	}
	if got := w.get("/healthz", "Host", "10.0.0.7:8080"); got.status != http.StatusOK {
		t.Errorf("a probe by address: %d", got.status)
	}
	for _, bad := range []string{
		"", "snug.example", "ftp://snug.example", "https://snug.example/path", "http://snug.example",
		"https://a:b@snug.example",
	} {
		o := b.o
		o.BaseURL = bad
		o.Registerer = nil
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "SNUG_BASE_URL") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestCrossOriginPosts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(owner)
	host := strings.TrimPrefix(b.url, "http://")
	for _, h := range [][2]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Origin", "https://" + host}, {"Origin", "http://" + host + ".evil.example"}, {"Origin", "ftp://" + host},
	} {
		got := w.form("/servers/100/rooms", url.Values{"name": {"x"}}, h[0], h[1])
		if got.status != http.StatusForbidden || !strings.Contains(got.body, "another site") {
			t.Errorf("%v: %d", h, got.status)
		}
		if got := w.send("POST", "/api/v1/guilds/100/rooms", "application/json", `{"name":"x"}`, h[0],
			h[1]); got.status != http.StatusForbidden {
			t.Errorf("%v by API: %d", h, got.status)
		}
	}
	if len(b.opened()) != 0 {
		t.Error("another site opened a room")
	}
	if got := w.form("/servers/100/rooms", url.Values{"name": {"x"}}, "Sec-Fetch-Site", "same-origin", "Origin",
		"null"); got.status != 303 {
		t.Errorf("an own page that tells no referrer: %d", got.status)
	}
	if got := b.signedIn(member).form("/servers/100/rooms", url.Values{"name": {"x"}}, "Origin",
		b.url); got.status != 303 {
		t.Errorf("an own page in a browser that tells its origin alone: %d", got.status)
	}
}

func TestErrorsOnTheWeb(t *testing.T) {
	t.Parallel()
	var panics atomic.Bool
	b := newBench(t, func(o *Options) {
		o.Ready = func(context.Context) error {
			if panics.Load() {
				panic("the bot lost its keys")
			}
			return nil
		}
	})
	r := b.room()
	w := b.signedIn(owner)
	b.fail(errors.New("secret cause: password hunter2"))
	for _, got := range []got{w.get("/servers/100"), w.api("GET", "/api/v1/rooms/"+r.ID.String(), "")} {
		if got.status != 500 || strings.Contains(got.body, "hunter2") ||
			!strings.Contains(got.body, "Something went wrong") ||
			!strings.Contains(got.body, got.header.Get("X-Request-Id")) {
			t.Errorf("got %d %s", got.status, got.text())
		}
	}
	if !strings.Contains(b.log.String(), "hunter2") {
		t.Error("the log does not know why")
	}
	b.fail(errs.E(errs.DiscordUnavailable, "Discord isn’t answering."))
	if got := w.get("/game/" + r.ID.String()); got.status != 503 || got.header.Get("Retry-After") != "5" ||
		!strings.Contains(got.body, "Discord isn’t answering") {
		t.Errorf("got %d %s", got.status, got.text())
	}
	b.fail(errs.E(errs.RateLimited, "Too fast.").After(1500 * time.Millisecond))
	if got := w.api("POST", "/api/v1/rooms/"+r.ID.String()+"/join", ""); got.status != 429 ||
		got.header.Get("Retry-After") != "2" || got.problem().RetryAfter != 2 {
		t.Errorf("got %d %v", got.status, got.header)
	}
	b.fail(nil)
	panics.Store(true)
	if got := w.get("/status"); got.status != 500 || !strings.Contains(got.body, "Something went wrong") ||
		strings.Contains(got.body, "keys") {
		t.Errorf("a panic: %d %s", got.status, got.text())
	}
	panics.Store(false)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/nonsense", 404}, {"GET", "/api/v1/nonsense", 404}, {"PUT", "/servers/100", 405},
		{"GET", "/api/v1/live-token", 405}, {"DELETE", "/", 405},
	} {
		got := w.send(c.method, c.path, "", "")
		if got.status != c.status || (c.status == 405) != (got.header.Get("Allow") != "") {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, got.status, got.header.Get("Allow"))
		}
	}
}

func TestWhileStarting(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w := b.signedIn(owner)
	if _, err := b.hub.Guilds.Put(t.Context(), "100", room.GuildInfo{ID: friends, Name: "Friends"}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the server to be away", func() bool { return !b.actions.Guild(100).Ready })
	b.away()
	for _, path := range []string{"/servers/100", "/game/" + r.ID.String(), "/admin/100"} {
		got := w.get(path)
		if got.status != 503 || got.header.Get("Retry-After") != "3" ||
			!strings.Contains(got.body, `http-equiv="refresh" content="3"`) {
			t.Errorf("%s: %d %s", path, got.status, got.body[:min(900, len(got.body))])
		}
	}
	if got := w.get("/"); got.status != 200 {
		t.Errorf("the first page: %d", got.status)
	}
	if got := w.api("POST", "/api/v1/live-token", `{"guild":"100"}`); got.status != 503 ||
		got.problem().Code != errs.Unavailable {
		t.Errorf("live token: %d", got.status)
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	tight := request.Limit{Every: time.Minute, Burst: 3}
	b := newBench(t, func(o *Options) {
		o.Limits = request.Limits{Login: tight, Invite: tight, Write: tight, LiveToken: tight}
	})
	r := b.room()
	w, other := b.signedIn(owner), b.signedIn(guest) // two of three sign-ins
	for _, c := range []struct {
		name string
		do   func(*browser) got
	}{
		{"write", func(w *browser) got { return w.api("POST", "/api/v1/rooms/"+r.ID.String()+"/keep", "") }},
		{"live token", func(w *browser) got { return w.api("POST", "/api/v1/live-token", `{"guild":"100"}`) }},
		{"invite", func(w *browser) got { return w.get("/i/x", "Accept", "application/json") }},
	} {
		for range 3 {
			if got := c.do(w); got.status == 429 {
				t.Errorf("%s: too strict", c.name)
			}
		}
		got := c.do(w)
		wait, _ := strconv.Atoi(got.header.Get("Retry-After"))
		if got.status != 429 || wait < 1 || wait > 60 {
			t.Errorf("%s: %d, Retry-After %d", c.name, got.status, wait)
		}
		if got := c.do(other); got.status == 429 {
			t.Errorf("%s: another user was held up", c.name)
		}
	}
	anybody := b.browser("9")
	if got := anybody.get("/login"); got.status != 303 {
		t.Errorf("the third sign-in: %d", got.status)
	}
	if got := anybody.get("/login"); got.status != 429 || !strings.Contains(got.body, "Too many requests") {
		t.Errorf("the fourth sign-in: %d", got.status)
	}
	b.clock.Forward(time.Minute)
	if got := anybody.get("/login"); got.status != 303 {
		t.Errorf("a minute later: %d", got.status)
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	tight := request.Limit{Every: time.Minute, Burst: 1}
	for _, c := range []struct {
		trusted []string
		second  int
	}{{nil, 429}, {[]string{"127.0.0.0/8"}, 303}} {
		b := newBench(t, func(o *Options) { o.Limits.Login, o.TrustedProxies = tight, c.trusted })
		w := b.browser("")
		w.get("/login", "X-Forwarded-For", "203.0.113.1")
		if got := w.get("/login", "X-Forwarded-For", "203.0.113.2"); got.status != c.second {
			t.Errorf("trusting %v: %d", c.trusted, got.status)
		}
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(manager)
	if got := b.signedIn(member).get("/admin/100"); got.status != 403 ||
		!strings.Contains(got.body, "Ask one of them") {
		t.Errorf("a member: %d", got.status)
	}
	form := url.Values{
		"rev": {"0"}, "seats": {"6"}, "idle_timeout": {"30m"}, "closing_notice": {"30s"}, "max_age": {"never"},
		"invite_lifetime": {"2h"},
		"invite_uses":     {"0"}, "name_template": {"{owner}'s room"}, "rooms_per_member": {"2"},
		"rooms_per_guild": {"50"}, "private": {"true"}, "strict_seats": {"true"},
	}
	got := w.form("/admin/100", form)
	if got.status != 303 || got.location() != "/admin/100?saved=1" {
		t.Fatalf("got %d %s", got.status, got.text())
	}
	got = w.get(got.location())
	if got.status != 200 || !strings.Contains(got.body, "Saved") ||
		!strings.Contains(got.body, `name="idle_timeout" value="30"`) {
		t.Errorf("got %d %s", got.status, got.text())
	}
	var s wire.SettingsAt
	w.api("GET", "/api/v1/guilds/100/settings", "").json(&s)
	if s.Settings.Seats != 6 || s.Settings.AdminsExempt || s.Rev == 0 {
		t.Errorf("got %+v", s)
	}
	stale := strconv.FormatUint(s.Rev, 10)
	if got := w.api("PATCH", "/api/v1/guilds/100/settings",
		`{"rev":`+stale+`,"settings":{"seats":7}}`); got.status != 200 {
		t.Errorf("got %d %s", got.status, got.text())
	}
	form.Set("rev", stale)
	form.Set("seats", "8")
	got = w.form("/admin/100", form)
	if got.status != 409 || !strings.Contains(got.body, "Somebody else saved") ||
		!strings.Contains(got.body, `value="8"`) {
		t.Errorf("conflict: %d %s", got.status, got.text())
	}
	if got := w.api("PATCH", "/api/v1/guilds/100/settings",
		`{"rev":`+stale+`,"settings":{"seats":7}}`); got.status != 409 ||
		got.problem().Code != errs.Conflict {
		t.Errorf("conflict by API: %d", got.status)
	}
	form.Del("rev")
	for field, bad := range map[string][]string{
		"seats": {"many"}, "idle_timeout": {"soon", "m"}, "invite_lifetime": {"1", "s"}, "rooms_per_guild": {"0"},
	} {
		f := url.Values{}
		for k, v := range form {
			f[k] = v
		}
		f[field] = bad
		if got := w.form("/admin/100", f); got.status != 400 || !strings.Contains(got.body, `value="`+bad[0]+`"`) ||
			!strings.Contains(got.body, "error") {
			t.Errorf("%s=%s: %d %s", field, bad, got.status, got.text())
		}
	}
	for _, bad := range []string{
		``, `{}`, `{"settings":[]}`, `{"settings":null}`, `{"settings":{"seats":0}}`, `{"seats":4}`,
	} {
		if got := w.api("PATCH", "/api/v1/guilds/100/settings", bad); got.status != 400 {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	broken := make(chan error, 1)
	b := newBench(t, func(o *Options) {
		o.Ready = func(context.Context) error {
			select {
			case err := <-broken:
				return err
			default:
				return nil
			}
		}
	})
	w := b.browser("")
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ready", "/robots.txt": "Disallow: /admin/",
		"/metrics": "snug_http_requests_total",
	} {
		w.get("/")
		if got := w.get(path); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %.200s", path, got.status, got.body)
		}
	}
	broken <- errs.E(errs.Unavailable, "Snug isn't connected to Discord's gateway.")
	if got := w.get("/readyz"); got.status != 503 || !strings.Contains(got.body, "connected to Discord") {
		t.Errorf("not ready: %d %s", got.status, got.body)
	}
	icon := w.get("/favicon.ico")
	got := w.get(icon.location())
	if got.status != 200 || got.header.Get("Content-Type") != "image/svg+xml" ||
		!strings.Contains(got.header.Get("Cache-Control"), "immutable") {
		t.Errorf("favicon: %d %v", got.status, got.header)
	}
	if got := w.send("HEAD", "/", "", ""); got.status != 200 || got.body != "" {
		t.Errorf("HEAD: %d %q", got.status, got.body)
	}
	if got := w.get("/", "Accept-Encoding", "gzip"); got.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("not compressed: %v", got.header)
	}
}

// Nothing that lets anybody in may be read in a log.
func TestSecretsStayOutOfLogs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	token := b.invite(r)
	w := b.browser(member.String())
	link := "/i/" + token
	w.get(link)
	w.get(link, "Host", "other.example")
	w.get("/login?return_to=" + url.QueryEscape(link))
	g := w.form("/i/"+token, nil)
	u, _ := url.Parse(g.header.Get("Location"))
	state := u.Query().Get("state")
	w.follow(g)
	w.get("/auth/discord/callback?state=" + state + "&code=secret-code-x")
	var live struct{ Token string }
	w.api("POST", "/api/v1/live-token", `{"guild":"100"}`).json(&live)
	w.api("POST", "/api/v1/invites/redeem", `{"code":"`+token+`"}`)
	b.clock.Forward(8 * 24 * time.Hour)
	w.api("GET", "/api/v1/me", "")
	clear(b.oauth.refresh)
	b.clock.Forward(8 * 24 * time.Hour)
	w.api("GET", "/api/v1/me", "")
	var cookies []string
	base, _ := url.Parse(b.url)
	for _, c := range w.Jar.Cookies(base) {
		cookies = append(cookies, c.Value)
	}
	log := b.log.String()
	for _, secret := range append(cookies, token, state, live.Token, "secret-access", "secret-refresh", "secret-code",
		"hush") {
		if strings.Contains(log, secret) {
			i := strings.Index(log, secret)
			t.Errorf("in the log: …%s", log[max(0, i-200):i+40])
		}
	}
	if !strings.Contains(log, "request_id=") || !strings.Contains(log, "user_id=4") {
		t.Errorf("the log tells too little: %s", log)
	}
}

// dial opens a live connection with a page's cookie and token.
func (w *browser) dial(guildID snowflake.ID) *websocket.Conn {
	w.b.t.Helper()
	var live struct{ Token string }
	w.api("POST", "/api/v1/live-token", `{"guild":"`+guildID.String()+`"}`).json(&live)
	c, res, err := websocket.DefaultDialer.DialContext(w.b.t.Context(),
		strings.Replace(w.b.url, "http", "ws", 1)+"/api/ws", http.Header{"Origin": {w.b.url}})
	if err != nil {
		w.b.t.Fatal(err)
	}
	res.Body.Close()
	w.b.t.Cleanup(func() { c.Close() })
	if err := c.WriteJSON(map[string]any{
		"v": 1, "type": "auth", "token": live.Token, "ts": time.Now().UnixMilli(),
	}); err != nil {
		w.b.t.Fatal(err)
	}
	var hello struct{ Event protocol.Name }
	if err := c.ReadJSON(&hello); err != nil || hello.Event != protocol.AuthOK {
		w.b.t.Fatalf("got %+v, %v", hello, err)
	}
	return c
}

func TestLogoutClosesSockets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.signedIn(owner), b.signedIn(owner)
	a, kept := one.dial(friends), two.dial(friends)
	one.form("/logout", nil)
	_, _, err := a.ReadMessage()
	if !websocket.IsCloseError(err, int(protocol.CloseSessionOver)) {
		t.Errorf("got %v", err)
	}
	r := b.room() // owned by the other browser's user, so it hears of it
	var m struct {
		Event   protocol.Name
		Payload struct{ ChannelID snowflake.ID }
	}
	if err := kept.ReadJSON(&m); err != nil || m.Event != protocol.RoomCreated || m.Payload.ChannelID != r.ID {
		t.Errorf("the other browser: %+v, %v", m, err)
	}
	two.form("/logout/everywhere", nil)
	for err = nil; err == nil; { // what else happened to the room comes first
		_, _, err = kept.ReadMessage()
	}
	if !websocket.IsCloseError(err, int(protocol.CloseSessionOver)) {
		t.Errorf("got %v", err)
	}
}

func TestSeenRoomsAreReportedOnceAMinute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w := b.signedIn(guest)
	var live struct{ Token string }
	w.api("POST", "/api/v1/live-token", `{"guild":"100","room":"`+r.ID.String()+`"}`).json(&live)
	c, res, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(b.url, "http", "ws", 1)+"/api/ws",
		http.Header{"Origin": {b.url}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	defer c.Close()
	if err := c.WriteJSON(map[string]any{
		"v": 1, "type": "auth", "token": live.Token, "ts": time.Now().UnixMilli(),
	}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the page to be seen", func() bool { return len(b.o.Live.Seen()[friends]) == 1 })
	seen := func() time.Time {
		b.actions.ReportSeen(t.Context())
		return b.stored(r.ID).Idle.SeenAt
	}
	first := seen()
	for range 2 {
		if again := seen(); first.IsZero() || !again.Equal(first) {
			t.Errorf("reported at %s and again at %s", first, again)
		}
	}
	b.clock.Forward(actions.SeenEvery)
	if later := seen(); !later.After(first) {
		t.Errorf("a minute later it is reported at %s still", later)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	if got := b.browser("").get("/"); got.status != 200 || strings.Contains(got.body, "draft") {
		t.Errorf("nobody: %d", got.status)
	}
	for user, sees := range map[snowflake.ID]bool{owner: true, guest: true, member: false} {
		got := b.signedIn(user).get("/")
		if got.status != 200 || !strings.Contains(got.body, "/servers/100") ||
			strings.Contains(got.body, "/servers/200") || strings.Contains(got.body, "/game/"+r.ID.String()) != sees {
			t.Errorf("%d: %d %s", user, got.status, got.text())
		}
	}
	b.away()
	if got := b.signedIn(owner).get("/"); got.status != 200 {
		t.Errorf("while the bot is away: %d", got.status)
	}
}

func TestSlowAndLargeRequestsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.HTTPServer()
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 ||
		s.MaxHeaderBytes == 0 {
		t.Errorf("a limit is missing: %+v", s)
	}
	w := b.signedIn(owner)
	if got := w.form("/servers/100/rooms",
		url.Values{"name": {strings.Repeat("x", request.MaxBody)}}); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large form: %d", got.status)
	}
	rec := httptest.NewRecorder()
	r := httptest.NewRequest("GET", b.url+"/", nil)
	r.Header.Set("Cookie", "snug="+strings.Repeat("x", 5000))
	b.Handler().ServeHTTP(rec, r)
	if rec.Code != 200 {
		t.Errorf("a strange cookie: %d", rec.Code)
	}
}
