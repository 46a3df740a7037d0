package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disgoorg/disgo/rest"

	"snug/shared/errs"
)

// TestTooMany answers the first request with a 429 of each kind and measures
// how long what waits.
func TestTooMany(t *testing.T) {
	const via = "1.1 google"
	for _, tt := range []struct {
		name  string
		rs    func() *http.Response
		self  time.Duration // until the refused request is repeated, at least
		same  time.Duration // until another of the same bucket starts
		other time.Duration // … of another bucket
		call  time.Duration // … an interaction callback
	}{
		{"user, fraction in the body", func() *http.Response {
			return answer(429, `{"retry_after":0.35,"global":false}`, "Via", via, "X-RateLimit-Bucket", "b",
				"X-RateLimit-Scope", "user", "Retry-After", "1")
		}, 350 * time.Millisecond, 350 * time.Millisecond, 0, 0},
		{"user, fraction in the header", func() *http.Response {
			return answer(429, ``, "Via", via, "X-RateLimit-Bucket", "b", "Retry-After", "1.5")
		}, 1500 * time.Millisecond, 1500 * time.Millisecond, 0, 0},
		{"no Retry-After, Reset-After", func() *http.Response {
			return answer(429, ``, "Via", via, "X-RateLimit-Bucket", "b", "X-RateLimit-Remaining", "0",
				"X-RateLimit-Reset-After", "3.25")
		}, 3250 * time.Millisecond, 3250 * time.Millisecond, 0, 0},
		{"no Retry-After at all", func() *http.Response {
			return answer(429, ``, "Via", via, "X-RateLimit-Bucket", "b")
		}, 800 * time.Millisecond, 800 * time.Millisecond, 0, 0},
		{"nonsense in Retry-After", func() *http.Response {
			return answer(429, ``, "Via", via, "X-RateLimit-Bucket", "b", "Retry-After", "soon")
		}, 800 * time.Millisecond, 800 * time.Millisecond, 0, 0},
		{
			"no bucket", func() *http.Response { return answer(429, `{"retry_after":2}`, "Via", via) }, 2 * time.Second,
			2 * time.Second, 0, 0,
		},
		{
			"no Via, but Discord's body", func() *http.Response { return answer(429, `{"retry_after":2}`) },
			2 * time.Second, 2 * time.Second, 0, 0,
		},
		{"shared", func() *http.Response {
			return answer(429, `{"retry_after":2}`, "Via", via, "X-RateLimit-Scope", "shared")
		}, 2 * time.Second, 2 * time.Second, 0, 0},
		{"global by header", func() *http.Response {
			return answer(429, `{"retry_after":2}`, "Via", via, "X-RateLimit-Global", "true", "Retry-After", "2")
		}, 2 * time.Second, 2 * time.Second, 2 * time.Second, 0},
		{"global by body, no Retry-After", func() *http.Response {
			return answer(429, `{"global":true}`, "Via", via)
		}, 800 * time.Millisecond, 800 * time.Millisecond, 800 * time.Millisecond, 0},
		{"Cloudflare", func() *http.Response {
			return answer(429, `<html>banned</html>`, "Retry-After", "7", "Content-Type", "text/html")
		}, 7 * time.Second, 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{"hidden", func() *http.Response {
			return answer(429, `{"retry_after":8}`, "Via", via, "X-RateLimit-Bucket", "b", "X-RateLimit-Limit", "5",
				"X-RateLimit-Remaining", "4", "X-RateLimit-Reset-After", "1", "X-RateLimit-Scope", "user")
		}, 8 * time.Second, 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, &sim{reply: func(s *sim, h hit) *http.Response {
					if h.n == 0 {
						return tt.rs()
					}
					return answer(200, `{}`)
				}}, Config{Rand: func() float64 { return 0 }})
				began := time.Now()
				var all sync.WaitGroup
				measure := func(what string, want time.Duration, e *rest.Endpoint, params ...any) {
					all.Go(func() {
						if err := r.do(t.Context(), e, nil, params...); err != nil {
							t.Errorf("%s: %v", what, err)
						}
						if d := time.Since(began); d < want || d > want+want/2+10*time.Millisecond {
							t.Errorf("%s was answered after %v, expected %v", what, d, want)
						}
					})
					synctest.Wait()
				}
				measure("itself", tt.self, postMessage, 1)
				measure("the same bucket", tt.same, postMessage, 1)
				measure("another bucket", tt.other, postMessage, 2)
				measure("a callback", tt.call, callback, 1, "secret")
				all.Wait()
			})
		})
	}
}

// TestSharedBuckets learns that two routes share a bucket, and that channels do not.
func TestSharedBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{reply: func(_ *sim, h hit) *http.Response {
			return answer(200, `{}`, "X-RateLimit-Bucket", "both", "X-RateLimit-Limit", "2", "X-RateLimit-Remaining",
				fmt.Sprint(max(0, 1-h.n)), "X-RateLimit-Reset-After", "10")
		}}, Config{})
		began := time.Now()
		for i, want := range []time.Duration{0, 0, 10 * time.Second, 10 * time.Second} {
			e, channel := postMessage, 1
			if i%2 == 1 {
				e = patchThing
			}
			if i == 3 {
				channel = 2 // another channel is another bucket
			}
			if err := r.do(t.Context(), e, nil, channel); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(began); d != want {
				t.Errorf("request %d after %v, expected %v", i, d, want)
			}
		}
	})
}

// TestRefusalNamesAnotherBucket: a 429 may name another bucket than the route's other answers do. Those who wait for
// the route's bucket wait for that one as well, and the route keeps its own.
func TestRefusalNamesAnotherBucket(t *testing.T) {
	for _, first := range []int{0, 6} { // how many are answered before
		synctest.Test(t, func(t *testing.T) {
			var until time.Time
			r := newRig(t, &sim{reply: func(s *sim, h hit) *http.Response {
				if h.n >= first && until.IsZero() {
					until = h.at.Add(3 * time.Second)
				}
				if h.at.Before(until) {
					s.refused++
					after := strconv.FormatFloat(until.Sub(h.at).Seconds(), 'f', 3, 64)
					return answer(429, `{"retry_after":`+after+`}`, "X-RateLimit-Bucket", "its other name",
						"X-RateLimit-Limit", "35", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", after,
						"X-RateLimit-Scope", "user", "Via", "1.1 google")
				}
				return answer(200, `{}`, "X-RateLimit-Bucket", "its name", "X-RateLimit-Limit", "2000",
					"X-RateLimit-Remaining", "1999", "X-RateLimit-Reset-After", "0.3")
			}}, Config{Global: 5})
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if err := r.do(t.Context(), postMessage, nil, 1); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if r.sim.refused > 4 { // those on their way when it began; five start in a second
				t.Errorf("after %d answers %d were refused", first, r.sim.refused)
			}
			if name := r.learned[postMessage.Method+" "+postMessage.Route]; name != "its name" {
				t.Errorf("the route's bucket is %q of %v", name, r.learned)
			}
		})
	}
}

// TestOutOfOrderAnswers must not count the same remaining requests twice.
func TestOutOfOrderAnswers(t *testing.T) {
	now := time.Now()
	b := &bucket{}
	say := func(remaining int, reset time.Duration) {
		b.learn(bucketState{bucket: "b", limit: 5, remaining: remaining, reset: reset}, now)
		b.flying--
	}
	b.took(nil, now)
	say(4, time.Second)
	for range 4 {
		b.took(nil, now)
	}
	for _, remaining := range []int{0, 3, 1, 2} { // as they may arrive
		say(remaining, time.Second)
	}
	if b.remaining != 0 || b.flying != 0 {
		t.Errorf("%d remain, %d fly", b.remaining, b.flying)
	}
	if at, known := b.startAt(now); !known || !at.Equal(now.Add(time.Second)) {
		t.Errorf("next at %v", at)
	}
	// The period ends while three are on their way: they may count in the next one.
	now = now.Add(2 * time.Second)
	b.flying = 3
	if at, known := b.startAt(now); !known || at.After(now) || b.remaining != 2 {
		t.Errorf("%d remain", b.remaining)
	}
	b.took(nil, now)
	b.took(nil, now)
	if _, known := b.startAt(now); known {
		t.Error("a sixth may start")
	}
	b.flying = 0 // none of them was answered
	if _, known := b.startAt(now); !known {
		t.Error("the bucket is stuck")
	}
}

// TestBadStandings learns nothing from nonsense.
func TestBadStandings(t *testing.T) {
	for _, head := range []map[string]string{
		{"X-RateLimit-Bucket": "b"},
		{"X-RateLimit-Bucket": "b", "X-RateLimit-Remaining": "x", "X-RateLimit-Reset-After": "1"},
		{"X-RateLimit-Bucket": "b", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset-After": "-3"},
		{"X-RateLimit-Bucket": "b", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset-After": "NaN"},
		{"X-RateLimit-Remaining": "1", "X-RateLimit-Reset-After": "1"},
	} {
		h := http.Header{}
		for k, v := range head {
			h.Set(k, v)
		}
		if s := readBucketState(h); s.complete() {
			t.Errorf("%v was taken for %+v", head, s)
		}
	}
	h := http.Header{
		"X-Ratelimit-Bucket": {"b"}, "X-Ratelimit-Remaining": {"1"}, "X-Ratelimit-Reset": {"1000000003.5"},
		"Date": {time.Unix(1000000000, 0).UTC().Format(http.TimeFormat)},
	}
	if s := readBucketState(h); s.reset != 3500*time.Millisecond {
		t.Errorf("Reset by Date gives %v", s.reset)
	}
}

func FuzzTooMany(f *testing.F) {
	f.Add("1.5", "0", "2", "user", `{"retry_after":0.3}`)
	f.Add("Fri, 31 Dec 1999 23:59:59 GMT", "", "1e300", "global", `<html>`)
	f.Fuzz(func(t *testing.T, retry, remaining, reset, scope, body string) {
		h := http.Header{
			"Retry-After": {retry}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset-After": {reset},
			"X-Ratelimit-Scope": {scope}, "X-Ratelimit-Reset": {reset},
		}
		if s := readLimitResponse(h, []byte(body), time.Second); s.after < 0 || s.after > maxAfter {
			t.Errorf("%+v", s)
		}
	})
}

// TestEarlyRefusal says at once what cannot be in time, with when it can.
func TestEarlyRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{reply: func(_ *sim, h hit) *http.Response {
			if h.path == "/channels/1" {
				return answer(429, `{"retry_after":500}`, "Via", "x", "X-RateLimit-Bucket", "b", "X-RateLimit-Scope",
					"user")
			}
			return answer(200, `{}`)
		}}, Config{})
		began := time.Now()
		for range 2 { // the second does not even reach Discord
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			err := r.do(ctx, patchThing, nil, 1)
			cancel()
			var e *errs.Error
			if !errors.As(err, &e) || e.Code != errs.RateLimited || e.RetryAfter != 500*time.Second ||
				!strings.Contains(e.Message, "9 minutes") {
				t.Errorf("%v", err)
			}
		}
		// A request without a deadline waits a minute at most, so it is refused too.
		if err := r.do(context.Background(), patchThing, nil, 1); !errs.Has(err, errs.RateLimited) {
			t.Errorf("%v", err)
		}
		if time.Since(began) != 0 || len(r.sim.seen()) != 1 {
			t.Errorf("took %v, %d requests", time.Since(began), len(r.sim.seen()))
		}
		if err := r.do(t.Context(), patchThing, nil, 2); err != nil {
			t.Error(err)
		}
	})
}

// TestBlockRefusesWaiters refuses those already waiting.
func TestBlockRefusesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{latency: time.Second, reply: func(*sim, hit) *http.Response {
			return answer(429, `{"retry_after":500}`, "Via", "x", "X-RateLimit-Scope", "user")
		}}, Config{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := r.do(ctx, patchThing, nil, 1); !errs.Has(err, errs.RateLimited) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if time.Since(began) != time.Second || len(r.sim.seen()) != 1 {
			t.Errorf("took %v, %d requests", time.Since(began), len(r.sim.seen()))
		}
	})
}

// TestInvalidBudget stops well before Discord bans the address, and keeps a
// part for people who wait. Shared 429s do not count.
func TestInvalidBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := 403
		r := newRig(t, &sim{reply: func(*sim, hit) *http.Response {
			if status == 429 {
				status = 200
				return answer(429, `{"retry_after":0.1}`, "X-RateLimit-Scope", "shared")
			}
			return answer(status, `{}`)
		}}, Config{InvalidMax: 100, MaxWait: time.Hour})
		status = 429
		_ = r.do(t.Context(), getMessage, nil, 9, 9)
		status = 403
		for i := range 80 {
			time.Sleep(time.Second)
			if err := r.do(t.Context(), getMessage, nil, i,
				1); !errors.Is(err, &rest.Error{Response: &http.Response{StatusCode: 403}}) {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var e *errs.Error
		if err := r.do(ctx, getMessage, nil, 1, 1); !errors.As(err, &e) || e.Code != errs.RateLimited ||
			e.RetryAfter < 8*time.Minute {
			t.Errorf("%v", err)
		}
		status = 200
		if err := r.do(ctx, callback, nil, 1, "t"); err != nil {
			t.Errorf("a callback: %v", err)
		}
		began := time.Now()
		if err := r.do(t.Context(), getMessage, nil, 1, 1); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d < 8*time.Minute || d > 10*time.Minute {
			t.Errorf("went on after %v", d)
		}
	})
}
