// Package live tells browsers what happens in rooms: it follows the hub's
// rosters, keeps them in memory for the pages to render from, and sends every
// change to the watchers who may see it, over the protocol of docs/protocol.md.
//
// melody and gorilla/websocket do the handshake, the reading and the pings.
// Below them lies a connection of our own (conn) through which every byte goes
// out by a send that never waits, so a slow browser is cut off and holds up
// nobody. An event is encoded once, gathered with what else happened in its
// room, and sent to the room's watchers in one go (shard). Who watches which
// room is an index that changes when a watcher comes, a room's access changes,
// or somebody's standing does (table, people); no event asks who may see it.
//
// The dashboard makes one Live, mounts Handler and calls Run; the command that
// wires it calls Close before it stops the hub. Every method of Live may be
// called from any number of goroutines.
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

// Source is what Live follows: a bucket of the hub.
type Source[T any] interface {
	Follow(ctx context.Context, f hub.Follower[T]) (wait func(), err error)
}

// Options say what Live works with. Keys, Rosters and Standing must be set.
type Options struct {
	Keys    *keyring.Keyring
	Rosters Source[room.Live] // keys guild.channel
	// Guilds, if set, says which guilds are ready; watchers of one that is
	// not are asked to come back rather than told that their room is gone.
	Guilds Source[room.GuildInfo] // keys guild
	// Standing asks for a user's place in a guild. An error means that there
	// is no answer now; who is not in the guild has a Standing without Member.
	Standing func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error)
	// Standings, if set, has a guild's watchers asked after and gives what is
	// known of them, which costs no request of Discord: it is asked every
	// PollEvery. Who is missing is not known yet, or not any more. Without it
	// Standing is asked for each watcher every RecheckEvery.
	Standings func(ctx context.Context, guild snowflake.ID, users []snowflake.ID) ([]access.Standing, error)

	// Hears says that Heard is told of every shard's connection to Discord; else
	// Discord is taken to be heard as long as nobody tells of any.
	Hears bool

	// Origins are the pages' origins that may connect: "https://snug.example",
	// or "http://*.localhost:8080" for every host below one.
	Origins       []string
	AllowNoOrigin bool // accept clients that are no browsers

	Now        func() time.Time // the clock of tokens, sessions and standings; default time.Now
	Log        *slog.Logger     // default slog.Default()
	Registerer prometheus.Registerer
	Limits     Limits
}

// Limits bound what watchers may cost. A zero field means its default, which
// stands beside it; a negative count means no limit.
type Limits struct {
	PerUser    int // connections of one person: 200
	PerAddress int // connections of one address, or of one IPv6 /64: 2,000
	Total      int // connections: 50,000

	// bytes held for a watcher that does not read: protocol.MaxQueued, which is also the most; 128 KiB is the
	// least
	MaxQueue   int
	SendBuffer int           // bytes the kernel holds before that: 32 KiB
	Stall      time.Duration // how long a watcher with a queue may take nothing: 1 s
	Linger     time.Duration // how long a watcher has to take its close frame: 750 ms

	AuthWithin  time.Duration // to authenticate: protocol.AuthWithin
	ReadyWithin time.Duration // that authentication waits for the rosters: 5 s
	AskWithin   time.Duration // that a Standing may take: 5 s
	RoomWithin  time.Duration // that a room page waits for a room not there, or not open to this person: 1.5 s

	RecheckEvery time.Duration // how old a watcher's Standing gets before it is asked again: 50 s
	PollEvery    time.Duration // how often Standings is asked for each guild: 10 s
	StandingFor  time.Duration // how long an answer counts while none follows: 5 min
	Checks       int           // standings asked at once: 16

	PingEvery time.Duration // protocol.PingEvery
	BeatEvery time.Duration // protocol.BeatEvery
	// how long the holder of a shard may say nothing before nobody is taken to hear Discord: 10 s
	DeafAfter time.Duration
	SilentFor time.Duration // protocol.SilentFor

	Shards  int           // goroutines that send: half the processors, at most 8
	BigRoom int           // watchers from which a room is sent to with a gap: 512
	Gap     time.Duration // least time from the end of one flush of a big room to the next: 10 ms

	Forget time.Duration // how long rooms of a lost epoch are shown unless the new one has them: 15 s
	Sweep  time.Duration // how often sessions and standings are looked at: 1 s
}

func (l Limits) withDefaults() Limits {
	def(&l.PerUser, 200)
	def(&l.PerAddress, 2000)
	def(&l.Total, 50_000)
	def(&l.MaxQueue, protocol.MaxQueued)
	l.MaxQueue = min(max(l.MaxQueue, 2*burst), protocol.MaxQueued)
	def(&l.SendBuffer, 32<<10)
	def(&l.Stall, time.Second)
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

// Live keeps the rooms and tells watchers of them. Make one with New.
type Live struct {
	o       Options
	log     *slog.Logger
	m       *melody.Melody
	origins []origin
	metrics *metrics
	shards  []*shard
	nudge   chan struct{}  // a standing is to be asked now
	wg      sync.WaitGroup // connections and their drains

	mu       sync.Mutex
	closing  bool
	guilds   map[snowflake.ID]*guild
	epoch    string
	round    uint64        // counts resets; rooms of an older round are not confirmed yet
	forget   time.Time     // when those are given up; zero: none to give up
	caught   bool          // the rosters are all here
	gcaught  bool          // the guilds too
	news     chan struct{} // closed when caught, gcaught or a guild's readiness changes
	watchers map[*watcher]struct{}
	byAddr   map[netip.Addr]int
	byUser   map[snowflake.ID]int
	sessions map[string]map[*watcher]struct{}
	ended    map[string]time.Time // sessions that ended, and until when a token could still name them
	people   map[personKey]*person
	urgent   []*person // to be asked before the others
	hearing  hearings
	spoke    map[snowflake.ID]time.Time // whose browser said just now that an event is on the screen, and when
}

// New makes a Live. It starts nothing: Run does.
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
		hearing: hearings{began: time.Now(), of: map[int]hearing{}, said: map[int]bool{}},
	}
	for _, s := range o.Origins {
		if p, err := parseOrigin(s); err != nil {
			l.log.Error("live: an origin was left out", "origin", s, "err", err)
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

// Run follows the rosters and serves watchers until ctx ends; Close the
// watchers first, for without Run they hear nothing more. It returns an error
// only if following could not begin.
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

// Close tells every watcher to come back later (1012), lets no new one in, and
// waits until all are gone. When ctx ends first the rest is cut off and ctx's
// error returned. Later calls wait too.
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
