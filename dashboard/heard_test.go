package dashboard

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"snug/dashboard/request"
	"snug/shared/hub"
	"snug/shared/testkit"
)

// TestUnheardPages: every page that tells of servers or rooms says when Discord is not heard, and none that
// tells of neither.
func TestUnheardPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	id, token := r.ID.String(), b.invite(r)
	w, inside := b.signedIn(manager), b.signedIn(owner)
	tell := func(ok bool) {
		t.Helper()
		if err := hub.ShardReports.Send(b.hub,
			hub.ShardReport{Shards: 1, OK: ok, At: time.Now().Add(-12 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "it is known whether Discord is heard",
			func() bool { heard, _ := b.o.Live.Hears(friends); return heard == ok })
	}
	const sentence = "Discord isn’t answering · as of 1"
	for path, tells := range map[string]bool{
		"/": true, "/servers/100": true, "/game/" + id: true, "/i/" + token: true, "/admin/100": true,
		"/admin/100/history": true, "/admin/100/activity": true, "/admin/100/webhooks": true, "/admin/100/tokens": true,
		"/admin/100/health": true,
		"/tokens":           false, "/api": false, "/status": false, "/privacy": false, "/terms": false,
		"/privacy/erase": false, "/notifications": false,
	} {
		for _, heard := range []bool{false, true} {
			tell(heard)
			who := w
			if path == "/game/"+id {
				who = inside
			}
			if got := who.get(path); got.status != http.StatusOK ||
				strings.Contains(got.body, sentence) != (tells && !heard) {
				t.Errorf("%s, Discord heard %v: %d, and says that it is not: %v", path, heard, got.status,
					strings.Contains(got.body, sentence))
			}
		}
	}
}

// TestHeard: pages without a live connection ask whether Discord is heard, about some servers at once.
func TestHeard(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.browser("")
	for _, h := range []hub.ShardReport{
		{Shard: 0, Shards: 2, OK: true, At: time.Now()}, {Shard: 1, Shards: 2, At: time.Now().Add(-time.Minute)},
	} {
		if err := hub.ShardReports.Send(b.hub, h); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, "both shards are known", func() bool { heard, _ := b.o.Live.Hears(1 << 22); return !heard })
	for _, x := range []struct {
		query  string
		status int
		says   string
	}{
		{"guild=100", 200, `"discord":"ok"`},
		{"guild=4194304", 200, `"discord":"unheard"`}, // of shard 1
		{"guild=100&guild=4194304", 200, `"discord":"unheard"`},
		{"", 200, `"discord":"ok"`},
		{"guild=abc", 400, "takes the ID"},
		{"guild=" + strings.Repeat("1&guild=", request.MaxHeard) + "1", 400, "at most 50"},
	} {
		got := w.api("GET", "/api/v1/heard?"+x.query, "")
		if got.status != x.status || !strings.Contains(got.body, x.says) {
			t.Errorf("%.40s: %d %.200s", x.query, got.status, got.body)
		}
	}
}
