package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/keyring"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/testkit"
)

func TestAuthRefused(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, private)
	foreign, err := keyring.New([]byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	now := h.clock.Now()
	sign := func(keys *keyring.Keyring, audience, subject string, expires time.Time) string {
		s, err := keys.Sign(audience, now, expires, func(c keyring.Claims) jwt.Claims {
			c.Subject = subject
			return claims{Claims: c, GuildID: guildA, RoomID: roomA, Session: "s", Ends: now.Add(time.Hour).UnixMilli()}
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	h.crowd.set(404, access.Standing{})
	h.l.EndSession("over")
	soon := now.Add(time.Minute)
	good := h.token(owner, roomA)
	for _, c := range []struct {
		name, send string
		close      protocol.CloseCode
		code       errs.Code
	}{
		{"no JSON", "hello", protocol.CloseProtocol, errs.Invalid},
		{
			"another message first", string(protocol.Visible{Visible: true}.Encode(now)), protocol.CloseProtocol,
			errs.Invalid,
		},
		{"another version", `{"v":2,"type":"auth","token":"x"}`, protocol.CloseProtocol, errs.Invalid},
		{"no token", `{"v":1,"type":"auth","token":"x"}`, protocol.CloseBadToken, errs.TokenInvalid},
		{"changed token", auth(good[:len(good)-2] + "xx"), protocol.CloseBadToken, errs.TokenInvalid},
		{"another key", auth(sign(foreign, Audience, "21", soon)), protocol.CloseBadToken, errs.TokenInvalid},
		{
			"another audience", auth(sign(h.l.o.Keys, "snug-invite", "21", soon)), protocol.CloseBadToken,
			errs.TokenInvalid,
		},
		{
			"expired", auth(sign(h.l.o.Keys, Audience, "21", now.Add(-time.Minute))), protocol.CloseBadToken,
			errs.TokenExpired,
		},
		{"no user", auth(sign(h.l.o.Keys, Audience, "nelly", soon)), protocol.CloseBadToken, errs.TokenInvalid},
		{
			"another server", string(protocol.Auth{Token: good, GuildID: 9}.Encode(now)), protocol.CloseBadToken,
			errs.TokenInvalid,
		},
		{
			"session over", auth(h.ticket(Ticket{UserID: owner, GuildID: guildA, SessionID: "x", SessionExpires: now})),
			protocol.CloseSessionOver, errs.Unauthorized,
		},
		{
			"signed out",
			auth(h.ticket(Ticket{UserID: owner, GuildID: guildA, SessionID: "over", SessionExpires: soon})),
			protocol.CloseSessionOver, errs.Unauthorized,
		},
		{"not in the server", auth(h.token(404, 0)), protocol.CloseForbidden, errs.Forbidden},
		{"not in the server, a room", auth(h.token(404, roomA)), protocol.CloseForbidden, errs.RoomNotFound},
		{"no such room", auth(h.token(owner, 99)), protocol.CloseForbidden, errs.RoomNotFound},
		{"not this person's room", auth(h.token(other, roomA)), protocol.CloseForbidden, errs.RoomNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := h.dial()
			w.t = t
			w.send([]byte(c.send))
			if f := w.expectClose(c.close); f == nil || f.Code != c.code || f.Message == "" {
				t.Errorf("told %+v, want %s", f, c.code)
			}
		})
	}
}

func auth(token string) string { return string(protocol.Auth{Token: token}.Encode(time.Now())) }

// TestRefusalsAlike: somebody who may not see a room can't distinguish it from one that doesn't exist.
func TestRefusalsAlike(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, private)
	var said [2]string
	var took [2]time.Duration
	for i, id := range []uint64{uint64(roomA), 99} {
		w := h.dial()
		began := time.Now()
		w.auth(h.token(other, snowflake.ID(id)))
		code, fault := w.closed()
		took[i] = time.Since(began)
		said[i] = fmt.Sprintf("%d %+v", code, *fault)
	}
	if said[0] != said[1] {
		t.Errorf("%s\n%s", said[0], said[1])
	}
	if least := h.l.o.Limits.RoomWithin; took[0] < least || took[1] < least {
		t.Errorf("answered after %v", took)
	}
}

func TestTokenNeeds(t *testing.T) {
	h := newHarness(t, setup{})
	if _, err := h.l.Token(Ticket{UserID: 1, SessionExpires: time.Now()}); !errs.Has(err, errs.Invalid) {
		t.Errorf("a ticket without a server gave %v", err)
	}
}

func TestSecondAuth(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	c, _ := h.watch(owner, roomA)
	c.expect(protocol.RoomSnapshot)
	c.auth(h.token(owner, roomA))
	if m, err := c.next(); err != nil || m.Type != protocol.TypeError || m.Error.Code != errs.Invalid {
		t.Errorf("%+v, %v", m, err)
	}
	c.send([]byte(`{"v":1,"type":"event","event":"room.kept"}`))
	if m, err := c.next(); err != nil || m.Type != protocol.TypeError || m.Error.Field != "event" {
		t.Errorf("%+v, %v", m, err)
	}
	h.join(roomA, guest) // it is still open
	c.expect(protocol.VoiceJoined)
}

func TestNoAuthInTime(t *testing.T) {
	h := newHarness(t, setup{options: func(o *Options) { o.Limits.AuthWithin = 30 * time.Millisecond }})
	h.dial().expectClose(protocol.CloseNoAuth)
}

func TestBadMessages(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	for _, c := range []struct {
		name string
		do   func(*client)
		want protocol.CloseCode
	}{
		{"binary", func(c *client) { c.ws.WriteMessage(websocket.BinaryMessage, []byte("{}")) }, protocol.CloseBinary},
		{"not UTF-8", func(c *client) { c.send([]byte("{\"v\":1,\"\xff\":2}")) }, protocol.CloseNotUTF8},
		{"too big", func(c *client) { c.send(make([]byte, protocol.MaxClientMessage+1)) }, protocol.CloseTooBig},
		{"far too big", func(c *client) { c.send(make([]byte, 300<<10)) }, protocol.CloseTooBig},
		{"too many", func(c *client) {
			for range protocol.MessageBurst + 1 {
				c.send(protocol.Visible{Visible: true}.Encode(time.Now()))
			}
		}, protocol.ClosePolicy},
		{"too many pings", func(c *client) {
			for range protocol.MessageBurst + 1 {
				c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
			}
		}, protocol.ClosePolicy},
		{
			"no frame", func(c *client) { c.ws.NetConn().Write([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) },
			protocol.CloseProtocol,
		},
		{"not masked", func(c *client) { c.ws.NetConn().Write(textFrame([]byte("{}"))) }, protocol.CloseProtocol},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _ := h.watch(owner, roomA)
			w.t = t
			w.expect(protocol.RoomSnapshot)
			c.do(w)
			w.expectClose(c.want)
		})
	}
	testkit.Eventually(t, "all are gone", func() bool { return h.l.m.Len() == 0 })
}

func TestSessionEnds(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	mine, _ := h.watch(owner, roomA)
	also, _ := h.watch(owner, 0)
	others, _ := h.watch(guest, roomA)
	others.expect(protocol.RoomSnapshot)
	token := h.token(owner, roomA)
	h.l.EndSession("s" + owner.String())
	mine.expectClose(protocol.CloseSessionOver)
	also.expectClose(protocol.CloseSessionOver)
	late := h.dial()
	late.auth(token) // made before the end
	late.expectClose(protocol.CloseSessionOver)
	h.join(roomA, other)
	others.expect(protocol.VoiceJoined)
	h.clock.Forward(time.Hour)
	others.expectClose(protocol.CloseSessionOver)
}

func TestProlongedSession(t *testing.T) {
	h := newHarness(t, setup{})
	ends := h.clock.Now().Add(time.Minute)
	page := func() *client {
		c := h.dial()
		c.auth(h.ticket(Ticket{UserID: owner, GuildID: guildA, SessionID: "s", SessionExpires: ends}))
		c.welcomed()
		return c
	}
	first := page()
	ends = ends.Add(time.Hour)
	page()
	h.clock.Forward(2 * time.Minute)
	h.l.expire()
	h.open(roomA, nil)
	first.expect(protocol.RoomCreated)
}

func TestSessionEndsDuringAuth(t *testing.T) {
	h := newHarness(t, setup{})
	hold := make(chan struct{})
	h.crowd.hold = hold
	c := h.dial()
	c.auth(h.token(owner, 0))
	testkit.Eventually(t, "the question", func() bool { return h.crowd.asked() == 1 })
	h.l.EndSession("s" + owner.String())
	c.expectClose(protocol.CloseSessionOver)
	close(hold)
}

func TestCaps(t *testing.T) {
	h := newHarness(t, setup{options: func(o *Options) { o.Limits.PerUser, o.Limits.PerAddress = 2, 4 }})
	h.open(roomA, nil)
	first, _ := h.watch(owner, roomA)
	h.watch(owner, 0)
	third := h.dial()
	third.auth(h.token(owner, roomA))
	if f := third.expectClose(protocol.CloseTooMany); f == nil || f.Code != errs.RateLimited {
		t.Errorf("told %+v", f)
	}
	testkit.Eventually(t, "it is gone", func() bool { return h.l.m.Len() == 2 })
	h.watch(guest, roomA)
	h.watch(guest, roomA)
	h.dial().expectClose(protocol.CloseTooMany) // one address too
	first.ws.Close()
	testkit.Eventually(t, "places are free", func() bool { return h.l.m.Len() == 3 })
	h.watch(owner, roomA)
}

func TestTotalCap(t *testing.T) {
	h := newHarness(t, setup{options: func(o *Options) { o.Limits.Total = 1 }})
	h.dial()
	_, res, err := websocket.DefaultDialer.Dial(h.url(), nil)
	if err == nil || res == nil || res.StatusCode != http.StatusServiceUnavailable ||
		res.Header.Get("Retry-After") == "" {
		t.Errorf("let in beyond the limit: %v, %+v", err, res)
	}
}

func TestNotReady(t *testing.T) {
	short := func(o *Options) { o.Limits.ReadyWithin = 30 * time.Millisecond }
	t.Run("rosters not here", func(t *testing.T) {
		h := newHarness(t, setup{early: true, options: short})
		c := h.dial()
		c.auth(h.token(owner, 0))
		if f := c.expectClose(protocol.CloseTryLater); f == nil || f.Code != errs.Unavailable {
			t.Errorf("told %+v", f)
		}
	})
	t.Run("rosters come meanwhile", func(t *testing.T) {
		h := newHarness(t, setup{early: true})
		c := h.dial()
		c.auth(h.token(owner, 0))
		h.open(roomA, nil)
		h.rosters.caught()
		if got := c.welcomed(); len(got.Rooms) != 1 {
			t.Errorf("sees %v", got.Rooms)
		}
	})
	t.Run("guild not ready", func(t *testing.T) {
		h := newHarness(t, setup{guilds: true, options: short})
		h.guilds.put(guildA.String(), &room.GuildInfo{ID: guildA})
		h.guilds.put("x", &room.GuildInfo{})
		h.guilds.caught()
		c := h.dial()
		c.auth(h.token(owner, roomA))
		c.expectClose(protocol.CloseTryLater)
	})
	t.Run("guild becomes ready", func(t *testing.T) {
		h := newHarness(t, setup{guilds: true})
		h.guilds.caught()
		c := h.dial()
		c.auth(h.token(owner, 0))
		h.guilds.put(guildA.String(), &room.GuildInfo{ID: guildA, Ready: true})
		c.welcomed()
		h.guilds.reset("g2")
		d := h.dial()
		d.auth(h.token(owner, 0))
		h.guilds.put(guildA.String(), &room.GuildInfo{ID: guildA, Ready: true})
		h.guilds.caught()
		d.welcomed()
	})
	t.Run("no standing", func(t *testing.T) {
		h := newHarness(t, setup{})
		h.crowd.fail(errTest)
		c := h.dial()
		c.auth(h.token(owner, 0))
		c.expectClose(protocol.CloseTryLater)
	})
	t.Run("standing takes too long", func(t *testing.T) {
		h := newHarness(t, setup{options: func(o *Options) { o.Limits.AskWithin = 20 * time.Millisecond }})
		h.crowd.hold = make(chan struct{})
		c := h.dial()
		c.auth(h.token(owner, 0))
		c.expectClose(protocol.CloseTryLater)
	})
}

// TestPageBeforeItsRoom: the page of a room just opened, or of an invite just followed, may be faster than
// the news of it.
func TestPageBeforeItsRoom(t *testing.T) {
	h := newHarness(t, setup{options: func(o *Options) { o.Limits.RoomWithin = patient }})
	waits := func() bool {
		h.l.mu.Lock()
		defer h.l.mu.Unlock()
		g := h.l.guilds[guildA]
		return g != nil && g.rooms[roomA] != nil && g.rooms[roomA].bell != nil
	}
	c := h.dial()
	c.auth(h.token(guest, roomA))
	testkit.Eventually(t, "it waits", waits)
	h.open(roomA, private)
	testkit.Eventually(t, "it waits again", waits)
	h.change(roomA, room.Changed{}, func(l *room.Live) { l.Room.Access.Guests = append(l.Room.Access.Guests, guest) })
	c.welcomed()
	if m := c.expect(protocol.RoomSnapshot); m.Rev.N != 2 {
		t.Errorf("snapshot %d", m.Rev.N)
	}
}

func TestPanicsDoNotLeak(t *testing.T) {
	h := newHarness(t, setup{})
	h.crowd.boom = true
	c := h.dial()
	c.auth(h.token(owner, 0))
	c.expectClose(protocol.CloseInternal)
	testkit.Eventually(t, "it is gone", func() bool { return h.l.m.Len() == 0 })
}

func TestPanickingRecheckKeepsTheOldAnswer(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	c, _ := h.watch(owner, roomA)
	c.expect(protocol.RoomSnapshot)
	h.crowd.mu.Lock()
	h.crowd.boom = true
	h.crowd.mu.Unlock()
	h.l.Recheck(guildA, owner)
	testkit.Eventually(t, "the question", func() bool { return h.crowd.asked() == 2 })
	h.join(roomA, guest)
	c.expect(protocol.VoiceJoined)
}

func TestClose(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	all := []*client{h.dial()} // not even authenticated
	for range 3 {
		c, _ := h.watch(owner, roomA)
		all = append(all, c)
	}
	closed := make(chan error, 1)
	go func() { closed <- h.l.Close(context.Background()) }()
	for _, c := range all {
		c.expectClose(protocol.CloseRestart)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	_, res, err := websocket.DefaultDialer.Dial(h.url(), nil)
	if err == nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("let in after Close: %v", err)
	}
}

// TestCloseDoesNotWaitForTheSilent: a watcher that never answers the close frame is not waited for longer than said.
func TestCloseDoesNotWaitForTheSilent(t *testing.T) {
	h := newHarness(t, setup{options: func(o *Options) { o.Limits.Linger = time.Hour }})
	h.dial() // reads nothing
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := h.l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close gave %v", err)
	}
	if n := h.l.m.Len(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestOrigins(t *testing.T) {
	h := newHarness(t, setup{options: func(o *Options) {
		o.AllowNoOrigin = false
		o.Origins = []string{"https://snug.example", "http://*.localhost:8080", "HTTP://Other.example:80/", "nonsense"}
	}})
	for origin, want := range map[string]bool{
		"https://snug.example":        true,
		"https://SNUG.example:443":    true,
		"http://snug.example":         false,
		"https://snug.example:8443":   false,
		"https://snug.example.evil":   false,
		"https://evilsnug.example":    false,
		"http://alice.localhost:8080": true,
		"http://alice.localhost:8081": false,
		"http://localhost:8080":       false,
		"http://evillocalhost:8080":   false,
		"http://*.localhost:8080":     false,
		"http://other.example":        true,
		"null":                        false,
		"":                            false,
		"none":                        false,
	} {
		header := http.Header{}
		if origin != "none" {
			header.Set("Origin", origin)
		}
		ws, res, err := websocket.DefaultDialer.Dial(h.url(), header)
		if err == nil {
			ws.Close()
		} else if res == nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %v, %+v", origin, err, res)
		}
		if got := err == nil; got != want {
			t.Errorf("origin %q: let in %v, want %v", origin, got, want)
		}
	}
}

func TestPlainRequests(t *testing.T) {
	h := newHarness(t, setup{})
	res, err := testkit.HTTP.Get(h.srv.URL + "/api/ws")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUpgradeRequired || res.Header.Get("Upgrade") != "websocket" {
		t.Errorf("a plain request got %s", res.Status)
	}
	const upgrade = "GET /api/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	for name, c := range map[string]struct{ request, want string }{
		"bad key": {
			upgrade + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n",
			"HTTP/1.1 400 ",
		},
		"other version": {
			upgrade + "Sec-WebSocket-Version: 8\r\n\r\n",
			"HTTP/1.1 426 ",
		},
	} {
		nc, err := net.Dial("tcp", h.srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(nc, c.request)
		b := make([]byte, len(c.want))
		nc.SetReadDeadline(time.Now().Add(patient))
		if _, err := nc.Read(b); err != nil || string(b) != c.want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		nc.Close()
	}
}

func TestFollowFails(t *testing.T) {
	for name, o := range map[string]Options{
		"rosters": {Rosters: &feed[room.Live]{fail: errTest}},
		"guilds":  {Rosters: newFeed[room.Live](), Guilds: &feed[room.GuildInfo]{fail: errTest}},
	} {
		if err := New(o).Run(context.Background()); !errors.Is(err, errTest) {
			t.Errorf("%s: Run gave %v", name, err)
		}
	}
}

func TestWithoutGin(t *testing.T) {
	h := newHarness(t, setup{})
	srv := httptest.NewServer(h.l)
	defer srv.Close()
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	c := &client{t, ws}
	c.auth(h.token(owner, 0))
	c.welcomed()
	// A response that cannot be hijacked.
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/api/ws", nil)
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}}
	h.l.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("got %d", w.Code)
	}
}
