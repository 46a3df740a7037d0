package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/testkit"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(m)
}

const (
	guildA  = snowflake.ID(1001)
	owner   = snowflake.ID(21)
	guest   = snowflake.ID(22)
	other   = snowflake.ID(23)
	roomA   = snowflake.ID(5 << 22)
	roomB   = snowflake.ID(6 << 22)
	patient = testkit.Patience
)

// feed is a bucket whose changes the test makes.
type feed[T any] struct {
	mu    sync.Mutex
	f     *hub.Follower[T]
	began chan struct{}
	epoch string
	rev   hub.Rev
	fail  error
}

func newFeed[T any]() *feed[T] { return &feed[T]{began: make(chan struct{}), epoch: "e1"} }

func (s *feed[T]) Follow(ctx context.Context, f hub.Follower[T]) (func(), error) {
	if s.fail != nil {
		return nil, s.fail
	}
	s.mu.Lock()
	s.f = &f
	f.Reset(s.epoch)
	s.mu.Unlock()
	close(s.began)
	return func() { s.mu.Lock(); s.f = nil; s.mu.Unlock() }, nil
}

func (s *feed[T]) with(do func(*hub.Follower[T])) {
	<-s.began
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f != nil {
		do(s.f)
	}
}

func (s *feed[T]) put(key string, v *T) {
	s.with(func(f *hub.Follower[T]) {
		s.rev++
		f.Change(hub.Change[T]{Key: key, Value: v, Rev: s.rev, Epoch: s.epoch})
	})
}

func (s *feed[T]) caught() { s.with(func(f *hub.Follower[T]) { f.Caught() }) }

func (s *feed[T]) reset(epoch string) {
	s.with(func(f *hub.Follower[T]) {
		s.epoch, s.rev = epoch, 0
		f.Reset(epoch)
	})
}

// people is what Standing knows.
type crowd struct {
	mu   sync.Mutex
	st   map[snowflake.ID]access.Standing
	err  error
	boom bool
	hold chan struct{}
	n    int
}

func (c *crowd) set(user snowflake.ID, st access.Standing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.st[user] = st
}

func (c *crowd) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func (c *crowd) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *crowd) standing(ctx context.Context, g, u snowflake.ID) (access.Standing, error) {
	c.mu.Lock()
	c.n++
	st, known := c.st[u]
	err, boom, hold := c.err, c.boom, c.hold
	c.mu.Unlock()
	if boom {
		panic("standing")
	}
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return access.Standing{}, ctx.Err()
		}
	}
	if !known {
		st = access.Standing{Member: true, Base: access.Enter}
	}
	return st, err
}

// harness is a Live on a real server, with its sources in the test's hands.
type harness struct {
	t       testing.TB
	l       *Live
	rosters *feed[room.Live]
	guilds  *feed[room.GuildInfo]
	crowd   *crowd
	clock   *testkit.Clock
	srv     *httptest.Server
	stop    context.CancelFunc
	ran     chan error
	rooms   map[snowflake.ID]*room.Live
	once    sync.Once
}

type setup struct {
	options func(*Options)
	guilds  bool
	early   bool // leave the rosters uncaught
	tls     bool
}

func newHarness(t testing.TB, s setup) *harness {
	t.Helper()
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, rosters: newFeed[room.Live](), crowd: &crowd{st: map[snowflake.ID]access.Standing{}},
		clock: testkit.NewStoppedClock(time.Now()), ran: make(chan error, 1), rooms: map[snowflake.ID]*room.Live{}}
	o := Options{
		Keys: keys, Rosters: h.rosters, Standing: h.crowd.standing, AllowNoOrigin: true, Now: h.clock.Now,
		Log: discard(),
		Limits: Limits{
			RoomWithin: 50 * time.Millisecond, Sweep: 5 * time.Millisecond,
			BeatEvery: time.Hour, // a test of something else may take longer than to the first
		},
	}
	if s.guilds {
		h.guilds = newFeed[room.GuildInfo]()
		o.Guilds = h.guilds
	}
	if s.options != nil {
		s.options(&o)
	}
	h.l = New(o)
	e := gin.New()
	e.GET("/api/ws", h.l.Handler())
	if h.srv = httptest.NewUnstartedServer(e); s.tls {
		h.srv.StartTLS()
	} else {
		h.srv.Start()
	}
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	go func() { h.ran <- h.l.Run(ctx) }()
	t.Cleanup(func() { h.once.Do(h.close) })
	if !s.early {
		h.rosters.caught()
	}
	return h
}

func (h *harness) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := h.l.Close(ctx); err != nil {
		h.t.Errorf("Close: %v", err)
	}
	h.stop()
	if err := <-h.ran; err != nil {
		h.t.Errorf("Run: %v", err)
	}
	h.srv.Close()
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	for what, n := range map[string]int{"watchers": len(h.l.watchers), "addresses": len(h.l.byAddr),
		"users":    len(h.l.byUser),
		"sessions": len(h.l.sessions), "people": len(h.l.people), "melody's sessions": h.l.m.Len()} {
		if n != 0 {
			h.t.Errorf("%d %s are left", n, what)
		}
	}
	for _, g := range h.l.guilds {
		for _, e := range g.rooms {
			if len(e.subs)+len(e.pages)+e.waiting != 0 {
				h.t.Errorf("room %d has watchers left", e.id)
			}
		}
	}
}

// change makes the next event of a room; edit changes what it is now.
func (h *harness) change(id snowflake.ID, fact room.Fact, edit func(*room.Live)) *room.Live {
	old, next := h.rooms[id], &room.Live{}
	if old == nil {
		next.Room = room.Summary{
			ID: id, GuildID: guildA, Name: fmt.Sprint("room ", id), Seats: 4, OpenedAt: h.clock.Now(),
			Access: room.Access{OwnerID: owner},
		}
	} else {
		c := copyOf(old)
		next = &c
	}
	next.N++
	next.Event = nil
	if fact != nil {
		next.Event = &room.Event{Fact: fact, At: h.clock.Now()}
	}
	if edit != nil {
		edit(next)
	}
	h.rooms[id] = next
	h.rosters.put(key(id), next)
	return next
}

func (h *harness) open(id snowflake.ID, edit func(*room.Live)) { h.change(id, room.Opened{}, edit) }

func (h *harness) join(id, user snowflake.ID) { h.change(id, joined(user), nil) }

func joined(user snowflake.ID) room.VoiceJoined {
	return room.VoiceJoined{Person: room.Person{UserID: user, Username: fmt.Sprint("u", user), DisplayName: "U"}}
}

func private(l *room.Live) { l.Room.Access.Private = true }

func key(id snowflake.ID) string { return guildA.String() + "." + id.String() }

func (h *harness) token(user, id snowflake.ID) string {
	return h.ticket(Ticket{
		UserID: user, GuildID: guildA, RoomID: id, SessionID: "s" + user.String(),
		SessionExpires: h.clock.Now().Add(time.Hour),
	})
}

func (h *harness) ticket(t Ticket) string {
	h.t.Helper()
	s, err := h.l.Token(t)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// client is a browser.
type client struct {
	t  testing.TB
	ws *websocket.Conn
}

type message = protocol.Message[json.RawMessage]

func (h *harness) url() string { return "ws" + strings.TrimPrefix(h.srv.URL, "http") + "/api/ws" }

func (h *harness) dial() *client {
	h.t.Helper()
	d := websocket.Dialer{HandshakeTimeout: patient}
	if h.srv.TLS != nil {
		d.TLSClientConfig = h.srv.Client().Transport.(*http.Transport).TLSClientConfig
	}
	ws, _, err := d.Dial(h.url(), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	c := &client{h.t, ws}
	h.t.Cleanup(func() { ws.Close() })
	return c
}

// watch connects and authenticates, and gives what auth.ok said.
func (h *harness) watch(user, id snowflake.ID) (*client, protocol.Welcome) {
	h.t.Helper()
	c := h.dial()
	c.auth(h.token(user, id))
	return c, c.welcomed()
}

func (c *client) auth(token string) { c.send(protocol.Auth{Token: token}.Encode(time.Now())) }

func (c *client) send(b []byte) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) next() (message, error) {
	c.ws.SetReadDeadline(time.Now().Add(patient))
	_, b, err := c.ws.ReadMessage()
	if err != nil {
		return message{}, err
	}
	var m message
	return m, json.Unmarshal(b, &m)
}

func (c *client) expect(name protocol.Name) message {
	c.t.Helper()
	m, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", name, err)
	}
	if m.Event != name {
		c.t.Fatalf("got %s %s %s, want %s", m.Type, m.Event, m.Payload, name)
	}
	return m
}

func (c *client) welcomed() protocol.Welcome {
	c.t.Helper()
	m := c.expect(protocol.AuthOK)
	if m.Type != protocol.TypeAck || m.GuildID != guildA {
		c.t.Fatalf("auth.ok is %+v", m)
	}
	return as[protocol.Welcome](c.t, m)
}

func as[T any](t testing.TB, m message) (v T) {
	t.Helper()
	if err := json.Unmarshal(m.Payload, &v); err != nil {
		t.Fatalf("%s: %v", m.Payload, err)
	}
	return v
}

// closed reads to the end and gives the code, and the error message before it, if there was one.
func (c *client) closed() (protocol.CloseCode, *protocol.Fault) {
	c.t.Helper()
	var fault *protocol.Fault
	for {
		m, err := c.next()
		if m.Error != nil {
			fault = m.Error
		}
		if err == nil {
			continue
		}
		var ended *websocket.CloseError
		if !errors.As(err, &ended) {
			c.t.Fatalf("the connection ended without a close frame: %v", err)
		}
		return protocol.CloseCode(ended.Code), fault
	}
}

func (c *client) expectClose(want protocol.CloseCode) *protocol.Fault {
	c.t.Helper()
	got, fault := c.closed()
	if got != want {
		c.t.Errorf("closed with %d (%+v), want %d", got, fault, want)
	}
	return fault
}

func discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

type (
	follower = hub.Follower[room.Live]
	change   = hub.Change[room.Live]
)

var errTest = errors.New("test")
