package rooms

import (
	"context"
	"errors"
	"time"

	"snug/bot/voice"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// writeTime bounds a write to the hub. Writes go on when the request they serve is given up: a
// half-made change is worse than a late one.
const writeTime = 5 * time.Second

func writing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writeTime)
}

// edit changes a room's document with an audit entry, as one transaction, and
// then publishes the entry. The caller holds the guild's turn.
func (rs *Rooms) edit(ctx context.Context, g *guildState, r *roomState, e *audit.Entry, change func(*room.Room)) error {
	if g.rooms[r.ID] != r {
		return noRoom() // it ended while this task waited for Discord
	}
	ctx, cancel := writing(ctx)
	defer cancel()
	for range 2 {
		if r.unsure {
			if err := rs.reread(ctx, g, r); err != nil {
				return err
			}
		}
		next := r.Room.Clone()
		change(next)
		if e != nil {
			next.Outbox = append(next.Outbox, rs.entry(*e, r))
		}
		rev, err := rs.o.Hub.Rooms.Update(ctx, voice.Key(g.id, r.ID), *next, r.rev)
		switch {
		case err == nil:
			r.Room, r.rev = *next, rev
			rs.flush(ctx, g, r)
			rs.watchHolds(g, r)
			return nil
		case errs.Has(err, errs.Conflict):
			// another keeper held this guild meanwhile, or a write we gave up on took effect
			r.unsure = true
		default:
			r.unsure = r.unsure || errors.Is(err, hub.ErrUnknownOutcome)
			return err
		}
	}
	return errs.E(errs.Conflict, "Somebody else changed this room at the same moment. Please try again.")
}

// change edits a room's document, and tells those who watch the room.
func (rs *Rooms) change(
	ctx context.Context, g *guildState, r *roomState, e *audit.Entry, change func(*room.Room),
) error {
	err := rs.edit(ctx, g, r, e, change)
	if err == nil {
		rs.publish(g, r, room.Changed{})
	}
	return err
}

// note writes an entry into the audit that changes nothing of the room.
func (rs *Rooms) note(ctx context.Context, g *guildState, r *roomState, e audit.Entry) error {
	return rs.edit(ctx, g, r, &e, func(*room.Room) {})
}

// reread takes what the hub holds of a room after a write of unknown outcome.
func (rs *Rooms) reread(ctx context.Context, g *guildState, r *roomState) error {
	stored, rev, err := rs.o.Hub.Rooms.Latest(ctx, voice.Key(g.id, r.ID))
	if errs.Has(err, errs.NotFound) { // it was removed, and the answer did not come
		rs.forgetRoom(g, r)
		_, err = g.room(r.ID)
	}
	if err == nil {
		stored.Shift(r.Shifted - stored.Shifted)
		r.Room, r.rev, r.unsure = stored, rev, false
	}
	return err
}

// entry completes an audit entry of a room.
func (rs *Rooms) entry(e audit.Entry, r *roomState) audit.Entry {
	e.ID, e.GuildID, e.RoomID, e.At = newID(), r.GuildID, r.ID, rs.o.Now()
	if e.Via == "" {
		e.Via = access.ViaSnug
	}
	return e
}

// flush publishes the audit entries a room's document carries, then clears
// them there. What fails is tried again with the next change or sweep, or after a restart.
func (rs *Rooms) flush(ctx context.Context, g *guildState, r *roomState) {
	if r.unsure {
		if err := rs.reread(ctx, g, r); err != nil {
			rs.o.Log.WarnContext(ctx, "what the hub holds of a room is not known", "guild_id", g.id, "room_id", r.ID,
				"err", err)
			return
		}
	}
	if len(r.Outbox) == 0 {
		return
	}
	for _, e := range r.Outbox {
		if err := rs.audit(ctx, e); err != nil {
			rs.o.Log.WarnContext(ctx, "an audit entry waits to be published", "guild_id", g.id, "room_id", r.ID,
				"kind", e.Kind, "err", err)
			return
		}
	}
	next := r.Room.Clone()
	next.Outbox = nil
	rev, err := rs.o.Hub.Rooms.Update(ctx, voice.Key(g.id, r.ID), *next, r.rev)
	if err != nil {
		r.unsure = true
		rs.o.Log.WarnContext(ctx, "published audit entries could not be cleared; they will be published again under the same ids",
			"guild_id", g.id, "room_id", r.ID, "err", err)
		return
	}
	r.Room, r.rev = *next, rev
}

func (rs *Rooms) audit(ctx context.Context, e audit.Entry) error {
	err := rs.o.Hub.Audit.Append(ctx, e.ID, e.GuildID, e.RoomID, string(e.Kind), e)
	if err == nil {
		rs.writeToLogChannel(rs.guild(e.GuildID, false), e)
	}
	return err
}

// publish hands a fact about a room to the fast lane.
func (rs *Rooms) publish(g *guildState, r *roomState, fact room.Fact) {
	rs.o.Voice.Room(g.summary(r), fact)
}

// storeRoom adds a room that was just opened or adopted. The caller holds the turn.
func (rs *Rooms) storeRoom(ctx context.Context, g *guildState, doc room.Room) (*roomState, error) {
	ctx, cancel := writing(ctx)
	defer cancel()
	key := voice.Key(g.id, doc.ID)
	rev, err := rs.o.Hub.Rooms.Create(ctx, key, doc)
	r := &roomState{Room: doc, rev: rev, way: newWayIn(&doc)}
	if err != nil {
		// The write may have happened all the same; only what is stored tells.
		stored, storedRev, e := rs.o.Hub.Rooms.Latest(ctx, key)
		if e != nil || stored.PendingCreateID != doc.PendingCreateID {
			return nil, err
		}
		r.Room, r.rev = stored, storedRev
	}
	g.rooms[doc.ID] = r
	rs.refresh(g, r, true)
	rs.flush(ctx, g, r)
	return r, nil
}

// deleteRoom removes a room whose channel is gone, after its last entries are published.
func (rs *Rooms) deleteRoom(ctx context.Context, g *guildState, r *roomState) error {
	ctx, cancel := writing(ctx)
	defer cancel()
	rs.flush(ctx, g, r)
	if g.rooms[r.ID] != r {
		return nil // gone already
	}
	if len(r.Outbox) > 0 || r.unsure {
		return errs.E(errs.Unavailable, "The hub does not take audit entries right now.")
	}
	if err := rs.o.Hub.Rooms.Delete(ctx, voice.Key(g.id, r.ID)); err != nil {
		return err
	}
	rs.forgetRoom(g, r)
	return nil
}

// forgetRoom lets go of a room that the hub holds no more, and has its watchers told.
func (rs *Rooms) forgetRoom(g *guildState, r *roomState) {
	if g.rooms[r.ID] != r {
		return // somebody else has
	}
	delete(g.rooms, r.ID)
	rs.edits.forget(r.ID)
	rs.o.Voice.Closed(g.summary(r), r.CloseReason)
}
