package webhooks

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"snug/bot/outward"
	"snug/shared/audit"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/testkit"
	"snug/shared/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const guild = snowflake.ID(100)

// bench is a sender on a real hub, with a receiver that verifies what it gets.
type bench struct {
	*testing.T
	clock  testkit.Clock
	hub    *hub.Hub
	keys   *keyring.Keyring
	secret []byte
	srv    *httptest.Server
	names  *net.Resolver  // nil: the system's
	guilds []snowflake.ID // whose leases the sender's process holds

	observe func(hub.Observation) // nil: not observed

	mu     sync.Mutex
	answer int
	got    []string // ids of verified messages
	bodies []string
}

func (b *bench) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	wh, err := standard.NewWebhook(webhook.SecretText(b.secret))
	if err == nil {
		err = wh.VerifyIgnoringTimestamp(body, r.Header)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || r.Header.Get("Content-Type") != "application/json" {
		b.Errorf("a message that does not verify: %v %v", err, r.Header)
	}
	b.got = append(b.got, r.Header.Get("Webhook-Id"))
	b.bodies = append(b.bodies, string(body))
	if b.answer == http.StatusFound {
		w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
	}
	w.WriteHeader(b.answer)
}

func (b *bench) answers(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = status
}

func (b *bench) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.got)
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, secret: webhook.NewSecret(), answer: 204, guilds: []snowflake.ID{guild}}
	b.srv = httptest.NewServer(b)
	t.Cleanup(b.srv.Close)
	b.open()
	var err error
	if b.keys, err = keyring.New([]byte("0123456789abcdef0123456789ABCDEF")); err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens the hub, replacing one that is open.
func (b *bench) open() {
	b.Helper()
	o := hub.Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler), Now: b.clock.Now, Observe: b.observe}
	h, err := hub.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.hub = h
	b.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
}

func (b *bench) sender(networks ...netip.Prefix) *Sender {
	b.Helper()
	s, err := New(Options{
		Hub: b.hub, Keys: b.keys, Guilds: func() []snowflake.ID { return b.guilds }, Networks: networks,
		Now: b.clock.Now,
		Log: slog.New(slog.DiscardHandler), Agent: "Snug/test", Resolver: b.names,
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b *bench) put(h webhook.Hook) {
	b.Helper()
	if _, err := b.hub.Webhooks.Put(b.Context(), h.Key(), h); err != nil {
		b.Fatal(err)
	}
}

// run runs a sender until the returned function is called.
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

func (b *bench) hook(id string, kinds ...audit.Kind) webhook.Hook {
	b.Helper()
	newest, err := b.hub.Audit.Newest(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	h := webhook.Hook{ID: id, GuildID: guild, URL: b.srv.URL, Name: id, Kinds: kinds, Enabled: true, Cursor: newest}
	h.Secret = b.keys.Seal(b.secret, "webhook "+h.Key())
	b.put(h)
	return h
}

func (b *bench) happens(id string, kind audit.Kind) {
	b.Helper()
	if err := b.hub.Audit.Append(b.Context(), id, guild, 7, string(kind), audit.Entry{ID: id, Kind: kind}); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) delivery(id string) webhook.Delivery {
	d, _, err := b.hub.Deliveries.Get(b.Context(), "100.h."+id)
	if err != nil {
		return webhook.Delivery{}
	}
	return d
}

var here = netip.MustParsePrefix("127.0.0.0/8")

func TestDelivers(t *testing.T) {
	b := newBench(t)
	b.happens("before", audit.RoomOpened)
	b.hook("h", audit.RoomOpened, audit.RoomClosed)
	stop := b.run(here)
	b.happens("one", audit.RoomOpened)
	b.happens("not wanted", audit.RoomKept)
	b.happens("two", audit.RoomClosed)
	testkit.Eventually(b, "two messages",
		func() bool { return b.delivery("two").State == webhook.Done && b.delivery("one").State == webhook.Done })
	if b.count() != 2 || b.got[0] != "one" || !strings.Contains(b.bodies[0], `"type":"room_opened"`) ||
		!strings.Contains(b.bodies[0], `"timestamp":"`) {
		t.Errorf("got %v %v", b.got, b.bodies)
	}

	// It fails, is tried again later, and is not lost by a restart.
	b.answers(500)
	b.happens("three", audit.RoomOpened)
	testkit.Eventually(b, "a failed try", func() bool { return len(b.delivery("three").Tries) == 1 })
	d := b.delivery("three")
	if d.State != webhook.Pending || d.Tries[0].Status != 500 || d.Tries[0].Failure == "" ||
		d.NextAt.Sub(d.Tries[0].At) != 5*time.Second {
		t.Errorf("got %+v", d)
	}
	stop()
	b.happens("four", audit.RoomOpened) // no sender is running
	b.answers(200)
	b.mu.Lock()
	b.clock.Forward(10 * time.Second)
	b.mu.Unlock()
	stop = b.run(here)
	defer stop()
	testkit.Eventually(b, "what waited", func() bool {
		return b.delivery("three").State == webhook.Done && b.delivery("four").State == webhook.Done
	})

	// Redirects are not followed; a webhook that answers 410 Gone is disabled.
	b.answers(http.StatusFound)
	b.happens("five", audit.RoomOpened)
	testkit.Eventually(b, "a redirect", func() bool { return len(b.delivery("five").Tries) == 1 })
	if w := b.delivery("five").Tries[0]; w.Status != 302 || !strings.Contains(w.Failure, "not followed") {
		t.Errorf("got %+v", w)
	}
	b.answers(http.StatusGone)
	b.mu.Lock()
	b.clock.Forward(time.Minute)
	b.mu.Unlock()
	testkit.Eventually(b, "it to be switched off", func() bool {
		h, _, err := b.hub.Webhooks.Get(t.Context(), "100.h")
		return err == nil && !h.Enabled && h.Stopped != ""
	})
}

func TestNeverCallsPrivateAddresses(t *testing.T) {
	b := newBench(t)
	b.names = everythingIsHere(t)
	h := b.hook("h")
	defer b.run()() // no networks of our own
	b.happens("one", audit.RoomOpened)
	testkit.Eventually(b, "a try", func() bool { return len(b.delivery("one").Tries) == 1 })
	if w := b.delivery("one").Tries[0].Failure; !strings.Contains(w, "public internet") || b.count() != 0 {
		t.Errorf("%q, and %d came", w, b.count())
	}
	// A host name is no way around this, and neither its address nor its existence is revealed.
	for i, name := range []string{"hooks.example.com", "no-such-host.invalid"} {
		h.URL = strings.Replace(b.srv.URL, "127.0.0.1", name, 1)
		b.put(h)
		b.mu.Lock()
		b.clock.Forward(time.Hour)
		b.mu.Unlock()
		testkit.Eventually(b, "another try", func() bool { return len(b.delivery("one").Tries) == i+2 })
		if w := b.delivery("one").Tries[i+1].Failure; w != outward.ErrUnreachable.Error() || b.count() != 0 {
			t.Errorf("%s: %q, and %d came", name, w, b.count())
		}
	}
}

func TestForgetsOldDeliveries(t *testing.T) {
	b := newBench(t)
	b.hook("h")
	defer b.run(here)()
	for i := range webhook.MaxDeliveries + 10 {
		b.happens(fmt.Sprint("m", i), audit.RoomOpened)
	}
	testkit.Eventually(b, "the old ones to go", func() bool {
		keys, err := b.hub.Deliveries.Keys(t.Context(), "100.h")
		return err == nil && b.count() == webhook.MaxDeliveries+10 && len(keys) == webhook.MaxDeliveries
	})
}

// TestSecretsFollowTheSessionSecret: after a rotation the old session secret can be removed, and every
// webhook still works.
func TestSecretsFollowTheSessionSecret(t *testing.T) {
	b := newBench(t)
	h := b.hook("h")
	off := b.hook("off")
	off.Enabled = false
	lost := b.hook("lost") // no key opens its secret
	other, err := keyring.New([]byte("a secret that was taken out before"))
	if err != nil {
		t.Fatal(err)
	}
	lost.Secret, lost.Enabled = other.Seal(b.secret, "webhook "+lost.Key()), false
	for _, k := range []webhook.Hook{off, lost} {
		if _, err := b.hub.Webhooks.Put(t.Context(), k.Key(), k); err != nil {
			t.Fatal(err)
		}
	}
	old, fresh := []byte("0123456789abcdef0123456789ABCDEF"), []byte("the next secret of this very Snug")
	rotated, err := keyring.New(fresh, old)
	if err != nil {
		t.Fatal(err)
	}
	b.keys = rotated
	stop := b.run(here)
	for _, id := range []string{"100.h", "100.off"} {
		testkit.Eventually(b, id+" to be sealed anew", func() bool {
			k, _, err := b.hub.Webhooks.Get(t.Context(), id)
			return err == nil && rotated.Current(k.Secret)
		})
	}
	b.happens("one", audit.RoomOpened)
	testkit.Eventually(b, "a message", func() bool { return b.delivery("one").State == webhook.Done })
	stop()
	if k, _, err := b.hub.Webhooks.Get(t.Context(), "100.lost"); err != nil || string(k.Secret) != string(lost.Secret) {
		t.Errorf("what cannot be opened was changed: %v", err)
	}
	if k, _, err := b.hub.Webhooks.Get(t.Context(), h.Key()); err != nil || !k.Enabled {
		t.Errorf("it is %+v, %v", k, err)
	}

	if b.keys, err = keyring.New(fresh); err != nil {
		t.Fatal(err)
	}
	defer b.run(here)()
	b.happens("two", audit.RoomOpened)
	testkit.Eventually(b, "a message by the new secret alone",
		func() bool { return b.delivery("two").State == webhook.Done })
}
