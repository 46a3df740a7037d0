package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"snug/bot/rooms/roomstest"
	"snug/dashboard/lastknown"
	"snug/dashboard/live"
	"snug/dashboard/request"
	"snug/dashboard/view"
	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
	"snug/shared/testkit"
	"snug/static"
	"snug/templates"
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

// Roles of the servers.
const (
	managers = snowflake.ID(900)
	regulars = snowflake.ID(901)
)

// bench is a dashboard and rooms on a real hub, with a Discord in memory and a provider to sign in at.
type bench struct {
	*Server
	t     testing.TB
	url   string
	srv   *httptest.Server
	hub   *hub.Hub
	bots  map[snowflake.ID]*roomstest.Bot // one a server
	bot   *roomstest.Bot                  // the friends'
	oauth *provider
	log   testkit.Log
	clock testkit.Clock

	consumers atomic.Int64 // that anything made in the hub
	asked     atomic.Pointer[func(ctx context.Context, method string) error]
}

// views renders the pages of all benches: its templates take a while to parse.
var views = sync.OnceValues(func() (*view.Engine, error) {
	return view.New(view.Config{Templates: templates.FS, Static: static.FS, CDN: cdn, Version: "test"})
})

const cdn = "https://cdn.example"

func newBench(t testing.TB, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, oauth: newProvider(t), bots: map[snowflake.ID]*roomstest.Bot{}}
	var err error
	b.hub, err = hub.Open(t.Context(), hub.Options{
		Dir: t.TempDir(), Log: b.log.Logger(), Now: b.clock.Now,
		Observe: func(o hub.Observation) {
			if o.Op == "consume" {
				b.consumers.Add(1)
			}
		},
	})
	b.must(err)
	b.cleanup(b.hub.Close)
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	b.must(err)
	for g, name := range map[snowflake.ID]string{friends: "Friends", others: "Others"} {
		b.addServer(g, name, keys)
	}
	b.bot = b.bots[friends]
	b.people()
	b.serve(keys, change...)
	testkit.Eventually(t, "the tables are caught up", b.actions.CaughtUp)
	testkit.Eventually(t, "the servers are ready",
		func() bool { return b.actions.Guild(friends).Ready && b.actions.Guild(others).Ready })
	return b
}

// serve starts the dashboard.
func (b *bench) serve(keys *keyring.Keyring, change ...func(*Options)) {
	b.t.Helper()
	b.srv = httptest.NewUnstartedServer(nil)
	b.url = "http://" + b.srv.Listener.Addr().String()
	pages, err := views()
	b.must(err)
	registry := prometheus.NewRegistry()
	o := Options{
		View: pages, Hub: b.hub, Live: b.live(keys, b.url), Keys: keys, BaseURL: b.url, ClientID: "app",
		ClientSecret: "hush", Log: b.log.Logger(), Now: b.clock.Now,
		Discord: Discord{
			AuthorizeURL: b.oauth.URL + "/authorize", TokenURL: b.oauth.URL + "/token",
			RevokeURL: b.oauth.URL + "/revoke",
			APIURL:    b.oauth.URL + "/api", CDNURL: cdn,
			ChannelsURL: "https://discord.example/channels", InviteURL: "https://discord.example/invite",
		},
		RefuseEvery: time.Nanosecond, Registerer: registry, Gatherer: registry, Version: "test",
	}
	for _, f := range change {
		f(&o)
	}
	b.Server = b.start(b.srv, o)
}

// live makes what serves sockets of a dashboard at an address.
func (b *bench) live(keys *keyring.Keyring, at string) *live.Live {
	return live.New(live.Options{
		Keys: keys, Rosters: b.hub.Rosters, Guilds: b.hub.Guilds, Origins: []string{at}, AllowNoOrigin: true,
		Now: b.clock.Now, Log: b.log.Logger(), Standing: lastknown.StandingFrom(b.hub),
	})
}

// start serves a dashboard until the test ends.
func (b *bench) start(srv *httptest.Server, o Options) *Server {
	b.t.Helper()
	s, err := New(o)
	b.must(err)
	srv.Config = s.HTTPServer()
	srv.Start()
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- o.Live.Run(ctx) }()
	b.cleanup(func(ctx context.Context) error {
		err := o.Live.Close(ctx)
		srv.Close()
		err = errors.Join(err, s.Close(ctx))
		stop()
		return errors.Join(err, <-ran)
	})
	return s
}

// cleanup closes something when the test ends, before what was made earlier.
func (b *bench) cleanup(end func(context.Context) error) {
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		if err := end(ctx); err != nil {
			b.t.Error(err)
		}
	})
}

// must ends the test if there is an error.
func (b *bench) must(err error) {
	b.t.Helper()
	testkit.NoError(b.t, err)
}

// addServer adds a server without members, and a bot that answers for it.
func (b *bench) addServer(id snowflake.ID, name string, keys *keyring.Keyring) {
	b.t.Helper()
	d := roomstest.NewDiscord(id, b.clock.Now)
	d.AddRole(managers, "Managers", access.ManageGuild)
	d.AddRole(regulars, "Regulars", 0)
	bot := roomstest.Start(b.t, d,
		roomstest.Options{Hub: b.hub, Keys: keys, Now: b.clock.Now, Log: b.log.Logger()})
	bot.Calls.Before(func(ctx context.Context, _ snowflake.ID, method string) (context.Context, error) {
		if f := b.asked.Load(); f != nil {
			return ctx, (*f)(ctx, method)
		}
		return ctx, nil
	})
	bot.LoadGuild(name)
	b.bots[id] = bot
}

// people fills both servers.
func (b *bench) people() {
	for _, u := range []snowflake.ID{owner, guest, member, banned} {
		b.join(friends, u)
	}
	b.join(friends, manager, managers)
	b.join(others, stranger, managers)
	b.bot.Discord.AddUser(stranger, "user"+stranger.String())
}

// join makes somebody a member of a server with these roles, or gives a member these.
func (b *bench) join(g, user snowflake.ID, roles ...snowflake.ID) {
	b.bots[g].SetMember(user, "user"+user.String(), "User "+user.String(), roles...)
}

// fail has calls of these methods to the bot fail with an error, all if none is given; nil: no more.
func (b *bench) fail(err error, methods ...string) {
	b.whenAsked(func(_ context.Context, method string) error {
		if len(methods) == 0 || slices.Contains(methods, method) {
			return err
		}
		return nil
	})
}

// whenAsked has every call to the bot wait for f first, and fail with its error.
func (b *bench) whenAsked(f func(ctx context.Context, method string) error) { b.asked.Store(&f) }

// away has nobody answer for the friends, until back is called.
func (b *bench) away() (back func()) {
	b.bot.Calls.Drop(friends)
	return func() { b.must(b.bot.Calls.Hold(b.t.Context(), friends)) }
}

// call asks the bot, which must not refuse.
func call[Req, Resp any](b *bench, m hub.Method[Req, Resp], q Req) Resp {
	b.t.Helper()
	out, err := m.Call(b.t.Context(), b.hub, friends, q)
	b.must(err)
	return out
}

func actor(user snowflake.ID) access.Actor { return access.Actor{UserID: user, Via: access.ViaWeb} }

// room opens a private room of the owner, with the guest let in and somebody banned.
func (b *bench) room() room.Room { b.t.Helper(); return b.roomOf(owner) }

// roomOf is room, of another owner.
func (b *bench) roomOf(who snowflake.ID) room.Room {
	b.t.Helper()
	private := true
	opened := call(b, hub.OpenRoom,
		room.OpenRequest{Actor: actor(who), Name: "Friday <draft>", Seats: 4, Private: &private, Plain: true})
	id := opened.Room.ID
	if who != guest {
		call(b, hub.RedeemInvite, room.RedeemRequest{Actor: actor(guest), RoomID: id, Code: opened.Invite.Code})
	}
	if who != banned {
		b.do(id, room.DoBan, banned)
	}
	testkit.Eventually(b.t, "the dashboard knows the room", func() bool {
		l, ok := b.actions.Room(friends, id)
		g, err := b.actions.FindRoom(b.t.Context(), id)
		return ok && err == nil && g == friends && (who == banned || slices.Contains(l.Room.Access.Banned, banned))
	})
	return b.stored(id)
}

// fullRoom is a room with one seat, on which its owner sits.
func (b *bench) fullRoom() room.Room {
	b.t.Helper()
	r := b.room()
	b.change(room.ChangeRequest{RoomID: r.ID, Do: room.DoSeats, Number: 1})
	b.sit(r.ID, owner)
	return r
}

// sit has people join a room's voice channel in Discord, and waits until the dashboard knows.
func (b *bench) sit(id snowflake.ID, who ...snowflake.ID) {
	b.t.Helper()
	for _, u := range who {
		b.must(b.bot.Discord.Join(u, id))
		testkit.Eventually(b.t, "the dashboard knows who sits there", func() bool {
			l, _ := b.actions.Room(friends, id)
			return room.In(l.Roster, u)
		})
	}
}

// change changes a room, on behalf of its owner.
func (b *bench) change(q room.ChangeRequest) room.ChangeDone {
	b.t.Helper()
	q.Actor = actor(b.stored(q.RoomID).OwnerID)
	return call(b, hub.ChangeRoom, q)
}

// do is change, for what takes nothing but somebody it is about.
func (b *bench) do(id snowflake.ID, what room.Action, to ...snowflake.ID) room.ChangeDone {
	b.t.Helper()
	q := room.ChangeRequest{RoomID: id, Do: what}
	if len(to) > 0 {
		q.User = to[0]
	}
	return b.change(q)
}

// close closes a room, on behalf of its owner.
func (b *bench) close(r room.Room) {
	b.t.Helper()
	call(b, hub.CloseRoom, room.Request{Actor: actor(r.OwnerID), RoomID: r.ID})
}

// stored is a room as the hub holds it.
func (b *bench) stored(id snowflake.ID) room.Room {
	b.t.Helper()
	r, _, err := b.hub.Rooms.Latest(b.t.Context(), friends.String()+"."+id.String())
	b.must(err)
	return r
}

// opened are the rooms that the hub holds.
func (b *bench) opened() []string {
	b.t.Helper()
	keys, err := b.hub.Rooms.Keys(b.t.Context(), "")
	b.must(err)
	return keys
}

// guests gives who was let into a room.
func (b *bench) guests(id snowflake.ID) (ids []snowflake.ID) {
	b.t.Helper()
	for _, g := range b.stored(id).Guests {
		ids = append(ids, g.UserID)
	}
	slices.Sort(ids)
	return ids
}

// invite makes an invite to a room and gives its token.
func (b *bench) invite(r room.Room) string {
	b.t.Helper()
	return call(b, hub.CreateInvite, room.InviteRequest{Actor: actor(r.OwnerID), RoomID: r.ID}).Code
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

// navigates are the headers with which browsers open a page for a person.
var navigates = []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "none"}

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
