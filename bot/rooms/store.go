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
func (k *Keeper) edit(ctx context.Context, g *guildRooms, r *kept, e *audit.Entry, change func(*room.Room)) error {
	if g.rooms[r.ID] != r {
		return noRoom() // it ended while this task waited for Discord
	}
	ctx, cancel := writing(ctx)
	defer cancel()
	for range 2 {
		if r.unsure {
			if err := k.reread(ctx, g, r); err != nil {
				return err
			}
		}
		next := r.Room.Clone()
		change(next)
		if e != nil {
			next.Outbox = append(next.Outbox, k.entry(*e, r))
		}
		rev, err := k.o.Hub.Rooms.Update(ctx, voice.Key(g.id, r.ID), *next, r.rev)
		switch {
		case err == nil:
			r.Room, r.rev = *next, rev
			k.flush(ctx, g, r)
			k.watchHolds(g, r)
			return nil
		case errs.Has(err, errs.Conflict): // another keeper held this guild meanwhile, or a write we gave up on took effect
			r.unsure = true
		default:
			r.unsure = r.unsure || errors.Is(err, hub.ErrUnknownOutcome)
			return err
		}
	}
	return errs.E(errs.Conflict, "Somebody else changed this room at the same moment. Please try again.")
}

// change edits a room's document, and tells those who watch the room.
func (k *Keeper) change(ctx context.Context, g *guildRooms, r *kept, e *audit.Entry, change func(*room.Room)) error {
	err := k.edit(ctx, g, r, e, change)
	if err == nil {
		k.tell(g, r, room.Changed{})
	}
	return err
}

// note writes an entry into the audit that changes nothing of the room.
func (k *Keeper) note(ctx context.Context, g *guildRooms, r *kept, e audit.Entry) error {
	return k.edit(ctx, g, r, &e, func(*room.Room) {})
}

// reread takes what the hub holds of a room after a write of unknown outcome.
func (k *Keeper) reread(ctx context.Context, g *guildRooms, r *kept) error {
	stored, rev, err := k.o.Hub.Rooms.Latest(ctx, voice.Key(g.id, r.ID))
	if errs.Has(err, errs.NotFound) { // it was removed, and the answer did not come
		k.forgetRoom(g, r)
		_, err = g.room(r.ID)
	}
	if err == nil {
		stored.Shift(r.Shifted - stored.Shifted)
		r.Room, r.rev, r.unsure = stored, rev, false
	}
	return err
}

// entry completes an audit entry of a room.
func (k *Keeper) entry(e audit.Entry, r *kept) audit.Entry {
	e.ID, e.GuildID, e.RoomID, e.At = newID(), r.GuildID, r.ID, k.o.Now()
	if e.Via == "" {
		e.Via = access.ViaSnug
	}
	return e
}

// flush publishes the audit entries a room's document carries, then clears
// them there. What fails is tried again with the next change or sweep, or after a restart.
func (k *Keeper) flush(ctx context.Context, g *guildRooms, r *kept) {
	if r.unsure {
		if err := k.reread(ctx, g, r); err != nil {
			k.o.Log.WarnContext(ctx, "what the hub holds of a room is not known", "guild_id", g.id, "room_id", r.ID, "err", err)
			return
		}
	}
	if len(r.Outbox) == 0 {
		return
	}
	for _, e := range r.Outbox {
		if err := k.audit(ctx, e); err != nil {
			k.o.Log.WarnContext(ctx, "an audit entry waits to be published", "guild_id", g.id, "room_id", r.ID, "kind", e.Kind, "err", err)
			return
		}
	}
	next := r.Room.Clone()
	next.Outbox = nil
	rev, err := k.o.Hub.Rooms.Update(ctx, voice.Key(g.id, r.ID), *next, r.rev)
	if err != nil {
		r.unsure = true
		k.o.Log.WarnContext(ctx, "published audit entries could not be cleared; they will be published again under the same ids", "guild_id", g.id, "room_id", r.ID, "err", err)
		return
	}
	r.Room, r.rev = *next, rev
}

func (k *Keeper) audit(ctx context.Context, e audit.Entry) error {
	err := k.o.Hub.Audit.Append(ctx, e.ID, e.GuildID, e.RoomID, string(e.Kind), e)
	if err == nil {
		k.logged(k.guild(e.GuildID, false), e)
	}
	return err
}

// tell hands a fact about a room to the fast lane.
func (k *Keeper) tell(g *guildRooms, r *kept, fact room.Fact) {
	k.o.Presence.Room(g.summary(r), fact)
}

// put adds a room that was just opened or adopted. The caller holds the turn.
func (k *Keeper) put(ctx context.Context, g *guildRooms, doc room.Room) (*kept, error) {
	ctx, cancel := writing(ctx)
	defer cancel()
	key := voice.Key(g.id, doc.ID)
	rev, err := k.o.Hub.Rooms.Create(ctx, key, doc)
	r := &kept{Room: doc, rev: rev, way: newWayIn(&doc)}
	if err != nil {
		// The write may have happened all the same; only what is stored tells.
		stored, storedRev, e := k.o.Hub.Rooms.Latest(ctx, key)
		if e != nil || stored.IntentionID != doc.IntentionID {
			return nil, err
		}
		r.Room, r.rev = stored, storedRev
	}
	g.rooms[doc.ID] = r
	k.refresh(g, r, true)
	k.flush(ctx, g, r)
	return r, nil
}

// drop removes a room whose channel is gone, after its last entries are published.
func (k *Keeper) drop(ctx context.Context, g *guildRooms, r *kept) error {
	ctx, cancel := writing(ctx)
	defer cancel()
	k.flush(ctx, g, r)
	if g.rooms[r.ID] != r {
		return nil // gone already
	}
	if len(r.Outbox) > 0 || r.unsure {
		return errs.E(errs.Unavailable, "The hub does not take audit entries right now.")
	}
	if err := k.o.Hub.Rooms.Delete(ctx, voice.Key(g.id, r.ID)); err != nil {
		return err
	}
	k.forgetRoom(g, r)
	return nil
}

// forgetRoom lets go of a room that the hub holds no more, and has its watchers told.
func (k *Keeper) forgetRoom(g *guildRooms, r *kept) {
	if g.rooms[r.ID] != r {
		return // somebody else has
	}
	delete(g.rooms, r.ID)
	k.edits.forget(r.ID)
	k.o.Presence.Closed(g.summary(r), r.CloseReason)
}
