package dashboard

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"snug/dashboard/request"
	"snug/shared/pages"
	"snug/shared/room"
)

// BenchmarkPages serves pages to their members without a network: a room's, to its owner and to a guest, and a
// server's. The bot answers through the hub, and Discord, if somebody asks it, after 200 ms.
func BenchmarkPages(b *testing.B) {
	unlimited := request.Limit{Every: time.Nanosecond, Burst: 1 << 30}
	w := newBench(b, func(o *Options) { o.Limits = request.Limits{Address: unlimited, Read: unlimited} })
	r := w.room()
	w.sit(r.ID, owner, guest)
	for range 10 {
		w.do(r.ID, room.DoLock)
		w.do(r.ID, room.DoUnlock)
	}
	w.bot.Discord.SetAround(func(_ string, do func() error) error {
		time.Sleep(200 * time.Millisecond)
		return do()
	})
	of := map[string]*browser{"owner": w.signedIn(owner), "guest": w.signedIn(guest)}
	for _, bench := range []struct{ name, who, path string }{
		{"room of owner", "owner", pages.Room.With(r.ID)},
		{"room of guest", "guest", pages.Room.With(r.ID)},
		{"server", "owner", pages.Server.With(friends)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			q := httptest.NewRequestWithContext(b.Context(), http.MethodGet, w.url+bench.path, nil)
			q.Header.Set("Accept", "text/html")
			q.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
			for _, c := range of[bench.who].Jar.Cookies(q.URL) {
				q.AddCookie(c)
			}
			b.ReportAllocs()
			for b.Loop() {
				a := httptest.NewRecorder()
				w.handler.ServeHTTP(a, q.Clone(b.Context()))
				if a.Code != http.StatusOK {
					b.Fatal(a.Code, a.Body.String())
				}
			}
		})
	}
}
