package publish

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/schedule"
	"snug/shared/hub"
)

const (
	// retryAfter is how long to wait before publishing again what the hub did not accept.
	retryAfter = 250 * time.Millisecond
	// guildTimeout limits publishing one guild.
	guildTimeout = 30 * time.Second
)

// Options of a Republisher. All are required.
type Options struct {
	Hub    *hub.Hub
	Guilds func() []snowflake.ID // the guilds this process holds
	// Publish publishes a guild's rosters and, once the hub has them, the guild.
	Publish    func(ctx context.Context, guild snowflake.ID) error
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Republisher notices when the hub has lost its memory buckets (a NATS server keeps them only in
// memory and was restarted), and publishes everything again.
type Republisher struct {
	o     Options
	count *prometheus.CounterVec
}

// NewRepublisher makes a Republisher. It fails if its metric is already registered.
func NewRepublisher(o Options) (*Republisher, error) {
	r := &Republisher{o: o, count: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "snug", Name: "hub_refills_total",
		Help: "Times that rosters and servers were published again because the hub had lost its memory buckets, by " +
			"outcome.",
	}, []string{"outcome"})}
	return r, o.Registerer.Register(r.count)
}

// Follow follows the hub until ctx ends; wait then waits until it has stopped.
func (r *Republisher) Follow(ctx context.Context) (wait func(), err error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	known := map[string]string{} // bucket → epoch
	anew := make(chan struct{}, 1)
	changed := func(bucket string) func(string) {
		return func(epoch string) {
			mu.Lock()
			defer mu.Unlock()
			first := known[bucket] == ""
			known[bucket] = epoch
			if first {
				return // whatever is published from now on goes to the new bucket
			}
			select {
			case anew <- struct{}{}:
			default:
			}
		}
	}
	waitRosters, err := r.o.Hub.Rosters.Epochs(ctx, changed("rosters"))
	if err != nil {
		return all.Wait, err
	}
	all.Go(waitRosters)
	waitGuilds, err := r.o.Hub.Guilds.Epochs(ctx, changed("guilds"))
	if err != nil {
		return all.Wait, err
	}
	all.Go(waitGuilds)
	all.Go(func() {
		for {
			select {
			case <-anew:
				r.republish(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
	return all.Wait, nil
}

// republish publishes every guild, until the hub has accepted all.
func (r *Republisher) republish(ctx context.Context) {
	r.o.Log.Warn("the hub lost its memory buckets: publishing all rosters and servers again")
	began := time.Now()
	for todo := r.o.Guilds(); len(todo) > 0; {
		var left []snowflake.ID
		var last error
		for _, id := range todo {
			if err := r.publish(ctx, id); err != nil {
				left, last = append(left, id), err
			}
		}
		outcome := "ok"
		if last != nil {
			outcome = "failed"
		}
		r.count.WithLabelValues(outcome).Inc()
		if todo = left; len(todo) == 0 {
			break
		}
		r.o.Log.Warn("cannot publish all rosters and servers; retrying", "guilds", len(todo), "err", last)
		if schedule.Pause(ctx, nil, retryAfter); ctx.Err() != nil {
			return
		}
	}
	r.o.Log.Info("published all rosters and servers again", "took", time.Since(began).Round(time.Millisecond))
}

func (r *Republisher) publish(ctx context.Context, guild snowflake.ID) error {
	ctx, cancel := context.WithTimeout(ctx, guildTimeout)
	defer cancel()
	return r.o.Publish(ctx, guild)
}
