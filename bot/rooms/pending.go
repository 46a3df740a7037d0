package rooms

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// pendingCall marks in room.Pending that a call to Discord
// is outstanding, and clears the mark when it succeeded.
type pendingCall struct{ mark, clear func(*room.Pending) }

// pendingAccess is cleared by SetAccess, which sets every overwrite.
func pendingAccess() pendingCall {
	return pendingCall{func(d *room.Pending) { d.Access = true }, (*room.Pending).AccessSynced}
}

// pendingOverwrite is cleared by a call for one user's overwrite.
// If all overwrites were pending before, they still are afterwards.
func pendingOverwrite() pendingCall {
	var before bool
	return pendingCall{
		func(d *room.Pending) { before, d.Access = d.Access, true }, func(d *room.Pending) { d.Access = before },
	}
}

// withEject adds that a user is to be disconnected from voice.
func (b pendingCall) withEject(user snowflake.ID) pendingCall {
	return pendingCall{
		func(d *room.Pending) { b.mark(d); d.AddEject(user) }, func(d *room.Pending) { b.clear(d); d.EjectDone(user) },
	}
}

// withEjectOnArrival adds that a user whom Snug is moving into the room is to be disconnected when they arrive.
// The mark stays until they do, or until a sweep finds that they did not.
func (b pendingCall) withEjectOnArrival(user snowflake.ID) pendingCall {
	return pendingCall{func(d *room.Pending) { b.mark(d); d.AddEject(user) }, b.clear}
}

// withUnban adds that a ban's overwrite is to be removed.
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

// clearPending records that a call succeeded. If accessMarks is no longer
// what it was before the call, access changed meanwhile and stays pending.
func (rs *Rooms) clearPending(
	ctx context.Context, g *guildState, r *roomState, marks uint64, pending pendingCall,
) error {
	r.agreedAt = g.now()
	return rs.edit(ctx, g, r, nil, func(doc *room.Room) {
		pending.clear(&doc.Pending)
		doc.Pending.Access = doc.Pending.Access || r.accessMarks != marks
	})
}

// changeThenCall makes a change that needs a call to Discord. The change is stored together with pending's
// mark, then call is made and the mark cleared. If Discord refuses the call, the change is reverted; if
// the outcome is unknown, the change stays and a sweep repeats the call. The caller is in the room's lane.
func (rs *Rooms) changeThenCall(
	ctx context.Context, g *guildState, r *roomState, e audit.Entry, pending pendingCall, change func(*room.Room),
	call func(context.Context) error,
) error {
	var before, after *room.Room
	err := rs.edit(ctx, g, r, &e, func(doc *room.Room) {
		before = doc.Clone()
		change(doc)
		pending.mark(&doc.Pending)
		after = doc.Clone()
	})
	if err != nil {
		return err
	}
	marks := r.accessMarks
	if err = call(ctx); err == nil {
		if r.Pending.Any() {
			err = rs.clearPending(ctx, g, r, marks, pending)
		}
		rs.publish(g, r, room.Changed{}) // the change is made, even if the mark could not be cleared
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
	entry := repairEntry(guild.Issue{Kind: guild.IssueUndone, Have: string(errs.CodeOf(err))})
	undo := rs.edit(ctx, g, r, &entry, func(doc *room.Room) {
		room.Revert(doc, before, after)
		if errors.Is(err, ErrPartial) { // a sweep sends Discord the restored state
			doc.Pending.Access = true
			for _, b := range after.Bans {
				if !doc.Banned(b.UserID) {
					doc.Pending.AddUnban(b)
				}
			}
		}
	})
	if undo != nil {
		rs.o.Log.WarnContext(ctx, "cannot undo a change that Discord refused; a sweep repeats it", "guild_id", g.id,
			"room_id", r.ID, "err", undo)
		return errors.Join(undo, err) // the change may come to be after all: Discord's refusal is not the answer
	}
	return err
}

// errMorePending means that the most important overwrites
// of a room are set and continuePending sets the others.
var errMorePending = errors.New("more of the room's overwrites are to be set")

// setAccess sets the overwrites of a room's channel. If that takes many
// requests the room's lane is left in between: errMorePending means that the
// rest follows and Pending.Access must stay set. The caller is in the lane.
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

// continuePending runs retryPending for a room in a task of its own. It only enqueues.
func (rs *Rooms) continuePending(g *guildState, id snowflake.ID) {
	rs.enqueue(g, func(ctx context.Context) {
		r, err := g.room(id)
		if err != nil || !g.ready {
			return
		}
		if err := rs.retryPending(ctx, g, r); err != nil { // a sweep continues
			rs.o.Log.WarnContext(ctx, "not all are let in or kept out yet", "guild_id", g.id, "room_id", id, "err", err)
		}
	})
}

// partial marks the refusal of a call that followed one that changed overwrites.
func partial(err error) error {
	if err == nil || mayHaveHappened(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrPartial, err)
}

// mayHaveHappened reports whether a failed call may have taken effect, or may succeed if repeated.
func mayHaveHappened(err error) bool {
	return errs.Has(err, errs.DiscordUnavailable) || errs.Has(err, errs.RateLimited) || errs.Has(err, errs.Unavailable)
}

// retryPending repeats a room's pending calls, in its lane.
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
		return rs.note(ctx, g, r, repairEntry(guild.Issue{Kind: guild.IssueResent}))
	})
}

// syncPending makes the pending calls one after the other and clears each mark at once.
func (rs *Rooms) syncPending(ctx context.Context, g *guildState, r *roomState) error {
	const reason = "Snug: repeated after a failure"
	if r.Pending.Access {
		marks := r.accessMarks
		err := rs.setAccess(ctx, g, r, reason)
		if err == nil {
			err = rs.clearPending(ctx, g, r, marks, pendingAccess())
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

// toEject lists who is to be disconnected: those in Pending.Eject and everybody banned.
func (rs *Rooms) toEject(g *guildState, r *roomState) []snowflake.ID {
	users := slices.Clone(r.Pending.Eject)
	for _, p := range rs.o.Voice.Roster(g.id, r.ID) {
		if r.Banned(p.UserID) && !slices.Contains(users, p.UserID) {
			users = append(users, p.UserID)
		}
	}
	return users
}

// eject disconnects a user from voice if they are in the room.
func (rs *Rooms) eject(ctx context.Context, g *guildState, r *roomState, user snowflake.ID, reason string) error {
	if rs.o.Voice.ChannelOf(g.id, user) != r.ID {
		return nil
	}
	g.putOut(rs.o.Voice, user)
	err := rs.o.Discord.Move(ctx, g.id, user, r.ID, 0, reason)
	if errs.Has(err, errs.NotInVoice) {
		return nil
	}
	return err
}
