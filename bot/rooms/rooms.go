// Package rooms manages private voice rooms: it opens, changes, closes and repairs
// them, and decides who gets in. It is the only writer of the hub's rooms bucket.
//
// A guild's rooms are managed by the process that holds the guild's shard. Work on one guild is serialised
// by the guild's lock, which is released during calls to Discord (lock.go); guilds are independent of each
// other. Every method is safe for concurrent use. Permissions of the actor are checked with Discord, unless
// the request carries them (an interaction). Errors are coded (package errs) and can be shown to users.
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

// Options of Rooms. All but SnapshotChanged and Visits are required.
type Options struct {
	Hub     *hub.Hub
	Discord Discord
	Voice   *voice.Tracker
	// Standings caches what Discord last said about spectators, owners and guests.
	Standings Standings
	Keys      *keyring.Keyring
	Now       func() time.Time
	Log       *slog.Logger
	// Announce publishes a guild to the dashboard, and whether requests about it are served.
	Announce func(ctx context.Context, info room.GuildInfo) error
	// Coming publishes a guild that Discord lists and has not described yet, unless it is published already. It must
	// not block, and what it publishes must come before what Announce publishes afterwards.
	Coming func(info room.GuildInfo)
	// SnapshotChanged, if not nil, is called when what is shown in Discord of a guild's rooms may have changed, and
	// once a minute anyway if the guild is looked at. It must not block.
	SnapshotChanged func(guildID snowflake.ID)
	// RequestChannelInfo asks Discord for the statuses and start times of a guild's
	// voice channels; ChannelInfoReceived takes the response. It must not block.
	RequestChannelInfo func(guildID snowflake.ID)
	// Notify sends a notice in a language (BCP 47; "" for
	// English). It returns why the notice was not delivered.
	Notify func(ctx context.Context, guildID snowflake.ID, language string, n Notice) error
	// Link returns the URL of an invite's landing page, for direct messages.
	Link func(code string) string
	// Visits returns who joined and left a room, by its voice.Key, including what isn't stored yet. It fails with
	// errs.NotFound if nobody did. By default it reads what is stored.
	Visits func(ctx context.Context, key string) (room.VisitLog, error)
}

// Rooms manages the rooms of the guilds whose shards this process holds. Create one with New.
type Rooms struct {
	o     Options
	edits *editCounter    // counts the calls of o.Discord that change a channel
	ctx   context.Context // ends with Close; background work runs under it
	stop  context.CancelFunc
	wg    sync.WaitGroup

	tellings atomic.Uint64 // numbers voice.Seats

	mu     sync.Mutex // guards what follows; never held during a call out of the package
	closed bool
	guilds map[snowflake.ID]*guildState
	// What Discord last said, of whatever age, by guild and user; see knownStanding.
	observed map[snowflake.ID]map[snowflake.ID]access.Standing
	// Moves in guilds that aren't loaded yet; see miss.
	missed map[snowflake.ID][]voice.Move
}

// guildState is one guild's rooms and settings. The guild's lock
// guards all fields but those below queueMu and the atomics.
type guildState struct {
	id            snowflake.ID
	info          room.GuildInfo
	lockToken     chan struct{} // the guild's lock: holds one token while unlocked
	lanes         map[string]*lane
	tasks         int           // running tasks, whether they hold the lock or not
	exclusive     int           // of them, those that wait until all others have ended
	wake          chan struct{} // closed to make exclusive tasks check again
	ready         bool          // loaded and compared with Discord
	loadCount     int           // how often Load was called
	loads         atomic.Int64  // how often it was read from the hub
	stored        atomic.Pointer[stored]
	compareFailed bool // the last comparison with Discord failed; a sweep repeats it
	settings      guild.Settings
	settingsRev   hub.Rev
	// settingsOutbox are the unpublished audit entries in the stored settings. settingsUnsure
	// means that the last write's outcome is unknown: they are read again before the next.
	settingsOutbox []audit.Entry
	settingsUnsure bool
	rooms          map[snowflake.ID]*roomState
	past           map[snowflake.ID]*room.Past // closed rooms that can be opened again; replaced, never changed
	// pendingCreates are recorded creations that are neither finished nor given up, by id.
	pendingCreates map[string]room.PendingCreate
	openings       map[snowflake.ID][]time.Time  // when each member recently opened rooms; key 0: all members
	fullCategories map[snowflake.ID]fullCategory // categories with 50 channels
	lobbyParents   map[snowflake.ID]snowflake.ID // the category of each lobby, as far as known
	auditTrimmedAt time.Time                     // when old audit entries were last deleted
	fetching       map[snowflake.ID]bool         // users whose standing is being fetched
	moves          map[snowflake.ID][]time.Time  // when Snug recently moved each member
	// the lobby a member joined while their previous join was still being handled
	nextLobby  map[snowflake.ID]snowflake.ID
	lobbyWaits map[snowflake.ID]bool      // members in a lobby who may not be moved yet
	ejectedAt  map[snowflake.ID]time.Time // users whom Snug itself disconnected, and when
	movingIn   map[snowflake.ID]movingIn  // users whom Snug itself is moving into a room

	snapshot        atomic.Pointer[state] // replaced at each unlock
	released        atomic.Bool           // another process holds the guild now; see Release
	snapshotChanged func()
	said            time.Time // when it was called last

	clock        *clock // for durations; follows the wall clock's jumps
	clockShifted bool   // the clock jumped, and not all rooms are stored with moved times
	infoMissed   bool   // a status set in Discord could not be stored: a sweep requests it again
	// categories that may be empty overflow categories; a sweep removes those that are
	freed map[snowflake.ID]bool
	// saving means that saveLater's timer runs, and saved are told what came of it.
	saving bool
	saved  []chan<- error

	queueMu        sync.Mutex
	queue          []job // work from gateway events, in their order
	draining       bool
	loading        int            // loads that are enqueued or running
	tracked        bool           // the newest of them has come to what the rosters say
	loaded         chan struct{}  // closed when loading becomes 0
	notices        []queuedNotice // waiting to be sent
	sendingNotices bool
	directMessages int // direct messages being sent
	// The log channel that refused a message, and when to try again.
	brokenLogChannel snowflake.ID
	logRetryAt       time.Time
}

// roomState is a room with the revision it was last written at.
type roomState struct {
	room.Room
	doc       *room.Room // the same, shared by snapshots; nil: not yet; see document
	base      *room.Room // what is stored, as far as known; nil: not known
	unsaved   bool       // Room has changes that aren't stored yet; see editLater
	rev       hub.Rev
	lastEntry string    // the id of the audit entry that was published last; "" since the start
	inherited int       // entries of Outbox, the first ones, that were there when the room was loaded
	place     Place     // from Discord's cache; see refresh
	startedAt time.Time // voice_start_time of the channel; zero: nobody is in it
	// names and limits that were sent to Discord with unknown outcome, and when
	uncertain      map[string]time.Time
	confirming     bool      // the channel is being fetched
	confirmAgain   bool      // and changed again meanwhile
	ownerCheckedAt time.Time // when it was last checked that an absent owner is still in the server
	revUnknown     bool      // the last write's outcome is unknown: read the document before the next
	retryAt        time.Time // earliest time of the next attempt after a failed call
	denialLogged   bool      // Snug cannot see its channel, and has logged that
	sealedLogged   bool      // a code of its invites can't be opened, and that is logged
	remarkedAt     time.Time // when Snug's own overwrite was last restored
	agreedAt       time.Time // when Discord was last brought in line; see mayHaveSlippedIn
	// people who arrived and could not be moved out; a sweep tries again
	unmoved      map[snowflake.ID]bool
	goneOwner    snowflake.ID // an owner who left the server; while they own the room, a sweep gives it another
	arrivalState arrivalTracker
	holdTimerAt  time.Time    // when watchHolds' timer fires
	told         *voice.Seats // what watchers were told last; nil: nothing yet
	accessMarks  uint64       // how often Pending.Access was set outside the room's lane; see clearPending
}

// New returns a Rooms that holds no guild yet.
func New(o Options) *Rooms {
	ctx, stop := context.WithCancel(context.Background())
	edits := newEditCounter(unlockedCalls{o.Discord})
	o.Discord = edits
	if o.Visits == nil {
		o.Visits = func(ctx context.Context, key string) (room.VisitLog, error) {
			log, _, err := o.Hub.Visits.Get(ctx, key)
			return log, err
		}
	}
	return &Rooms{
		o: o, edits: edits, ctx: ctx, stop: stop, guilds: map[snowflake.ID]*guildState{},
		observed: map[snowflake.ID]map[snowflake.ID]access.Standing{},
		missed:   map[snowflake.ID][]voice.Move{},
	}
}

// Close stores what is unsaved, stops background work and waits for it. Requests must have returned before.
func (rs *Rooms) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	rs.Save(ctx)
	cancel()
	rs.stop()
	rs.mu.Lock()
	rs.closed = true
	rs.mu.Unlock()
	rs.wg.Wait()
}

// goRun starts a goroutine that Close waits for; it returns false after Close.
func (rs *Rooms) goRun(f func()) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.closed {
		return false
	}
	rs.wg.Go(f)
	return true
}

// GuildIDs returns the guilds this process holds, sorted.
func (rs *Rooms) GuildIDs() []snowflake.ID {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	ids := make([]snowflake.ID, 0, len(rs.guilds))
	for id := range rs.guilds {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, cmp.Compare)
	return ids
}

// guild returns a guild's state, creating it if create is set; nil if there is none.
func (rs *Rooms) guild(id snowflake.ID, create bool) *guildState {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	g := rs.guilds[id]
	if g == nil && create && rs.ctx.Err() == nil {
		g = &guildState{
			id: id, lockToken: make(chan struct{}, 1), settings: guild.Defaults(),
			clock: &clock{source: rs.o.Now, set: rs.o.Now()},
			rooms: map[snowflake.ID]*roomState{}, pendingCreates: map[string]room.PendingCreate{},
			past:           map[snowflake.ID]*room.Past{},
			openings:       map[snowflake.ID][]time.Time{},
			fullCategories: map[snowflake.ID]fullCategory{}, lanes: map[string]*lane{},
			moves:     map[snowflake.ID][]time.Time{},
			nextLobby: map[snowflake.ID]snowflake.ID{}, lobbyWaits: map[snowflake.ID]bool{}, wake: make(chan struct{}),
			lobbyParents: map[snowflake.ID]snowflake.ID{}, ejectedAt: map[snowflake.ID]time.Time{},
			movingIn: map[snowflake.ID]movingIn{}, freed: map[snowflake.ID]bool{},
			fetching: map[snowflake.ID]bool{},
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

// now is the time to measure durations with.
func (g *guildState) now() time.Time { return g.clock.now() }

// withVisibleRoom runs f under the guild's lock, for an open room that the actor
// may see. The only call to Discord it waits for fetches the actor's standing.
func (rs *Rooms) withVisibleRoom(
	ctx context.Context, guildID snowflake.ID, a access.Actor, id snowflake.ID,
	f func(context.Context, *guildState, *roomState, access.Standing) error,
) error {
	who, err := rs.standing(ctx, guildID, a)
	if err != nil {
		return err
	}
	return rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		if len(rs.roomsToReview(g, who.UserID)) > 0 {
			rs.enqueue(g, func(ctx context.Context) { rs.review(ctx, g, who.UserID) })
		}
		r, err := rs.visibleOrSuspended(g, id, who)
		if err != nil {
			return err
		}
		return f(ctx, g, r, who)
	})
}

// withRoom is withVisibleRoom for an actor who acts there: their access is reviewed
// first, and actors who are timed out or pending are refused, as in Discord.
func (rs *Rooms) withRoom(
	ctx context.Context, guildID snowflake.ID, a access.Actor, id snowflake.ID,
	f func(context.Context, *guildState, *roomState, access.Standing) error,
) error {
	return rs.withVisibleRoom(ctx, guildID, a, id, func(
		ctx context.Context, g *guildState, _ *roomState, who access.Standing,
	) error {
		rs.review(ctx, g, who.UserID)
		r, err := rs.visibleOrSuspended(g, id, who)
		if err != nil {
			return err
		}
		if err := who.CheckActive(); err != nil {
			return err
		}
		return f(ctx, g, r, who)
	})
}

// withControlledRoom is withRoom for an actor who may control the room; what names the action, for the error.
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

// inControlledRoomLane runs f in the lane of a room, after checking again that the actor may control it.
func (rs *Rooms) inControlledRoomLane(
	ctx context.Context, g *guildState, r *roomState, who access.Standing, what errs.Term, f func() error,
) error {
	return rs.inLaneOf(ctx, g, r.ID, func() error {
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
		return nil, noRoomError()
	}
	return r, nil
}

// visible finds an open room that the actor may see; for others
// the error is the same as for a room that does not exist.
func (g *guildState) visible(id snowflake.ID, s access.Standing) (*roomState, error) {
	r, err := g.room(id)
	if err == nil && !g.summary(r).Access.MaySee(s) {
		_, err = g.room(0)
	}
	return r, err
}

// controllable fails unless the actor may control the room; what names the action, for the error.
func (g *guildState) controllable(r *roomState, s access.Standing, what errs.Term) error {
	return g.summary(r).Access.CheckControl(s, what)
}

func (g *guildState) summary(r *roomState) room.Summary {
	out := summaryOf(&r.Room, g.settings, r.place)
	out.LiveSince = r.startedAt
	return out
}

// summaryOf returns a room's summary, with the access rules from the guild's settings and from Discord.
func summaryOf(r *room.Room, s guild.Settings, p Place) room.Summary {
	out := r.Summary(s.ManagersSeePrivate)
	out.Access.Channel, out.Access.Gates, out.Access.GuestsPastGate = p.Channel, p.Gates, s.GuestsPastGate
	return out
}

// newID returns a unique random id.
func newID() string { return rand.Text() }

func noRoomError() error {
	return errs.E(errs.RoomNotFound,
		"This room is closed, or you aren't invited. Open a new one with /create-room, or ask for an invite link.")
}
