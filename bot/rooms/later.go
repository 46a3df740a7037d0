package rooms

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/room"
)

// What follows from people's comings and goings is stored later, all of a room's together: since when it is empty,
// and whose seats are held. Until then it is in memory alone, where everything is decided. If the process ends before
// it is stored, Discord repeats the events that led to it, because no checkpoint passes them before (Stored); a guild
// that is loaded looks at them again (noteMissed).

// saveAfter is how long such changes of a guild's rooms wait for others. No room is stored by them more often.
const saveAfter = 2 * time.Second

// editLater is edit for what a repeated event leads to again: it changes the room now, and stores it within saveAfter.
// Any other change of the room stores it, too. The caller holds the guild's lock.
func (rs *Rooms) editLater(ctx context.Context, g *guildState, r *roomState, change func(*room.Room)) error {
	if r.revUnknown || len(r.Outbox) > 0 || g.rooms[r.ID] != r {
		return rs.edit(ctx, g, r, nil, change)
	}
	acts(ctx)
	next := r.Room.Clone()
	change(next)
	if len(next.Holds) == 0 {
		next.Holds = nil // as what is read
	}
	if len(next.Waiting) == 0 {
		next.Waiting = nil
	}
	touches(ctx, changesRooms)
	if t := taskOf(ctx); t != nil {
		t.changed = append(t.changed, r)
	}
	if r.Idle.Kept() || next.Idle.Kept() {
		touches(ctx, changesAll) // the panel shows it
	}
	r.set(next)
	r.unsaved = true
	rs.watchHolds(g, r)
	rs.saveLater(g)
	return nil
}

// saveLater has the guild's unsaved rooms stored after saveAfter.
func (rs *Rooms) saveLater(g *guildState) {
	if g.saving {
		return
	}
	g.saving = true
	rs.enqueueAfter(g, saveAfter, func(ctx context.Context) {
		quietly(ctx)
		_ = rs.saveRooms(ctx, g)
		if g.saving = false; g.unsaved() {
			rs.saveLater(g)
		}
	})
}

// saveRooms stores the guild's unsaved rooms, and tells those who have waited for it. Between two rooms others may take
// the lock.
func (rs *Rooms) saveRooms(ctx context.Context, g *guildState) error {
	waiting := g.saved
	g.saved = nil // who comes meanwhile waits for rooms that may have been stored before they changed
	var all error
	for _, r := range slices.Collect(maps.Values(g.rooms)) {
		if !r.unsaved || g.rooms[r.ID] != r {
			continue
		}
		if ctx.Err() != nil {
			all = errors.Join(all, context.Cause(ctx))
			break
		}
		if err := rs.save(ctx, g, r); err != nil && g.rooms[r.ID] == r {
			all = errors.Join(all, err)
			rs.o.Log.WarnContext(ctx, "what comings and goings changed in a room isn't stored yet; trying again",
				"guild_id", g.id, "room_id", r.ID, "delay", saveAfter, "err", err)
		}
		unlocked(ctx, func() {})
		quietly(ctx)
	}
	if !g.unsaved() {
		waiting, g.saved = append(waiting, g.saved...), nil
	}
	for _, tell := range waiting {
		tell <- all
	}
	return all
}

// save stores a room if it differs from what is stored.
func (rs *Rooms) save(ctx context.Context, g *guildState, r *roomState) error {
	if !r.revUnknown && r.base != nil && reflect.DeepEqual(r.base, r.document()) {
		r.unsaved = false // who left is back
		return nil
	}
	return rs.write(ctx, g, r, nil, func(*room.Room) {})
}

func (g *guildState) unsaved() bool {
	for _, r := range g.rooms {
		if r.unsaved {
			return true
		}
	}
	return false
}

// Save stores what is unsaved in all guilds, at once. What fails is retried, or happens again by the events that
// Discord repeats.
func (rs *Rooms) Save(ctx context.Context) {
	for _, id := range rs.GuildIDs() {
		g := rs.guild(id, false)
		if g == nil {
			continue
		}
		ctx, t, err := g.begin(ctx, nil)
		if err != nil {
			return
		}
		if !g.released.Load() {
			quietly(ctx)
			_ = rs.saveRooms(ctx, g)
		}
		t.end()
	}
}

// Stored returns once everything is stored that followed from the events given to Moved and VoiceState before,
// or with an error if that isn't known. With now, it is stored at once.
func (rs *Rooms) Stored(ctx context.Context, guilds []snowflake.ID, now bool) error {
	answers, asked := make(chan error, len(guilds)), 0
	for _, id := range guilds {
		g := rs.guild(id, false)
		if g == nil && rs.missedIn(id) {
			return errNotLoaded
		} else if g == nil || !g.follows() && !rs.missedIn(id) {
			continue // nothing follows from its events
		}
		asked++
		rs.enqueue(g, func(ctx context.Context) {
			quietly(ctx)
			switch {
			case !g.ready && rs.missedIn(id):
				answers <- errNotLoaded
			case g.unsaved():
				g.saved = append(g.saved, answers)
				if now {
					_ = rs.saveRooms(ctx, g) // it answers
				} else {
					rs.saveLater(g)
				}
			default:
				answers <- nil
			}
		})
	}
	for range asked {
		select {
		case err := <-answers:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-rs.ctx.Done():
			return errClosing
		}
	}
	return nil
}

var (
	errNotLoaded = errors.New("rooms: a server with moves isn't loaded yet")
	errClosing   = errors.New("rooms: closing")
)

// follows reports whether moves in the guild may change a room: it has open ones by the last snapshot, or is being
// loaded, and moves wait for that.
func (g *guildState) follows() bool {
	if m := g.snapshot.Load(); m != nil && len(m.open) > 0 {
		return true
	}
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	return g.loading > 0 && g.tracked && len(g.queue) > 0
}

// maxMissed limits the moves that are remembered of a guild that isn't loaded; the oldest are dropped first.
const maxMissed = 10_000

// miss remembers a move in a guild that isn't loaded yet: what Discord repeats after a restart.
func (rs *Rooms) miss(m voice.Move) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	list := append(rs.missed[m.GuildID], m)
	rs.missed[m.GuildID] = list[max(0, len(list)-maxMissed):]
}

func (rs *Rooms) missedIn(guild snowflake.ID) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return len(rs.missed[guild]) > 0
}

// noteMissed updates the rooms of a guild that is being loaded by the moves it missed, before anything is
// decided about them: a room that somebody was in meanwhile has only now become empty.
func (rs *Rooms) noteMissed(ctx context.Context, g *guildState) error {
	rs.mu.Lock()
	list := slices.Clone(rs.missed[g.id])
	rs.mu.Unlock()
	now := g.now()
	var all error
	for _, m := range list {
		for _, channel := range []snowflake.ID{m.From, m.To} {
			r := g.rooms[channel]
			if m.Bot || r == nil || r.State != room.Open || r.Idle.EmptySince.IsZero() || r.Idle.EmptySince.Equal(now) {
				continue
			}
			all = errors.Join(all, rs.editLater(ctx, g, r, func(doc *room.Room) {
				doc.Idle = room.Idle{EmptySince: now}
			}))
		}
	}
	return all
}

// followMissed does what a loaded guild missed: who left and isn't back has their seat held. If it was loaded before,
// who came is looked at too; after a start, nobody is moved out for what was decided about them then.
func (rs *Rooms) followMissed(g *guildState) {
	rs.mu.Lock()
	list := rs.missed[g.id]
	delete(rs.missed, g.id)
	rs.mu.Unlock()
	for _, m := range list {
		if g.rooms[m.From] != nil {
			rs.enqueue(g, func(ctx context.Context) {
				if r := g.rooms[m.From]; g.ready && r != nil && r.Hold(m.UserID, g.now()) == nil {
					rs.movedFrom(ctx, g, m)
				}
			})
		}
		if g.rooms[m.To] != nil && g.loadCount > 1 {
			rs.enqueue(g, func(ctx context.Context) {
				if g.ready && rs.o.Voice.ChannelOf(g.id, m.UserID) == m.To {
					rs.movedTo(ctx, g, m)
				}
			})
		}
	}
}

// quietly notes that a job changes nothing that snapshots have, unless touches says so.
func quietly(ctx context.Context) { taskOf(ctx).extent = changesNothing }
