package view_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/dashboard/view/fixtures"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/testkit"
)

// script is a live server that does what a test says: it hands each connection
// that authenticated to the test, or by default welcomes it and falls silent.
type script struct {
	t     testing.TB
	conns chan *conn // with take: connections that sent auth
	take  bool

	mu     sync.Mutex
	status int // of the next answers of live-token; 0 is 200
	asked  int // tokens asked for
	open   []*websocket.Conn
	calls  []string          // other requests, as "POST /api/v1/rooms/1/join"
	bodies []string          // what they sent
	answer map[string]answer // to them
}

type answer struct {
	status int
	body   string
}

type conn struct {
	ws   *websocket.Conn
	auth protocol.Message[json.RawMessage]
}

func newScript(t testing.TB) *script {
	s := &script{t: t, conns: make(chan *conn, 16), answer: map[string]answer{}}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.open {
			_ = c.Close() // may be closed already
		}
	})
	return s
}

func (s *script) routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/v1/live-token", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Guild, Room string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			s.t.Error(err)
		}
		s.mu.Lock()
		s.asked++
		status := s.status
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"token": "for " + in.Guild + " " + in.Room, "expires_at": time.Now().Add(time.Minute),
		})
	})
	mux.HandleFunc("POST /watch/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"token":"for spectators"}`))
	})
	mux.HandleFunc("GET /api/ws", s.serve)
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		call := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/v1")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.t.Error(err)
		}
		s.mu.Lock()
		s.calls, s.bodies = append(s.calls, call), append(s.bodies, string(body))
		a, ok := s.answer[call]
		s.mu.Unlock()
		if !ok {
			a = answer{http.StatusOK, "{}"}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body))
	})
}

func (s *script) serve(w http.ResponseWriter, r *http.Request) {
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	s.open = append(s.open, ws)
	s.mu.Unlock()
	c := &conn{ws: ws}
	if err := ws.ReadJSON(&c.auth); err != nil {
		return // gone before it said anything
	}
	if s.take {
		s.conns <- c
		return
	}
	c.welcome(s.t, fixtures.Room, fixtures.Room+1, fixtures.Room+2, fixtures.Room+3, fixtures.Room+4, fixtures.Room+5)
}

// set changes what the script does.
func (s *script) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// called waits until a page has made a call.
func (s *script) called(t testing.TB, call string) {
	t.Helper()
	testkit.Eventually(t, call+" is called", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Contains(s.calls, call)
	})
}

// forget drops connections of pages that are gone.
func (s *script) forget() {
	for {
		select {
		case <-s.conns:
		default:
			return
		}
	}
}

// next gives the next connection.
func (s *script) next() *conn {
	s.t.Helper()
	select {
	case c := <-s.conns:
		return c
	case <-time.After(testkit.Patience):
		s.t.Fatal("nobody connected")
		return nil
	}
}

func (c *conn) send(t testing.TB, b []byte) {
	t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, b); err != nil {
		t.Error(err)
	}
}

func (c *conn) welcome(t testing.TB, rooms ...snowflake.ID) {
	c.send(t,
		protocol.EncodeWelcome(protocol.Welcome{GuildID: fixtures.Guild, UserID: 1, Rooms: rooms}, "k3J9",
			fixtures.Now))
}

// live sends a room: with a fact the event, else the snapshot.
func (c *conn) live(t testing.TB, epoch string, n uint64, roster []room.Person, fact room.Fact) {
	t.Helper()
	l := room.Live{Room: fixtures.RoomPage(4, 0).View.Room, Roster: roster, N: n}
	if fact != nil {
		l.Event = &room.Event{Fact: fact, At: fixtures.Now}
	}
	b, err := protocol.EncodeEvent(&l, epoch, fixtures.Now)
	if err != nil {
		t.Fatal(err)
	}
	c.send(t, b)
}

// end closes the connection with a code.
func (c *conn) end(t testing.TB, code int) {
	t.Helper()
	if err := c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""),
		time.Now().Add(5*time.Second)); err != nil {
		t.Error(err)
	}
	// Read what is under way, or closing would reset the connection and lose the frame.
	_ = c.ws.SetReadDeadline(time.Now().Add(testkit.Patience))
	for {
		if _, _, err := c.ws.ReadMessage(); err != nil {
			break
		}
	}
	_ = c.ws.Close() // the close frame is what counts
}

// read gives the client's next message.
func (c *conn) read(t testing.TB) protocol.Message[json.RawMessage] {
	t.Helper()
	var m protocol.Message[json.RawMessage]
	if err := c.ws.SetReadDeadline(time.Now().Add(testkit.Patience)); err != nil {
		t.Fatal(err)
	}
	if err := c.ws.ReadJSON(&m); err != nil {
		t.Fatal(err)
	}
	return m
}
