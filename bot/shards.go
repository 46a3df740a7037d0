package bot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/gateway"
	"snug/bot/shards/lease"
	"snug/shared/errs"
	"snug/shared/hub"
)

// shards are the gateway connections of this process: all of the bot's, or,
// where several processes share them, those whose lease it holds.
type shards struct {
	url        string // the gateway's; this and what follows is set before any shard is opened
	identifies *gateway.Identifies
	gauges     *gateway.Metrics

	opening chan struct{} // holds one token while no shard is opened or given up
	mu      sync.Mutex    // guards what follows
	count   int           // of the whole bot; 0: not known yet
	savers  map[int]*saver
	leases  *lease.Holder // nil where this process holds all shards
	end     context.CancelFunc
	ended   chan struct{}
}

// connect opens the shards, or begins to hold them as their leases come.
func (b *Bot) connect(ctx context.Context) error {
	info, err := gateway.AskUntil(ctx, b.client.Rest, 0, b.o.Log)
	if err != nil {
		return err
	}
	s := &b.shards
	s.url, s.identifies = info.URL, gateway.NewIdentifies(b.o.Log)
	s.identifies.Update(info.SessionStartLimit)
	if s.gauges, err = gateway.NewMetrics(b.o.Registerer); err != nil {
		return err
	}
	count := max(info.Shards, 1)
	s.mu.Lock()
	s.count = count
	s.mu.Unlock()
	if b.o.Shared {
		b.share(count)
		return nil
	}
	for id := range count {
		if err := b.open(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// share begins to hold shards as their leases come, and gives them up as they go.
func (b *Bot) share(count int) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	s := &b.shards
	leases := lease.New(lease.Options{
		Leases: b.o.Hub.Leases, Shards: count, Term: b.o.LeaseTerm, Log: b.o.Log,
		Name: fmt.Sprintf("%s, process %d", host, os.Getpid()),
	})
	ctx, end := context.WithCancel(context.Background())
	s.mu.Lock()
	s.leases, s.end, s.ended = leases, end, make(chan struct{})
	s.mu.Unlock()
	b.o.Hub.SetFence(hub.Fence{Guild: b.mine, Shard: b.mineShard})
	go func() { // ends with release
		defer close(s.ended)
		if err := leases.Run(ctx, b.hold); err != nil && b.ctx.Err() == nil {
			b.fail(err)
		}
	}()
}

// hold has a shard from when its lease came until the lease is to be given up.
func (b *Bot) hold(ctx context.Context, id int) {
	opening, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.ctx, cancel) // a bot that closes does not wait for Discord
	if err := b.open(opening, id); err != nil && opening.Err() == nil {
		b.fail(err)
	}
	stop()
	cancel()
	<-ctx.Done()
	b.yield(id, errors.Is(context.Cause(ctx), lease.ErrLost))
}

// exclusively runs f while no other shard is opened or given up; not at all when ctx ends first.
func (b *Bot) exclusively(ctx context.Context, f func() error) error {
	select {
	case <-b.shards.opening:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { b.shards.opening <- struct{}{} }()
	return f()
}

// open opens one shard: it goes on where the checkpoint says, or begins anew.
func (b *Bot) open(ctx context.Context, id int) error {
	return b.exclusively(ctx, func() error {
		if b.ctx.Err() != nil {
			return b.ctx.Err()
		}
		s, count := newSaver(b, id), b.shardCount()
		shard, err := gateway.Attach(b.client, gateway.Config{
			ShardID: id, ShardCount: count, Intents: b.intents(), Identify: b.shards.identifies, Lease: b.leaseOf(id),
			Handler: b.event, Unknown: b.unknownEvent, Logger: b.o.Log, Metrics: b.shards.gauges, URL: b.shards.url,
			Locate: gateway.Locate(b.client.Rest, b.shards.identifies), Checkpoint: s.restore(ctx, count),
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
		b.o.Log.Info("Discord Gateway initialized successfully", "shard", id, "shards", count,
			"resumed", shard.State().Resumed)
		b.wg.Go(func() { b.watch(shard) })
		s.start(b.ctx, b.o.SaveEvery)
		return nil
	})
}

// yieldTime bounds how long a shard is being given up.
const yieldTime = 5 * time.Second

// yield gives a shard up while the process goes on: its session is left to be
// resumed, its checkpoint saved unless the lease is lost, and everything known
// of its guilds forgotten, because it is another process's from now on. A bot
// that closes does this by itself, for all shards.
func (b *Bot) yield(id int, lost bool) {
	_ = b.exclusively(b.ctx, func() error {
		s := b.saver(id)
		if s == nil || b.ctx.Err() != nil {
			return nil
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(b.ctx, yieldTime)
		defer cancel()
		b.calls.Drop(b.guildsOf(s)...)
		s.shard.Close(ctx)
		s.halt()
		if !lost {
			s.save(ctx)
		}
		caches := b.client.Caches
		for _, g := range b.guildsOf(s) {
			b.keeper.Forget(ctx, g)
			b.calls.Drop(g) // a load that was going on may have begun to answer
			b.presence.GuildGone(g)
			b.standings.Forget(g)
			caches.RemoveGuild(g)
			caches.RemoveChannelsByGuildID(g)
			caches.RemoveRolesByGuildID(g)
		}
		b.shards.mu.Lock()
		delete(b.shards.savers, id)
		b.shards.mu.Unlock()
		b.o.Log.Info("a shard was given up", "shard", id, "lost", lost,
			"took", time.Since(began).Round(time.Millisecond))
		return nil
	})
}

// guildsOf lists the guilds of a shard that this process knows anything of.
func (b *Bot) guildsOf(s *saver) []snowflake.ID {
	s.mu.Lock()
	all := keysOf(s.guilds)
	s.mu.Unlock()
	count := b.shardCount()
	for _, g := range b.keeper.Holds() {
		if shardOf(g, count) == s.id && !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all
}

// shardCount gives how many shards the bot has; 1 while it is not known.
func (b *Bot) shardCount() int {
	b.shards.mu.Lock()
	defer b.shards.mu.Unlock()
	return max(b.shards.count, 1)
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
	<-s.opening // b.ctx has ended: whoever waits to open does not
	defer func() { s.opening <- struct{}{} }()
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
	s := &b.shards
	s.mu.Lock()
	end, ended := s.end, s.ended
	s.mu.Unlock()
	if end != nil {
		end()
		<-ended
	}
}
