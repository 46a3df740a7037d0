package push

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"go.uber.org/goleak"

	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/push"
	"snug/shared/room"
	"snug/shared/testkit"
	"snug/shared/testkit/pushtest"
	"snug/shared/vapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	guild = snowflake.ID(100)
	table = snowflake.ID(200)
	owner = snowflake.ID(1)
	guest = snowflake.ID(2)
	other = snowflake.ID(3) // sees only what everybody sees
)

// bench is a sender on a real hub, with a push service that verifies and decrypts what it gets.
type bench struct {
	*testing.T
	clock testkit.Clock
	hub   *hub.Hub
	keys  *keyring.Keyring
	srv   *httptest.Server
	world world

	mu      sync.Mutex
	browser map[string]*pushtest.Browser // by the path of its endpoint
	answers []int                        // the next ones; then 201
	got     []got
	tries   int
}

type got struct {
	payload
	path    string
	ttl     int
	topic   string
	urgency string
}

// world is the bot's rooms, for the sender.
type world struct {
	mu      sync.Mutex
	ready   bool
	room    room.Room
	roster  []room.Person
	members map[snowflake.ID]access.Standing
}

func (w *world) Snapshot(snowflake.ID) rooms.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return rooms.Snapshot{Ready: w.ready, Rooms: []room.Room{*w.room.Clone()}}
}

func (w *world) Roster(snowflake.ID, snowflake.ID) []room.Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.roster
}

func (w *world) Standing(_ context.Context, g snowflake.ID, q room.StandingRequest) (access.Standing, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	st, ok := w.members[q.UserID]
	if !ok {
		return access.Standing{GuildID: g, UserID: q.UserID}, nil
	}
	return st, nil
}

func (w *world) change(f func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, browser: map[string]*pushtest.Browser{}}
	b.srv = httptest.NewTLSServer(b)
	b.srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(b.srv.Close)
	b.keys = b.ring("0123456789abcdef0123456789ABCDEF")
	h, err := hub.Open(t.Context(), hub.Options{
		Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: b.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.hub = h
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b.world = world{
		ready: true, members: map[snowflake.ID]access.Standing{},
		room: room.Room{
			ID: table, GuildID: guild, Name: "Secret plans", OwnerID: owner, Seats: 4, Private: true, State: room.Open,
			Guests: []room.Guest{{UserID: guest}},
		},
	}
	for _, user := range []snowflake.ID{owner, guest, other} {
		st := access.Standing{GuildID: guild, UserID: user, Member: true}
		b.world.members[user] = st.WithGuild(access.Guild{
			OwnerID: 99, Roles: access.Roles{guild: access.Enter},
		})
	}
	return b
}

func (b *bench) ring(secrets ...string) *keyring.Keyring {
	b.Helper()
	var list [][]byte
	for _, s := range secrets {
		list = append(list, []byte(s))
	}
	r, err := keyring.New(list...)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

var here = netip.MustParsePrefix("127.0.0.0/8")

// run runs a sender until the function it returns is called.
func (b *bench) run(networks ...netip.Prefix) (stop func()) {
	b.Helper()
	s := b.sender(networks...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}

func (b *bench) sender(networks ...netip.Prefix) *Sender {
	b.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(b.srv.Certificate())
	s, err := New(Options{
		Hub: b.hub, Keys: b.keys, Rooms: &b.world, Guilds: func() []snowflake.ID { return []snowflake.ID{guild} },
		Holds: func(snowflake.ID) bool { return true }, Texts: testkit.Catalog(b.T), Contact: "ops@example.org",
		Networks: networks, Roots: pool, Now: b.clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// subscribe adds a browser of somebody's.
func (b *bench) subscribe(user snowflake.ID, path string, change func(*push.Person)) {
	b.Helper()
	key, err := vapid.Load(b.Context(), b.hub, b.keys, b.clock.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	of := pushtest.NewBrowser(b.T, key.Public)
	b.mu.Lock()
	b.browser["/"+path] = of
	b.mu.Unlock()
	sub := push.Subscription{Endpoint: b.srv.URL + "/" + path, P256DH: of.P256DH(), Auth: of.Auth()}
	plain, err := json.Marshal(sub)
	if err != nil {
		b.Fatal(err)
	}
	now := b.clock.Now().Add(-time.Minute)
	d := push.Device{ID: path, Lang: "en", KeyID: key.ID(), AddedAt: now, RenewedAt: now}
	d.Sealed = b.keys.Seal(plain, d.SealContext(user))
	_, _, err = b.hub.Notify.EditOrCreate(b.Context(), user.String(), func(p *push.Person) error {
		p.Kinds = push.Kinds()
		if change != nil {
			change(p)
		}
		return p.AddDevice(d, "")
	})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) person(user snowflake.ID) push.Person {
	b.Helper()
	p, _, err := b.hub.Notify.Latest(b.Context(), user.String())
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// happens writes an entry to the audit log.
func (b *bench) happens(id string, e audit.Entry) {
	b.Helper()
	e.ID, e.GuildID, e.RoomID, e.At = id, guild, table, b.clock.Now()
	if err := b.hub.Audit.Append(b.Context(), id, guild, table, string(e.Kind), e); err != nil {
		b.Fatal(err)
	}
}

// knocks has somebody knock.
func (b *bench) knocks(id string, who snowflake.ID, name string) {
	b.Helper()
	b.world.change(func(w *world) {
		w.room.Knocks = append(w.room.Knocks, room.Knock{UserID: who, Name: name, At: b.clock.Now()})
	})
	b.happens(id, audit.Entry{Kind: audit.Knocked, By: who})
}

func (b *bench) answer(statuses ...int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = statuses
}

func (b *bench) all() []got {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]got(nil), b.got...)
}

// one waits for the n-th message that the push service took.
func (b *bench) one(n int) got {
	b.Helper()
	testkit.Eventually(b, "the notification", func() bool { return len(b.all()) >= n })
	return b.all()[n-1]
}

// over waits until a message is over.
func (b *bench) over(key string) {
	b.Helper()
	testkit.Eventually(b, "the message to be over", func() bool {
		m, _, err := b.hub.Pushes.Latest(context.Background(), key)
		return err == nil && m.State == push.Over
	})
}

func (b *bench) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	of := b.browser[r.URL.Path]
	body, _ := io.ReadAll(r.Body)
	m := got{path: r.URL.Path, topic: r.Header.Get("Topic"), urgency: r.Header.Get("Urgency")}
	m.ttl, _ = strconv.Atoi(r.Header.Get("TTL"))
	err := errors.New("no such browser")
	if of != nil {
		err = of.Read(r, body, b.srv.URL, "mailto:ops@example.org", &m.payload)
	}
	if err != nil {
		b.Errorf("%s: %v", r.URL.Path, err)
	}
	status := http.StatusCreated
	if len(b.answers) > 0 {
		status, b.answers = b.answers[0], b.answers[1:]
	}
	switch status {
	case http.StatusCreated:
		b.got = append(b.got, m)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "7")
	case http.StatusFound:
		w.Header().Set("Location", b.srv.URL+"/elsewhere")
	}
	w.WriteHeader(status)
}

func TestKnockReachesTheOwnersBrowsers(t *testing.T) {
	b := newBench(t)
	b.subscribe(owner, "phone", nil)
	b.subscribe(owner, "desk", nil)
	b.subscribe(other, "stranger", nil)
	defer b.run(here)()
	b.knocks("k1", other, "Mara")
	b.one(2)
	for _, g := range b.all() {
		want := payload{
			V: 1, ID: "k1", Kind: push.Knock, Tag: "knock-200", Title: "Mara knocks", Body: "In Secret plans",
			URL: "/game/200", Lang: "en",
		}
		if g.payload != want || g.path == "/stranger" || g.ttl < 590 || g.ttl > 600 || g.urgency != "high" ||
			len(g.topic) != 32 {
			t.Errorf("got %+v", g)
		}
	}
	b.over("1.phone.k1")
	if m, _, err := b.hub.Pushes.Latest(t.Context(), "1.phone.k1"); err != nil || m.Who != 0 {
		t.Errorf("what is over still says who: %+v, %v", m, err)
	}
}

// TestTellsOnlyWhatMayBeKnown, as things are when a message is sent.
func TestTellsOnlyWhatMayBeKnown(t *testing.T) {
	sits := func(id snowflake.ID) func(*world) {
		return func(w *world) { w.roster = append(w.roster, room.Person{UserID: id, DisplayName: "Kiyo"}) }
	}
	closes := func(b *bench) func(*world) {
		return func(w *world) { w.room.ClosingAt = b.clock.Now().Add(4 * time.Minute) }
	}
	holds := func(b *bench) func(*world) {
		return func(w *world) {
			w.room.Holds = []room.Hold{{UserID: guest, Why: room.HeldWaiting, Until: b.clock.Now().Add(time.Minute)}}
		}
	}
	offered := audit.Entry{Kind: audit.WaitingEnded, Target: guest, Detail: "offered"}
	for name, x := range map[string]struct {
		to    snowflake.ID
		set   func(*bench) func(*world)
		entry audit.Entry
		title string // "": nothing is sent
		body  string
	}{
		"a seat": {guest, holds, offered, "A seat is free for you", "In Secret plans"},
		"a seat that is no longer held": {
			guest, func(*bench) func(*world) { return func(*world) {} }, offered, "", "",
		},
		"let in": {
			guest, func(*bench) func(*world) { return func(*world) {} },
			audit.Entry{Kind: audit.GuestAdmitted, By: owner, Target: guest}, "You’re let in", "In Secret plans",
		},
		"closing": {
			guest, closes, audit.Entry{Kind: audit.RoomClosing}, "Secret plans is about to close", "In about 4 minutes",
		},
		"kept": {
			guest, func(*bench) func(*world) { return func(*world) {} }, audit.Entry{Kind: audit.RoomClosing}, "", "",
		},
		"a stranger's": {other, closes, audit.Entry{Kind: audit.RoomClosing}, "", ""},
		"somebody inside who isn't let in": {other, func(b *bench) func(*world) {
			return func(w *world) { closes(b)(w); w.room.Private = false; w.room.Hidden = false; sits(other)(w) }
		}, audit.Entry{Kind: audit.RoomClosing}, "Secret plans is about to close", "In about 4 minutes"},
		"a guest who left the server": {guest, func(b *bench) func(*world) {
			return func(w *world) { closes(b)(w); delete(w.members, guest) }
		}, audit.Entry{Kind: audit.RoomClosing}, "", ""},
		"a guest who was banned": {guest, func(b *bench) func(*world) {
			return func(w *world) { closes(b)(w); w.room.Bans = []room.Ban{{UserID: guest}} }
		}, audit.Entry{Kind: audit.RoomClosing}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.subscribe(x.to, "phone", nil)
			b.subscribe(owner, "mark", nil)
			b.world.change(x.set(b))
			defer b.run(here)()
			b.happens("e", x.entry)
			b.knocks("mark", other, "Mara") // comes after it
			testkit.Eventually(t, "all to be told", func() bool {
				m, _, err := b.hub.Pushes.Get(context.Background(), x.to.String()+".phone.e")
				over := err == nil && m.State == push.Over || errs.Has(err, errs.NotFound)
				return over && slices.ContainsFunc(b.all(), func(g got) bool { return g.ID == "mark" })
			})
			list := slices.DeleteFunc(b.all(), func(g got) bool { return g.path == "/mark" })
			if x.title == "" {
				if len(list) != 0 {
					t.Errorf("it was told: %+v", list)
				}
				return
			}
			if len(list) != 1 || list[0].Title != x.title || list[0].Body != x.body {
				t.Errorf("got %+v, want %q, %q", list, x.title, x.body)
			}
		})
	}
}

// TestNamesNoPrivateRoom to whoever sees it without being let in, as managers may.
func TestNamesNoPrivateRoom(t *testing.T) {
	b := newBench(t)
	b.world.change(func(w *world) {
		st := w.members[other]
		w.members[other] = st.WithGuild(access.Guild{OwnerID: other, Roles: access.Roles{guild: access.Enter}})
	})
	b.subscribe(other, "phone", func(p *push.Person) { p.Trusted = []push.Friend{{UserID: guest, Name: "Kiyo"}} })
	defer b.run(here)()
	b.world.change(func(w *world) { w.roster = []room.Person{{UserID: guest, DisplayName: "Kiyo"}} })
	_, err := b.hub.Visits.Put(t.Context(), "100.200",
		room.VisitLog{List: []room.Visit{{UserID: guest, Name: "Kiyo", At: b.clock.Now()}}})
	if err != nil {
		t.Fatal(err)
	}
	if g := b.one(1); g.Title != "Kiyo sat down" || g.Body != "In a private room" || g.urgency != "normal" {
		t.Errorf("got %+v", g)
	}
	// The same coming, and one right after it, make no second one.
	_, err = b.hub.Visits.Put(t.Context(), "100.200", room.VisitLog{List: []room.Visit{
		{UserID: guest, Name: "Kiyo", At: b.clock.Now()}, {UserID: guest, Name: "Kiyo", Left: true, At: b.clock.Now()},
		{UserID: guest, Name: "Kiyo", At: b.clock.Now()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.subscribe(owner, "mark", nil)
	b.knocks("mark", other, "Mara")
	b.one(2)
	for _, g := range b.all()[1:] {
		if g.Kind != push.Knock {
			t.Errorf("told again: %+v", g)
		}
	}
}

func TestQuietHoursAndKinds(t *testing.T) {
	b := newBench(t)
	now := b.clock.Now().UTC()
	b.subscribe(owner, "phone", func(p *push.Person) {
		p.Quiet = push.Quiet{
			On: true, From: now.Add(-time.Hour).Format("15:04"), To: now.Add(time.Hour).Format("15:04"), Zone: "UTC",
		}
	})
	defer b.run(here)()
	b.knocks("quiet", other, "Mara")
	b.over("1.phone.quiet")
	m := push.Message{
		ID: "test-1", User: owner, Device: "phone", Kind: push.Test, At: b.clock.Now(),
		Until: b.clock.Now().Add(time.Minute), State: push.Pending, Expires: b.clock.Now().Add(time.Hour),
	}
	if _, err := b.hub.Pushes.Create(t.Context(), m.Key(), m); err != nil { // asked for, so it comes
		t.Fatal(err)
	}
	if g := b.one(1); g.Kind != push.Test || g.Title != "It works" || len(b.all()) != 1 {
		t.Errorf("got %+v", b.all())
	}
}

// TestAnswersOfPushServices: each answer is acted on as RFC 8030 has it.
func TestAnswersOfPushServices(t *testing.T) {
	for name, x := range map[string]struct {
		answers []int
		forward time.Duration // after the first answer
		sent    bool
		tries   int
		device  bool
		trouble push.Trouble
	}{
		"taken":              {[]int{201}, 0, true, 1, true, ""},
		"gone":               {[]int{410}, 0, false, 1, false, ""},
		"not found":          {[]int{404}, 0, false, 1, false, ""},
		"too large":          {[]int{413}, 0, true, 2, true, ""},
		"too large twice":    {[]int{413, 413}, 0, false, 2, true, push.TroubleUnreachable},
		"too many, then not": {[]int{429}, 8 * time.Second, true, 2, true, ""},
		"broken, then not":   {[]int{502}, 3 * time.Second, true, 2, true, ""},
		"another key wanted": {[]int{403}, 0, false, 1, true, push.TroubleRenew},
		"a redirect":         {[]int{302}, 0, false, 1, true, push.TroubleUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.subscribe(owner, "phone", nil)
			b.answer(x.answers...)
			defer b.run(here)()
			b.knocks("k", other, "Mara")
			if x.forward > 0 {
				testkit.Eventually(t, "the first try", func() bool {
					m, _, err := b.hub.Pushes.Latest(context.Background(), "1.phone.k")
					return err == nil && m.Tries == 1
				})
				b.clock.Forward(x.forward)
			}
			b.over("1.phone.k")
			b.mu.Lock()
			tries := b.tries
			b.mu.Unlock()
			if len(b.all()) == 1 != x.sent || tries != x.tries {
				t.Errorf("sent %v in %d tries", b.all(), tries)
			}
			if name == "too large" && (b.all()[0].Title != "Somebody knocks" || b.all()[0].Body != "In a room") {
				t.Errorf("the short form: %+v", b.all()[0])
			}
			p := b.person(owner)
			if d := p.Device("phone"); (d != nil) != x.device || d != nil && d.Trouble != x.trouble {
				t.Errorf("the device: %+v", d)
			}
		})
	}
}

// TestTroubleEnds with the first message that is taken, even if the sender hasn't heard of the trouble yet.
func TestTroubleEnds(t *testing.T) {
	b := newBench(t)
	b.subscribe(owner, "phone", nil)
	s, m := b.sender(here), due{Message: push.Message{User: owner, Device: "phone"}}
	before := b.person(owner)
	for _, c := range []struct {
		status int
		want   push.Trouble
	}{{http.StatusBadGateway, push.TroubleUnreachable}, {http.StatusCreated, ""}} {
		s.answered(t.Context(), m, before.Device("phone"), &http.Response{StatusCode: c.status})
		if now := b.person(owner); now.Device("phone").Trouble != c.want {
			t.Errorf("after %d: %q", c.status, now.Device("phone").Trouble)
		}
	}
}

func TestPushServicesInside(t *testing.T) {
	b := newBench(t)
	b.subscribe(owner, "phone", nil)
	defer b.run()() // no networks of our own
	b.knocks("k", other, "Mara")
	b.over("1.phone.k")
	if p := b.person(owner); len(b.all()) != 0 || b.tries != 0 || p.Device("phone").Trouble != push.TroubleUnreachable {
		t.Errorf("%d tries, %+v", b.tries, p.Devices)
	}
}

// TestSentAfterARestart: what was logged while nobody sent, and once only.
func TestSentAfterARestart(t *testing.T) {
	b := newBench(t)
	b.subscribe(owner, "phone", nil)
	b.knocks("before", other, "Mara")
	stop := b.run(here)
	b.one(1)
	b.over("1.phone.before")
	stop()
	b.knocks("between", guest, "Kiyo")
	defer b.run(here)()
	if g := b.one(2); g.ID != "between" {
		t.Errorf("got %+v", g)
	}
	b.over("1.phone.between")
	if len(b.all()) != 2 {
		t.Errorf("told again: %+v", b.all())
	}
}

// TestKeysFollowTheSessionSecret: after a rotation the former secret can go; without it a new key is made, and browsers
// of the old one are to be renewed.
func TestKeysFollowTheSessionSecret(t *testing.T) {
	const old, current = "0123456789abcdef0123456789ABCDEF", "fedcba9876543210fedcba9876543210"
	b := newBench(t)
	b.subscribe(owner, "phone", nil)
	b.keys = b.ring(current, old)
	stop := b.run(here)
	b.knocks("k1", other, "Mara")
	b.one(1)
	b.over("1.phone.k1") // or it is sent again
	testkit.Eventually(t, "the device to be sealed anew", func() bool {
		p, _, err := b.hub.Notify.Latest(context.Background(), owner.String())
		return err == nil && b.ring(current).Current(p.Devices[0].Sealed)
	})
	stop()

	b.keys = b.ring(current)
	stop = b.run(here)
	b.knocks("k2", other, "Mara")
	if g := b.one(2); g.ID != "k2" {
		t.Errorf("got %+v", g)
	}
	b.over("1.phone.k2")
	stop()

	b.keys = b.ring("another secret, of which nobody knew")
	defer b.run(here)()
	b.knocks("k3", other, "Mara")
	b.over("1.phone.k3")
	if p := b.person(owner); len(b.all()) != 2 || p.Devices[0].Trouble != push.TroubleRenew {
		t.Errorf("%d sent, %+v", len(b.all()), p.Devices)
	}
	key, err := vapid.Load(t.Context(), b.hub, b.keys, b.clock.Now(), slog.New(slog.DiscardHandler))
	if err != nil || key.Public == b.browser["/phone"].Key {
		t.Errorf("the key is still %q, %v", key.Public, err)
	}
}
