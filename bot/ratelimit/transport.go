package ratelimit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxBody    = 32 << 20 // bytes of a response
	maxLimited = 10       // 429s after which a request is given up
)

// Transport returns an http.RoundTripper that repeats requests. It sends through base (nil means a copy
// of http.DefaultTransport), reads each response completely and never returns a 429 or a 5xx: after the
// last try they become errors. Requests that did not pass Wait are queued here. A custom base has to call
// httptrace's WroteRequest, as http.Transport does; otherwise a bucket's requests run one at a time.
func (l *Limiter) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		d := http.DefaultTransport.(*http.Transport).Clone()
		d.MaxIdleConnsPerHost = 50
		base = d
	}
	return &transport{l: l, base: base}
}

type transport struct {
	l    *Limiter
	base http.RoundTripper
}

// CloseIdleConnections makes http.Client.CloseIdleConnections reach base.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// answerBody is a response's body, already read, with the ticket it belongs to.
type answerBody struct {
	io.Reader
	ticket *ticket // nil if the transport queued the request
}

func (*answerBody) Close() error { return nil }

// observed reports whether the limiter has already seen a response.
func observed(rs *http.Response) bool {
	_, ok := rs.Body.(*answerBody)
	return ok
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close() // each try has a copy
	}
	k := t.l.claim(r)
	own := k == nil
	if own {
		var err error
		if k, err = t.l.enter(r.Context(), r.Method+" "+r.URL.Host+r.URL.Path, "", noFlight); err != nil {
			return nil, err
		}
		defer t.l.settle(k)
	}
	c := &call{l: t.l, base: t.base, r: r, k: k}
	o, err := c.run()
	if err != nil {
		t.l.giveUp(k)
		return nil, err
	}
	if string(bytes.TrimSpace(o.body)) == "null" {
		o.body = nil // Discord never means it, and disgo's calls would return nil without an error
	}
	body := &answerBody{Reader: bytes.NewReader(o.body)}
	if !own {
		body.ticket = k
	}
	o.rs.Body, o.rs.Request = body, r
	return o.rs, nil
}

// noFlight is the key of tickets that other requests must not find.
const noFlight = ""

// giveUp marks a ticket as the one whose failure Unlock will be called for next.
func (l *Limiter) giveUp(k *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.failed = true
	l.land(k)
	l.pump()
}

// call is one request with all its tries.
type call struct {
	l       *Limiter
	base    http.RoundTripper
	r       *http.Request
	k       *ticket
	failed  int  // tries that ended in a 5xx or a network error
	limited int  // tries that ended in a 429
	unknown bool // one of them may have taken effect
}

// outcome is the result of one try.
type outcome struct {
	rs      *http.Response
	body    []byte
	sent    bool // it may have reached Discord
	refused bool // err is from Config.Allow
	err     error
}

// run tries until there is a response, or no reason to try again.
func (c *call) run() (outcome, error) {
	for {
		o := c.try()
		var err error
		switch {
		case o.refused:
			return o, withOutcome(o.err, c.unknown)
		case o.err != nil:
			err = c.network(o)
		case o.rs.StatusCode == http.StatusTooManyRequests:
			err = withOutcome(c.tooMany(o), c.unknown)
		case o.rs.StatusCode >= 500:
			err = c.serverError(o)
		default:
			c.l.observe(c.k, o.rs.StatusCode, o.rs.Header, o.body)
			return o, nil
		}
		if err != nil {
			return o, err
		}
	}
}

// try sends the request once and reads the whole response.
func (c *call) try() (o outcome) {
	if c.l.cfg.Allow != nil {
		if err := c.l.cfg.Allow(c.r); err != nil {
			return outcome{refused: true, err: err}
		}
	}
	ctx, cancel := context.WithTimeoutCause(c.r.Context(), c.l.cfg.TryTimeout, errTryTimeout)
	defer cancel()
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	defer context.AfterFunc(c.l.closing, func() { cut(errShutdown) })()

	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { sent.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { c.l.depart(c.k) },
	})
	r := c.r.Clone(ctx)
	if c.r.Body != nil && c.r.Body != http.NoBody {
		if r.Body, o.err = c.bodyCopy(); o.err != nil {
			return o
		}
	}
	began := time.Now()
	defer func() {
		c.l.cfg.Metrics.tried(time.Since(began))
		o.sent = sent.Load() || o.rs != nil
		if o.err != nil && ctx.Err() != nil {
			o.err = context.Cause(ctx)
		}
	}()
	if o.rs, o.err = c.base.RoundTrip(r); o.err != nil { //nolint:bodyclose // closed below
		return o
	}
	defer o.rs.Body.Close()
	o.body, o.err = io.ReadAll(io.LimitReader(o.rs.Body, maxBody+1))
	if len(o.body) > maxBody {
		o.err = fmt.Errorf("an answer larger than %d bytes", maxBody)
	}
	return o
}

// bodyCopy returns the body for a try. A body without GetBody can only be sent once.
func (c *call) bodyCopy() (io.ReadCloser, error) {
	if c.r.GetBody != nil {
		return c.r.GetBody()
	}
	if c.failed+c.limited > 0 {
		return nil, errors.New("the request's body cannot be sent twice")
	}
	return c.r.Body, nil
}

// network handles a try without a response.
func (c *call) network(o outcome) error {
	may := c.l.cfg.repeatable(c.r.Context(), c.r.Method)
	c.unknown = c.unknown || o.sent && changes(c.r.Method)
	if c.r.Context().Err() != nil {
		return withOutcome(context.Cause(c.r.Context()), c.unknown)
	}
	if errors.Is(o.err, errShutdown) {
		return withOutcome(closedError(), c.unknown)
	}
	if o.sent && !may {
		return unavailableError(o.err, c.unknown)
	}
	return c.repeat(o.err, "network", 0)
}

// serverError handles a 5xx.
func (c *call) serverError(o outcome) error {
	c.l.observe(c.k, o.rs.StatusCode, o.rs.Header, o.body)
	cause := &StatusError{Status: o.rs.StatusCode}
	may := c.l.cfg.repeatable(c.r.Context(), c.r.Method)
	before := unprocessed(o.rs, o.body)
	c.unknown = c.unknown || changes(c.r.Method) && !before
	if !may && !before {
		return unavailableError(cause, c.unknown)
	}
	after, _ := retryAfter(o.rs.Header)
	return c.repeat(cause, "status", after)
}

// unprocessed reports whether a 5xx was certainly sent before the request was processed: a 502 of
// Discord's own, in JSON and through its proxy, means that no gateway was available to process it.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#http-http-response-codes
func unprocessed(rs *http.Response, body []byte) bool {
	return rs.StatusCode == http.StatusBadGateway && rs.Header.Get("Via") != "" &&
		strings.HasPrefix(rs.Header.Get("Content-Type"), "application/json") &&
		bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
}

// changes reports whether requests with the method change anything.
func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// withOutcome adds ErrOutcomeUnknown to err, if there is one and unknown is set.
func withOutcome(err error, unknown bool) error {
	if err == nil || !unknown {
		return err
	}
	return fmt.Errorf("%w (%w)", err, ErrOutcomeUnknown)
}

// repeat waits for the next try, or gives up.
func (c *call) repeat(cause error, reason string, after time.Duration) error {
	c.failed++
	if c.failed > c.l.cfg.Retries {
		return unavailableError(cause, c.unknown)
	}
	delay := max(c.l.cfg.backoff(c.failed), after)
	if at, ok := c.r.Context().Deadline(); ok && time.Until(at) < delay || !ok && delay > c.l.cfg.MaxWait {
		return unavailableError(cause, c.unknown) // not enough time for another try
	}
	c.l.log.DebugContext(c.r.Context(), "repeating a request",
		slog.String("route", c.k.route), slog.Int("try", c.failed+1),
		slog.Duration("delay", delay), slog.Any("err", cause))
	if err := c.l.again(c.r.Context(), c.k, time.Now().Add(delay)); err != nil {
		return withOutcome(err, c.unknown)
	}
	c.l.cfg.Metrics.retried(reason)
	return nil
}

// tooMany waits as long as a 429 asks for, or gives up.
func (c *call) tooMany(o outcome) error {
	until, alone := c.l.observe(c.k, o.rs.StatusCode, o.rs.Header, o.body)
	if oldEdit(o.body) {
		return limitedError(time.Until(until), ErrOldEdit)
	}
	c.limited++
	if c.limited > maxLimited {
		return limitedError(time.Until(until), fmt.Errorf("refused %d times", c.limited))
	}
	if alone {
		if err := c.l.park(c.r.Context(), c.k, until); err != nil {
			return err
		}
	}
	if err := c.l.again(c.r.Context(), c.k, until); err != nil {
		return err
	}
	c.l.cfg.Metrics.retried("limited")
	return nil
}

// park waits outside the queue, so that the bucket's other requests continue.
func (l *Limiter) park(ctx context.Context, k *ticket, until time.Time) error {
	l.mu.Lock()
	l.land(k)
	l.pump()
	l.mu.Unlock()
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	if at, _ := ctx.Deadline(); at.Before(until) {
		return limitedError(time.Until(until), nil)
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.shut:
		return closedError()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
