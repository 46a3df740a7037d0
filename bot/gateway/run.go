package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/agent"
	"snug/shared/errs"
)

// run is the shard's goroutine: it makes attempt after attempt until the shard is closed or can't go on.
func (s *Shard) run() {
	r := &runner{Shard: s, policy: policy{cfg: &s.cfg}, url: s.cfg.URL, plain: s.cfg.Plain}
	for s.ctx.Err() == nil {
		e := r.attempt()
		s.gauges.ended(label(e.err))
		if s.ctx.Err() != nil {
			break
		}
		if e.ready {
			r.lost = time.Now()
		}
		v := r.policy.after(e)
		if v.fatal != nil {
			s.stop(v.fatal)
			return
		}
		r.apply(v, e)
		if errors.Is(e.err, errNoLease) {
			continue // the next attempt waits for the lease
		}
		s.enter(State{Phase: Waiting, Delay: v.delay, Failures: r.policy.failures, Reason: e.err})
		r.pause(v.delay)
	}
	s.stop(nil)
}

// runner is the state of the run goroutine.
type runner struct {
	*Shard
	policy policy
	url    string    // where to IDENTIFY; empty if unknown
	stale  bool      // url couldn't be reached: ask again
	plain  bool      // without compression
	lost   time.Time // when the last ready connection ended
}

// apply carries out the verdict, except for the delay.
func (r *runner) apply(v verdict, e ending) {
	if v.forget {
		r.mu.Lock()
		r.session, r.applied = Checkpoint{}, Checkpoint{}
		r.mu.Unlock()
	}
	if v.locate && r.cfg.Locate != nil {
		r.stale = true
	}
	if v.plain && !r.plain {
		r.plain = true
		r.log.Warn("cannot decode the compressed stream: continuing without compression", slog.Any("err", e.err))
	}
	if v.again && r.plain {
		r.plain = false
		r.log.Info("trying compression again")
	}
	if v.alert {
		r.gauges.alert()
		r.log.Error("the gateway connection keeps failing; retrying. "+
			"Check the network and https://discordstatus.com",
			slog.Int("failures", r.policy.failures), slog.Any("err", e.err))
	}
}

func (r *runner) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.ctx.Done():
	}
}

// attempt dials once and serves the connection until it ends.
func (r *runner) attempt() (e ending) {
	if e.err = r.leased(); e.err != nil {
		return e
	}
	began := time.Now()
	defer func() { e.lasted = time.Since(began) }()
	cp := r.Checkpoint()
	e.resuming = cp.Resumable()
	e.plain = r.plain && !r.cfg.Plain
	r.enter(State{Phase: Connecting, Failures: r.policy.failures})

	address := cp.ResumeURL
	e.byResume = e.resuming && address != "" && r.policy.useResumeURL()
	if !e.byResume {
		if address, e.err = r.locate(); e.err != nil {
			return e
		}
	}
	release := func(bool) {}
	if !e.resuming {
		if release, e.err = r.acquire(); e.err != nil {
			return e
		}
	}
	release = onlyOnce(release)
	defer release(false)

	ws, err := r.dial(address)
	if err != nil {
		e.err = err
		return e
	}
	l := newLink(r.Shard, ws, cp, release, r.lost, r.policy.failures)
	e.err = l.serve(r.ctx)
	e.hello = l.interval > 0
	e.moved = l.seq > cp.Seq
	if e.ready = l.ready; e.ready {
		e.readyFor = time.Since(l.readyAt)
	}
	return e
}

// leasePoll is how often a shard without its lease checks for it.
const leasePoll = 50 * time.Millisecond

// leased waits until this process holds the shard's lease.
func (r *runner) leased() error {
	if r.cfg.Lease() > 0 {
		return nil
	}
	r.enter(State{Phase: Waiting, Reason: errNoLease})
	for r.cfg.Lease() <= 0 {
		if r.pause(leasePoll); r.ctx.Err() != nil {
			return errClosing
		}
	}
	return nil
}

func onlyOnce(f func(bool)) func(bool) {
	var o sync.Once
	return func(sent bool) { o.Do(func() { f(sent) }) }
}

// acquire waits for the shard's turn to identify.
func (r *runner) acquire() (func(bool), error) {
	waited := false
	release, err := r.cfg.Identify.Acquire(r.ctx, r.cfg.ShardID, func(d time.Duration) {
		waited = true
		r.enter(State{Phase: Waiting, Delay: d, Failures: r.policy.failures, Reason: errIdentifyTurn})
	})
	if err == nil && waited {
		r.enter(State{Phase: Connecting, Failures: r.policy.failures})
	}
	return release, err
}

// locate returns the address to identify at. If it can't be fetched, the last one is used again:
// the gateway may be up while REST is down.
func (r *runner) locate() (string, error) {
	if r.url != "" && !r.stale {
		return r.url, nil
	}
	u, err := r.cfg.Locate(r.ctx)
	if err == nil {
		if _, bad := socketURL(u, false); bad != nil {
			err = errs.E(errs.DiscordUnavailable, "Discord named a gateway address that is not one.").Because(bad)
		}
	}
	switch {
	case err == nil:
		r.url, r.stale = u, false
	case r.url == "" || errs.Has(err, errs.Unauthorized):
		return "", err
	default:
		r.log.Warn("cannot get the gateway's address from Discord; trying the previous one", slog.Any("err", err))
	}
	return r.url, nil
}

// dial opens the WebSocket. gorilla respects its context only while dialing, so the handshake is
// limited through the connection's deadline.
func (r *runner) dial(address string) (*websocket.Conn, error) {
	u, err := socketURL(address, !r.plain)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.ctx, r.cfg.DialTimeout)
	defer cancel()
	d := *r.cfg.Dialer
	d.HandshakeTimeout = r.cfg.DialTimeout
	var stops []func() bool
	cut := func(c net.Conn, err error) (net.Conn, error) {
		if err == nil {
			stops = append(stops, context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }))
		}
		return c, err
	}
	d.NetDialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return cut(baseDial(r.cfg.Dialer)(ctx, network, addr))
	}
	if tls := r.cfg.Dialer.NetDialTLSContext; tls != nil {
		d.NetDialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return cut(tls(ctx, network, addr))
		}
	}
	//nolint:bodyclose // gorilla hands out what it has read
	ws, resp, err := d.DialContext(ctx, u, http.Header{"User-Agent": {agent.Discord}})
	for _, stop := range stops {
		stop()
	}
	if errors.Is(err, websocket.ErrBadHandshake) && resp != nil {
		return nil, refused(resp)
	}
	if err == nil && r.ctx.Err() != nil {
		_ = ws.Close()
		return nil, errClosing
	}
	return ws, err
}

func baseDial(d *websocket.Dialer) func(context.Context, string, string) (net.Conn, error) {
	switch {
	case d.NetDialContext != nil:
		return d.NetDialContext
	case d.NetDial != nil:
		return func(_ context.Context, network, addr string) (net.Conn, error) { return d.NetDial(network, addr) }
	}
	return (&net.Dialer{}).DialContext
}

// refused reads an HTTP response other than an upgrade.
func refused(resp *http.Response) error {
	e := &refusal{status: resp.StatusCode}
	if seconds, err := strconv.ParseFloat(resp.Header.Get("Retry-After"), 64); err == nil && seconds > 0 &&
		seconds < 86400 {
		e.after = time.Duration(seconds * float64(time.Second))
	}
	return e
}
