// Package shards connects this process to Discord's gateway: with all of the bot's shards, or, if
// several processes share them, with those whose lease it holds (package lease). If possible, each
// shard resumes from its checkpoint (package checkpoint): missed events are replayed, and then the
// bot gets the restored guilds.
//
// The package gets what it needs from the bot as functions; it knows neither rooms nor Discord's REST API.
// Call New, Connect, and at the end Disconnect, Save and Close. All other methods are safe for concurrent use.
package shards

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
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

// Options of Shards. Count, Shared, Takes, About, LeaseTerm and SaveEvery are optional.
type Options struct {
	Client     *bot.Client // its caches are saved in checkpoints and restored from them
	Hub        *hub.Hub
	Keys       *keyring.Keyring // seal the checkpoints
	Intents    dgateway.Intents
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer

	// Shared means that other processes run this bot on the same hub: the process that holds a shard's lease connects
	// it.
	Shared bool
	// Count is how many shards the bot has; 0 means as many as other processes run it with, or as Discord recommends.
	Count int
	// Takes are the only shards that this process takes; none means any.
	Takes []int
	// About is what this process says about itself to the others.
	About func() hub.Process
	// LeaseTerm is how long a process may stay silent before another takes over its shards; default lease.Term.
	LeaseTerm time.Duration
	// SaveEvery is how often checkpoints are saved while events arrive; default 2 s.
	SaveEvery time.Duration

	// Event receives every event of a shard that disgo knows, in order and one at a time for each
	// shard; each interaction only once. It must not block.
	Event func(*Shard, Event)
	// Unknown receives, in the same order, the events that disgo doesn't know; data is valid until it returns.
	Unknown func(kind dgateway.EventType, data json.RawMessage)
	// Restoring receives the guilds for which Restored is about to be called. It must not block.
	Restoring func([]snowflake.ID)
	// Restored receives a guild from the checkpoint with its channels, once all missed events were
	// replayed. It must not block.
	Restored func(discord.Guild, []discord.GuildChannel)
	// Beside are run for each shard, from its connection until their context ends.
	Beside []func(context.Context, *Shard)

	// Export calls then with everybody in a guild's voice channels, after all earlier voice states were
	// applied; Restore restores that.
	Export  func(guild snowflake.ID, then func([]voice.Occupant))
	Restore func(guild snowflake.ID, list []voice.Occupant)
	// Stored returns once everything is stored that followed from the guilds' events so far, which were exported
	// before. A checkpoint's session is saved after it, so that Discord repeats the events of what isn't stored. With
	// now, it is stored at once, not when there would be more.
	Stored func(ctx context.Context, guilds []snowflake.ID, now bool) error
	// Unfinished lists the interactions of guilds that were passed on and have no final answer yet. It must not block.
	Unfinished func(of func(guild snowflake.ID) bool) []checkpoint.Interaction
	// Interrupted receives interactions that an earlier process may have acknowledged and not finished. It must not
	// block.
	Interrupted func([]checkpoint.Interaction)
	// Late receives interactions that Discord repeated too late for a first answer; an earlier process may have given
	// that. It must not block.
	Late func(discord.Interaction)
	// KnownGuilds lists the guilds that the bot knows anything about.
	KnownGuilds func() []snowflake.ID
	// Another process has taken over the guilds' shard: StopAnswering stops answering calls for them, at
	// once; Forget then forgets everything about one of them.
	StopAnswering func(guilds ...snowflake.ID)
	Forget        func(ctx context.Context, guild snowflake.ID)
	// Fail receives an error that ends the bot for good.
	Fail func(error)
}

// Shards are this process's gateway connections. Make them with New.
type Shards struct {
	o           Options
	ctx         context.Context // ends when the bot closes
	checkpoints *checkpoint.Store
	metrics     *metrics
	seen        *seenInteractions
	wg          sync.WaitGroup

	url        string // the gateway's address; this and the following are set before any shard is opened
	identifies gateway.IdentifyLimiter
	starts     *sharedStarts // the same, if processes share the shards; else nil
	gauges     *gateway.Metrics

	opening chan struct{} // holds one token unless a shard is being opened or given up
	mu      sync.Mutex    // guards the following
	count   int           // of the whole bot; 0: unknown
	open    map[int]*Shard
	leased  *lease.Holder // nil if this process holds all shards
	end     context.CancelFunc
	ended   chan struct{}
}

// New makes Shards that aren't connected. After ctx ends it opens no more shards and gives none up
// to other processes. It fails if the metrics are already registered.
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

// Connect asks Discord for the number of shards, opens them, and returns when all are ready, or the error that
// prevents it. With Options.Shared it returns at once, and shards are opened when their leases are acquired.
func (s *Shards) Connect(ctx context.Context) error {
	info, err := gateway.AwaitGatewayBot(ctx, s.o.Client.Rest, 0, s.o.Log)
	if err != nil {
		return err
	}
	if s.url, s.identifies = info.URL, gateway.NewSessionStarts(s.o.Log); s.o.Shared {
		s.starts = newSharedStarts(s.o.Hub.Starts, s.o.Now, s.o.Log)
		s.identifies = s.starts
	}
	s.identifies.Update(info.SessionStartLimit)
	if s.gauges, err = gateway.NewMetrics(s.o.Registerer); err != nil {
		return err
	}
	count, err := s.decideCount(ctx, max(info.Shards, 1))
	if err != nil {
		return err
	}
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

// decideCount returns how many shards the bot has. A number that isn't given is the one that it runs with already: one
// process alone can't change it.
func (s *Shards) decideCount(ctx context.Context, recommended int) (int, error) {
	count := recommended
	switch {
	case s.o.Count > 0:
		count = s.o.Count
	case s.o.Shared:
		running, err := lease.Generation(ctx, s.o.Hub.Leases)
		if err != nil {
			return 0, err
		}
		count = cmp.Or(running, recommended)
	}
	if count < recommended {
		s.o.Log.Warn("Discord recommends more shards than this bot has. To change that, set SNUG_SHARD_COUNT for all "+
			"processes, or stop all of them and start them again", "shards", count, "recommended", recommended)
	}
	if n := len(s.o.Takes); n > 0 && s.o.Takes[n-1] >= count {
		return 0, errs.E(errs.Invalid,
			"SNUG_SHARDS has shard %d, but the bot has %d: shards are numbered from 0 to %d.", s.o.Takes[n-1], count,
			count-1)
	}
	return count, nil
}

// share starts opening shards whose leases are acquired, and giving up those whose leases end.
func (s *Shards) share(count int) {
	leases := lease.New(lease.Options{
		Leases: s.o.Hub.Leases, Shards: count, Takes: s.o.Takes, Term: s.o.LeaseTerm, Log: s.o.Log, About: s.o.About,
		Name: hub.Where(),
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

// hold opens a shard whose lease was acquired, and gives it up when ctx ends.
func (s *Shards) hold(ctx context.Context, id int) {
	opening, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel) // a closing bot doesn't wait for Discord
	if err := s.openShard(opening, id); err != nil && opening.Err() == nil {
		s.o.Fail(err)
	}
	stop()
	cancel()
	<-ctx.Done()
	s.giveUp(id, errors.Is(context.Cause(ctx), lease.ErrLost))
}

// exclusively runs f while no other shard is opened or given up; not at all if ctx ends first.
func (s *Shards) exclusively(ctx context.Context, f func() error) error {
	select {
	case <-s.opening:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { s.opening <- struct{}{} }()
	return f()
}

// openShard opens one shard, from its checkpoint or with a new session.
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
		if id == 0 {
			s.wg.Go(func() { s.tidy(count) })
		}
		return nil
	})
}

// tidy removes the checkpoints of when the bot had another number of shards: nobody resumes them any more.
func (s *Shards) tidy(count int) {
	if err := s.checkpoints.RemoveOthers(s.ctx, count); err != nil && s.ctx.Err() == nil {
		s.o.Log.Warn("cannot remove checkpoints of another number of shards; the next start tries again", "err", err)
	}
}

// event handles every gateway event that disgo knows. A shard that was given up gets no more of them. A new session is
// saved before its next event.
func (s *Shards) event(g dgateway.Gateway, kind dgateway.EventType, seq int, data dgateway.EventData) {
	shard := s.shard(g.ShardID())
	if shard == nil {
		return
	}
	shard.dispatch(Event{Gateway: g, Type: kind, Seq: seq, Data: data})
	if kind == dgateway.EventTypeReady {
		shard.begin(seq)
	}
}

func (s *Shards) unknown(g dgateway.Gateway, kind dgateway.EventType, data json.RawMessage) {
	if s.shard(g.ShardID()) != nil {
		s.o.Unknown(kind, data)
	}
}

// giveUpTimeout limits how long giving up a shard may take.
const giveUpTimeout = 5 * time.Second

// giveUp gives up a shard while the process continues: it leaves the session resumable, saves the
// checkpoint unless the lease is lost, and forgets everything about the shard's guilds, because
// another process takes over. A closing bot does this itself, for all shards.
func (s *Shards) giveUp(id int, lost bool) {
	_ = s.exclusively(s.ctx, func() error {
		shard := s.shard(id)
		if shard == nil || s.ctx.Err() != nil {
			return nil
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(s.ctx, giveUpTimeout)
		defer cancel()
		s.o.StopAnswering(shard.known()...)
		shard.conn.Close(ctx)
		shard.halt()
		if !lost {
			shard.save(ctx, true)
		}
		for _, g := range shard.known() {
			s.o.Forget(ctx, g)
			shard.uncache(g)
		}
		s.mu.Lock()
		delete(s.open, id)
		s.mu.Unlock()
		s.o.Log.Info("gave up a shard", "shard", id, "lost", lost,
			"took", time.Since(began).Round(time.Millisecond))
		return nil
	})
}

// Count returns how many shards the bot has; 1 while that is unknown.
func (s *Shards) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.count, 1)
}

// Of returns the shard, out of shards, that receives a guild's events.
// https://discord.com/developers/docs/events/gateway#sharding
func Of(guild snowflake.ID, shards int) int { return int(uint64(guild) >> 22 % uint64(shards)) }

// Of returns the shard that receives a guild's events.
func (s *Shards) Of(guild snowflake.ID) int { return Of(guild, s.Count()) }

// Has reports whether this process has opened the shard that receives a guild's events.
func (s *Shards) Has(guild snowflake.ID) bool { return s.shard(s.Of(guild)) != nil }

// shard returns an open shard, or nil.
func (s *Shards) shard(id int) *Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[id]
}

// watch reports a shard that ended for a reason only a person can fix.
func (s *Shards) watch(conn *gateway.Shard) {
	select {
	case <-s.ctx.Done():
	case <-conn.Done():
		if err := conn.Err(); err != nil && s.ctx.Err() == nil {
			s.o.Fail(err)
		}
	}
}

// Ready returns nil if every shard of this process is connected, else an error that names one that
// isn't. A standby process holds none and is ready.
func (s *Shards) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == 0 && s.leased == nil {
		return errs.E(errs.Unavailable, "Starting: the connection to Discord isn't open yet.")
	}
	for id, shard := range s.open {
		if shard.conn.Status() != dgateway.StatusReady {
			return errs.E(errs.Unavailable, "Shard %d is not connected to Discord: %s.", id, shard.conn.State().Phase)
		}
	}
	return nil
}

// Sequence returns the number of the last event of a guild's shard that has been applied, 0 without a session.
func (s *Shards) Sequence(guild snowflake.ID) int {
	shard := s.shard(s.Of(guild))
	if shard == nil {
		return 0
	}
	return shard.conn.Checkpoint().Seq
}

// Health describes the connection of a guild's shard.
func (s *Shards) Health(id snowflake.ID) guild.GatewayHealth {
	count := s.Count()
	out := guild.GatewayHealth{Shard: Of(id, count), Shards: count}
	if shard := s.shard(out.Shard); shard != nil {
		state, was := shard.conn.State(), shard.conn.History()
		out.Phase, out.Since = state.Phase.String(), state.Since
		out.Failures, out.Latency = state.Failures, shard.conn.Latency()
		out.Resumes, out.Sessions, out.Failed, out.Reason = was.Resumes, was.Sessions, was.Failed, was.Reason
	}
	return out
}

// Disconnect closes the connections so that their sessions can be resumed. New's context must have
// ended, so that no shard is opened afterwards.
func (s *Shards) Disconnect(ctx context.Context) {
	<-s.opening // New's context has ended, so nobody waiting for the token opens a shard
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

// Save saves the final checkpoints, with everything applied before Disconnect.
func (s *Shards) Save(ctx context.Context) {
	s.wg.Wait()
	for _, shard := range s.all() {
		shard.save(ctx, true)
	}
}

// Release frees the leases, so that other processes go on with the shards, and waits until that is done. Nothing may be
// stored for the shards afterwards. Without other processes it does nothing.
func (s *Shards) Release() {
	s.mu.Lock()
	end, ended := s.end, s.ended
	s.mu.Unlock()
	if end != nil {
		end()
		<-ended
	}
}

// Close frees the leases, if Release hasn't, and closes the checkpoint store.
func (s *Shards) Close(ctx context.Context) error {
	s.Release()
	if s.starts != nil {
		s.starts.close()
	}
	return s.checkpoints.Close(ctx)
}
