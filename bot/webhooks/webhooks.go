// Package webhooks sends servers' audit entries to their webhooks. It creates a delivery for each audit
// entry a webhook subscribes to, and sends it, with growing pauses between attempts, until the receiver
// accepts it or the delivery is given up.
//
// An entry passes through: the audit log → producer (produce.go), which creates deliveries in the hub →
// queue (queue.go), which holds the pending ones → scheduler (scheduler.go), which chooses the next
// webhook → Sender, which sends one message (send.go).
//
// Deliveries are stored in the hub, so a crash loses nothing that was written to the audit log; a message
// may arrive twice, with the same id. The process that holds a guild's lease sends its messages. The bot
// creates one Sender and calls Run, which ends with its context; there is nothing to close.
package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/outward"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/webhook"
)

// Options of New. All but Networks, Resolver and Registerer are required.
type Options struct {
	Hub        *hub.Hub
	Keys       *keyring.Keyring
	Guilds     func() []snowflake.ID // the guilds whose leases this process holds
	Networks   []netip.Prefix        // networks allowed besides public addresses
	Resolver   *net.Resolver         // resolves the receivers' host names; default: the system's
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Agent      string // User-Agent
}

// tick is how often the audit log is read, and the queue checked for deliveries that became due.
const tick = time.Second

// Sender creates and sends deliveries. Create one with New.
type Sender struct {
	o      Options
	client *http.Client
	sent   *prometheus.CounterVec
	waits  prometheus.Gauge

	hooks     *hub.Table[webhook.Hook]
	queue     *queue
	scheduler *scheduler
	nudge     chan struct{} // something may be due
	wg        sync.WaitGroup
}

// New returns a Sender that does nothing before Run. It fails if the metrics are registered already.
func New(o Options) (*Sender, error) {
	s := &Sender{o: o, queue: newQueue(), scheduler: newScheduler(), nudge: make(chan struct{}, 1)}
	s.sent = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "snug_webhook_tries_total", Help: "Attempts to deliver to webhooks, by result.",
	}, []string{"result"})
	s.waits = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "snug_webhook_pending", Help: "Webhook deliveries that are still pending.",
	})
	if o.Registerer != nil {
		if err := errors.Join(o.Registerer.Register(s.sent), o.Registerer.Register(s.waits)); err != nil {
			return nil, fmt.Errorf("webhooks: metrics: %w", err)
		}
	}
	s.client = outward.New(outward.Options{Networks: o.Networks, Resolver: o.Resolver})
	return s, nil
}

// Run creates and sends deliveries until ctx ends, then waits for messages being sent. It fails if the hub
// cannot be followed.
func (s *Sender) Run(ctx context.Context) (err error) {
	wake := func() {
		select {
		case s.nudge <- struct{}{}:
		default:
		}
	}
	s.hooks, err = s.o.Hub.Webhooks.Table(ctx,
		hub.Follower[webhook.Hook]{Change: func(hub.Change[webhook.Hook]) { wake() }})
	if err != nil {
		return err
	}
	defer s.hooks.Wait()
	wait, err := s.o.Hub.Deliveries.Follow(ctx, hub.Follower[webhook.Delivery]{
		Reset: func(string) { s.queue.reset() },
		Change: func(c hub.Change[webhook.Delivery]) {
			s.queue.set(c.Key, c.Value, c.Rev)
			wake()
		},
	})
	if err != nil {
		return err
	}
	defer wait()
	defer s.client.CloseIdleConnections()
	defer s.wg.Wait()
	s.wg.Go(func() { s.produce(ctx) })
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-s.nudge:
		}
		s.dispatch(ctx, wake)
	}
}

// dispatch starts sending one message to each hook that the scheduler chooses.
func (s *Sender) dispatch(ctx context.Context, wake func()) {
	held := s.held()
	pending := 0
	var due []hookKey
	s.queue.each(s.o.Now(), func(k hookKey, waiting int, isDue bool) {
		h, ok := s.hooks.Get(k.String())
		if !ok || !held[k.guild] {
			return
		}
		pending += waiting
		if h.Enabled && isDue {
			due = append(due, k)
		}
	})
	s.waits.Set(float64(pending))
	for {
		k, ok := s.scheduler.begin(time.Now(), due)
		if !ok {
			return
		}
		s.wg.Go(func() {
			failed := s.send(ctx, k)
			s.scheduler.end(time.Now(), k, failed)
			wake()
		})
	}
}

// held returns the guilds whose leases this process holds.
func (s *Sender) held() map[snowflake.ID]bool {
	held := map[snowflake.ID]bool{}
	for _, g := range s.o.Guilds() {
		held[g] = true
	}
	return held
}
