package bot

import (
	"context"
	"fmt"
	"os"
	"sync"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/gateway"
	"snug/bot/lease"
	"snug/shared/errs"
)

// shards are the gateway connections of this process: all of the bot's, or,
// where several processes share them, those whose lease it holds.
type shards struct {
	count      int    // of the whole bot
	url        string // the gateway's
	identifies *gateway.Identifies
	gauges     *gateway.Metrics

	opening sync.Mutex // held while a shard is opened
	mu      sync.Mutex // guards what follows
	savers  map[int]*saver

	leases *lease.Keeper // nil where this process holds all shards
	end    context.CancelFunc
	ended  chan struct{}
}

// connect opens the shards, or begins to hold them as their leases come.
func (b *Bot) connect(ctx context.Context) error {
	info, err := gateway.AskUntil(ctx, b.client.Rest, 0, b.o.Log)
	if err != nil {
		return err
	}
	s := &b.shards
	s.count, s.url, s.savers = max(info.Shards, 1), info.URL, map[int]*saver{}
	s.identifies = gateway.NewIdentifies(b.o.Log)
	s.identifies.Update(info.SessionStartLimit)
	if s.gauges, err = gateway.NewMetrics(b.o.Registerer); err != nil {
		return err
	}
	if b.o.Shared {
		b.share()
		return nil
	}
	for id := range s.count {
		if err := b.open(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// share begins to hold shards as their leases come. A shard lost to another
// process ends this one: what it knows of the shard is void.
func (b *Bot) share() {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	s := &b.shards
	leases := lease.New(lease.Options{
		Leases: b.o.Hub.Leases, Shards: s.count, Log: b.o.Log, Name: fmt.Sprintf("%s, process %d", host, os.Getpid()),
		Lost: func(_ int, err error) { b.fail(err) },
	})
	ctx, end := context.WithCancel(context.Background())
	s.mu.Lock()
	s.leases, s.end, s.ended = leases, end, make(chan struct{})
	s.mu.Unlock()
	go func() { // ends with release
		defer close(s.ended)
		leases.Run(ctx, func(ctx context.Context, id int) {
			if err := b.open(b.ctx, id); err != nil && b.ctx.Err() == nil {
				b.fail(err)
			}
			<-ctx.Done()
		})
	}()
}

// open opens one shard: it goes on where the checkpoint says, or begins anew.
func (b *Bot) open(ctx context.Context, id int) error {
	b.shards.opening.Lock()
	defer b.shards.opening.Unlock()
	if b.ctx.Err() != nil {
		return b.ctx.Err()
	}
	s := newSaver(b, id)
	shard, err := gateway.Attach(b.client, gateway.Config{
		ShardID: id, ShardCount: b.shards.count, Intents: b.intents(), Identify: b.shards.identifies,
		Handler: b.event, Logger: b.o.Log, Metrics: b.shards.gauges, URL: b.shards.url,
		Locate: gateway.Locate(b.client.Rest, b.shards.identifies), Checkpoint: s.restore(ctx, b.shards.count),
	})
	if err != nil {
		return err
	}
	s.shard = shard
	b.shards.mu.Lock()
	b.shards.savers[id] = s
	b.shards.mu.Unlock()
	if err := shard.Open(ctx); err != nil {
		return err
	}
	b.o.Log.Info("Discord Gateway initialized successfully", "shard", id, "shards", b.shards.count, "resumed", shard.State().Resumed)
	b.wg.Go(func() { b.watch(shard) })
	b.wg.Go(func() { s.run(b.ctx, b.o.SaveEvery) })
	return nil
}

// shardOf gives the shard that tells of a guild, of so many.
// https://discord.com/developers/docs/events/gateway#sharding
func shardOf(guild snowflake.ID, shards int) int { return int(uint64(guild) >> 22 % uint64(shards)) }

func (b *Bot) intents() dgateway.Intents {
	if b.o.Members {
		return Intents | dgateway.IntentGuildMembers
	}
	return Intents
}

// saver gives the saver of a shard that was opened.
func (b *Bot) saver(shard int) *saver {
	b.shards.mu.Lock()
	defer b.shards.mu.Unlock()
	return b.shards.savers[shard]
}

// holds says whether what this process knows of a guild may be told: not while
// another process may have taken its shard over.
func (b *Bot) holds(guild snowflake.ID) bool {
	b.shards.mu.Lock()
	leases := b.shards.leases
	b.shards.mu.Unlock()
	return leases == nil || leases.Held(shardOf(guild, b.shards.count))
}

// watch reports a shard that ended for a reason only a person can mend.
func (b *Bot) watch(s *gateway.Shard) {
	select {
	case <-b.ctx.Done():
	case <-s.Done():
		if err := s.Err(); err != nil && b.ctx.Err() == nil {
			b.fail(err)
		}
	}
}

// fail ends the bot for good; the first reason counts.
func (b *Bot) fail(err error) {
	select {
	case b.done <- err:
	default:
	}
}

// Ready says whether every shard of this process is connected; if not, what is
// missing. A process that stands by has none and is ready.
func (b *Bot) Ready() error {
	s := &b.shards
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.savers) == 0 && s.leases == nil {
		return errs.E(errs.Unavailable, "Starting: the connection to Discord was not opened yet.")
	}
	for id, v := range s.savers {
		if v.shard.Status() != dgateway.StatusReady {
			return errs.E(errs.Unavailable, "Shard %d is not connected to Discord: %s.", id, v.shard.State().Phase)
		}
	}
	return nil
}

// disconnect closes the shards so that their sessions can be resumed; nothing
// is opened after it. It gives the savers, which have one more save to do.
func (b *Bot) disconnect(ctx context.Context) []*saver {
	s := &b.shards
	s.opening.Lock() // b.ctx has ended: whoever waits to open does not
	defer s.opening.Unlock()
	s.mu.Lock()
	var all []*saver
	for _, v := range s.savers {
		all = append(all, v)
	}
	s.mu.Unlock()
	for _, v := range all {
		v.shard.Close(ctx)
	}
	return all
}

// release frees the leases, and waits until they are.
func (b *Bot) release() {
	if b.shards.leases != nil {
		b.shards.end()
		<-b.shards.ended
	}
}
