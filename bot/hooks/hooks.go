// Package hooks tells servers' webhooks what happens: it makes a delivery of
// each audit entry a webhook wants, and sends what is due, again and again
// with growing pauses, until it is taken or given up.
//
// The queue is in the hub, so nothing that was written to the audit log is
// lost by a crash; a message may come twice, with the same id. The process
// that keeps a guild sends its messages. The bot makes one Sender, has Run
// running, and closes nothing: Run ends with its context.
package hooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
	"snug/shared/webhook"
)

// Options of New. All but Networks are needed.
type Options struct {
	Hub        *hub.Hub
	Keys       *keyring.Keyring
	Holds      func() []snowflake.ID // the guilds this process keeps
	Networks   []netip.Prefix        // further networks that may be called; public addresses always may
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Agent      string // User-Agent
}

const (
	tick     = time.Second
	sendTime = 15 * time.Second
	atOnce   = 16  // webhooks that are sent to at the same time
	batch    = 100 // audit entries taken at once
)

// Sender makes and sends deliveries. Make one with New.
type Sender struct {
	o      Options
	client *http.Client
	slots  chan struct{}
	sent   *prometheus.CounterVec
	waits  prometheus.Gauge

	mu   sync.Mutex
	busy map[string]bool // hooks that are being sent to
	wg   sync.WaitGroup
}

// New makes a Sender that does nothing before Run.
func New(o Options) (*Sender, error) {
	s := &Sender{o: o, slots: make(chan struct{}, atOnce), busy: map[string]bool{}}
	s.sent = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "snug_webhook_tries_total", Help: "Messages sent to webhooks, by whether they were taken."}, []string{"result"})
	s.waits = prometheus.NewGauge(prometheus.GaugeOpts{Name: "snug_webhook_pending", Help: "Messages to webhooks that were not taken yet."})
	if o.Registerer != nil {
		if err := errors.Join(o.Registerer.Register(s.sent), o.Registerer.Register(s.waits)); err != nil {
			return nil, fmt.Errorf("hooks: metrics: %w", err)
		}
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: s.control}
	s.client = &http.Client{
		Timeout: sendTime,
		// No proxy from the environment: it would be asked instead of the address that was checked.
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

var errPrivate = errors.New("its address is not on the public internet, and webhooks are not sent there")

// control looks at the address that is really dialled, after every name was resolved.
func (s *Sender) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := at.Addr().Unmap().WithZone("")
	if webhook.Public(a) || slices.ContainsFunc(s.o.Networks, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return nil
	}
	return errPrivate
}

// Run makes and sends deliveries until ctx ends, and waits for what is being sent.
func (s *Sender) Run(ctx context.Context) error {
	hooks, err := s.o.Hub.Webhooks.Table(ctx, hub.Follower[webhook.Hook]{})
	if err != nil {
		return err
	}
	defer hooks.Wait()
	queue, err := s.o.Hub.Deliveries.Table(ctx, hub.Follower[webhook.Delivery]{})
	if err != nil {
		return err
	}
	defer queue.Wait()
	defer s.client.CloseIdleConnections()
	defer s.wg.Wait()
	t := time.NewTicker(tick)
	defer t.Stop()
	for last := uint64(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if hooks.Len() == 0 {
			continue
		}
		newest, err := s.o.Hub.Audit.Newest(ctx)
		if err != nil {
			continue // the hub tells of it itself
		}
		pending := 0
		for _, g := range s.o.Holds() {
			for _, e := range hooks.Group(g.String()) {
				if !s.o.Keys.Current(e.Value.Secret) {
					s.reseal(ctx, e.Value)
				}
				if newest != last || e.Value.Cursor < newest {
					s.take(ctx, e.Value, newest)
				}
			}
			pending += s.due(ctx, queue.Group(g.String()), hooks)
		}
		last = newest
		s.waits.Set(float64(pending))
	}
}

// reseal seals a hook's secret with the session secret that is in use now, so
// that the one before it can be taken out. What opens under none stays as it is: sending tells of it.
func (s *Sender) reseal(ctx context.Context, h webhook.Hook) {
	secret, err := s.o.Keys.Open(h.Secret, "webhook "+h.Key())
	if err != nil {
		return
	}
	_, _, err = s.o.Hub.Webhooks.Edit(ctx, h.Key(), func(now *webhook.Hook) error {
		if bytes.Equal(now.Secret, h.Secret) { // else it was made anew meanwhile
			now.Secret = s.o.Keys.Seal(secret, "webhook "+h.Key())
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.o.Log.WarnContext(ctx, "a webhook's secret was not sealed anew, and will be tried again", "guild_id", h.GuildID, "err", err)
	}
}

// take makes deliveries of the audit entries after a hook's place.
func (s *Sender) take(ctx context.Context, h webhook.Hook, newest uint64) {
	if !h.Enabled || h.Cursor >= newest {
		return
	}
	for {
		list, err := s.o.Hub.Audit.After(ctx, h.GuildID, h.Cursor, batch)
		if err != nil {
			return // tried again with the next tick
		}
		upTo := newest
		if len(list) == batch {
			upTo = list[len(list)-1].Seq
		}
		for _, a := range list {
			if !h.Wants(kindOf(a)) {
				continue
			}
			d, err := webhook.NewDelivery(h, a.ID, a.Kind, a.At, a.Data, s.o.Now())
			if err != nil {
				s.o.Log.Error("an audit entry cannot be told to webhooks", "guild_id", h.GuildID, "err", err)
				continue
			}
			// A delivery that is there was made before a crash.
			if _, err := s.o.Hub.Deliveries.Create(ctx, d.Key(), d); err != nil && !errs.Has(err, errs.Conflict) {
				return
			}
		}
		if _, _, err := s.o.Hub.Webhooks.Edit(ctx, h.Key(), func(h *webhook.Hook) error {
			h.Cursor = max(h.Cursor, upTo)
			return nil
		}); err != nil || len(list) < batch {
			return
		}
		h.Cursor = upTo
	}
}

// due sends what is due, for each hook one after the other, and counts what is pending.
func (s *Sender) due(ctx context.Context, all []hub.Entry[webhook.Delivery], hooks *hub.Table[webhook.Hook]) (pending int) {
	byHook := map[string][]webhook.Delivery{}
	for _, e := range all {
		d := e.Value
		if d.State != webhook.Pending {
			continue
		}
		pending++
		if !d.NextAt.After(s.o.Now()) {
			key := d.GuildID.String() + "." + d.HookID
			byHook[key] = append(byHook[key], d)
		}
	}
	for key, list := range byHook {
		h, ok := hooks.Get(key)
		if !ok || !h.Enabled {
			continue
		}
		if s.claim(key) {
			slices.SortFunc(list, func(a, b webhook.Delivery) int { return a.At.Compare(b.At) })
			s.wg.Go(func() {
				defer s.release(key)
				s.sendAll(ctx, h, list)
			})
		}
	}
	return pending
}

func (s *Sender) claim(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[key] {
		return false
	}
	s.busy[key] = true
	return true
}

func (s *Sender) release(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, key)
}

func (s *Sender) sendAll(ctx context.Context, h webhook.Hook, list []webhook.Delivery) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return
	}
	secret, err := s.o.Keys.Open(h.Secret, "webhook "+h.Key())
	if err != nil {
		s.stop(ctx, h, "Its secret cannot be opened any more: SESSION_SECRET has changed. Make a new secret for it.")
		return
	}
	for _, d := range list {
		try := s.try(ctx, h, secret, d)
		if ctx.Err() != nil {
			return // cut off: tried again after the restart
		}
		result := "taken"
		if try.Wrong != "" {
			result = "refused"
		}
		s.sent.WithLabelValues(result).Inc()
		if _, _, err := s.o.Hub.Deliveries.Edit(ctx, d.Key(), func(d *webhook.Delivery) error {
			if d.State == webhook.Pending {
				d.Tried(try)
			}
			return nil
		}); err != nil {
			s.o.Log.Warn("what became of a webhook's message was not kept; it is sent again", "guild_id", h.GuildID, "err", err)
		}
		if try.Status == http.StatusGone {
			s.stop(ctx, h, "It answered 410 Gone.")
			return
		}
		if try.Wrong != "" {
			return // the others wait their turn, so that a hook that is down is not hammered
		}
	}
	s.prune(ctx, h)
}

// try sends a delivery once.
func (s *Sender) try(ctx context.Context, h webhook.Hook, secret []byte, d webhook.Delivery) (t webhook.Try) {
	begun := time.Now()
	t.At = s.o.Now()
	defer func() { t.Took = time.Since(begun) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, strings.NewReader(string(d.Body)))
	if err != nil {
		t.Wrong = "its address cannot be used"
		return t
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", s.o.Agent)
	r.Header.Set(webhook.HeaderID, d.ID)
	r.Header.Set(webhook.HeaderTime, strconv.FormatInt(t.At.Unix(), 10))
	r.Header.Set(webhook.HeaderSignature, webhook.Sign(secret, d.ID, t.At, d.Body))
	res, err := s.client.Do(r)
	if err != nil {
		t.Wrong = plain(err)
		return t
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // what it says does not matter
	_ = res.Body.Close()
	t.Status = res.StatusCode
	switch {
	case t.Status >= 300 && t.Status < 400:
		t.Wrong = fmt.Sprintf("it answered %d: redirects are not followed", t.Status)
	case t.Status < 200 || t.Status > 299:
		t.Wrong = fmt.Sprintf("it answered %d", t.Status)
	}
	return t
}

// plain says why there was no answer, without addresses: what a name leads to inside is nobody's business.
func plain(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, errPrivate):
		return errPrivate.Error()
	case errors.As(err, &dns):
		return "its name is not known"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there"
	case strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "tls:"):
		return "its certificate is not valid"
	}
	return "the connection broke"
}

// stop switches a hook off and says why.
func (s *Sender) stop(ctx context.Context, h webhook.Hook, why string) {
	_, _, err := s.o.Hub.Webhooks.Edit(ctx, h.Key(), func(h *webhook.Hook) error {
		h.Enabled, h.Stopped = false, why
		return nil
	})
	s.o.Log.Warn("a webhook was switched off", "guild_id", h.GuildID, "why", why, "err", err)
}

// prune forgets all but the last deliveries of a hook that need nothing more.
func (s *Sender) prune(ctx context.Context, h webhook.Hook) {
	list, err := s.o.Hub.Deliveries.List(ctx, h.Key())
	if err != nil {
		return // with the next delivery
	}
	list = slices.DeleteFunc(list, func(e hub.Entry[webhook.Delivery]) bool { return e.Value.State == webhook.Pending })
	slices.SortFunc(list, func(a, b hub.Entry[webhook.Delivery]) int { return b.Value.At.Compare(a.Value.At) })
	for _, e := range list[min(len(list), webhook.MaxDeliveries):] {
		if err := s.o.Hub.Deliveries.DeleteAt(ctx, e.Key, e.Rev); err != nil {
			return
		}
	}
}

func kindOf(a hub.AuditEntry) room.EntryKind { return room.EntryKind(a.Kind) }
