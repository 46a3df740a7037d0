package dashboard

import (
	"bytes"
	"context"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/dashboard/actions"
	"snug/dashboard/lastknown"
	"snug/dashboard/live"
	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/protocol"
	"snug/shared/room"
)

// serve answers the dashboard's calls through the hub, as the bot does.
func (k *fakeRooms) serve() {
	k.t.Helper()
	calls, err := k.hub.Calls(0)
	if err != nil {
		k.t.Fatal(err)
	}
	hub.StandingOf.Serve(calls, k.Standing)
	hub.OpenRoom.Serve(calls, k.OpenRoom)
	hub.ViewRoom.Serve(calls, k.ViewRoom)
	hub.JoinRoom.Serve(calls, k.JoinRoom)
	hub.KeepRoom.Serve(calls, k.KeepRoom)
	hub.CloseRoom.Serve(calls, k.CloseRoom)
	hub.CreateInvite.Serve(calls, k.CreateInvite)
	hub.RevokeInvite.Serve(calls, k.RevokeInvite)
	hub.PreviewInvite.Serve(calls, k.PreviewInvite)
	hub.RedeemInvite.Serve(calls, k.RedeemInvite)
	hub.PersonOf.Serve(calls, k.Person)
	hub.RoomsSeen.Serve(calls, func(ctx context.Context, g snowflake.ID, q room.SeenRequest) (struct{}, error) {
		return struct{}{}, k.RoomsSeen(ctx, g, q)
	})
	hub.SaveSettings.Serve(calls, k.SaveSettings)
	hub.NoteChange.Serve(calls, func(ctx context.Context, g snowflake.ID, q guild.ChangeRecord) (struct{}, error) {
		return struct{}{}, k.NoteChange(ctx, g, q)
	})
	hub.PreflightOf.Serve(calls, func(context.Context, snowflake.ID, guild.ManageRequest) (guild.Preflight, error) {
		return guild.Preflight{OK: true}, nil
	})
	hub.Repair.Serve(calls, func(_ context.Context, _ snowflake.ID, q guild.RepairRequest) (guild.RepairReport, error) {
		mended := q.Apply && slices.Contains(q.Only, "seats.7")
		return guild.RepairReport{
			Issues: []guild.Issue{
				{
					ID: "seats.7", Kind: guild.IssueSeats, ChannelID: 7, Name: "Friday", Have: "9", Want: "4",
					Fixed: mended,
				},
			},
		}, nil
	})
	hub.HealthOf.Serve(calls, func(context.Context, snowflake.ID, guild.ManageRequest) (guild.Health, error) {
		return botHealth(k.now()), nil
	})
	if err := calls.Hold(k.t.Context(), friends, others); err != nil {
		k.t.Fatal(err)
	}
}

// The whole way: a room's life through the hub's calls.
func TestThroughTheHub(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Rooms = nil })
	b.rooms.serve()
	if st, err := lastknown.StandingFrom(b.hub)(t.Context(), friends, manager); err != nil || !st.Manager {
		t.Errorf("got %+v, %v", st, err)
	}
	w, m := b.signedIn(owner), b.signedIn(manager)
	var opened wire.Opened
	w.api("POST", "/api/v1/guilds/100/rooms", `{"name":"Friday","private":true}`).json(&opened)
	id := opened.ChannelID.String()
	page := "/game/" + id
	link, _ := url.Parse(opened.Invite.URL)
	token := link.Query().Get("t")
	for _, c := range []struct {
		name   string
		got    got
		status int
	}{
		{"view", w.get(page), 200},
		{"join", w.api("POST", "/api/v1/rooms/"+id+"/join", ""), 200},
		{"keep", w.api("POST", "/api/v1/rooms/"+id+"/keep", ""), 200},
		{"invite", w.api("POST", "/api/v1/rooms/"+id+"/invites", `{"hours":2,"uses":1}`), 201},
		{"preview", b.browser("").get(page + "?t=" + token), 200},
		{"redeem", m.api("POST", "/api/v1/invites/redeem", `{"token":"`+token+`"}`), 200},
		{"revoke", w.api("DELETE", "/api/v1/rooms/"+id+"/invites/"+opened.Invite.ID, ""), 204},
		{"revoked", b.browser("").get(page + "?t=" + token), 410},
		{"settings", m.api("PATCH", "/api/v1/guilds/100/settings", `{"settings":{"seats":5}}`), 200},
		{"not theirs", w.api("PATCH", "/api/v1/guilds/100/settings", `{"settings":{"seats":5}}`), 403},
		{"close", w.api("POST", "/api/v1/rooms/"+id+"/close", ""), 200},
	} {
		if c.got.status != c.status {
			t.Errorf("%s: %d %s", c.name, c.got.status, c.got.text())
		}
	}
	if err := actions.NewRooms(b.hub).RoomsSeen(t.Context(), friends,
		room.SeenRequest{RoomIDs: []snowflake.ID{7}}); err != nil ||
		len(b.rooms.seen[friends]) != 1 {
		t.Errorf("seen %v, %v", b.rooms.seen, err)
	}
	// Nobody keeps this server: the page tries again by itself.
	b.rooms.guild(300, "Lonely")
	b.wait("the third server", func() bool { return b.actions.Guild(300).Ready })
	if got := w.get("/servers/300"); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("got %d", got.status)
	}
}

// replica is a second dashboard on the bench's hub.
func (b *bench) replica() (*Server, *live.Live, string) {
	b.t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	l := live.New(live.Options{
		Keys: b.o.Keys, Rosters: b.hub.Rosters, Guilds: b.hub.Guilds, Origins: []string{base}, Now: b.clock,
		Log: slog.New(slog.DiscardHandler),
		Standing: func(ctx context.Context, g, u snowflake.ID) (access.Standing, error) {
			return b.rooms.Standing(ctx, g, room.StandingRequest{UserID: u})
		},
	})
	o := b.o
	o.Live, o.BaseURL, o.Registerer = l, base, nil
	s, err := New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	srv.Config = s.HTTPServer()
	srv.Start()
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- l.Run(ctx) }()
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			b.t.Error(err)
		}
		srv.Close()
		if err := s.Close(ctx); err != nil {
			b.t.Error(err)
		}
		stop()
		<-ran
	})
	b.wait("the replica", s.actions.CaughtUp)
	return s, l, base
}

// A session is good at every replica, and its end closes sockets at all of them.
func TestReplicas(t *testing.T) {
	b := newBench(t)
	_, _, base := b.replica()
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

// A page's form may come as scripts send it.
func TestMultipartForm(t *testing.T) {
	b := newBench(t)
	w := b.signedIn(owner)
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	if err := m.WriteField("name", "Friday"); err != nil {
		t.Fatal(err)
	}
	m.Close()
	got := w.send("POST", "/servers/100/rooms", m.FormDataContentType(), body.String(), "Accept", "application/json")
	if got.status != http.StatusCreated || !strings.Contains(got.body, `"name":"Friday"`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
