package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/disgo/rest"
)

// Limiter decides when each request may start. Make one with New for each bot and address.
type Limiter struct {
	cfg Config
	log *slog.Logger

	closing context.Context // cuts off running requests when Close stops waiting
	kill    context.CancelFunc

	mu          sync.Mutex
	seq         uint64
	learned     map[string]string  // route → X-RateLimit-Bucket
	buckets     map[string]*bucket // by bucket name (or route) and major parameter
	waiting     map[*bucket]struct{}
	rate        *rate
	invalids    invalids
	overspent   bool      // the budget of invalid requests is used up; for logging
	global      time.Time // until then only exempt requests may start
	globalTimes int       // consecutive global 429s without a time to wait
	banned      time.Time // until then nothing may start
	limited     int       // number of 429 responses
	lastLimited time.Time // when the last one arrived
	flights     map[string][]*ticket
	out         int // number of tickets
	timer       *time.Timer
	next        time.Time // when the timer fires; zero if it isn't set
	swept       time.Time
	closed      bool
	shut        chan struct{} // closed by Close
	idle        chan struct{} // closed when no ticket is left after Close
}

// ticket is a request that was allowed to start and hasn't been unlocked yet.
type ticket struct {
	*waiter        // of its last start
	flight  string // its key in flights
	bucket  *bucket
	flying  bool // counted in its bucket
	claimed bool // taken by the transport
	failed  bool // given up by the transport
	ended   bool // Unlock was called for it
}

var _ rest.RateLimiter = (*Limiter)(nil)

// New makes a Limiter.
func New(cfg Config) *Limiter {
	cfg.fill()
	l := &Limiter{
		cfg: cfg, log: cfg.Logger,
		learned: map[string]string{}, buckets: map[string]*bucket{}, waiting: map[*bucket]struct{}{},
		rate: newRate(cfg.Global), flights: map[string][]*ticket{}, shut: make(chan struct{}),
		idle: make(chan struct{}),
	}
	l.closing, l.kill = context.WithCancel(context.Background())
	return l
}

// Options returns options for disgo's REST client: the limiter, and an HTTP client with its
// transport on top of base. A nil base means a copy of http.DefaultTransport.
func (l *Limiter) Options(base http.RoundTripper) []rest.ClientConfigOpt {
	return []rest.ClientConfigOpt{
		rest.WithRateLimiter(l),
		rest.WithHTTPClient(&http.Client{Transport: l.Transport(base)}),
	}
}

// MaxRetries implements rest.RateLimiter: how often disgo repeats a 429. With the transport in place it never gets one.
func (l *Limiter) MaxRetries() int { return l.cfg.Retries }

// Wait implements rest.RateLimiter: it returns nil when the request may start. Errors:
// errs.RateLimited if that isn't before ctx's deadline, or within Config.MaxWait without one;
// errs.Unavailable after Close; ctx's error.
func (l *Limiter) Wait(ctx context.Context, endpoint *rest.CompiledEndpoint) error {
	route := endpoint.Endpoint.Method + " " + endpoint.Endpoint.Route
	_, err := l.enter(ctx, route, endpoint.MajorParams, flightKey(endpoint.Endpoint.Method, endpoint.URL))
	return err
}

// exempt reports whether a route doesn't count towards the global limit: it is authorized by a
// token in its path rather than the bot's.
func exempt(route string) bool {
	return strings.Contains(route, "{interaction.token}") || strings.Contains(route, "{webhook.token}")
}

// flightKey returns the key by which the transport finds a request's ticket.
func flightKey(method, address string) string {
	if u, err := url.Parse(address); err == nil {
		return method + " " + u.EscapedPath()
	}
	path, _, _ := strings.Cut(address, "?")
	return method + " " + path
}

// enter queues a new request and waits until it may start.
func (l *Limiter) enter(ctx context.Context, route, major, flight string) (*ticket, error) {
	now := time.Now()
	w := &waiter{route: route, exempt: exempt(route)}
	w.priority = priorityOf(ctx, w.exempt)
	w.rank = now.Add(-time.Duration(w.priority) * headStart)
	ctx, cancel := l.bounded(ctx)
	defer cancel()

	l.mu.Lock()
	l.seq++
	w.seq = l.seq
	err := l.queue(ctx, w, l.bucket(route, major))
	l.mu.Unlock()
	if err == nil {
		err = l.await(ctx, w)
	}
	if err != nil {
		l.cfg.Metrics.refused(w)
		return nil, err
	}
	t := &ticket{waiter: w, flight: flight, bucket: w.bucket, flying: true}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed { // Close doesn't know about it and doesn't wait for it
		l.land(t)
		return nil, closedError()
	}
	l.flights[flight] = append(l.flights[flight], t)
	l.out++
	return t, nil
}

// again queues a request to be repeated, in its old place but not before a time, and waits until it may start.
func (l *Limiter) again(ctx context.Context, t *ticket, notBefore time.Time) error {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	w := &waiter{rank: t.rank, seq: t.seq, priority: t.priority, exempt: t.exempt, route: t.route, notBefore: notBefore}
	l.mu.Lock()
	l.land(t)
	err := l.queue(ctx, w, t.bucket.resolve())
	if err != nil {
		l.pump()
	}
	l.mu.Unlock()
	if err == nil {
		err = l.await(ctx, w)
	}
	if err != nil {
		l.cfg.Metrics.refused(w)
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.waiter, t.bucket, t.flying = w, w.bucket, true
	return nil
}

// land removes a ticket's request from its bucket's count. The caller holds l.mu.
func (l *Limiter) land(t *ticket) {
	if t.flying {
		t.flying = false
		b := t.bucket.resolve()
		b.flying--
		b.left(t.waiter)
	}
}

// depart records that a request has been written: the bucket's next one may start.
func (l *Limiter) depart(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.bucket.resolve().left(t.waiter) {
		l.pump()
	}
}

// bounded adds a deadline to a context without one.
func (l *Limiter) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, l.cfg.MaxWait, errTooLong)
}

// await waits until w has started or failed, or ctx ends.
func (l *Limiter) await(ctx context.Context, w *waiter) error {
	select {
	case <-w.start:
	case <-ctx.Done():
		l.leave(w, time.Now())
		if cause := context.Cause(ctx); errors.Is(cause, errTooLong) {
			return limitedError(l.estimate(w), cause)
		}
		return context.Cause(ctx)
	}
	return w.err
}

// leave removes a waiter whose context has ended from the queue, or reverts its start.
func (l *Limiter) leave(w *waiter, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := w.bucket
	switch {
	case b.remove(w):
		l.cfg.Metrics.left(w, now)
		if len(b.queue) == 0 {
			delete(l.waiting, b)
		}
	case w.started:
		b = b.resolve()
		b.flying--
		b.left(w)
		if b.known {
			b.remaining++
		}
	}
	l.pump()
}

// estimate returns how long a request like w would have to wait now.
func (l *Limiter) estimate(w *waiter) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	at, _ := l.startAt(w, now)
	return max(at.Sub(now), time.Second)
}

// Unlock implements rest.RateLimiter: it ends a request with its response, or with nil. It never
// fails; it ignores invalid headers.
func (l *Limiter) Unlock(endpoint *rest.CompiledEndpoint, rs *http.Response) error {
	t := l.ticketOf(flightKey(endpoint.Endpoint.Method, endpoint.URL), rs)
	if t == nil {
		return nil
	}
	if rs != nil && !observed(rs) {
		l.observe(t, rs.StatusCode, rs.Header, nil)
	}
	l.settle(t)
	return nil
}

// ticketOf finds the ticket that a response or a failure belongs to, and marks it as ended. Tickets
// with the same key are interchangeable except for their place in the queue.
func (l *Limiter) ticketOf(flight string, rs *http.Response) *ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rs != nil {
		if a, ok := rs.Body.(*answerBody); ok && a.ticket != nil {
			a.ticket.ended = true
			return a.ticket
		}
	}
	var best *ticket
	for _, t := range l.flights[flight] {
		switch {
		case t.ended:
		case t.failed: // Unlock was called because of this failure
			t.ended = true
			return t
		case best == nil || best.claimed && !t.claimed: // never sent, or sent without the transport
			best = t
		}
	}
	if best != nil {
		best.ended = true
	}
	return best
}

// settle ends a ticket.
func (l *Limiter) settle(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ts := l.flights[t.flight]
	for i := range ts {
		if ts[i] != t {
			continue
		}
		l.land(t)
		if ts = append(ts[:i:i], ts[i+1:]...); len(ts) == 0 {
			delete(l.flights, t.flight)
		} else {
			l.flights[t.flight] = ts
		}
		l.out--
		if l.closed && l.out == 0 {
			close(l.idle)
		}
		break
	}
	l.sweep(time.Now())
	l.pump()
}

// claim finds the ticket of a request that reached the transport. The request's path starts with the API's base path.
func (l *Limiter) claim(r *http.Request) *ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := r.URL.EscapedPath()
	for path != "" {
		for _, t := range l.flights[r.Method+" "+path] {
			if !t.claimed {
				t.claimed = true
				return t
			}
		}
		if i := strings.IndexByte(path[1:], '/'); i >= 0 {
			path = path[1+i:]
		} else {
			path = ""
		}
	}
	return nil
}

// Reset implements rest.RateLimiter: it forgets every limit. Waiting requests keep waiting for their turn.
func (l *Limiter) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.global, l.banned = time.Time{}, time.Time{}
	l.globalTimes = 0
	l.invalids = invalids{}
	l.rate = newRate(l.cfg.Global)
	for _, b := range l.buckets {
		b.known, b.open, b.blocked, b.reset, b.refused = false, false, time.Time{}, time.Time{}, 0
	}
	l.pump()
}

// Close implements rest.RateLimiter. Waiting requests fail at once with errs.Unavailable, and so do
// all later ones. It waits for running requests until ctx ends, and then cuts them off.
func (l *Limiter) Close(ctx context.Context) {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.shut)
		if l.timer != nil {
			l.timer.Stop()
		}
		for b := range l.waiting {
			for _, w := range b.queue {
				l.fail(w, closedError())
			}
			b.queue = nil
		}
		clear(l.waiting)
		if l.out == 0 {
			close(l.idle)
		}
	}
	l.mu.Unlock()
	select {
	case <-l.idle:
	case <-ctx.Done():
	}
	l.kill()
}
