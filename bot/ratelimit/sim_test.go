package ratelimit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/disgo/rest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	postMessage = rest.NewEndpoint(http.MethodPost, "/channels/{channel.id}/messages")
	getMessage  = rest.NewEndpoint(http.MethodGet, "/channels/{channel.id}/messages/{message.id}")
	putMember   = rest.NewEndpoint(http.MethodPut, "/channels/{channel.id}/permissions/{overwrite.id}")
	patchThing  = rest.NewEndpoint(http.MethodPatch, "/channels/{channel.id}")
	callback    = rest.NewNoBotAuthEndpoint(http.MethodPost,
		"/interactions/{interaction.id}/{interaction.token}/callback")
)

// hit is a request as Discord sees it.
type hit struct {
	at     time.Time
	method string
	path   string // below /api/v10
	body   string
	n      int // how many came before it
}

// sim is a Discord behind an http.RoundTripper, without sockets, so that time
// can be faked. reply decides about each request; nil means the strict one.
type sim struct {
	t       *testing.T
	latency time.Duration
	reply   func(s *sim, h hit) *http.Response

	mu      sync.Mutex
	hits    []hit
	windows map[string]*simWindow
	global  []time.Time
	refused int // 429s given
}

type simWindow struct {
	reset time.Time
	left  int
}

func (s *sim) RoundTrip(r *http.Request) (*http.Response, error) {
	h := hit{method: r.Method, path: strings.TrimPrefix(r.URL.Path, "/api/v10")}
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		h.body = string(b)
	}
	s.mu.Lock()
	h.at, h.n = time.Now(), len(s.hits)
	s.hits = append(s.hits, h)
	var rs *http.Response
	if s.reply != nil {
		rs = s.reply(s, h)
	} else {
		rs = s.strict(h)
	}
	s.mu.Unlock()
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	if s.latency > 0 {
		select {
		case <-time.After(s.latency):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if rs == nil {
		return nil, io.ErrUnexpectedEOF
	}
	rs.Request = r
	return rs, nil
}

// strict keeps 50 requests a second and five in two seconds a bucket, as Discord would.
func (s *sim) strict(h hit) *http.Response {
	parts := strings.Split(h.path, "/")
	const window, limit = 2 * time.Second, 5
	name := h.method + "-" + parts[1]
	if parts[1] != "interactions" {
		s.global = slices.DeleteFunc(s.global, func(t time.Time) bool { return h.at.Sub(t) >= time.Second })
		if s.global = append(s.global, h.at); len(s.global) > 50 {
			s.refused++
			return answer(429, `{"message":"slow","retry_after":1,"global":true}`, "X-RateLimit-Global", "true",
				"Retry-After", "1", "Via", "1.1 google")
		}
	}
	key := name + parts[2]
	w := s.windows[key]
	if w == nil || !w.reset.After(h.at) {
		w = &simWindow{reset: h.at.Add(window), left: limit}
		if s.windows == nil {
			s.windows = map[string]*simWindow{}
		}
		s.windows[key] = w
	}
	left := w.reset.Sub(h.at).Seconds()
	head := []string{"Via", "1.1 google", "X-RateLimit-Bucket", name, "X-RateLimit-Limit", strconv.Itoa(limit),
		"X-RateLimit-Reset-After", strconv.FormatFloat(left, 'f', 3, 64)}
	if w.left == 0 {
		s.refused++
		return answer(429, fmt.Sprintf(`{"message":"slow","retry_after":%.3f,"global":false}`, left),
			append(head, "X-RateLimit-Remaining", "0", "X-RateLimit-Scope", "user", "Retry-After",
				strconv.Itoa(int(left)+1))...)
	}
	w.left--
	return answer(200, `{}`, append(head, "X-RateLimit-Remaining", strconv.Itoa(w.left))...)
}

func (s *sim) seen() []hit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hits)
}

// answer makes a response; head are header names and values in turn.
func answer(status int, body string, head ...string) *http.Response {
	rs := &http.Response{
		StatusCode: status, Status: strconv.Itoa(status), Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader([]byte(body))),
	}
	rs.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(head); i += 2 {
		rs.Header.Set(head[i], head[i+1])
	}
	return rs
}

func ok(*sim, hit) *http.Response { return answer(200, `{}`) }

// rig is a limiter below disgo's client, over a sim.
type rig struct {
	*Limiter
	client rest.Client
	sim    *sim
}

func newRig(t *testing.T, s *sim, cfg Config) *rig {
	s.t = t
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l := New(cfg)
	opts := append(l.Options(s), rest.WithURL("http://discord/api/v10"), rest.WithLogger(cfg.Logger))
	r := &rig{Limiter: l, client: rest.NewClient("token", opts...), sim: s}
	t.Cleanup(func() {
		l.Close(context.Background())
		l.check(t)
	})
	return r
}

// check verifies that nothing is left in a limiter.
func (l *Limiter) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out != 0 || len(l.flights) != 0 || len(l.waiting) != 0 {
		t.Errorf("%d tickets, %d flights, %d buckets with waiters are left", l.out, len(l.flights), len(l.waiting))
	}
	for _, b := range l.buckets {
		if b.flying != 0 || len(b.queue) != 0 {
			t.Errorf("bucket %q: %d on their way, %d waiting", b.key, b.flying, len(b.queue))
		}
	}
}

func (r *rig) do(ctx context.Context, e *rest.Endpoint, body any, params ...any) error {
	return r.client.Do(e.Compile(nil, params...), body, nil, rest.WithCtx(ctx))
}
