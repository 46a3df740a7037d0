package rooms

import (
	"context"
	"errors"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

// pendingCall is what of a room Discord is owed, until a call pays it.
type pendingCall struct{ mark, clear func(*room.Pending) }

// pendingAccess is paid by SetAccess: every overwrite.
func pendingAccess() pendingCall {
	return pendingCall{func(d *room.Pending) { d.Access = true }, (*room.Pending).AccessSynced}
}

// pendingOverwrite is paid by a call for one user's overwrite. What was owed before is owed after it.
func pendingOverwrite() pendingCall {
	var before bool
	return pendingCall{
		func(d *room.Pending) { before, d.Access = d.Access, true }, func(d *room.Pending) { d.Access = before },
	}
}

// withEject adds to a debt that a user is put out of voice.
func (b pendingCall) withEject(user snowflake.ID) pendingCall {
	return pendingCall{
		func(d *room.Pending) { b.mark(d); d.AddEject(user) }, func(d *room.Pending) { b.clear(d); d.EjectDone(user) },
	}
}

// withUnban adds to a debt that a ban is taken off the channel.
func (b pendingCall) withUnban(ban room.Ban) pendingCall {
	return pendingCall{
		func(d *room.Pending) { b.mark(d); d.AddUnban(ban) },
		func(d *room.Pending) { b.clear(d); d.UnbanDone(ban.UserID) },
	}
}

func pendingLimit() pendingCall {
	return pendingCall{func(d *room.Pending) { d.Limit = true }, func(d *room.Pending) { d.Limit = false }}
}

func pendingStatus() pendingCall {
	return pendingCall{func(d *room.Pending) { d.Status = true }, func(d *room.Pending) { d.Status = false }}
}

// clearPending notes that a call has paid what is owed. What came to be owed while it was on
// its way, when owes was the room's, it did not pay.
func (rs *Rooms) clearPending(ctx context.Context, g *guildState, r *roomState, owes uint64, owed pendingCall) error {
	return rs.edit(ctx, g, r, nil, func(doc *room.Room) {
		owed.clear(&doc.Pending)
		doc.Pending.Access = doc.Pending.Access || r.accessMarks != owes
	})
}

// changeThenCall makes a change that Discord has to be told of: it is recorded with
// what Discord is owed, then call tells it and so pays. If Discord refuses, what
// was changed is taken back; if it does not answer, the change stands and the next sweep tells it again. The
// caller is in the room's lane.
func (rs *Rooms) changeThenCall(
	ctx context.Context, g *guildState, r *roomState, e audit.Entry, owed pendingCall, change func(*room.Room),
	call func(context.Context) error,
) error {
	var before, after *room.Room
	err := rs.edit(ctx, g, r, &e, func(doc *room.Room) {
		before = doc.Clone()
		change(doc)
		owed.mark(&doc.Pending)
		after = doc.Clone()
	})
	if err != nil {
		return err
	}
	owes := r.accessMarks
	if err = call(ctx); err == nil {
		if r.Pending.Any() {
			err = rs.clearPending(ctx, g, r, owes, owed)
		}
		rs.publish(g, r, room.Changed{}) // the change is made, whether that could be noted or not
		return err
	}
	if errors.Is(err, errMorePending) {
		rs.publish(g, r, room.Changed{})
		return nil
	}
	if mayHaveHappened(err) {
		r.retryAt = g.now().Add(closeRetry)
		rs.publish(g, r, room.Changed{})
		return err
	}
	entry := audit.Entry{Kind: audit.Repaired, Detail: "undone: " + string(errs.CodeOf(err))}
	undo := rs.edit(ctx, g, r, &entry, func(doc *room.Room) {
		room.Revert(doc, before, after)
		if errors.Is(err, ErrPartly) {
			owed.mark(&doc.Pending) // Discord is told what holds again
		}
	})
	if undo != nil {
		rs.o.Log.ErrorContext(ctx, "a change that Discord refused could not be taken back", "guild_id", g.id,
			"room_id", r.ID, "err", undo)
	}
	return err
}

// errMorePending says that Discord was told the first and most needed part of a
// room's access, and the guild's next turns go on with it.
var errMorePending = errors.New("more of the room's access is to be told")

// setAccess gives a room's channel the overwrites it should have. Where that
// takes many requests the room's lane is left in between: errMore tells that
// the rest is on its way, and has to stay due. The caller is in the lane.
func (rs *Rooms) setAccess(ctx context.Context, g *guildState, r *roomState, reason string) error {
	more, err := rs.o.Discord.SetAccess(ctx, r.ID, rs.access(g, &r.Room), reason)
	if err == nil {
		rs.refresh(g, r, true)
	}
	if err != nil || !more {
		return err
	}
	rs.continuePending(g, r.ID)
	return errMorePending
}

// continuePending has Discord told what is due of a room in a task of its own. It only enqueues.
func (rs *Rooms) continuePending(g *guildState, id snowflake.ID) {
	rs.enqueue(g, func(ctx context.Context) {
		r, err := g.room(id)
		if err != nil || !g.ready {
			return
		}
		if err := rs.retryPending(ctx, g, r); err != nil { // a sweep goes on with it
			rs.o.Log.WarnContext(ctx, "not all are let in or kept out yet", "guild_id", g.id, "room_id", id, "err", err)
		}
	})
}

// mayHaveHappened says whether a call that failed may have had its effect, or may have it if it is made again.
func mayHaveHappened(err error) bool {
	return errs.Has(err, errs.DiscordUnavailable) || errs.Has(err, errs.RateLimited) || errs.Has(err, errs.Unavailable)
}

// retryPending tells Discord again what it may not have been told of a room, in its lane.
func (rs *Rooms) retryPending(ctx context.Context, g *guildState, r *roomState) error {
	return g.inRoomLane(ctx, r, func() error {
		if !r.Pending.Any() || r.State != room.Open || g.now().Before(r.retryAt) {
			return nil
		}
		err := rs.syncPending(ctx, g, r)
		if errors.Is(err, errMorePending) {
			return nil
		}
		if err != nil {
			r.retryAt = g.now().Add(closeRetry)
			return err
		}
		return rs.note(ctx, g, r, audit.Entry{Kind: audit.Repaired, Detail: "Discord was told again"})
	})
}

// syncPending pays what is owed, one debt after the other; each that is paid is noted at once.
func (rs *Rooms) syncPending(ctx context.Context, g *guildState, r *roomState) error {
	const reason = "Snug: made good"
	if r.Pending.Access {
		owes := r.accessMarks
		err := rs.setAccess(ctx, g, r, reason)
		if err == nil {
			err = rs.clearPending(ctx, g, r, owes, pendingAccess())
		}
		if err != nil {
			return err
		}
	}
	for _, user := range rs.toEject(g, r) {
		err := rs.eject(ctx, g, r, user, reason)
		if err == nil {
			err = rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Pending.EjectDone(user) })
		}
		if err != nil {
			return err
		}
	}
	if r.Pending.Limit {
		if err := rs.setLimit(ctx, g, r, reason); err != nil {
			return err
		}
	}
	if r.Pending.Status {
		if err := rs.o.Discord.SetStatus(ctx, r.ID, r.Status, reason); err != nil {
			return err
		}
		return rs.clearPending(ctx, g, r, r.accessMarks, pendingStatus())
	}
	return nil
}

// toEject lists who is to be put out of voice: the banned are, whatever is noted.
func (rs *Rooms) toEject(g *guildState, r *roomState) []snowflake.ID {
	users := slices.Clone(r.Pending.Eject)
	for _, p := range rs.o.Voice.Roster(g.id, r.ID) {
		if r.Banned(p.UserID) && !slices.Contains(users, p.UserID) {
			users = append(users, p.UserID)
		}
	}
	return users
}

// eject puts somebody out of voice, if they are in the room's.
func (rs *Rooms) eject(ctx context.Context, g *guildState, r *roomState, user snowflake.ID, reason string) error {
	if rs.o.Voice.ChannelOf(g.id, user) != r.ID {
		return nil
	}
	g.ejectedAt[user] = g.now()
	err := rs.o.Discord.Move(ctx, g.id, user, 0, reason)
	if errs.Has(err, errs.NotInVoice) {
		return nil
	}
	return err
}
