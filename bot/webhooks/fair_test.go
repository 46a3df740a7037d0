package webhooks

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/hub"
	"snug/shared/testkit"
	"snug/shared/webhook"
)

// TestSlowReceiversHoldNobodyUp: two servers have ten webhooks each that never answer, and many
// deliveries; another server's ping still arrives at once.
func TestSlowReceiversHoldNobodyUp(t *testing.T) {
	b := newBench(t)
	var held atomic.Int32
	gone := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		held.Add(1)
		select {
		case <-gone:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(gone)
	b.guilds = []snowflake.ID{guild, 666, 667}
	for _, g := range b.guilds[1:] {
		for i := range webhook.MaxPerGuild {
			h := webhook.Hook{ID: fmt.Sprint("slow", i), GuildID: g, URL: slow.URL, Name: "slow", Enabled: true}
			h.Secret = b.keys.Seal(b.secret, "webhook "+h.Key())
			b.put(h)
			for j := range 5 {
				d, err := webhook.NewDelivery(h, fmt.Sprint("m", j), "room_opened", b.clock.Now(), nil, b.clock.Now())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := b.hub.Deliveries.Create(t.Context(), d.Key(), d); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	h := b.hook("h")
	defer b.run(here)()
	testkit.Eventually(b, "slow ones to hold what they get", func() bool { return held.Load() == 2*perGuild })
	for i := range 5 {
		d, err := webhook.NewDelivery(h, fmt.Sprint("ping", i), webhook.Ping, b.clock.Now(), nil, b.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, err := b.hub.Deliveries.Create(t.Context(), d.Key(), d); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(b, "a ping", func() bool { return b.delivery(d.ID).State == webhook.Done })
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("a ping took %s beside slow receivers", took)
		}
	}
	if n := held.Load(); n != 2*perGuild {
		t.Errorf("slow servers hold %d, want %d", n, 2*perGuild)
	}
}

// TestCostFollowsDeliveries: entries that no webhook subscribes to cost no write, and the log is read once,
// however many webhooks there are.
func TestCostFollowsDeliveries(t *testing.T) {
	b := newBench(t)
	var mu sync.Mutex
	writes := map[string]int{}
	b.observe = func(o hub.Observation) {
		if o.Op == "create" || o.Op == "update" { // "put" is what the test does, and opening a bucket
			mu.Lock()
			writes[o.Bucket]++
			mu.Unlock()
		}
	}
	b.open()
	for i := range webhook.MaxPerGuild {
		b.hook(fmt.Sprint("quiet", i), audit.RoomClosed)
	}
	b.hook("h", audit.RoomOpened)
	defer b.run(here)()
	for i := range 50 {
		b.happens(fmt.Sprint("kept", i), audit.RoomKept) // no webhook subscribes to it
	}
	b.happens("one", audit.RoomOpened)
	testkit.Eventually(b, "what is wanted", func() bool { return b.delivery("one").State == webhook.Done })
	testkit.Eventually(b, "how far it came to be kept", func() bool {
		h, _, err := b.hub.Webhooks.Get(t.Context(), "100.h")
		return err == nil && h.Cursor >= 51
	})
	// One webhook's cursor moved; one delivery was created and then accepted. Each bucket got its epoch when
	// it was first followed.
	var hooks, deliveries int
	testkit.Eventually(b, "the writes to be seen", func() bool {
		mu.Lock()
		defer mu.Unlock()
		hooks, deliveries = writes["webhooks"], writes["deliveries"]
		return hooks >= 1+1 && deliveries >= 2+1
	})
	if hooks != 1+1 || deliveries != 2+1 {
		t.Errorf("%d writes of webhooks and %d of deliveries, want 2 and 3", hooks, deliveries)
	}
}

// TestHooksThatComeLater: a webhook gets everything that happened since it was created, even if the log
// had already been read further.
func TestHooksThatComeLater(t *testing.T) {
	b := newBench(t)
	b.hook("first", audit.RoomOpened)
	defer b.run(here)()
	b.happens("one", audit.RoomOpened)
	first := func(id string) webhook.Delivery {
		d, _, _ := b.hub.Deliveries.Get(t.Context(), "100.first."+id)
		return d
	}
	testkit.Eventually(b, "the first to be told", func() bool { return first("one").State == webhook.Done })
	h := webhook.Hook{ID: "h", GuildID: guild, URL: b.srv.URL, Name: "h", Enabled: true} // cursor before all entries
	h.Secret = b.keys.Seal(b.secret, "webhook "+h.Key())
	b.put(h)
	testkit.Eventually(b, "the second to be told of it too",
		func() bool { return b.delivery("one").State == webhook.Done })
	b.happens("two", audit.RoomOpened)
	testkit.Eventually(b, "both to be told", func() bool {
		return b.delivery("two").State == webhook.Done && first("two").State == webhook.Done
	})
	if n := b.count(); n != 4 {
		t.Errorf("%d messages, want 4: none twice", n)
	}
}

// TestTooMuchWaits: a webhook that never accepts anything is disabled, and its record gives the reason.
func TestTooMuchWaits(t *testing.T) {
	b := newBench(t)
	h := b.hook("h")
	h.URL = "http://192.0.2.1/" // never called
	b.put(h)
	s := b.sender(here)
	for i := range webhook.MaxPending {
		d := webhook.Delivery{
			ID: fmt.Sprint("m", i), GuildID: guild, HookID: "h", State: webhook.Pending,
			NextAt: b.clock.Now().Add(time.Hour),
		}
		s.queue.set(d.Key(), &d, hub.Rev(i+1))
	}
	k := &producer{s: s}
	made, ok := k.enqueue(t.Context(), h,
		hub.AuditEntry{ID: "one more", Guild: guild, Kind: string(audit.RoomOpened), Data: []byte(`{}`)})
	now, _, err := b.hub.Webhooks.Get(t.Context(), h.Key())
	if made || !ok || err != nil || now.Enabled || now.Stopped == "" {
		t.Errorf("made %v, %v; the webhook is %+v, %v", made, ok, now, err)
	}
}
