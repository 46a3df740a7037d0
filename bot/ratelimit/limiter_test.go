package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/errs"
)

// TestBucketInOrder makes 60 requests of one bucket at once: they start in
// the order they were made, several at a time, and Discord never refuses one.
func TestBucketInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{latency: 100 * time.Millisecond}, Config{})
		began := time.Now()
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				if err := r.do(t.Context(), postMessage, map[string]int{"n": i}, 1); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		for i, h := range r.sim.seen() {
			if h.body != fmt.Sprintf(`{"n":%d}`, i) {
				t.Fatalf("request %d was %s", i, h.body)
			}
		}
		if r.sim.refused > 0 {
			t.Errorf("%d refused", r.sim.refused)
		}
		if d := time.Since(began); d > 26*time.Second {
			t.Errorf("it took %v; five in two seconds are allowed", d)
		}
	})
}

// TestGlobal spreads 300 requests over as many buckets: 50 a second, none refused,
// and interactions do not wait for them.
func TestGlobal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{latency: 20 * time.Millisecond}, Config{})
		began := time.Now()
		var all sync.WaitGroup
		for i := range 300 {
			all.Go(func() {
				if err := r.do(t.Context(), getMessage, nil, 1000+i, 1); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		time.Sleep(1500 * time.Millisecond)
		if err := r.do(t.Context(), callback, nil, 1, "secret"); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d > 1530*time.Millisecond {
			t.Errorf("an interaction waited: %v", d)
		}
		all.Wait()
		if d := time.Since(began); d > 6*time.Second || r.sim.refused > 0 {
			t.Errorf("%d refused, took %v", r.sim.refused, d)
		}
	})
}

// TestShareOfGlobal leaves most of the 50 a second to other processes, and takes more once it may.
func TestShareOfGlobal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share := 10.
		r := newRig(t, &sim{latency: 20 * time.Millisecond}, Config{Share: func() float64 { return share }})
		took := func(n int) time.Duration {
			began := time.Now()
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() {
					if err := r.do(t.Context(), getMessage, nil, 1000+i, 1); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			return time.Since(began)
		}
		if d := took(100); d < 9*time.Second || d > 10*time.Second {
			t.Errorf("100 requests at 10 a second took %v", d)
		}
		share = 50
		if d := took(100); d < time.Second || d > 3*time.Second {
			t.Errorf("100 requests at 50 a second took %v", d)
		}
		share = 0.25
		if d := took(5); d < 20*time.Second || d > 21*time.Second { // the first waits for those of before, too
			t.Errorf("5 requests at one in four seconds took %v", d)
		}
	})
}

// TestOthersInvalid waits while other processes have used up the budget of invalid requests.
func TestOthersInvalid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := 8001
		r := newRig(t, &sim{}, Config{OthersInvalid: func() int { return others }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.do(ctx, getMessage, nil, 1, 1); !errs.Has(err, errs.RateLimited) {
			t.Errorf("it ended with %v", err)
		}
		others = 7999
		if err := r.do(t.Context(), getMessage, nil, 1, 1); err != nil {
			t.Error(err)
		}
	})
}

// TestPriority lets requests that somebody is waiting for go first, but none waits forever.
func TestPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{}, Config{Global: 1})
		var all sync.WaitGroup
		ask := func(p Priority, name int) {
			all.Go(func() {
				if err := r.do(WithPriority(t.Context(), p), getMessage, nil, name, 1); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		ask(Normal, 0)
		ask(Background, 4)
		ask(Normal, 2)
		ask(Interactive, 1)
		time.Sleep(500 * time.Millisecond)
		ask(Normal, 3)
		all.Wait()
		for i, h := range r.sim.seen() {
			if h.path != fmt.Sprintf("/channels/%d/messages/1", i) {
				t.Errorf("request %d was %s", i, h.path)
			}
		}
	})
}

// TestCancelledLeaves the queue, wherever it stands in it.
func TestCancelledLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{latency: time.Second, reply: ok}, Config{})
		var all sync.WaitGroup
		for i := range 6 {
			ctx, cancel := context.WithCancel(t.Context())
			if i%2 == 1 {
				time.AfterFunc(500*time.Millisecond, cancel)
			}
			all.Go(func() {
				defer cancel()
				err := r.do(ctx, postMessage, nil, 1)
				if (i%2 == 1) != errors.Is(err, context.Canceled) {
					t.Errorf("request %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if n := len(r.sim.seen()); n != 3 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestClose fails what waits, waits for what is on its way, and cuts it off in the end.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{latency: 2 * time.Second, reply: func(_ *sim, h hit) *http.Response {
			if h.path == "/channels/5/messages" {
				return answer(500, ``)
			}
			return answer(200, `{}`)
		}}, Config{})
		results := map[string]error{}
		var mu sync.Mutex
		var all sync.WaitGroup
		ask := func(name string, e *rest.Endpoint, channel int) {
			all.Go(func() {
				err := r.do(context.Background(), e, nil, channel, 1)
				mu.Lock()
				defer mu.Unlock()
				results[name] = err
			})
			synctest.Wait()
		}
		ask("on its way", postMessage, 1)
		ask("queued", postMessage, 1)
		ask("between tries", getMessage, 3)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		r.client.Close(ctx)
		if d := time.Since(began); d != time.Second {
			t.Errorf("Close took %v", d)
		}
		all.Wait()
		if results["on its way"] != nil || !errs.Has(results["queued"], errs.Unavailable) {
			t.Errorf("%v", results)
		}
		if err := r.do(context.Background(), postMessage, nil, 1); !errs.Has(err, errs.Unavailable) {
			t.Errorf("after Close: %v", err)
		}
		r.client.Close(ctx) // twice
	})
}

func TestCloseCutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{latency: time.Hour, reply: ok}, Config{TryTimeout: 2 * time.Hour})
		done := make(chan error, 1)
		go func() { done <- r.do(context.Background(), postMessage, nil, 1) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.Close(ctx)
		if err := <-done; !errs.Has(err, errs.Unavailable) {
			t.Errorf("%v", err)
		}
	})
}

func TestCheckFailedGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{reply: ok}, Config{})
		e := postMessage.Compile(nil, 1)
		for range 3 {
			if err := r.client.Do(e, nil, nil,
				rest.WithCheck(func() bool { return false })); !errors.Is(err, discord.ErrCheckFailed) {
				t.Error(err)
			}
		}
		if err := r.client.Do(e, nil, nil); err != nil {
			t.Error(err)
		}
	})
}

// TestWithoutTransport keeps disgo's own repeats of 429s within the limits.
func TestWithoutTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sim{t: t, reply: func(s *sim, h hit) *http.Response {
			if h.n == 0 {
				return answer(429, ``, "Via", "x", "Retry-After", "1.5", "X-RateLimit-Bucket", "b")
			}
			return answer(200, `{}`)
		}}
		l := New(Config{})
		defer l.check(t)
		defer l.Close(t.Context())
		c := rest.NewClient("t", rest.WithURL("http://discord/api/v10"), rest.WithRateLimiter(l),
			rest.WithHTTPClient(&http.Client{Transport: s}))
		began := time.Now()
		if err := c.Do(postMessage.Compile(nil, 1), nil, nil); err != nil ||
			time.Since(began) != 1500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestSweep forgets the buckets of interactions.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{reply: ok}, Config{})
		for i := range 500 {
			if err := r.do(t.Context(), callback, nil, i, fmt.Sprint("token", i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if n := len(r.buckets); n > 200 {
			t.Errorf("%d buckets are kept", n)
		}
	})
}

// TestStorm makes 1,000 requests while Discord throws 429s of every scope, 5xx
// and broken connections at them: all end, in a success or an error with a
// code, no bucket is overrun by our doing, and nothing is left behind.
func TestStorm(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			rnd, dice := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			r := newRig(t, &sim{latency: 30 * time.Millisecond, reply: func(s *sim, h hit) *http.Response {
				switch dice.IntN(20) {
				case 0:
					return answer(500+dice.IntN(5), ``)
				case 1:
					return nil
				case 2:
					return answer(429, `{"retry_after":0.7}`, "X-RateLimit-Scope", "shared", "Via", "x")
				case 3:
					return answer(429, `{"retry_after":0.2,"global":true}`, "Via", "x")
				case 4:
					return answer(429, ``, "Via", "x")
				}
				return s.strict(h)
			}}, Config{})
			var all sync.WaitGroup
			var mu sync.Mutex
			ended := map[errs.Code]int{}
			for i := range 1000 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+rnd.IntN(300))*time.Second)
				ctx = WithPriority(ctx, Priority(rnd.IntN(3)-1))
				all.Go(func() {
					defer cancel()
					var err error
					switch i % 4 {
					case 0:
						err = r.do(ctx, postMessage, i, i%20)
					case 1:
						err = r.do(ctx, getMessage, nil, i%20, i)
					case 2:
						err = r.do(ctx, putMember, i, i%20, i)
					case 3:
						err = r.do(ctx, callback, i, i, i)
					}
					code := errs.CodeOf(err)
					if errors.Is(err, context.DeadlineExceeded) {
						code = "deadline"
					}
					mu.Lock()
					ended[code]++
					mu.Unlock()
				})
			}
			all.Wait()
			if ended[errs.Internal] > 0 || ended[""] < 600 {
				t.Errorf("seed %d: %v", seed, ended)
			}
			if r.sim.refused > 50 {
				t.Errorf("seed %d: Discord's own limits were overrun %d times", seed, r.sim.refused)
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		m, err := NewMetrics(reg)
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, &sim{latency: time.Second, reply: func(_ *sim, h hit) *http.Response {
			switch h.n {
			case 0:
				return answer(500, ``)
			case 1:
				return answer(429, `{"retry_after":1}`, "X-RateLimit-Scope", "shared")
			}
			return answer(200, `{}`)
		}}, Config{Metrics: m})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _ = r.do(t.Context(), getMessage, nil, 1, 1) })
		}
		synctest.Wait()
		if got := value(t, reg, "snug_rest_queue", "normal"); got != 2 {
			t.Errorf("%v in the queue", got)
		}
		all.Wait()
		for name, label := range map[string]string{
			"snug_rest_limited_total": "shared", "snug_rest_retries_total": "status",
		} {
			if got := value(t, reg, name, label); got != 1 {
				t.Errorf("%s: %v", name, got)
			}
		}
		if got := value(t, reg, "snug_rest_queue", "normal"); got != 0 {
			t.Errorf("%v in the queue", got)
		}
		// Two wait for the first, whose answers take three seconds and two pauses; one of them for the other too.
		if got := value(t, reg, "snug_rest_wait_seconds", "normal"); got < 9 || got > 15 {
			t.Errorf("%v s were waited", got)
		}
		if _, err := NewMetrics(reg); err == nil {
			t.Error("registered twice")
		}
	})
}

func value(t *testing.T, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
			}
		}
	}
	return -1
}
