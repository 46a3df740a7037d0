package dashboard

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/shared/hub"
	"snug/shared/pages"
	"snug/shared/room"
)

// discordCalls counts the calls to Discord from now on, by name.
func (b *bench) discordCalls() func() []string {
	var mu sync.Mutex
	var calls []string
	b.bot.Discord.SetAround(func(call string, do func() error) error {
		mu.Lock()
		calls = append(calls, call)
		mu.Unlock()
		return do()
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(calls)
	}
}

// TestViewsAskNobody: pages that were looked at within a minute are shown without a call to Discord and without a
// consumer in the hub, and say what happened last. Whoever does something is asked about.
func TestViewsAskNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	who := map[string]*browser{"owner": b.signedIn(owner), "guest": b.signedIn(guest)}
	to := []string{pages.Room.With(r.ID), pages.Server.With(friends), "/api/v1/rooms/" + r.ID.String()}
	for _, w := range who {
		for _, p := range to {
			w.get(p)
		}
	}
	calls, consumers := b.discordCalls(), b.consumers.Load()
	for n := range 100 / len(to) / len(who) {
		b.clock.Forward(time.Second)
		for name, w := range who {
			for _, p := range to {
				if g := w.get(p); g.status != http.StatusOK {
					t.Fatalf("view %d of %s by the %s: %d", n, p, name, g.status)
				}
			}
		}
	}
	if got := calls(); len(got) > 0 {
		t.Errorf("views called Discord: %v", got)
	}
	if n := b.consumers.Load() - consumers; n != 0 {
		t.Errorf("views made %d consumers", n)
	}

	if g := who["owner"].form(pages.Change.With(r.ID), url.Values{"do": {"lock"}}); g.status != http.StatusSeeOther {
		t.Fatalf("locking: %d %s", g.status, g.body)
	}
	if got := calls(); !slices.Contains(got, "Standing") {
		t.Errorf("somebody acted without being asked about: %v", got)
	}
	if g := who["guest"].get(to[0]); !strings.Contains(g.body, "made the room private and locked") {
		t.Errorf("the page doesn't say what just happened: %s", g.text())
	}
	if n := b.consumers.Load() - consumers; n != 0 {
		t.Errorf("a view after something happened made %d consumers", n)
	}
}

// TestViewsShowWhatWasJustDone: a room's page shows what its reader did there, however late news of it come.
func TestViewsShowWhatWasJustDone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w := b.signedIn(owner)
	release := b.bot.HoldBack()
	defer release()
	if g := w.form(pages.Change.With(r.ID), url.Values{"do": {"lock"}}); g.status != http.StatusSeeOther {
		t.Fatalf("locking: %d %s", g.status, g.body)
	}
	locked := regexp.MustCompile(`aria-checked="true"[^>]*k-lock-hint|k-lock-hint[^>]*aria-checked="true"`)
	if g := w.get(pages.Room.With(r.ID)); !locked.MatchString(g.body) {
		t.Errorf("the page doesn't show the room locked: %s", g.text())
	}
	var out struct{ Locked bool }
	if g := w.get("/api/v1/rooms/" + r.ID.String()); json.Unmarshal([]byte(g.body), &out) != nil || !out.Locked {
		t.Errorf("the API doesn't give the room locked: %s", g.body)
	}
}

// TestViewsLoseAccess: who lost a room or a server doesn't see it once the gateway said so, and at the latest a minute
// after Discord was last asked. Who got in sees it at once.
func TestViewsLoseAccess(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	open := call(b, hub.OpenRoom,
		room.OpenRequest{Actor: actor(owner), Name: "Open", Seats: 4, Private: new(bool), Plain: true})
	leave := func() { b.bot.Discord.RemoveMember(member) }
	for _, x := range []struct {
		name  string
		lose  func()
		after time.Duration
		want  int
	}{
		{"the gateway said so", func() { b.bot.RemoveMember(member) }, 0, http.StatusNotFound},
		{"nobody said so", func() { b.bot.Discord.Unheard(leave) }, room.LookAge + time.Second, http.StatusNotFound},
		{"nobody said so yet", func() { b.bot.Discord.Unheard(leave) }, room.LookAge - time.Second, http.StatusOK},
	} {
		b.join(friends, member)
		w := b.signedIn(member)
		to := []string{pages.Room.With(open.Room.ID), pages.Server.With(friends)}
		for _, p := range to {
			if g := w.get(p); g.status != http.StatusOK {
				t.Fatalf("%s: a member at %s: %d", x.name, p, g.status)
			}
		}
		x.lose()
		b.clock.Forward(x.after)
		for _, p := range to {
			if g := w.get(p); g.status != x.want {
				t.Errorf("%s, after %v, %s: %d, want %d", x.name, x.after, p, g.status, x.want)
			}
		}
		// Nobody acts by what is remembered.
		if g := w.form(pages.Join.With(open.Room.ID), nil); g.status != http.StatusNotFound {
			t.Errorf("%s: joining: %d", x.name, g.status)
		}
	}
	w := b.signedIn(stranger)
	if g := w.get(pages.Server.With(friends)); g.status != http.StatusNotFound {
		t.Fatalf("a stranger: %d", g.status)
	}
	b.clock.Forward(6 * time.Second)
	b.bot.Discord.Unheard(func() { b.bot.Discord.SetMember(stranger, "late", "Late") })
	for _, p := range []string{pages.Server.With(friends), pages.Room.With(open.Room.ID)} {
		if g := w.get(p); g.status != http.StatusOK {
			t.Errorf("who just joined, at %s: %d", p, g.status)
		}
	}
}
