// Package shards connects this process to Discord's gateway: to all of the
// bot's shards, or, where several processes share them, to those whose lease it
// holds (package lease). Each shard goes on from its checkpoint (package
// checkpoint) where that is possible: what was missed is repeated, and then the
// bot gets the guilds that were restored.
//
// What the package needs of the bot it gets as functions; it knows neither
// rooms nor Discord's REST interface. The way is: New, Connect, and at the end
// Disconnect, Save and Close. Other methods may be called from anywhere.
package shards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/gateway"
	"snug/bot/shards/checkpoint"
	"snug/bot/shards/lease"
	"snug/bot/voice"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/keyring"
)

// Options of Shards. All are needed but Shared, LeaseTerm and SaveEvery.
type Options struct {
	Client     *bot.Client // disgo's; checkpoints are made of its caches, and put into them
	Hub        *hub.Hub
	Keys       *keyring.Keyring // checkpoints are sealed with
	Intents    dgateway.Intents
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer

	// Shared says that other processes run this bot on the same hub: each
	// shard is connected by the one that holds its lease.
	Shared bool
	// LeaseTerm is how long a process may not be heard of before another takes its shards over; default 15 s.
	LeaseTerm time.Duration
	// SaveEvery is how often checkpoints are saved while events come; default 2 s.
	SaveEvery time.Duration

	// Event gets every event of a shard that disgo knows, in order, one at a
	// time for a shard; interactions once each. It must not wait.
	Event func(*Shard, Event)
	// Unknown gets, in the same order, what disgo does not know; data is valid until it returns.
	Unknown func(kind dgateway.EventType, data json.RawMessage)
	// Restored gets a guild of the checkpoint with its channels, once
	// everything that was missed has been repeated. It must not wait.
	Restored func(discord.Guild, []discord.GuildChannel)
	// Beside runs beside each shard, from when it is connected until its context ends.
	Beside []func(context.Context, *Shard)

	// Export returns who is in a guild's voice channels when what was told of it
	// so far is applied; Restore puts that back.
	Export  func(guild snowflake.ID, then func([]voice.Occupant))
	Restore func(guild snowflake.ID, list []voice.Occupant)
	// Known lists the guilds that the bot knows anything of.
	Known func() []snowflake.ID
	// Unanswer ends to answer calls for guilds, at once; Forget then forgets
	// everything about one. Their shard is another process's from now on.
	Unanswer func(guilds ...snowflake.ID)
	Forget   func(ctx context.Context, guild snowflake.ID)
	// Fail gets an error that ends the bot for good.
	Fail func(error)
}

// Shards are the gateway connections of this process. Make them with New.
type Shards struct {
	o           Options
	ctx         context.Context // ends when the bot closes
	checkpoints *checkpoint.Store
	metrics     *metrics
	seen        *seenInteractions
	wg          sync.WaitGroup

	url        string // the gateway's; this and what follows is set before any shard is opened
	identifies *gateway.Identifies
	gauges     *gateway.Metrics

	opening chan struct{} // holds one token while no shard is opened or given up
	mu      sync.Mutex    // guards what follows
	count   int           // of the whole bot; 0: not known yet
	open    map[int]*Shard
	leased  *lease.Holder // nil where this process holds all shards
	end     context.CancelFunc
	ended   chan struct{}
}

// New makes Shards that are not connected. From when ctx ends none is opened,
// nor given up to another process. It fails if metrics are registered already.
func New(ctx context.Context, o Options) (*Shards, error) {
	if o.SaveEvery <= 0 {
		o.SaveEvery = saveEvery
	}
	s := &Shards{o: o, ctx: ctx, seen: newSeenInteractions(), opening: make(chan struct{}, 1), open: map[int]*Shard{}}
	s.opening <- struct{}{}
	var err error
	if s.checkpoints, err = checkpoint.New(o.Hub, o.Keys); err != nil {
		return nil, err
	}
	s.metrics, err = newMetrics(o.Registerer)
	return s, err
}

// Connect asks Discord how many shards there are, opens them and returns when
// all are ready, or with why that cannot be. Where shards are shared it returns
// at once, and they come as their leases do.
func (s *Shards) Connect(ctx context.Context) error {
	info, err := gateway.AskUntil(ctx, s.o.Client.Rest, 0, s.o.Log)
	if err != nil {
		return err
	}
	s.url, s.identifies = info.URL, gateway.NewIdentifies(s.o.Log)
	s.identifies.Update(info.SessionStartLimit)
	if s.gauges, err = gateway.NewMetrics(s.o.Registerer); err != nil {
		return err
	}
	count := max(info.Shards, 1)
	s.mu.Lock()
	s.count = count
	s.mu.Unlock()
	if s.o.Shared {
		s.share(count)
		return nil
	}
	for id := range count {
		if err := s.openShard(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// share begins to hold shards as their leases come, and gives them up as they go.
func (s *Shards) share(count int) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	leases := lease.New(lease.Options{
		Leases: s.o.Hub.Leases, Shards: count, Term: s.o.LeaseTerm, Log: s.o.Log,
		Name: fmt.Sprintf("%s, process %d", host, os.Getpid()),
	})
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s.mu.Lock()
	s.leased, s.end, s.ended = leases, end, ended
	s.mu.Unlock()
	s.o.Hub.SetFence(hub.Fence{Guild: s.Check, Shard: s.checkShard})
	go func() { // ends with Close
		defer close(ended)
		if err := leases.Run(ctx, s.hold); err != nil && s.ctx.Err() == nil {
			s.o.Fail(err)
		}
	}()
}

// hold has a shard from when its lease came until the lease is to be given up.
func (s *Shards) hold(ctx context.Context, id int) {
	opening, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel) // a bot that closes does not wait for Discord
	if err := s.openShard(opening, id); err != nil && opening.Err() == nil {
		s.o.Fail(err)
	}
	stop()
	cancel()
	<-ctx.Done()
	s.giveUp(id, errors.Is(context.Cause(ctx), lease.ErrLost))
}

// exclusively runs f while no other shard is opened or given up; not at all when ctx ends first.
func (s *Shards) exclusively(ctx context.Context, f func() error) error {
	select {
	case <-s.opening:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { s.opening <- struct{}{} }()
	return f()
}

// openShard opens one shard: it goes on where the checkpoint says, or begins anew.
func (s *Shards) openShard(ctx context.Context, id int) error {
	return s.exclusively(ctx, func() error {
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		shard, count := newShard(s, id), s.Count()
		conn, err := gateway.Attach(s.o.Client, gateway.Config{
			ShardID: id, ShardCount: count, Intents: s.o.Intents, Identify: s.identifies, Lease: s.leaseOf(id),
			Handler: s.event, Unknown: s.unknown, Logger: s.o.Log, Metrics: s.gauges, URL: s.url,
			Locate: gateway.Locate(s.o.Client.Rest, s.identifies), Checkpoint: shard.restore(ctx, count),
		})
		if err != nil {
			return err
		}
		shard.conn = conn
		s.mu.Lock()
		s.open[id] = shard
		s.mu.Unlock()
		if err := conn.Open(ctx); err != nil {
			return err
		}
		s.o.Log.Info("Discord Gateway initialized successfully", "shard", id, "shards", count,
			"resumed", conn.State().Resumed)
		s.wg.Go(func() { s.watch(conn) })
		shard.start(s.ctx)
		return nil
	})
}

// event takes every gateway event that disgo knows. A shard that was given up gets none any more.
func (s *Shards) event(g dgateway.Gateway, kind dgateway.EventType, seq int, data dgateway.EventData) {
	if shard := s.shard(g.ShardID()); shard != nil {
		shard.dispatch(Event{g, kind, seq, data})
	}
}

func (s *Shards) unknown(g dgateway.Gateway, kind dgateway.EventType, data json.RawMessage) {
	if s.shard(g.ShardID()) != nil {
		s.o.Unknown(kind, data)
	}
}

// giveUpTimeout bounds how long a shard is being given up.
const giveUpTimeout = 5 * time.Second

// giveUp gives a shard up while the process goes on: its session is left to be
// resumed, its checkpoint saved unless the lease is lost, and everything known
// of its guilds forgotten, because it is another process's from now on. A bot
// that closes does this by itself, for all shards.
func (s *Shards) giveUp(id int, lost bool) {
	_ = s.exclusively(s.ctx, func() error {
		shard := s.shard(id)
		if shard == nil || s.ctx.Err() != nil {
			return nil
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(s.ctx, giveUpTimeout)
		defer cancel()
		s.o.Unanswer(shard.known()...)
		shard.conn.Close(ctx)
		shard.halt()
		if !lost {
			shard.save(ctx)
		}
		for _, g := range shard.known() {
			s.o.Forget(ctx, g)
			shard.uncache(g)
		}
		s.mu.Lock()
		delete(s.open, id)
		s.mu.Unlock()
		s.o.Log.Info("a shard was given up", "shard", id, "lost", lost,
			"took", time.Since(began).Round(time.Millisecond))
		return nil
	})
}

// Count returns how many shards the bot has; 1 while it is not known.
func (s *Shards) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.count, 1)
}

// Of returns the shard that tells of a guild, of so many.
// https://discord.com/developers/docs/events/gateway#sharding
func Of(guild snowflake.ID, shards int) int { return int(uint64(guild) >> 22 % uint64(shards)) }

// Of returns the shard that tells of a guild.
func (s *Shards) Of(guild snowflake.ID) int { return Of(guild, s.Count()) }

// Has reports whether this process has opened the shard that tells of a guild.
func (s *Shards) Has(guild snowflake.ID) bool { return s.shard(s.Of(guild)) != nil }

// shard returns a shard that was opened, or nil.
func (s *Shards) shard(id int) *Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[id]
}

// watch reports a shard that ended for a reason only a person can mend.
func (s *Shards) watch(conn *gateway.Shard) {
	select {
	case <-s.ctx.Done():
	case <-conn.Done():
		if err := conn.Err(); err != nil && s.ctx.Err() == nil {
			s.o.Fail(err)
		}
	}
}

// Ready reports whether every shard of this process is connected; if not, what is
// missing. A process that stands by has none and is ready.
func (s *Shards) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == 0 && s.leased == nil {
		return errs.E(errs.Unavailable, "Starting: the connection to Discord was not opened yet.")
	}
	for id, shard := range s.open {
		if shard.conn.Status() != dgateway.StatusReady {
			return errs.E(errs.Unavailable, "Shard %d is not connected to Discord: %s.", id, shard.conn.State().Phase)
		}
	}
	return nil
}

// Health tells how the shard of a guild is connected.
func (s *Shards) Health(id snowflake.ID) guild.GatewayHealth {
	count := s.Count()
	out := guild.GatewayHealth{Shard: Of(id, count), Shards: count}
	if shard := s.shard(out.Shard); shard != nil {
		state, was := shard.conn.State(), shard.conn.History()
		out.Phase, out.Since, out.Failures, out.Latency = state.Phase.String(), state.Since, state.Failures, shard.conn.Latency()
		out.Resumes, out.Sessions, out.Failed, out.Reason = was.Resumes, was.Sessions, was.Failed, was.Reason
	}
	return out
}

// Disconnect closes the connections so that their sessions can be resumed;
// nothing is opened after it. New's context has ended.
func (s *Shards) Disconnect(ctx context.Context) {
	<-s.opening // New's context has ended: whoever waits to open does not
	defer func() { s.opening <- struct{}{} }()
	for _, shard := range s.all() {
		shard.conn.Close(ctx)
	}
}

func (s *Shards) all() []*Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.open))
}

// Save saves the checkpoints a last time, of what was applied before Disconnect.
func (s *Shards) Save(ctx context.Context) {
	s.wg.Wait()
	for _, shard := range s.all() {
		shard.save(ctx)
	}
}

// Close closes the store of checkpoints, then frees the leases and waits until they are.
func (s *Shards) Close(ctx context.Context) error {
	err := s.checkpoints.Close(ctx)
	s.mu.Lock()
	end, ended := s.end, s.ended
	s.mu.Unlock()
	if end != nil {
		end()
		<-ended
	}
	return err
}
