package dashboard

import (
	"bufio"
	"context"
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
	"snug/shared/testkit"
)

// dial opens a connection to a server and begins a request there, or with "" says nothing.
func dial(t *testing.T, srv *httptest.Server, begin string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(testkit.Patience))
	if _, err := io.WriteString(c, begin); err != nil {
		t.Fatal(err)
	}
	return c
}

// served is the bench's dashboard as it is served, limits included.
func (b *bench) served() *httptest.Server {
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = b.HTTPServer()
	srv.Start()
	b.t.Cleanup(srv.Close)
	return srv
}

func cookieOf(w *browser, u *url.URL) string {
	var all []string
	for _, c := range w.Jar.Cookies(u) {
		all = append(all, c.String())
	}
	return strings.Join(all, "; ")
}

// slowBodies are requests that send nothing but the beginning of their bodies, each read in another way.
func slowBodies(b *bench, w *browser) map[string]string {
	u, _ := url.Parse(b.url)
	head := func(path, kind, more string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: " + u.Host + "\r\nCookie: " + cookieOf(w, u) +
			"\r\nContent-Type: " + kind +
			"\r\nContent-Length: 1000\r\n" + more + "\r\n"
	}
	return map[string]string{
		"form":              head("/servers/100/rooms", "application/x-www-form-urlencoded", "") + "name=",
		"JSON to a page":    head("/servers/100/rooms", "application/json", "Accept: application/json\r\n") + "{",
		"API":               head("/api/v1/guilds/100/rooms", "application/json", "") + "{",
		"API, repeatable":   head("/api/v1/guilds/100/rooms", "application/json", "Idempotency-Key: k\r\n") + "{",
		"nobody reads that": head("/nowhere", "text/plain", "") + "x",
	}
}

// TestSlowBodiesDoNotHoldUpTheStop: whoever is still sending, or has said nothing yet, is cut off soon.
func TestSlowBodiesDoNotHoldUpTheStop(t *testing.T) {
	b := newBench(t)
	srv := b.served()
	for _, begin := range slowBodies(b, b.signedIn(owner)) {
		dial(t, srv, begin)
	}
	dial(t, srv, "")
	testkit.Eventually(t, "all to be read", func() bool {
		return b.requests.Sending("") == 5 && b.requests.Silent() == 1
	})
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	if err := srv.Config.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("the stop took %s", took)
	}
}

// TestBodiesHaveTheirTime: a body that does not come is given up, whoever reads it.
func TestBodiesHaveTheirTime(t *testing.T) {
	b := newBench(t, func(o *Options) { o.BodyTime = 200 * time.Millisecond })
	srv := b.served()
	slow := slowBodies(b, b.signedIn(owner))
	for name, begin := range slow {
		r, err := http.ReadResponse(bufio.NewReader(dial(t, srv, begin)), nil)
		if err != nil {
			continue // cut off without a word
		}
		if r.StatusCode < 400 {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
		_ = r.Body.Close()
	}
}

// TestBodiesAtOnce: one address sends a few bodies at a time; others go on.
func TestBodiesAtOnce(t *testing.T) {
	b := newBench(t, func(o *Options) { o.TrustedProxies = []string{"127.0.0.1"} })
	srv := b.served()
	u, _ := url.Parse(b.url)
	const body = "language="
	from := func(address string, length int) string {
		return fmt.Sprintf("POST /language HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\nContent-Length: %d\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\n\r\n%s", u.Host, address, length, body)
	}
	for range request.BodiesAtOnce {
		dial(t, srv, from("192.0.2.1", 1000))
	}
	testkit.Eventually(t, "them to be read", func() bool {
		return b.requests.Sending("192.0.2.1") == request.BodiesAtOnce
	})
	// A whole one, because net/http waits for the rest of a body before it answers.
	r, err := http.ReadResponse(bufio.NewReader(dial(t, srv, from("192.0.2.1", len(body)))), nil)
	if err != nil || r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %v, %v", r, err)
	}
	dial(t, srv, from("192.0.2.2", 1000))
	testkit.Eventually(t, "another address to be read", func() bool {
		return b.requests.Sending("192.0.2.2") == 1
	})
}
