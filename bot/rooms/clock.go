package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// clock is what a guild's durations are judged by: it goes on with the
// monotonic clock, and shows what the wall clock showed when it was set last.
// So between two settings no jump of the wall clock is noticed.
type clock struct {
	source func() time.Time // with a monotonic reading
	set    time.Time
}

// now gives the time without a monotonic reading, as documents have it.
func (c *clock) now() time.Time {
	return c.set.Round(0).Add(c.source().Sub(c.set))
}

// jump is how much the wall clock has to have jumped for the clock to be set anew.
const jump = time.Second

// reset follows the wall clock, and gives by how much it has jumped since; 0 for less than a second.
func (c *clock) reset() time.Duration {
	t := c.source()
	d := t.Round(0).Sub(c.now())
	if d.Abs() < jump {
		return 0
	}
	c.set = t
	return d
}

// followClock has all that lasts in a guild last as long when the wall clock has jumped. The caller holds the turn.
func (g *guildState) followClock() {
	d := g.clock.reset()
	if d == 0 {
		return
	}
	g.shifted = true
	move := func(t time.Time) time.Time {
		if t.IsZero() {
			return t
		}
		return t.Add(d)
	}
	for _, r := range g.rooms {
		next := r.Room.Clone() // what Memory has given out is not altered
		next.Shift(d)
		r.Room = *next
		r.asks, r.retryAt, r.marked = move(r.asks), move(r.retryAt), move(r.marked)
		for what, at := range r.doubted {
			r.doubted[what] = move(at)
		}
	}
	for _, kept := range []map[snowflake.ID][]time.Time{g.openings, g.moves} {
		for who, times := range kept {
			moved := make([]time.Time, len(times))
			for i := range times {
				moved[i] = move(times[i])
			}
			kept[who] = moved
		}
	}
	for user, at := range g.ejectedAt {
		g.ejectedAt[user] = move(at)
	}
	for category, f := range g.full {
		f.at = move(f.at)
		g.full[category] = f
	}
	g.trimmed = move(g.trimmed)
}

// shiftRooms stores the times that follow has moved, and has watchers told of them.
func (rs *Rooms) shiftRooms(ctx context.Context, g *guildState) {
	if !g.shifted {
		return
	}
	g.shifted = false
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
