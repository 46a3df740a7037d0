// Package push sends notifications to browsers (Web Push): it makes messages of what happens, and sends each to a
// person's browsers that asked for it.
//
// What happens comes from the audit log and, for whoever sits down, from the rooms' visits; both are stored, and are
// read again from push.Fresh ago after a start and when a guild's lease is taken over. A message is stored before it is
// sent, under an id made of the event, so nothing is lost in a crash and the same event makes no second one; a browser
// may get the same one twice, and then shows it once. Before each try, settings, quiet hours and access are looked at
// again. The process that holds a guild's lease sends its messages.
//
// The bot makes one Sender and calls Run, which ends with its context; there is nothing to close.
package push

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/outward"
	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/push"
	"snug/shared/room"
	"snug/shared/text"
)

// Rooms are what a Sender asks about rooms: *rooms.Rooms.
type Rooms interface {
	Snapshot(guild snowflake.ID) rooms.Snapshot
	Roster(guild, channel snowflake.ID) []room.Person
	Standing(ctx context.Context, guild snowflake.ID, q room.StandingRequest) (access.Standing, error)
}

// Options of New. All but Networks, Resolver, Roots and Registerer are required.
type Options struct {
	Hub    *hub.Hub
	Keys   *keyring.Keyring
	Rooms  Rooms
	Guilds func() []snowflake.ID   // the guilds whose leases this process holds
	Holds  func(snowflake.ID) bool // whether it holds that of a guild; of 0, that of the first shard
	Texts  *text.Catalog
	// Contact is how push services reach who runs Snug (RFC 8292): a mail address or an https address.
	Contact    string
	Networks   []netip.Prefix // networks allowed besides public addresses
	Resolver   *net.Resolver  // default: the system's
	Roots      *x509.CertPool // trusted certificates; default: the system's
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

const (
	tick    = time.Second // how often the audit log is read and due messages are looked for
	slots   = 32          // messages sent at the same time
	perUser = 2           // of these, one person's
)

// Sender makes and sends messages. Create one with New.
type Sender struct {
	o      Options
	client *http.Client
	sent   *prometheus.CounterVec
	waits  prometheus.Gauge

	people *people
	queue  *queue
	came   atomic.Bool   // the audit log may have something new
	wake   chan struct{} // something may be due
	wg     sync.WaitGroup
}

// New returns a Sender that does nothing before Run. It fails if the metrics are registered already.
func New(o Options) (*Sender, error) {
	s := &Sender{o: o, people: newPeople(), queue: newQueue(), wake: make(chan struct{}, 1)}
	s.sent = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "snug_push_tries_total",
		Help: "Notifications to browsers by outcome: sent, moot (no longer worth it or no longer allowed), gone " +
			"(the browser no longer wants any), refused, failed (no answer, or it is tried again).",
	}, []string{"outcome"})
	s.waits = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "snug_push_pending", Help: "Notifications to browsers that are still to be sent.",
	})
	if o.Registerer != nil {
		if err := errors.Join(o.Registerer.Register(s.sent), o.Registerer.Register(s.waits)); err != nil {
			return nil, fmt.Errorf("push: metrics: %w", err)
		}
	}
	s.client = outward.New(outward.Options{Networks: o.Networks, Resolver: o.Resolver, Roots: o.Roots})
	return s, nil
}

func (s *Sender) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run makes and sends messages until ctx ends, then waits for those being sent. It fails if the hub cannot be followed.
func (s *Sender) Run(ctx context.Context) error {
	waitPeople, err := s.o.Hub.Notify.Follow(ctx, hub.Follower[push.Person]{
		Reset:  func(string) { s.people.reset() },
		Change: func(c hub.Change[push.Person]) { s.people.set(c.Key, c.Value) },
		Caught: s.people.caught,
	})
	if err != nil {
		return err
	}
	defer waitPeople()
	waitPushes, err := s.o.Hub.Pushes.Follow(ctx, hub.Follower[push.Message]{
		Reset: func(string) { s.queue.reset() },
		Change: func(c hub.Change[push.Message]) {
			s.queue.set(c.Key, c.Value, c.Rev)
			s.nudge()
		},
	})
	if err != nil {
		return err
	}
	defer waitPushes()
	stop, err := s.o.Hub.Audit.Listen(ctx, func(hub.AuditEntry) { s.came.Store(true) }) // read at the next tick
	if err != nil {
		return err
	}
	defer stop()
	defer s.client.CloseIdleConnections()
	defer s.wg.Wait()
	p := newProducer(s)
	defer p.wait()
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			p.step(ctx)
			s.reseal(ctx)
		case <-s.wake:
		}
		s.dispatch(ctx)
	}
}

// dispatch starts sending what is due, as far as there are slots.
func (s *Sender) dispatch(ctx context.Context) {
	due, pending := s.queue.take(s.o.Now(), func(m push.Message) bool { return s.o.Holds(m.GuildID) })
	s.waits.Set(float64(pending))
	for _, one := range due {
		s.wg.Go(func() {
			defer s.nudge()
			defer s.queue.done(one.key)
			s.send(ctx, one)
		})
	}
}
