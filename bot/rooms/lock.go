package rooms

import (
	"context"
	"errors"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// A task on a guild holds the guild's lock, except while it waits for Discord: during a call other
// tasks may change the guild's state. Work that must not interleave with such calls runs in a lane,
// a named queue that admits one task at a time, first come first served. All calls that change a
// room's channel, and all changes of Room.Pending that depend on them, run in the room's lane.
//
// To avoid deadlocks, lanes are entered in this order, and no room's lane inside
// another's: sweep, settings, a user's lobby, a closed room (again), a creation (open), a room, the categories.
const (
	sweepLane    = "sweep"
	settingsLane = "settings"
	categoryLane = "categories"
)

func roomLane(id snowflake.ID) string    { return "room " + id.String() }
func lobbyLane(user snowflake.ID) string { return "lobby " + user.String() }
func againLane(id snowflake.ID) string   { return "again " + id.String() }
func openLane(intention string) string   { return "open " + intention }

// lane admits the task that has its token; waiting counts that task and those in the queue.
type lane struct {
	token   chan struct{}
	waiting int
}

// task is a unit of work on a guild. It travels in the context, so that calls to Discord can release the lock.
type task struct {
	g         *guildState
	locked    bool     // it holds the guild's lock
	lanes     []string // that it has entered
	onRelease func()   // called once, when the lock is first released; may be nil
	restarts  bool     // it is an operation that has changed nothing yet, so it can start over; see errStale
	extent    extent   // what snapshots have to follow when it releases the lock
	changed   []*roomState
}

// extent says what a task may have changed since it got the lock.
type extent int

const (
	changesAll     extent = iota // anything
	changesRooms                 // the documents of task.changed, but nothing that is shown of them in Discord
	changesNothing               // nothing that a snapshot has
)

// touches notes that the task changes something that snapshots have.
func touches(ctx context.Context, what extent) {
	if t := taskOf(ctx); t != nil {
		t.extent = min(t.extent, what)
	}
}

// errStale ends an operation that decided by a document which has changed since. withLock starts it over, and
// nobody is told.
var errStale = errors.New("the room changed since this was decided")

// acts notes that the task changes something: from now on it does not start over.
func acts(ctx context.Context) {
	if t := taskOf(ctx); t != nil {
		t.restarts = false
	}
}

type taskKey struct{}

func taskOf(ctx context.Context) *task {
	t, _ := ctx.Value(taskKey{}).(*task)
	return t
}

// begin acquires the guild's lock for a new task; the caller must call its end.
func (g *guildState) begin(ctx context.Context, parked func()) (context.Context, *task, error) {
	if err := g.lock(ctx); err != nil {
		return ctx, nil, err
	}
	g.tasks++
	t := &task{g: g, locked: true, onRelease: parked}
	return context.WithValue(ctx, taskKey{}, t), t, nil
}

// end finishes a task that holds the lock.
func (t *task) end() {
	t.g.tasks--
	t.releaseLock()
}

func (t *task) releaseLock() {
	t.locked = false
	if t.g.tasks <= t.g.exclusive {
		t.g.wakeExclusive()
	}
	switch {
	case t.extent == changesAll || t.g.clockShifted:
		t.g.updateSnapshot()
	case t.extent == changesRooms:
		t.g.updateDocuments(t.changed)
	}
	t.extent, t.changed = changesAll, nil
	t.g.lockToken <- struct{}{}
	if t.onRelease != nil {
		t.onRelease()
		t.onRelease = nil
	}
}

// reacquireLock acquires the lock again. It ignores cancellation:
// nobody holds the lock during a call to Discord, so the wait is short.
func (t *task) reacquireLock() {
	<-t.g.lockToken
	t.g.followClock()
	t.locked = true
}

// unlocked runs f, which may block, without the guild's lock.
func unlocked(ctx context.Context, f func()) {
	t := taskOf(ctx)
	if t == nil || !t.locked {
		f()
		return
	}
	t.releaseLock()
	defer t.reacquireLock()
	f()
}

// inLane runs f in a lane of the guild. f must read the state again, because waiting
// for the lane releases the lock. A task that is in the lane already runs f at once.
func (g *guildState) inLane(ctx context.Context, name string, f func() error) error {
	t := taskOf(ctx)
	if slices.Contains(t.lanes, name) {
		return f()
	}
	l := g.lanes[name]
	if l == nil {
		l = &lane{token: make(chan struct{}, 1)}
		l.token <- struct{}{}
		g.lanes[name] = l
	}
	l.waiting++
	defer func() {
		if l.waiting--; l.waiting == 0 {
			delete(g.lanes, name)
		}
	}()
	select {
	case <-l.token:
	default:
		entered := false
		unlocked(ctx, func() {
			select {
			case <-l.token:
				entered = true
			case <-ctx.Done():
			}
		})
		if !entered {
			return busyError(ctx)
		}
	}
	t.lanes = append(t.lanes, name)
	defer func() {
		t.lanes = t.lanes[:len(t.lanes)-1]
		l.token <- struct{}{}
	}()
	return f()
}

// laneBusy reports whether another task is in a lane. The caller holds the lock.
func (g *guildState) laneBusy(ctx context.Context, name string) bool {
	return g.lanes[name] != nil && !slices.Contains(taskOf(ctx).lanes, name)
}

// inRoomLane runs f in a room's lane, unless the room is gone by then.
func (g *guildState) inRoomLane(ctx context.Context, r *roomState, f func() error) error {
	return g.inLane(ctx, roomLane(r.ID), func() error {
		if g.rooms[r.ID] != r {
			return nil
		}
		return f()
	})
}

// awaitExclusive waits until no other task runs in the guild, because the
// caller is about to replace the state they work on. The caller holds the lock.
func (g *guildState) awaitExclusive(ctx context.Context) {
	g.exclusive++
	defer func() { g.exclusive-- }()
	for g.tasks > g.exclusive && ctx.Err() == nil {
		wake := g.wake
		unlocked(ctx, func() {
			select {
			case <-wake:
			case <-ctx.Done():
			}
		})
	}
}

// wakeExclusive wakes the tasks in awaitExclusive.
func (g *guildState) wakeExclusive() {
	close(g.wake)
	g.wake = make(chan struct{})
}

// lock acquires the guild's lock, or fails when ctx ends. The caller must release it.
func (g *guildState) lock(ctx context.Context) error {
	select {
	case <-g.lockToken:
		g.followClock()
		return nil
	case <-ctx.Done():
		return busyError(ctx)
	}
}

func busyError(ctx context.Context) error { return busy(ctx.Err()) }

func busy(cause error) error {
	return errs.E(errs.Unavailable, "Snug is busy with this server. Try again in a moment.").Because(cause)
}

// withLock runs f under the lock of a guild, once the guild is ready.
func (rs *Rooms) withLock(ctx context.Context, id snowflake.ID, f func(context.Context, *guildState) error) error {
	g := rs.guild(id, false)
	if g == nil {
		return errs.E(errs.Unavailable, "Snug isn't connected to this server right now. Try again in a moment.")
	}
	if err := g.awaitLoads(ctx, rs.ctx); err != nil {
		return err
	}
	ctx, t, err := g.begin(ctx, nil)
	if err != nil {
		return err
	}
	defer t.end()
	const tries = 5
	for range tries {
		if g.released.Load() {
			return errs.E(errs.Unavailable, "Snug isn't connected to this server right now. Try again in a moment.")
		}
		if !g.ready {
			return errs.E(errs.Unavailable, "Snug is still starting for this server. Try again in a moment.")
		}
		if err := rs.rereadUnknown(ctx, g); err != nil {
			return err
		}
		t.restarts = true
		if err = f(ctx, g); !errors.Is(err, errStale) {
			return err
		}
	}
	return busy(err)
}
