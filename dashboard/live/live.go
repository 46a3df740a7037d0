// Package live sends browsers what happens in rooms: it follows the hub's rosters, holds them in
// memory for pages to render, and sends every change to the watchers who may see it, with the
// protocol in docs/protocol.md.
//
// melody and gorilla/websocket do the handshake and the reading. Below them is our own
// connection (conn), whose writes never block, so that a slow browser is cut off and delays nobody else. An
// event is encoded once, collected with other events of its room, and sent to all of the room's watchers
// together (shard). An index of who watches which room is updated when a watcher connects, a room's access
// changes, or a member's standing does (table, people); sending an event checks no permissions.
//
// The dashboard makes one Live, mounts Handler and calls Run; the command that connects the parts
// calls Close before it stops the hub. All methods of Live are safe for concurrent use.
package live

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/olahol/melody"
	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/protocol"
	"snug/shared/room"
)

// Source is what Live follows: a bucket in the hub.
type Source[T any] interface {
	Follow(ctx context.Context, f hub.Follower[T]) (wait func(), err error)
}

// Options configure a Live. Keys, Rosters and Standing are required.
type Options struct {
	Keys    *keyring.Keyring
	Rosters Source[room.Live] // keys guild.channel
	// Guilds, if set, tells which guilds are ready; watchers of others are asked to come back later,
	// instead of being told that their room is gone.
	Guilds Source[room.GuildInfo] // keys guild
	// Standing returns a user's standing in a guild; for somebody who isn't in the guild, one without
	// Member. An error means that it can't be determined now.
	Standing func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error)
	// Standings, if set, keeps the standings of a guild's watchers up to date and returns the known ones,
	// without a request to Discord. It is called every PollEvery. Users missing from the result are not
	// known yet, or no longer. Without it, Standing is called for each watcher every RecheckEvery.
	Standings func(ctx context.Context, guild snowflake.ID, users []snowflake.ID) ([]access.Standing, error)

	// Hears means that Heard is called with the state of every shard's connection to Discord; otherwise
	// the connection counts as fine as long as nothing is reported.
	Hears bool

	// Origins are the origins whose pages may connect: "https://snug.example", or
	// "http://*.localhost:8080" for every host below one.
	Origins       []string
	AllowNoOrigin bool // accept clients that aren't browsers

	Now        func() time.Time // the clock for tokens, sessions and standings; default time.Now
	Log        *slog.Logger     // default slog.Default()
	Registerer prometheus.Registerer
	Limits     Limits
}

// Limits restrict the resources that watchers may use. A zero field means its default, given next
// to it; a negative count means no limit.
type Limits struct {
	PerUser    int // connections of one user: 200
	PerAddress int // connections from one address, or one IPv6 /64: 2,000
	Total      int // connections in total: 50,000

	// bytes queued for a watcher that doesn't read: protocol.MaxQueued, which is also the maximum; at least 128 KiB
	MaxQueue   int
	SendBuffer int           // bytes the kernel buffers before that: 32 KiB
	Stall      time.Duration // how long a watcher with a queue may accept nothing: 700 ms
	Linger     time.Duration // how long a watcher has to answer its close frame: 750 ms; a third if it is slow

	AuthWithin  time.Duration // time to authenticate: protocol.AuthWithin
	ReadyWithin time.Duration // time that authentication waits for the rosters: 5 s
	AskWithin   time.Duration // time that a call of Standing may take: 5 s
	RoomWithin  time.Duration // time that a room page waits for a room that is missing, or not open to this user: 1.5 s

	RecheckEvery time.Duration // age of a watcher's standing at which it is requested again: 50 s
	PollEvery    time.Duration // how often Standings is called for each guild: 10 s
	StandingFor  time.Duration // how long a standing is valid if no newer one arrives: 5 min
	Checks       int           // concurrent calls of Standing: 16

	BeatEvery time.Duration // protocol.BeatEvery
	PingEvery time.Duration // a multiple of it: protocol.PingEvery
	// how long a shard's holder may report nothing before the shard counts as disconnected: 10 s
	DeafAfter time.Duration
	SilentFor time.Duration // protocol.SilentFor

	Shards  int           // goroutines that send: half the number of CPUs, at most 8
	BigRoom int           // number of watchers from which a room is sent to with gaps: 512
	Gap     time.Duration // minimum time between two flushes of a big room: 10 ms

	Forget time.Duration // how long rooms of a lost epoch are shown unless the new one contains them: 15 s
	Sweep  time.Duration // how often sessions and standings are checked: 1 s
}

func (l Limits) withDefaults() Limits {
	def(&l.PerUser, 200)
	def(&l.PerAddress, 2000)
	def(&l.Total, 50_000)
	def(&l.MaxQueue, protocol.MaxQueued)
	l.MaxQueue = min(max(l.MaxQueue, 2*burst), protocol.MaxQueued)
	def(&l.SendBuffer, 32<<10)
	def(&l.Stall, 700*time.Millisecond)
	def(&l.Linger, 750*time.Millisecond)
	def(&l.AuthWithin, protocol.AuthWithin)
	def(&l.ReadyWithin, 5*time.Second)
	def(&l.AskWithin, 5*time.Second)
	def(&l.RoomWithin, 1500*time.Millisecond)
	def(&l.RecheckEvery, 50*time.Second)
	def(&l.PollEvery, 10*time.Second)
	def(&l.StandingFor, 5*time.Minute)
	def(&l.Checks, 16)
	def(&l.PingEvery, protocol.PingEvery)
	def(&l.BeatEvery, protocol.BeatEvery)
	def(&l.DeafAfter, 10*time.Second)
	def(&l.SilentFor, protocol.SilentFor)
	def(&l.Shards, min(max(runtime.GOMAXPROCS(0)/2, 1), 8))
	def(&l.BigRoom, 512)
	def(&l.Gap, 10*time.Millisecond)
	def(&l.Forget, 15*time.Second)
	def(&l.Sweep, time.Second)
	return l
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Live holds the rooms and sends their changes to watchers. Make it with New.
type Live struct {
	o       Options
	log     *slog.Logger
	m       *melody.Melody
	origins []origin
	metrics *metrics
	shards  []*shard
	nudge   chan struct{}  // wakes sweep: a standing has to be requested now
	wg      sync.WaitGroup // connections and their drains

	mu       sync.Mutex
	closing  bool
	guilds   map[snowflake.ID]*guild
	epoch    string
	round    uint64        // counts resets; rooms from an older round aren't confirmed yet
	forget   time.Time     // when unconfirmed rooms are removed; zero: there are none
	caught   bool          // all rosters are loaded
	gcaught  bool          // all guilds are loaded
	news     chan struct{} // closed when caught, gcaught or a guild's readiness changes
	watchers map[*watcher]struct{}
	arrived  int32 // watchers that ever came; it may overflow, and its sign is not used
	byAddr   map[netip.Addr]int
	byUser   map[snowflake.ID]int
	sessions map[string]map[*watcher]struct{}
	ended    map[string]time.Time // sessions that ended, until no token can name them any more
	people   map[personKey]*person
	urgent   []*person // requested before the others
	hearing  hearings
	spoke    map[snowflake.ID]time.Time // whose browser just reported that an event is on the screen, and when
}

// New makes a Live. It starts nothing before Run.
func New(o Options) *Live {
	o.Limits = o.Limits.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	l := &Live{
		o: o, log: o.Log, nudge: make(chan struct{}, 1), news: make(chan struct{}),
		guilds: map[snowflake.ID]*guild{}, watchers: map[*watcher]struct{}{}, byAddr: map[netip.Addr]int{},
		byUser: map[snowflake.ID]int{}, sessions: map[string]map[*watcher]struct{}{},
		ended: map[string]time.Time{}, people: map[personKey]*person{},
		spoke:   map[snowflake.ID]time.Time{},
		hearing: hearings{began: time.Now(), of: map[int]hearing{}, reported: map[int]bool{}},
	}
	for _, s := range o.Origins {
		if p, err := parseOrigin(s); err != nil {
			l.log.Error("live: ignored an invalid origin", "origin", s, "err", err)
		} else {
			l.origins = append(l.origins, p)
		}
	}
	l.metrics = newMetrics(l, o.Registerer)
	for range o.Limits.Shards {
		l.shards = append(l.shards, newShard(&o.Limits, l.metrics))
	}
	l.m = l.newMelody()
	return l
}

// Run follows the rosters and serves watchers until ctx ends. Close the watchers first, because
// they get nothing after Run. It returns an error only if it can't follow.
func (l *Live) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, s := range l.shards {
		wg.Go(func() { s.run(ctx) })
	}
	wait, err := l.o.Rosters.Follow(ctx, hub.Follower[room.Live]{Reset: l.reset, Change: l.change, Caught: l.loaded})
	if err != nil {
		return err
	}
	defer wait()
	defer cancel()
	if l.o.Guilds != nil {
		wait, err := l.o.Guilds.Follow(ctx,
			hub.Follower[room.GuildInfo]{Reset: l.guildsReset, Change: l.guildChange, Caught: l.guildsLoaded})
		if err != nil {
			return err
		}
		defer wait()
		defer cancel()
	}
	wg.Go(func() { l.beat(ctx) })
	l.sweep(ctx)
	return nil
}

// Close asks every watcher to come back later (1012), accepts no new ones, and waits until all are
// gone. If ctx ends first it cuts off the rest and returns ctx's error. Later calls wait too.
func (l *Live) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closing = true
	all := make([]*watcher, 0, len(l.watchers))
	for w := range l.watchers {
		all = append(all, w)
	}
	l.mu.Unlock()
	for _, w := range all {
		l.end(w, protocol.CloseRestart)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		l.wg.Wait()
	}()
	var err error
	select {
	case <-gone:
	case <-ctx.Done():
		err = ctx.Err()
		for _, w := range all {
			w.conn.kill()
		}
		<-gone
	}
	if e := l.m.Close(); !errors.Is(e, melody.ErrClosed) {
		err = errors.Join(err, e)
	}
	return err
}
