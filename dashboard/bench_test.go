package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"snug/dashboard/live"
	"snug/dashboard/request"
	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// The people and servers of every test.
const (
	friends = snowflake.ID(100)
	others  = snowflake.ID(200)

	owner    = snowflake.ID(1)
	guest    = snowflake.ID(2)
	manager  = snowflake.ID(3)
	member   = snowflake.ID(4)
	banned   = snowflake.ID(5)
	stranger = snowflake.ID(6) // manages the other server
)

// bench is a dashboard on a real hub, with a Discord and a bot of its own.
type bench struct {
	*Server
	t     *testing.T
	url   string
	srv   *httptest.Server
	hub   *hub.Hub
	rooms *fakeRooms
	oauth *provider
	log   *lockedBuffer
	mu    sync.Mutex
	ahead time.Duration
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.ahead)
}

// pass lets time pass.
func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ahead += d
}

func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, log: &lockedBuffer{}, oauth: newProvider(t)}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h, err := hub.Open(t.Context(), hub.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	b.hub = h
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	b.rooms = newFakeRooms(t, h, keys, b.clock)
	b.srv = httptest.NewUnstartedServer(nil)
	b.url = "http://" + b.srv.Listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	l := live.New(live.Options{
		Keys: keys, Rosters: h.Rosters, Guilds: h.Guilds, Origins: []string{b.url}, AllowNoOrigin: true, Now: b.clock,
		Log: log,
		Standing: func(ctx context.Context, g, u snowflake.ID) (access.Standing, error) {
			return b.rooms.Standing(ctx, g, room.StandingRequest{UserID: u})
		},
	})
	registry := prometheus.NewRegistry()
	o := Options{
		Hub: h, Live: l, Rooms: b.rooms, Keys: keys, BaseURL: b.url, ClientID: "app", ClientSecret: "hush", Log: log,
		Now: b.clock,
		Discord: Discord{
			AuthorizeURL: b.oauth.URL + "/authorize", TokenURL: b.oauth.URL + "/token",
			RevokeURL: b.oauth.URL + "/revoke",
			APIURL:    b.oauth.URL + "/api", CDNURL: "https://cdn.example",
			ChannelsURL: "https://discord.example/channels", InviteURL: "https://discord.example/invite",
		},
		RefuseEvery: time.Nanosecond, Registerer: registry, Gatherer: registry, Version: "test",
	}
	for _, f := range change {
		f(&o)
	}
	if b.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	b.srv.Config = b.HTTPServer()
	b.srv.Start()
	ran := make(chan error, 1)
	go func() { ran <- l.Run(ctx) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
		b.srv.Close()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	b.people()
	b.wait("the tables", b.actions.CaughtUp)
	return b
}

// people fills both servers.
func (b *bench) people() {
	for _, u := range []snowflake.ID{owner, guest, manager, member, banned} {
		b.rooms.join(friends, u, u == manager)
	}
	b.rooms.join(others, stranger, true)
	b.rooms.guild(friends, "Friends")
	b.rooms.guild(others, "Others")
	b.wait("the servers", func() bool { return b.actions.Guild(friends).Ready && b.actions.Guild(others).Ready })
}

// wait waits for a fact.
func (b *bench) wait(what string, fact func() bool) {
	b.t.Helper()
	for end := time.Now().Add(5 * time.Second); !fact(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// room opens a private room of the owner, with the guest let in and somebody banned.
func (b *bench) room() *room.Room {
	b.t.Helper()
	k := b.rooms
	k.mu.Lock()
	k.nextID++
	r := &room.Room{
		ID: k.nextID, GuildID: friends, Name: "Friday <draft>", OwnerID: owner, OpenedBy: owner, Seats: 4,
		Private: true, State: room.Open, OpenedAt: b.clock(),
		Guests: []room.Guest{{UserID: guest}}, Bans: []room.Ban{{UserID: banned}},
	}
	k.rooms[r.ID] = r
	k.publish(r, room.Opened{})
	k.mu.Unlock()
	b.wait("the room", func() bool {
		_, ok := b.actions.Room(friends, r.ID)
		g, err := b.actions.FindRoom(b.t.Context(), r.ID)
		return ok && err == nil && g == friends
	})
	return r
}

// invite makes an invite to a room and gives its token.
func (b *bench) invite(r *room.Room) string {
	b.t.Helper()
	b.rooms.mu.Lock()
	defer b.rooms.mu.Unlock()
	l, err := b.rooms.invite(r, owner)
	if err != nil {
		b.t.Fatal(err)
	}
	return l.Token
}

// browser is one person's browser: it keeps cookies and follows no redirect by itself.
type browser struct {
	b *bench
	*http.Client
	base string
}

func (b *bench) browser(discord string) *browser {
	b.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	w := &browser{
		b: b, base: b.url,
		Client: &http.Client{
			Jar: jar, Transport: tr,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	w.as(discord)
	return w
}

// as says who the browser is at Discord.
func (w *browser) as(discord string) {
	u, _ := url.Parse(w.b.oauth.URL)
	w.Jar.SetCookies(u, []*http.Cookie{{Name: "discord", Value: discord, Path: "/authorize"}})
}

// signedIn gives a browser that has signed in.
func (b *bench) signedIn(user snowflake.ID) *browser {
	b.t.Helper()
	w := b.browser(user.String())
	if got := w.follow(w.get("/login")); got.status != http.StatusOK {
		b.t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	return w
}

// got is an answer with its body read.
type got struct {
	status int
	header http.Header
	body   string
	url    string
	b      *bench
}

func (g got) location() string { return strings.TrimPrefix(g.header.Get("Location"), g.b.url) }

// text is the part of the body that tests' messages need.
func (g got) text() string {
	if _, main, ok := strings.Cut(g.body, "<main"); ok {
		main, _, _ = strings.Cut(main, "</main>")
		return main
	}
	return g.body
}

// json reads the body.
func (g got) json(v any) {
	g.b.t.Helper()
	if err := json.Unmarshal([]byte(g.body), v); err != nil {
		g.b.t.Fatalf("%v in %s", err, g.body)
	}
}

func (g got) problem() request.Problem {
	g.b.t.Helper()
	var p request.Problem
	if ct := g.header.Get("Content-Type"); ct != "application/problem+json" {
		g.b.t.Errorf("content type %q", ct)
	}
	g.json(&p)
	return p
}

func (w *browser) send(method, path, contentType, body string, header ...string) got {
	w.b.t.Helper()
	to := path
	if strings.HasPrefix(path, "/") {
		to = w.base + path
	}
	r, err := http.NewRequestWithContext(w.b.t.Context(), method, to, strings.NewReader(body))
	if err != nil {
		w.b.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	res, err := w.Do(r)
	if err != nil {
		w.b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.b.t.Fatal(err)
	}
	g := got{res.StatusCode, res.Header, string(text), to, w.b}
	if strings.HasPrefix(path, request.APIPrefix+"/") {
		w.b.conform(method, path, g)
	}
	return g
}

func (w *browser) get(path string, header ...string) got {
	w.b.t.Helper()
	return w.send("GET", path, "", "", append(header, "Accept", "text/html")...)
}

func (w *browser) form(path string, values url.Values, header ...string) got {
	w.b.t.Helper()
	return w.send("POST", path, "application/x-www-form-urlencoded", values.Encode(),
		append(header, "Accept", "text/html")...)
}

func (w *browser) api(method, path, body string) got {
	w.b.t.Helper()
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	return w.send(method, path, kind, body)
}

// follow follows redirects as a browser does, also to Discord and back.
func (w *browser) follow(g got) got {
	w.b.t.Helper()
	for range 10 {
		to := g.header.Get("Location")
		if g.status < 300 || g.status > 399 || to == "" {
			return g
		}
		g = w.get(to)
	}
	w.b.t.Fatal("redirected in circles")
	return g
}
