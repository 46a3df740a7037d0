// Package webhooks tells servers' webhooks what happens: it makes a delivery of
// each audit entry a webhook wants, and sends what is due, again and again
// with growing pauses, until it is taken or given up.
//
// The way of an entry: the audit log → taker (take.go) makes deliveries in
// the hub → queue (queue.go) holds those that are pending → turns (turns.go)
// chooses whose turn it is → Sender sends one (send.go).
//
// The queue is in the hub, so nothing that was written to the audit log is
// lost by a crash; a message may come twice, with the same id. The process
// that keeps a guild sends its messages. The bot makes one Sender, has Run
// running, and closes nothing: Run ends with its context.
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

	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/webhook"
)

// Options of New. All but Networks and Resolver are needed.
type Options struct {
	Hub        *hub.Hub
	Keys       *keyring.Keyring
	Guilds     func() []snowflake.ID // the guilds this process keeps
	Networks   []netip.Prefix        // further networks that may be called; public addresses always may
	Resolver   *net.Resolver         // of the names that are called; default: the system's
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Agent      string // User-Agent
}

// tick is how often the audit log is looked at, and what was not due before.
const tick = time.Second

// Sender makes and sends deliveries. Make one with New.
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

// New makes a Sender that does nothing before Run.
func New(o Options) (*Sender, error) {
	s := &Sender{o: o, queue: newQueue(), scheduler: newScheduler(), nudge: make(chan struct{}, 1)}
	s.sent = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "snug_webhook_tries_total", Help: "Messages sent to webhooks, by whether they were taken.",
	}, []string{"result"})
	s.waits = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "snug_webhook_pending", Help: "Messages to webhooks that were not taken yet.",
	})
	if o.Registerer != nil {
		if err := errors.Join(o.Registerer.Register(s.sent), o.Registerer.Register(s.waits)); err != nil {
			return nil, fmt.Errorf("hooks: metrics: %w", err)
		}
	}
	s.client = newClient(o.Networks, o.Resolver)
	return s, nil
}

// Run makes and sends deliveries until ctx ends, and waits for what is being sent.
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

// dispatch sends to every hook whose turn it is, one message each.
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

// held gives the guilds that this process keeps.
func (s *Sender) held() map[snowflake.ID]bool {
	held := map[snowflake.ID]bool{}
	for _, g := range s.o.Guilds() {
		held[g] = true
	}
	return held
}
