package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// clock measures a guild's durations. It advances with the monotonic clock from the wall time
// at which it was last reset, so jumps of the wall clock have no effect until the next reset.
type clock struct {
	source func() time.Time // with a monotonic reading
	set    time.Time
}

// now returns the time without a monotonic reading, as documents store it.
func (c *clock) now() time.Time {
	return c.set.Round(0).Add(c.source().Sub(c.set))
}

// jump is the smallest jump of the wall clock that reset follows.
const jump = time.Second

// reset sets the clock to the wall clock and returns by how much that jumped; 0 if less than jump.
func (c *clock) reset() time.Duration {
	t := c.source()
	d := t.Round(0).Sub(c.now())
	if d.Abs() < jump {
		return 0
	}
	c.set = t
	return d
}

// followClock moves all stored times by a jump of the wall clock, so that
// everything lasts as long as it would have. The caller holds the lock.
func (g *guildState) followClock() {
	d := g.clock.reset()
	if d == 0 {
		return
	}
	g.clockShifted = true
	move := func(t time.Time) time.Time {
		if t.IsZero() {
			return t
		}
		return t.Add(d)
	}
	for _, r := range g.rooms {
		next := r.Room.Clone() // snapshots share the old document
		next.Shift(d)
		r.set(next)
		for _, t := range []*time.Time{&r.ownerCheckedAt, &r.retryAt, &r.remarkedAt, &r.agreedAt} {
			*t = move(*t)
		}
		for what, at := range r.uncertain {
			r.uncertain[what] = move(at)
		}
	}
	for _, all := range []map[snowflake.ID][]time.Time{g.openings, g.moves} {
		for who, times := range all {
			moved := make([]time.Time, len(times))
			for i := range times {
				moved[i] = move(times[i])
			}
			all[who] = moved
		}
	}
	for user, m := range g.movingIn {
		g.movingIn[user] = movingIn{m.room, move(m.at)}
	}
	for user, at := range g.ejectedAt {
		g.ejectedAt[user] = move(at)
	}
	for category, f := range g.fullCategories {
		f.at = move(f.at)
		g.fullCategories[category] = f
	}
	g.auditTrimmedAt = move(g.auditTrimmedAt)
}

// shiftRooms stores the times that followClock moved, and publishes them.
func (rs *Rooms) shiftRooms(ctx context.Context, g *guildState) {
	if !g.clockShifted {
		return
	}
	g.clockShifted = false
	rs.o.Log.WarnContext(ctx, "the clock was put forward or back; what lasts in rooms lasts as long as before",
		"guild_id", g.id)
	for _, r := range g.rooms {
		if err := rs.change(ctx, g, r, nil, func(*room.Room) {}); err != nil {
			// the next change of the room stores them too
			rs.o.Log.WarnContext(ctx, "a room's times are not stored as the clock is now", "guild_id", g.id,
				"room_id", r.ID, "err", err)
		}
	}
}
