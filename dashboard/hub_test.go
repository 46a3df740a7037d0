package dashboard

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/testkit"
)

// TestServerThatNobodyHolds: the page of a server that is ready and that nobody answers for tries again by itself.
func TestServerThatNobodyHolds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.hub.Guilds.Put(t.Context(), "300", room.GuildInfo{ID: 300, Name: "Lonely", Ready: true})
	b.must(err)
	testkit.Eventually(t, "the third server is known", func() bool { return b.actions.Guild(300).Ready })
	if got := b.signedIn(owner).get("/servers/300"); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("got %d", got.status)
	}
}

// replica is a second dashboard on the bench's hub, and where it is.
func (b *bench) replica() (*Server, string) {
	b.t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	o := b.o
	o.BaseURL, o.Registerer = "http://"+srv.Listener.Addr().String(), nil
	o.Live = b.live(o.Keys, o.BaseURL)
	s := b.start(srv, o)
	testkit.Eventually(b.t, "the replica is caught up", s.actions.CaughtUp)
	return s, o.BaseURL
}

// A session is good at every replica, and its end closes sockets at all of them.
func TestReplicas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, base := b.replica()
	w := b.signedIn(owner)
	there := &browser{b: b, Client: w.Client, base: base}
	if got := there.api("GET", "/api/v1/me", ""); got.status != 200 {
		t.Fatalf("not known at the other: %d", got.status)
	}
	var tok struct{ Token string }
	there.api("POST", "/api/v1/live-token", `{"guild":"100"}`).json(&tok)
	c, res, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(base, "http", "ws", 1)+"/api/ws",
		http.Header{"Origin": {base}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	defer c.Close()
	if err := c.WriteJSON(map[string]any{
		"v": 1, "type": "auth", "token": tok.Token, "ts": time.Now().UnixMilli(),
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	w.form("/logout", nil)
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, int(protocol.CloseSessionOver)) {
		t.Errorf("got %v", err)
	}
	if got := there.api("GET", "/api/v1/me", ""); got.status != 401 {
		t.Errorf("still somebody at the other: %d", got.status)
	}
}

// A form may come in either of the two ways that browsers have.
func TestMultipartForm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(owner)
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	if err := m.WriteField("name", "Friday"); err != nil {
		t.Fatal(err)
	}
	m.Close()
	got := w.send("POST", "/servers/100/rooms", m.FormDataContentType(), body.String(), "Accept", "text/html")
	if page := w.get(got.location()); got.status != http.StatusSeeOther || !strings.Contains(page.body, "Friday") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
