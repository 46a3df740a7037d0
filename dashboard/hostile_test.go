package dashboard

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"snug/dashboard/request"
	"snug/shared/invite"
	"snug/shared/testkit"
)

// raw sends bytes as they are and gives the first answer's status, or why there is none.
func (b *bench) raw(request string) string {
	b.t.Helper()
	c, err := net.Dial("tcp", b.srv.Listener.Addr().String())
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testkit.Patience))
	go io.WriteString(c, request) // the server may answer and close before it has read all
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err.Error()
	}
	res.Body.Close()
	return fmt.Sprint(res.StatusCode)
}

// TestMalformedRequests: what no browser sends is refused by net/http or by us, and never as our fault.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	u, _ := url.Parse(b.url)
	host := "Host: " + u.Host + "\r\n"
	for _, c := range []struct{ name, request, want string }{
		{"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
		{"two hosts", "GET / HTTP/1.1\r\n" + host + "Host: evil.example\r\n\r\n", "400"},
		{"a host with a path", "GET / HTTP/1.1\r\nHost: " + u.Host + "/evil\r\n\r\n", "400"},
		{"an address for another host", "GET http://evil.example/ HTTP/1.1\r\n" + host + "\r\n", "307"},
		{"a host with a user", "GET / HTTP/1.1\r\nHost: a@" + u.Host + "\r\n\r\n", "400"},
		// RFC 9112: chunked counts
		{
			"both lengths",
			"POST /login HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"303",
		},
		{
			"two lengths", "POST /login HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
			"400",
		},
		{"a negative length", "POST /login HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", "400"},
		{
			"a folded encoding",
			"POST /login HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "501",
		},
		{"a space before the colon", "GET / HTTP/1.1\r\n" + host + "Cookie : snug=x\r\n\r\n", "400"},
		{"a bare line end in a header", "GET / HTTP/1.1\r\n" + host + "X: a\x00b\r\n\r\n", "400"},
		{"a name for the host that is not ours", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "307"},
		{"a large header", "GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 32<<10) + "\r\n\r\n", "431"},
		{"many headers", "GET / HTTP/1.1\r\n" + host + strings.Repeat("X: x\r\n", 8<<10) + "\r\n", "431"},
		{"a long address", "GET /" + strings.Repeat("x", 32<<10) + " HTTP/1.1\r\n" + host + "\r\n", "431"},
		{"a body without end",
			"POST /login HTTP/1.1\r\n" + host +
				"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n" +
				strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 64), "413"},
		{"an unknown method", "BREW / HTTP/1.1\r\n" + host + "\r\n", "405"},
		{"TRACE", "TRACE / HTTP/1.1\r\n" + host + "\r\n", "405"},
		{"CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", "421"},
		{"HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "421"},
		{"no HTTP", "hello\r\n\r\n", "400"},
	} {
		if got := b.raw(c.request); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestSlowClients: who sends a header or a body by drops is cut off in time, and holds up nobody.
func TestSlowClients(t *testing.T) {
	b := newBench(t, func(o *Options) { o.BodyTime = 200 * time.Millisecond })
	limits := b.HTTPServer()
	if limits.ReadHeaderTimeout > 10*time.Second || limits.ReadTimeout > 30*time.Second ||
		limits.WriteTimeout > time.Minute {
		t.Errorf("the limits are too wide: %v, %v, %v", limits.ReadHeaderTimeout, limits.ReadTimeout,
			limits.WriteTimeout)
	}
	// The same server in a hurry, so that the test need not be slow too.
	limits.ReadHeaderTimeout = 100 * time.Millisecond
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = limits
	srv.Start()
	defer srv.Close()
	u, _ := url.Parse(b.url)
	for name, begin := range map[string]string{
		"header": "GET / HTTP/1.1\r\nHost: " + u.Host + "\r\nX: ",
		"body": "POST /login HTTP/1.1\r\nHost: " + u.Host +
			"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nreturn_to=",
	} {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(testkit.Patience))
		if _, err := io.WriteString(c, begin); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c) // ends when the server closes
		if err != nil || strings.Contains(string(answer), " 200 ") || strings.Contains(string(answer), " 303 ") {
			t.Errorf("a slow %s: %q, %v", name, answer, err)
		}
	}
	if got := b.browser("").get("/"); got.status != http.StatusOK {
		t.Errorf("somebody else meanwhile: %d", got.status)
	}
}

// TestReadsAreLimited: pages too, per user and per address, and the refusal says when to come back.
func TestReadsAreLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) { o.Limits = request.Limits{Read: request.Limit{Every: time.Minute, Burst: 2}} })
	w, other := b.signedIn(owner), b.signedIn(guest)
	for range 2 {
		if got := w.get("/servers/100"); got.status != http.StatusOK {
			t.Fatalf("too strict: %d", got.status)
		}
	}
	got := w.get("/servers/100")
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "60" {
		t.Errorf("got %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	if got := other.get("/servers/100"); got.status != http.StatusOK {
		t.Errorf("another user: %d", got.status)
	}

	b = newBench(t,
		func(o *Options) { o.Limits = request.Limits{Address: request.Limit{Every: time.Minute, Burst: 3}} })
	anybody := b.browser("")
	for range 3 {
		anybody.get("/")
	}
	for _, path := range []string{"/", "/nonsense", "/api/v1/me", "/login"} {
		if got := anybody.get(path); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := anybody.get("/healthz"); got.status != http.StatusOK {
		t.Errorf("a probe: %d", got.status)
	}
}

// TestStrangeInput: ids, tokens and bodies that nobody sends are the sender's fault, in every place that reads them.
func TestStrangeInput(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.room()
	w := b.signedIn(manager)
	strange := []string{
		"0", "-1", "1e3", "00000000000000000001", "18446744073709551616", "99999999999999999999",
		strings.Repeat("9", 300), "%00", "%ff", "..", "%2e%2e",
		"1%2f2", "1;2", "１２３", "%F0%9F%8F%A0", "'--", "{guild}", "%3Cscript%3E", strings.Repeat("x", 2000),
	}
	for _, s := range strange {
		for _, path := range []string{"/servers/", "/game/", "/admin/", "/api/v1/rooms/", "/api/v1/guilds/"} {
			if strings.HasPrefix(path, "/api/v1/guilds") {
				s += "/rooms"
			}
			if got := w.get(path + s); got.status >= 500 || got.status == http.StatusOK {
				t.Errorf("%s%.40s: %d", path, s, got.status)
			}
		}
		got := w.get("/i/" + url.PathEscape(s))
		if got.status != http.StatusBadRequest && got.status != http.StatusNotFound {
			t.Errorf("token %.40s: %d", s, got.status)
		}
	}
	for _, body := range []string{
		`[]`, `"x"`, `7`, `null x`, `{"name":7}`, `{"name":"a","name2":"b"}`, `{"seats":1e99}`, `{"seats":1.5}`,
		`{"seats":"4"}`, `{"private":"yes"}`,
		`{"name":"a","name":"b"}`, `{"Name":"a"}`, `{"SEATS":4}`, `{"name":"\ud800"}`, `{"name":"a"} {}`,
		`{"private":true,"private":true}`, `{"x":{"y":1,"y":2}}`,
		`{"name":"\ud800"`, "{\"name\":\"\xff\xfe\"}", `{"name":"` + strings.Repeat("x", 60_000) + `"}`,
		strings.Repeat("[", 20_000), `{"a":` + strings.Repeat(`{"a":`, 9_000),
	} {
		if got := w.api("POST", "/api/v1/guilds/100/rooms", body); got.status >= 500 || got.status < 400 {
			t.Errorf("%.60s: %d %.200s", body, got.status, got.body)
		}
		if got := w.api("PATCH", "/api/v1/guilds/100/settings", body); got.status >= 500 || got.status < 400 {
			t.Errorf("settings %.60s: %d %.200s", body, got.status, got.body)
		}
	}
	if log := b.log.String(); strings.Contains(log, "panic") {
		t.Error("a handler panicked")
	}
}

// TestWrongInvitesAlike: whatever is wrong with a code gets the same answer, so that none of them tells anything.
func TestWrongInvitesAlike(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.invite(b.room())
	w := b.signedIn(member)
	var tok struct{ Token string }
	w.api("POST", "/api/v1/live-token", `{"guild":"100"}`).json(&tok)
	answer := func(g got) string {
		return fmt.Sprint(g.status, " ", strings.ReplaceAll(g.text(), g.header.Get("X-Request-Id"), ""))
	}
	want := answer(w.get("/i/x"))
	if !strings.HasPrefix(want, "400 ") {
		t.Fatalf("got %s", want)
	}
	for name, code := range map[string]string{
		"nobody's": invite.NewCode(), "a live token": tok.Token, "cut off": good[:25], "longer": good + "a",
		"its key": invite.Key(good), "very long": strings.Repeat("x", 8000),
	} {
		if got := answer(w.get("/i/" + code)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	if got := w.get("/i/" + good); got.status != http.StatusOK {
		t.Errorf("the good one: %d", got.status)
	}
}
