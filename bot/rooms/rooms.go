// Package rooms owns rooms: it opens, admits, moves, invites, keeps, closes,
// reaps and repairs them. It is the only writer of room state.
//
// The keeper of a guild is the process that holds the guild's shard. Requests
// of one guild take turns, which they set down while they wait for Discord;
// those of different guilds run side by side. Every method is safe for concurrent use, asks Discord what the
// actor may do unless an interaction has just told it, and fails with errs-coded errors that people can read.
package rooms

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
)

// Options of a Keeper. All but Turned are needed.
type Options struct {
	Hub     *hub.Hub
	Discord Discord
	Voice   *voice.Tracker
	// Standings keeps what Discord said of people who watch, own rooms or are guests.
	Standings Standings
	Keys      *keyring.Keyring
	Now       func() time.Time
	Log       *slog.Logger
	// Announce tells the dashboard what a guild is, and whether requests about it are served.
	Announce func(ctx context.Context, info room.GuildInfo) error
	// Turned is told after every turn of a guild, when Memory is new. It must only enqueue; nil: nobody is told.
	SnapshotChanged func(guildID snowflake.ID)
	// AskInfo has Discord asked what a guild's voice channels have beside their objects; InfoTold gets the
	// answer. It must only enqueue.
	RequestChannelInfo func(guildID snowflake.ID)
	// Tell says a notice in a language (BCP 47; "" for English). It fails with why it was not delivered.
	Notify func(ctx context.Context, guildID snowflake.ID, language string, n Notice) error
	// Link gives the address of an invite's landing page; links go into direct messages.
	Link func(roomID snowflake.ID, token string) string
}

// Rooms keeps the rooms of the guilds whose shards this process holds.
type Rooms struct {
	o     Options
	edits *edits          // counts what o.Discord is told of channels
	ctx   context.Context // ends with Close; background work runs under it
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu       sync.Mutex // guards what follows; never held across a call out
	closed   bool
	guilds   map[snowflake.ID]*guildState
	observed map[[2]snowflake.ID]access.Standing // what Discord told last, however long ago; see known
}

// guildState are the rooms of one guild. All fields but the turn and the inbox
// are touched only by who holds the turn.
type guildState struct {
	id        snowflake.ID
	info      room.GuildInfo
	lockToken chan struct{} // holds one token while nobody has the turn
	lanes     map[string]*lane
	tasks     int           // that go on, whether they have the turn or not
	exclusive int           // of them, those that wait until the others have ended
	wake      chan struct{} // closed when they are to look again
	ready     bool          // loaded and compared with Discord
	loads     int           // how often Discord has described the guild
	behind    bool          // the last comparison with Discord was not finished
	settings  guild.Settings
	setRev    hub.Rev
	// setOutbox are entries of the audit that the stored settings carry. setUnsure says
	// that the last write's outcome is unknown: they are read again before the next.
	setOutbox []audit.Entry
	setUnsure bool
	rooms     map[snowflake.ID]*roomState
	// intended are recorded intentions that are neither finished nor given up.
	pendingCreates map[string]room.PendingCreate
	openings       map[snowflake.ID][]time.Time  // when each member opened rooms lately; 0: all of them
	full           map[snowflake.ID]fullness     // categories that took no more channels
	parents        map[snowflake.ID]snowflake.ID // the category of each lobby, where it was asked for
	trimmed        time.Time                     // when old entries of the audit were removed last
	asked          map[snowflake.ID]bool         // users whose standing is being asked
	moves          map[snowflake.ID][]time.Time  // when each member was moved out of a lobby lately
	// the lobby a member came into while their last coming was being followed
	again     map[snowflake.ID]snowflake.ID
	waits     map[snowflake.ID]bool      // members who sit in a lobby until they may be moved again
	ejectedAt map[snowflake.ID]time.Time // users whom Snug itself put out of voice, and when

	snapshot        atomic.Pointer[Snapshot] // as the last turn left it
	gone            atomic.Bool              // another process's by now: see Forget
	snapshotChanged func()

	clock   *clock // what durations are judged by
	shifted bool   // it was set anew, and not all rooms are stored so

	queueMu        sync.Mutex
	queue          []job // what Discord told, in its order
	draining       bool
	loading        int            // loads that are enqueued or going on
	loaded         chan struct{}  // closed when there are none any more
	notices        []queuedNotice // what waits to be said
	sendingNotices bool
	directMessages int // direct messages on their way
	// The log channel that could not be written to, and when to try again.
	logBroken snowflake.ID
	logAgain  time.Time
}

// roomState is a room with the revision it was last written at.
type roomState struct {
	room.Room
	rev   hub.Rev
	place Place     // as Discord told last; see refresh
	since time.Time // since when somebody is in voice, as Discord told last; zero: nobody is
	// names and limits that we asked Discord for without being told what became of it, and when
	doubted     map[string]time.Time
	asking      bool      // Discord is being asked for the channel as it is now
	again       bool      // and has told of another change meanwhile
	asks        time.Time // when Discord was last asked whether an absent owner is still in the server
	unsure      bool      // the last write's outcome is unknown: read again before the next
	retryAt     time.Time // when to try again to remove a channel that Discord would not remove
	denied      bool      // Snug may not see its channel, and has said so
	marked      time.Time // when Snug's own overwrite was put back
	way         wayIn
	ends        time.Time // when the first of its holds ends for which watchHolds waits
	accessMarks uint64    // how often access was owed by who was not in the room's lane; see pay
}

// New makes a Keeper that holds no guild yet.
func New(o Options) *Rooms {
	ctx, stop := context.WithCancel(context.Background())
	edits := counting(unlockedCalls{o.Discord})
	o.Discord = edits
	return &Rooms{
		o: o, edits: edits, ctx: ctx, stop: stop, guilds: map[snowflake.ID]*guildState{},
		observed: map[[2]snowflake.ID]access.Standing{},
	}
}

// Close stops background work and waits for it. Requests must have ended before.
func (rs *Rooms) Close() {
	rs.stop()
	rs.mu.Lock()
	rs.closed = true
	rs.mu.Unlock()
	rs.wg.Wait()
}

// run starts a goroutine that Close waits for; false when the keeper is closed.
func (rs *Rooms) run(f func()) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.closed {
		return false
	}
	rs.wg.Go(f)
	return true
}

// Holds lists the guilds this keeper holds, by id.
func (rs *Rooms) Holds() []snowflake.ID {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	ids := make([]snowflake.ID, 0, len(rs.guilds))
	for id := range rs.guilds {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, cmp.Compare)
	return ids
}

// guild gives a guild, made if create is set; nil otherwise.
func (rs *Rooms) guild(id snowflake.ID, create bool) *guildState {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	g := rs.guilds[id]
	if g == nil && create && rs.ctx.Err() == nil {
		g = &guildState{
			id: id, lockToken: make(chan struct{}, 1), settings: guild.Defaults(),
			clock: &clock{source: rs.o.Now, set: rs.o.Now()},
			rooms: map[snowflake.ID]*roomState{}, pendingCreates: map[string]room.PendingCreate{},
			openings: map[snowflake.ID][]time.Time{},
			full:     map[snowflake.ID]fullness{}, lanes: map[string]*lane{}, moves: map[snowflake.ID][]time.Time{},
			again: map[snowflake.ID]snowflake.ID{}, waits: map[snowflake.ID]bool{}, wake: make(chan struct{}),
			parents: map[snowflake.ID]snowflake.ID{}, ejectedAt: map[snowflake.ID]time.Time{},
			asked: map[snowflake.ID]bool{},
		}
		g.snapshotChanged = func() {
			if rs.o.SnapshotChanged != nil {
				rs.o.SnapshotChanged(id)
			}
		}
		g.lockToken <- struct{}{}
		rs.guilds[id] = g
	}
	return g
}

// lock waits for the guild's turn; the caller must give it back.
func (g *guildState) lock(ctx context.Context) error {
	select {
	case <-g.lockToken:
		g.followClock()
		return nil
	case <-ctx.Done():
		return busy(ctx)
	}
}

// now is the time that durations are judged by.
func (g *guildState) now() time.Time { return g.clock.now() }

func busy(ctx context.Context) error {
	return errs.E(errs.Unavailable,
		"Snug is busy with this server right now. Please try again in a moment.").Because(ctx.Err())
}

func (g *guildState) unlock() {
	g.updateSnapshot()
	g.lockToken <- struct{}{}
}

// withLock runs f while it holds the turn of a guild that is ready.
func (rs *Rooms) withLock(ctx context.Context, id snowflake.ID, f func(context.Context, *guildState) error) error {
	g := rs.guild(id, false)
	if g == nil {
		return errs.E(errs.Unavailable, "Snug is not connected to this server right now. Please try again in a moment.")
	}
	if err := g.awaitLoads(ctx, rs.ctx); err != nil {
		return err
	}
	ctx, t, err := g.begin(ctx, nil)
	if err != nil {
		return err
	}
	defer t.end()
	if g.gone.Load() {
		return errs.E(errs.Unavailable, "Snug is not connected to this server right now. Please try again in a moment.")
	}
	if !g.ready {
		return errs.E(errs.Unavailable, "Snug is just starting for this server. Please try again in a moment.")
	}
	return f(ctx, g)
}

// withVisibleRoom runs f while it holds the guild's turn, on an open room that the actor may see. It waits
// for no call to Discord but for the actor's standing.
func (rs *Rooms) withVisibleRoom(
	ctx context.Context, guildID snowflake.ID, a access.Actor, id snowflake.ID,
	f func(context.Context, *guildState, *roomState, access.Standing) error,
) error {
	who, err := rs.standing(ctx, guildID, a)
	if err != nil {
		return err
	}
	return rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		if len(rs.misplaced(g, who.UserID)) > 0 {
			rs.enqueue(g, func(ctx context.Context) { rs.review(ctx, g, who.UserID) })
		}
		r, err := rs.seen(g, id, who)
		if err != nil {
			return err
		}
		return f(ctx, g, r, who)
	})
}

// withRoom is atRoom for an actor who does something there: their places are set right before, and Discord
// allows who is timed out or pending nothing but to see and read.
func (rs *Rooms) withRoom(
	ctx context.Context, guildID snowflake.ID, a access.Actor, id snowflake.ID,
	f func(context.Context, *guildState, *roomState, access.Standing) error,
) error {
	return rs.withVisibleRoom(ctx, guildID, a, id, func(
		ctx context.Context, g *guildState, _ *roomState, who access.Standing,
	) error {
		rs.review(ctx, g, who.UserID)
		r, err := rs.seen(g, id, who)
		if err != nil {
			return err
		}
		if err := who.CheckActive(); err != nil {
			return err
		}
		return f(ctx, g, r, who)
	})
}

// withControlledRoom is atRoom for an actor who may control the room; what says what they wanted to do.
func (rs *Rooms) withControlledRoom(
	ctx context.Context, guildID snowflake.ID, a access.Actor, id snowflake.ID, what errs.Term,
	f func(context.Context, *guildState, *roomState, access.Standing) error,
) error {
	return rs.withRoom(ctx, guildID, a, id, func(
		ctx context.Context, g *guildState, r *roomState, who access.Standing,
	) error {
		if err := g.controllable(r, who, what); err != nil {
			return err
		}
		return f(ctx, g, r, who)
	})
}

// inControlledRoomLane runs f in the lane of a room that the actor may still control then.
func (rs *Rooms) inControlledRoomLane(
	ctx context.Context, g *guildState, r *roomState, who access.Standing, what errs.Term, f func() error,
) error {
	return g.inLane(ctx, roomLane(r.ID), func() error {
		if _, err := g.room(r.ID); err != nil {
			return err
		}
		if err := g.controllable(r, who, what); err != nil {
			return err
		}
		return f()
	})
}

// room finds an open room.
func (g *guildState) room(id snowflake.ID) (*roomState, error) {
	r := g.rooms[id]
	if r == nil || r.State != room.Open {
		return nil, noRoom()
	}
	return r, nil
}

// visible finds an open room that the actor may see; whoever may not is told the same as if there were none.
func (g *guildState) visible(id snowflake.ID, s access.Standing) (*roomState, error) {
	r, err := g.room(id)
	if err == nil && !g.summary(r).Access.MaySee(s) {
		_, err = g.room(0)
	}
	return r, err
}

// controllable fails unless the actor may control the room; what says what they wanted to do.
func (g *guildState) controllable(r *roomState, s access.Standing, what errs.Term) error {
	if !g.summary(r).Access.MayControl(s) {
		return errs.E(errs.Forbidden,
			"Only the room's owner or somebody who manages the server can %s. Please ask them.", what)
	}
	return nil
}

func (g *guildState) summary(r *roomState) room.Summary {
	out := summaryOf(&r.Room, g.settings, r.place)
	out.LiveSince = r.since
	return out
}

// summaryOf gives what watchers are shown of a room, with what its guild's settings and Discord say of who they are.
func summaryOf(r *room.Room, s guild.Settings, p Place) room.Summary {
	out := r.Summary(s.ManagersSeePrivate)
	out.Access.Channel, out.Access.Gates, out.Access.PastGate = p.Channel, p.Gates, s.GuestsPastGate
	return out
}

// standing gives the actor's standing: what an interaction told, or what Discord says now.
func (rs *Rooms) standing(ctx context.Context, guildID snowflake.ID, a access.Actor) (access.Standing, error) {
	if a.Standing != nil {
		rs.ObserveStanding(*a.Standing)
		return *a.Standing, nil
	}
	s, err := rs.fetchStanding(ctx, guildID, a.UserID)
	if err == nil && !s.Member {
		return s, errs.E(errs.Forbidden, "You are not in this server. Ask somebody there for an invite.")
	}
	return s, err
}

// standingFor is how long Standing repeats what Discord said, unless whoever asks
// is content with less: pages come in crowds, and Discord's limits are tight.
// What somebody does is always asked anew.
const standingFor = 5 * time.Second

// Standings keeps what Discord said of people last.
type Standings interface {
	// Get gives a standing that is no older than within, if it can be had without a request of REST.
	Get(ctx context.Context, guild, user snowflake.ID, within time.Duration) (access.Standing, bool)
	// Known gives what Discord said last, however long ago; false if nothing is known.
	Known(guild, user snowflake.ID) (access.Standing, bool)
	// Put takes what Discord said now.
	Put(access.Standing)
	// Hurry has Discord asked before long; false if it cannot be now. It does not wait.
	Hurry(guild, user snowflake.ID) bool
	// Drop forgets what is known of somebody.
	Drop(guild, user snowflake.ID)
}

// Standing gives a user's standing in a guild, as Discord said within the last
// seconds. A user who is not in it has Member false.
func (rs *Rooms) Standing(ctx context.Context, guildID snowflake.ID, q room.StandingRequest) (access.Standing, error) {
	if s, ok := rs.o.Standings.Get(ctx, guildID, q.UserID, cmp.Or(q.Within, standingFor)); ok {
		return s, nil
	}
	return rs.fetchStanding(ctx, guildID, q.UserID)
}

// fetchStanding gives what Discord says of a user now.
func (rs *Rooms) fetchStanding(ctx context.Context, guildID, user snowflake.ID) (access.Standing, error) {
	now := rs.o.Now()
	s, err := rs.o.Discord.Standing(ctx, guildID, user)
	if err == nil {
		s.CheckedAt = now
		rs.o.Standings.Put(s)
		rs.ObserveStanding(s)
	}
	return s, err
}

// newID gives an id that nobody else has.
func newID() string { return rand.Text() }
