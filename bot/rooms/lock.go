package rooms

import (
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Whoever works on a guild holds its turn, and sets it down while they wait for
// Discord: between a call and its answer others change what the guild's state
// is. What must not mix is done in a lane: one task at a time, in the order
// they came, and nobody waits for it who has nothing to do there. A room's lane
// is for what Discord is told of the room, and for what it is owed.
//
// Lanes are entered in this order, and no room's inside another room's: a
// guild's sweep, its settings, a user's way through lobbies, an intention, a
// room, the categories.
const (
	sweepLane    = "sweep"
	settingsLane = "settings"
	categoryLane = "categories"
)

func roomLane(id snowflake.ID) string    { return "room " + id.String() }
func lobbyLane(user snowflake.ID) string { return "lobby " + user.String() }
func openLane(intention string) string   { return "open " + intention }

// lane is taken by who has its token. want counts them and who waits for it.
type lane struct {
	token   chan struct{}
	waiting int
}

// task is somebody's work on a guild. Its context carries it, to whatever calls Discord.
type task struct {
	g         *guildState
	locked    bool     // it has the turn
	lanes     []string // that it is in
	onRelease func()   // called when it sets the turn down or is done; nil: nobody wants to know
}

type taskKey struct{}

func taskOf(ctx context.Context) *task {
	t, _ := ctx.Value(taskKey{}).(*task)
	return t
}

// begin takes the guild's turn for a task, whose end has to be called.
func (g *guildState) begin(ctx context.Context, parked func()) (context.Context, *task, error) {
	if err := g.lock(ctx); err != nil {
		return ctx, nil, err
	}
	g.tasks++
	t := &task{g: g, locked: true, onRelease: parked}
	return context.WithValue(ctx, taskKey{}, t), t, nil
}

// end ends a task that has the turn.
func (t *task) end() {
	t.g.tasks--
	t.releaseLock()
}

func (t *task) releaseLock() {
	t.locked = false
	if t.g.tasks <= t.g.exclusive {
		t.g.wakeExclusive()
	}
	t.g.unlock()
	if t.onRelease != nil {
		t.onRelease()
		t.onRelease = nil
	}
}

// reacquireLock takes the turn again. It does not give up: nobody who has it waits for Discord.
func (t *task) reacquireLock() {
	<-t.g.lockToken
	t.g.followClock()
	t.locked = true
}

// unlocked runs f, which waits for something, while others have the turn.
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

// inLane runs f in a lane of the guild. What was seen before is to be looked at again in f:
// others may have had the turn. A task that is in the lane already stays in it.
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
			return busy(ctx)
		}
	}
	t.lanes = append(t.lanes, name)
	defer func() {
		t.lanes = t.lanes[:len(t.lanes)-1]
		l.token <- struct{}{}
	}()
	return f()
}

// laneBusy says whether somebody else is in a lane. The caller holds the turn.
func (g *guildState) laneBusy(ctx context.Context, name string) bool {
	return g.lanes[name] != nil && !slices.Contains(taskOf(ctx).lanes, name)
}

// inRoomLane runs f in a room's lane, unless the room has ended by then.
func (g *guildState) inRoomLane(ctx context.Context, r *roomState, f func() error) error {
	return g.inLane(ctx, roomLane(r.ID), func() error {
		if g.rooms[r.ID] != r {
			return nil
		}
		return f()
	})
}

// awaitExclusive waits until no other task goes on in the guild: what is about to
// be done replaces what they work on. The caller holds the turn.
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

// wakeExclusive has who waits to be alone look again.
func (g *guildState) wakeExclusive() {
	close(g.wake)
	g.wake = make(chan struct{})
}

func noRoom() error {
	return errs.E(errs.RoomNotFound,
		"This room does not exist any more, or you are not invited. Open a new one with /create-room, or ask for an invite.")
}
