package discordsim_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/testkit"
)

// TestHangingUp: who goes away while an answer is held back is noticed, whoever
// reads what they sent; what they asked for is done all the same.
func TestHangingUp(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(http.Handler) http.Handler{
		"unwatched": nil,
		"watched":   openapitest.Wrap(t),
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan discordsim.Request, 1)
			w := start(t,
				func(o *discordsim.Options) { o.Wrap = wrap; o.OnRequest = func(r discordsim.Request) { ended <- r } })
			for _, c := range []struct {
				method, path, body string
				status             int
			}{
				{"POST", w.guildPath("/channels"), `{"name":"later"}`, 201},
				{"GET", "/users/@me", "", 200},
				{"GET", "/users/@me", `{"a":1}`, 200},
				{"DELETE", "/channels/" + w.Lounge.ID.String(), `{"a":1}`, 200},
			} {
				if err := w.inject(discordsim.Fault{Kind: "latency", Delay: 60, Count: 1}); err != nil {
					t.Fatal(err)
				}
				ctx, hangUp := context.WithCancel(t.Context())
				gone := make(chan struct{})
				go func() {
					defer close(gone)
					req, err := http.NewRequestWithContext(ctx, c.method, w.base+"/api/v10"+c.path,
						strings.NewReader(c.body))
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Authorization", "Bot "+w.Application.BotToken)
					req.Header.Set("Content-Type", "application/json")
					if res, err := testkit.HTTP.Do(req); err == nil {
						res.Body.Close()
						t.Errorf("%s %s: answered %s", c.method, c.path, res.Status)
					}
				}()
				testkit.Eventually(t, c.method+" "+c.path+" comes", func() bool { return len(w.Faults()) == 0 })
				hangUp()
				<-gone
				select {
				case r := <-ended:
					if r.Status != c.status {
						t.Errorf("%s %s: %d", c.method, c.path, r.Status)
					}
				case <-time.After(testkit.Patience):
					t.Fatalf("%s %s %q: it was not noticed", c.method, c.path, c.body)
				}
			}
		})
	}
}

// TestWhatGoesAroundAdds: what is put around a simulator takes nothing away that was there.
func TestWhatGoesAroundAdds(t *testing.T) {
	t.Parallel()
	var o discordsim.Options
	var order string
	for _, name := range []string{"a", "b", "c"} {
		o.Around(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(
				w http.ResponseWriter, r *http.Request,
			) {
				order += name
				next.ServeHTTP(w, r)
			})
		})
	}
	rec := httptest.NewRecorder()
	discordsim.New(o).Handler().ServeHTTP(rec, httptest.NewRequest("GET", "http://127.0.0.1/api/v10/gateway", nil))
	if order != "cba" || rec.Code != http.StatusOK {
		t.Errorf("went through %q to %d", order, rec.Code)
	}
}
