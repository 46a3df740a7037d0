package rooms

import (
	"context"
	"errors"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// writeTimeout bounds a write to the hub. Writes continue when their
// request is cancelled: a half-made change is worse than a late one.
const writeTimeout = 5 * time.Second

func withWriteTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
}

// edit changes a room's document and adds an audit entry (may be nil), as
// one write, then publishes the entry. The caller holds the guild's lock.
func (rs *Rooms) edit(ctx context.Context, g *guildState, r *roomState, e *audit.Entry, change func(*room.Room)) error {
	touches(ctx, changesAll)
	return rs.write(ctx, g, r, e, change)
}

// write is edit for what snapshots follow already.
func (rs *Rooms) write(
	ctx context.Context, g *guildState, r *roomState, e *audit.Entry, change func(*room.Room),
) error {
	if g.rooms[r.ID] != r {
		return noRoomError() // it was closed while this task waited for Discord
	}
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	t := taskOf(ctx)
	var err error
	for range 3 {
		if r.revUnknown {
			was := r.rev
			if err := rs.reread(ctx, g, r); err != nil {
				return err
			}
			if r.rev != was && t != nil && t.restarts {
				return errStale
			}
		}
		next := r.Room.Clone()
		change(next)
		if e != nil {
			next.Outbox = append(next.Outbox, rs.entry(*e, r))
		}
		var rev hub.Rev
		rev, err = rs.o.Hub.Rooms.Update(ctx, voice.Key(g.id, r.ID), *next, r.rev)
		switch {
		case err == nil:
			acts(ctx)
			r.stored(next, rev)
			rs.flush(ctx, g, r)
			rs.watchHolds(g, r)
			return nil
		case errs.Has(err, errs.Conflict):
			// another process held this guild meanwhile, or a write with unknown outcome took effect
			r.revUnknown = true
		default:
			r.revUnknown = r.revUnknown || errors.Is(err, hub.ErrUnknownOutcome)
			return err
		}
	}
	return busy(err)
}

// change is edit, and publishes room.Changed.
func (rs *Rooms) change(
	ctx context.Context, g *guildState, r *roomState, e *audit.Entry, change func(*room.Room),
) error {
	err := rs.edit(ctx, g, r, e, change)
	if err == nil {
		rs.publish(g, r, room.Changed{})
	}
	return err
}

// note writes an audit entry without changing the room.
func (rs *Rooms) note(ctx context.Context, g *guildState, r *roomState, e audit.Entry) error {
	return rs.edit(ctx, g, r, &e, func(*room.Room) {})
}

// stored replaces the room's document with what was just stored.
func (r *roomState) stored(doc *room.Room, rev hub.Rev) {
	r.set(doc)
	r.base, r.rev, r.unsaved = doc, rev, false
}

// reread loads a room's document after a write with unknown outcome. If that had no
// effect, what is unsaved stays so; if it had, it included what was unsaved.
func (rs *Rooms) reread(ctx context.Context, g *guildState, r *roomState) error {
	touches(ctx, changesAll)
	stored, rev, err := rs.o.Hub.Rooms.Latest(ctx, voice.Key(g.id, r.ID))
	if errs.Has(err, errs.NotFound) { // it was deleted, and the response was lost
		rs.forgetRoom(g, r)
		_, err = g.room(r.ID)
	}
	if err != nil {
		return err
	}
	stored.Shift(r.Shifted - stored.Shifted)
	r.revUnknown = false
	if rev != r.rev {
		r.stored(&stored, rev)
		rs.refresh(g, r, true)
		rs.watchHolds(g, r)
		if r.State == room.Open {
			rs.publish(g, r, room.Changed{})
		}
	}
	return nil
}

// inLaneOf runs an operation in the lane of a room, by what is stored of it.
func (rs *Rooms) inLaneOf(ctx context.Context, g *guildState, id snowflake.ID, f func() error) error {
	return g.inLane(ctx, roomLane(id), func() error {
		if err := rs.rereadUnknown(ctx, g); err != nil {
			return err
		}
		return f()
	})
}

// rereadUnknown rereads the rooms whose last write has an unknown outcome:
// nothing must be decided by what they were before it.
func (rs *Rooms) rereadUnknown(ctx context.Context, g *guildState) error {
	for _, r := range g.rooms {
		if !r.revUnknown {
			continue
		}
		if err := rs.reread(ctx, g, r); err != nil && g.rooms[r.ID] == r {
			return err
		}
	}
	return nil
}

// entry fills in an audit entry of a room.
func (rs *Rooms) entry(e audit.Entry, r *roomState) audit.Entry {
	e.ID, e.GuildID, e.RoomID, e.At = newID(), r.GuildID, r.ID, rs.o.Now()
	if e.Via == "" {
		e.Via = access.ViaSnug
	}
	return e
}

// flush publishes the audit entries in a room's outbox. Failures are retried with the next change, sweep or start.
// What is published leaves the stored outbox with the room's next write, within saveAfter; if the process ends before,
// it is published again under the same id, which does nothing.
func (rs *Rooms) flush(ctx context.Context, g *guildState, r *roomState) {
	if r.revUnknown {
		if err := rs.reread(ctx, g, r); err != nil {
			rs.o.Log.WarnContext(ctx, "what the hub holds of a room is not known", "guild_id", g.id, "room_id", r.ID,
				"err", err)
			return
		}
	}
	if len(r.Outbox) == 0 {
		return
	}
	for i, e := range r.Outbox {
		added, err := rs.o.Hub.Audit.AppendNew(ctx, e.ID, e.GuildID, e.RoomID, string(e.Kind), e)
		if err != nil {
			rs.o.Log.WarnContext(ctx, "an audit entry waits to be published", "guild_id", g.id, "room_id", r.ID,
				"kind", e.Kind, "err", err)
			return
		}
		if added || i >= r.inherited { // otherwise the process before has published it and told of it
			rs.writeToLogChannel(g, e)
		}
		r.lastEntry = e.ID
	}
	next := r.Room.Clone()
	next.Outbox, r.inherited = nil, 0
	r.set(next)
	r.unsaved = true
	rs.saveLater(g)
}

// audit publishes an entry that is in no room's outbox.
func (rs *Rooms) audit(ctx context.Context, e audit.Entry) error {
	err := rs.o.Hub.Audit.Append(ctx, e.ID, e.GuildID, e.RoomID, string(e.Kind), e)
	if err == nil {
		rs.writeToLogChannel(rs.guild(e.GuildID, false), e)
	}
	return err
}

// publish hands a fact about a room to the voice tracker, which publishes it to watchers.
func (rs *Rooms) publish(g *guildState, r *roomState, fact room.Fact) {
	rs.o.Voice.Room(g.summary(r), rs.tell(g, r), fact)
}

// tell returns the room's seats as they are told now.
func (rs *Rooms) tell(g *guildState, r *roomState) *voice.Seats {
	r.told = &voice.Seats{Told: rs.tellings.Add(1), Doc: r.document(), Grace: time.Duration(g.settings.SeatGrace)}
	return r.told
}

// storeRoom stores a room that was just opened or adopted. The caller holds the lock.
func (rs *Rooms) storeRoom(ctx context.Context, g *guildState, doc room.Room) (*roomState, error) {
	touches(ctx, changesAll)
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	key := voice.Key(g.id, doc.ID)
	rev, err := rs.o.Hub.Rooms.Create(ctx, key, doc)
	r := &roomState{Room: doc, rev: rev, arrivalState: newArrivalTracker(&doc)}
	if err != nil {
		// The write may have happened; compare with what is stored.
		stored, storedRev, e := rs.o.Hub.Rooms.Latest(ctx, key)
		if e != nil || stored.PendingCreateID != doc.PendingCreateID {
			return nil, err
		}
		r.stored(&stored, storedRev)
	}
	g.rooms[doc.ID] = r
	rs.refresh(g, r, true)
	rs.flush(ctx, g, r)
	return r, nil
}

// deleteRoom deletes a room whose channel is gone, after publishing its last audit entries.
func (rs *Rooms) deleteRoom(rctx context.Context, g *guildState, r *roomState) error {
	touches(rctx, changesAll)
	ctx, cancel := withWriteTimeout(rctx)
	defer cancel()
	rs.flush(ctx, g, r)
	if g.rooms[r.ID] != r {
		return nil // gone already
	}
	if len(r.Outbox) > 0 || r.revUnknown {
		return errs.E(errs.Unavailable, "Snug can't record activity right now. Try again in a moment.")
	}
	if err := rs.o.Hub.Rooms.Delete(ctx, voice.Key(g.id, r.ID)); err != nil {
		return err
	}
	rs.forgetRoom(g, r)
	rs.onCategoryFreed(rctx, g, r.CategoryID)
	return nil
}

// forgetRoom drops a room that is deleted in the hub, and publishes room.Closed.
func (rs *Rooms) forgetRoom(g *guildState, r *roomState) {
	if g.rooms[r.ID] != r {
		return // somebody else has
	}
	delete(g.rooms, r.ID)
	rs.edits.forget(r.ID)
	rs.o.Voice.Closed(g.summary(r), r.CloseReason)
}
