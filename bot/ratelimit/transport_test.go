package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disgoorg/disgo/rest"

	"snug/shared/errs"
)

// TestRepeats counts the tries and the time of requests that fail, by method and failure.
func TestRepeats(t *testing.T) {
	fail := func(status int, head ...string) func(*sim, hit) *http.Response {
		return func(*sim, hit) *http.Response { return answer(status, `{"message":"no","code":0}`, head...) }
	}
	broken := func(*sim, hit) *http.Response { return nil }
	const long = 800*time.Millisecond + 1600*time.Millisecond + 3200*time.Millisecond + 6400*time.Millisecond +
		12800*time.Millisecond
	for _, tt := range []struct {
		name    string
		e       *rest.Endpoint
		reply   func(*sim, hit) *http.Response
		ctx     func(context.Context) context.Context
		tries   int
		took    time.Duration
		unknown bool
	}{
		{"GET 500", getMessage, fail(500), nil, 6, long, false},
		{"GET 520", getMessage, fail(520), nil, 6, long, false},
		{"PUT 503", putMember, fail(503), nil, 6, long, true},
		{"PATCH 500", patchThing, fail(500), nil, 6, long, true},
		{
			"PATCH once", patchThing, fail(500),
			func(c context.Context) context.Context { return WithRepeat(c, false) }, 1, 0, true,
		},
		{"POST 500", postMessage, fail(500), nil, 1, 0, true},
		{
			"POST 500 that may be repeated", postMessage, fail(500),
			func(c context.Context) context.Context { return WithRepeat(c, true) }, 6, long, true,
		},
		{"POST 502 of a proxy", postMessage, fail(502), nil, 1, 0, true},
		{"POST 502 of Discord's own", postMessage, fail(502, "Via", "1.1 google"), nil, 6, long, false},
		{"GET 503 with Retry-After", getMessage, fail(503, "Retry-After", "20"), nil, 6, 100 * time.Second, false},
		{"GET broken", getMessage, broken, nil, 6, long, false},
		{"POST broken", postMessage, broken, nil, 1, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, &sim{reply: tt.reply}, Config{Rand: func() float64 { return 0 }})
				ctx := t.Context()
				if tt.ctx != nil {
					ctx = tt.ctx(ctx)
				}
				began := time.Now()
				err := r.do(ctx, tt.e, map[string]int{"n": 1}, 1, 2)
				if !errs.Has(err, errs.DiscordUnavailable) || errors.Is(err, ErrOutcomeUnknown) != tt.unknown {
					t.Errorf("%v", err)
				}
				hits := r.sim.seen()
				if len(hits) != tt.tries || time.Since(began) != tt.took {
					t.Errorf("%d tries in %v, expected %d in %v", len(hits), time.Since(began), tt.tries, tt.took)
				}
				for _, h := range hits {
					if h.body != `{"n":1}` {
						t.Errorf("a try sent %q", h.body)
					}
				}
			})
		})
	}
}

// TestUnknownStays: what may have taken effect at one try is unknown whatever the next ones come to.
func TestUnknownStays(t *testing.T) {
	own := func() *http.Response {
		return answer(502, `{}`, "Via", "1.1 google", "Content-Type", "application/json")
	}
	failed := func() *http.Response { return answer(500, ``) }
	limited := func() *http.Response { return answer(429, `{"retry_after":600}`, "Via", "x") }
	for name, c := range map[string]struct {
		first, then func() *http.Response
		refuse      bool // Config.Allow refuses the second try
		code        errs.Code
		unknown     bool
	}{
		"limited after a 500":                       {failed, limited, false, errs.RateLimited, true},
		"limited after Discord's own 502":           {own, limited, false, errs.RateLimited, false},
		"Discord's own 502s after a 500":            {failed, own, false, errs.DiscordUnavailable, true},
		"no longer allowed after a 500":             {failed, own, true, errs.Forbidden, true},
		"no longer allowed after Discord's own 502": {own, own, true, errs.Forbidden, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, allowed := Config{}, 0
				if c.refuse {
					cfg.Allow = func(*http.Request) error {
						if allowed++; allowed > 1 {
							return errs.E(errs.Forbidden, "Another process does it.")
						}
						return nil
					}
				}
				r := newRig(t, &sim{reply: func(_ *sim, h hit) *http.Response {
					if h.n == 0 {
						return c.first()
					}
					return c.then()
				}}, cfg)
				err := r.do(t.Context(), putMember, nil, 1, 2)
				if errs.CodeOf(err) != c.code || errors.Is(err, ErrOutcomeUnknown) != c.unknown {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// TestNull: an answer of nothing is no answer.
func TestNull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{reply: func(*sim, hit) *http.Response { return answer(200, " null\n") }}, Config{})
		var got *struct{ ID string }
		if err := r.client.Do(getMessage.Compile(nil, 1, 2), nil, &got); err == nil {
			t.Errorf("got %v", got)
		}
	})
}

// TestRepeatSucceeds gives the answer of the try that worked.
func TestRepeatSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{reply: func(_ *sim, h hit) *http.Response {
			if h.n < 3 {
				return answer(500+h.n, ``)
			}
			return answer(200, `{"id":"7"}`)
		}}, Config{})
		var got struct{ ID string }
		if err := r.client.Do(getMessage.Compile(nil, 1, 2), nil, &got); err != nil || got.ID != "7" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestRepeatsStopInTime ends before the deadline rather than at it.
func TestRepeatsStopInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{reply: func(*sim, hit) *http.Response { return answer(500, ``) }},
			Config{Rand: func() float64 { return 0.5 }})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := r.do(ctx, getMessage, nil, 1, 2); !errs.Has(err, errs.DiscordUnavailable) ||
			time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestLimitedForEver gives up on a request that is refused again and again.
func TestLimitedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t,
			&sim{reply: func(*sim, hit) *http.Response { return answer(429, `{"retry_after":1}`, "Via", "x") }},
			Config{})
		if err := r.do(context.Background(), getMessage, nil, 1, 2); !errs.Has(err, errs.RateLimited) ||
			len(r.sim.seen()) != maxLimited+1 {
			t.Errorf("%d tries: %v", len(r.sim.seen()), err)
		}
	})
}

// TestKeepsItsPlace: a request that is repeated still comes before those made after it.
func TestKeepsItsPlace(t *testing.T) {
	for name, first := range map[string]func() *http.Response{
		"5xx": func() *http.Response { return answer(500, ``) },
		"429": func() *http.Response {
			return answer(429, `{"retry_after":1.5}`, "Via", "x", "X-RateLimit-Bucket", "b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, &sim{latency: 10 * time.Millisecond, reply: func(_ *sim, h hit) *http.Response {
					if h.n == 0 {
						return first()
					}
					return answer(200, `{}`)
				}}, Config{})
				done := make(chan error, 3)
				for i := range 3 {
					go func() { done <- r.do(t.Context(), putMember, map[string]int{"n": i}, 1, 2) }()
					synctest.Wait()
				}
				for range 3 {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
				var order []string
				for _, h := range r.sim.seen() {
					order = append(order, h.body)
				}
				if got := strings.Join(order, " "); got != `{"n":0} {"n":0} {"n":1} {"n":2}` {
					t.Error(got)
				}
			})
		})
	}
}

// TestForeignRequests through the transport alone are paced and repeated too.
func TestForeignRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &sim{reply: func(_ *sim, h hit) *http.Response {
			if h.n == 0 {
				return answer(500, ``)
			}
			return answer(200, `hello`)
		}}, Config{Global: 1})
		rs, err := r.client.HTTPClient().Get("http://discord/somewhere")
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(rs.Body); string(b) != "hello" {
			t.Errorf("%q", b)
		}
		_ = rs.Body.Close()
	})
}

// web is a limiter below disgo's client, over real sockets.
func web(t *testing.T, cfg Config, h http.HandlerFunc) rest.Client {
	srv := httptest.NewServer(h)
	cfg.Logger = slog.New(slog.DiscardHandler)
	if cfg.Backoff == 0 {
		cfg.Backoff = time.Millisecond
	}
	l := New(cfg)
	c := rest.NewClient("token",
		append(l.Options(nil), rest.WithURL(srv.URL+"/api/v10"), rest.WithLogger(cfg.Logger))...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c.Close(ctx)
		srv.CloseClientConnections()
		srv.Close()
		l.check(t)
	})
	return c
}

// drop breaks a connection without an answer.
func drop(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
}

// TestSockets breaks connections in each place one can break.
func TestSockets(t *testing.T) {
	breaks := map[string]http.HandlerFunc{
		"no answer": func(w http.ResponseWriter, _ *http.Request) { drop(w) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"half":`)
			w.(http.Flusher).Flush()
			drop(w)
		},
		"a stalled answer": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	for name, fault := range breaks {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				var tries atomic.Int64
				c := web(t, Config{TryTimeout: 200 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if tries.Add(1) < 3 {
						fault(w, r)
						return
					}
					_, _ = io.WriteString(w, `{}`)
				})
				err := c.Do(rest.NewEndpoint(method, "/channels/{channel.id}").Compile(nil, 1), map[string]int{"n": 1},
					nil)
				if method == http.MethodGet && (err != nil || tries.Load() != 3) {
					t.Errorf("%d tries: %v", tries.Load(), err)
				}
				if method == http.MethodPost && (tries.Load() != 1 || !errs.Has(err, errs.DiscordUnavailable) ||
					!errors.Is(err, ErrOutcomeUnknown)) {
					t.Errorf("%d tries: %v", tries.Load(), err)
				}
			})
		}
	}
}

// TestFailTogether fails many equal requests at the same moment: each gives back its own place.
func TestFailTogether(t *testing.T) {
	c := web(t, Config{Global: 10_000}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusInternalServerError)
	})
	var all sync.WaitGroup
	for range 300 {
		all.Go(func() {
			if err := c.Do(postMessage.Compile(nil, 1), nil, nil); !errs.Has(err, errs.DiscordUnavailable) {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestNotSent repeats even a POST when nothing of it can have arrived.
func TestNotSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close() // nothing listens there now
	lim := New(Config{Backoff: time.Millisecond, Retries: 2, Logger: slog.New(slog.DiscardHandler)})
	c := rest.NewClient("t",
		append(lim.Options(nil), rest.WithURL("http://"+address), rest.WithLogger(slog.New(slog.DiscardHandler)))...)
	defer c.Close(t.Context())
	err = c.Do(postMessage.Compile(nil, 1), nil, nil)
	if !errs.Has(err, errs.DiscordUnavailable) || errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("%v", err)
	}
}

// TestContextOnTheWay ends a request that is on its way with its context, and
// says that the outcome is unknown where it is.
func TestContextOnTheWay(t *testing.T) {
	c := web(t, Config{}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	for _, e := range []*rest.Endpoint{getMessage, postMessage} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := c.Do(e.Compile(nil, 1, 2), nil, nil, rest.WithCtx(ctx))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrOutcomeUnknown) != (e == postMessage) {
			t.Errorf("%s: %v", e.Method, err)
		}
	}
}

// TestCloseOnTheWay doesn't hang on a request that gets no response.
func TestCloseOnTheWay(t *testing.T) {
	arrived := make(chan struct{})
	c := web(t, Config{}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	})
	done := make(chan error, 1)
	go func() { done <- c.Do(postMessage.Compile(nil, 1), nil, nil) }()
	<-arrived
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	c.Close(ctx)
	if err := <-done; !errs.Has(err, errs.Unavailable) || !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("%v", err)
	}
}

func TestClean(t *testing.T) {
	c := web(t, Config{Retries: 1}, func(w http.ResponseWriter, _ *http.Request) { drop(w) })
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Do(callback.Compile(nil, 1, "secret"), nil, nil, rest.WithCtx(ctx))
	if got := Clean(err); strings.Contains(fmt.Sprint(got), "secret") || !errs.Has(got, errs.DiscordUnavailable) {
		t.Error(got)
	}
	cancel()
	err = c.Do(callback.Compile(nil, 1, "secret"), nil, nil, rest.WithCtx(ctx))
	if got := Clean(err); strings.Contains(fmt.Sprint(got), "secret") || !errors.Is(got, context.Canceled) {
		t.Error(got)
	}
	if plain := errors.New("x"); Clean(plain) != plain { //nolint:errorlint // the very same
		t.Error("it changed an error that is not its own")
	}
}

func TestSpoken(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "a second", time.Second: "a second", 1500 * time.Millisecond: "2 seconds", 89 * time.Second: "89 seconds",
		500 * time.Second: "9 minutes", 3 * time.Hour: "3 hours",
	} {
		if got := spoken(d); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
}

// BenchmarkQueue measures a request's way through the queue with 5,000 others waiting.
func BenchmarkQueue(b *testing.B) {
	l := New(Config{Global: 1_000_000, Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	defer l.Close(context.Background())
	defer cancel()
	l.mu.Lock()
	l.global = time.Now().Add(time.Hour)
	l.mu.Unlock()
	for i := range 5000 {
		go func() {
			c, stop := context.WithTimeout(ctx, 2*time.Hour)
			defer stop()
			_ = l.Wait(c, getMessage.Compile(nil, i, 1))
		}()
	}
	b.ResetTimer()
	for i := range b.N {
		e := callback.Compile(nil, i, "t")
		if err := l.Wait(ctx, e); err != nil {
			b.Fatal(err)
		}
		_ = l.Unlock(e, nil)
	}
}
