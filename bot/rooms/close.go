package rooms

import (
	"cmp"
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

// Keep cancels a room's announced closing and restarts its idle time.
func (rs *Rooms) Keep(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.Summary, err error) {
	err = rs.withRoom(ctx, guildID, q.Actor, q.RoomID, func(
		ctx context.Context, g *guildState, r *roomState, who access.Standing,
	) error {
		if s := g.summary(r).Access; !s.MayEnter(who) && !s.MayControl(who) {
			return errs.E(errs.Forbidden, "Only people who can enter this room can keep it open.")
		}
		if r.CloseReason == room.ClosedAge {
			return errs.E(errs.Forbidden,
				"This room has reached its maximum age, so it can't be kept open. Open a new one with /create-room.")
		}
		if err := rs.keepOpen(ctx, g, r, who.UserID, q.Actor.Via); err != nil {
			return err
		}
		out = g.summary(r)
		return nil
	})
	return out, err
}

// keepOpen cancels a closing; by is 0 if somebody joined rather than asked for it.
func (rs *Rooms) keepOpen(ctx context.Context, g *guildState, r *roomState, by snowflake.ID, via access.Via) error {
	now := g.now()
	entry, announced := audit.Entry{Kind: audit.RoomKept, By: by, Via: via}, !r.ClosingAt.IsZero()
	err := rs.edit(ctx, g, r, &entry, func(doc *room.Room) {
		doc.ClosingAt, doc.CloseReason = time.Time{}, ""
		if by != 0 {
			doc.Idle.KeptAt = now
		}
	})
	if err == nil {
		rs.publish(g, r, room.ClosingCancelled{By: by})
		if announced {
			rs.notify(g, StaysOpen{Room: g.summary(r)})
		}
	}
	return err
}

// CloseRoom closes a room at once, on behalf of its owner or a manager.
func (rs *Rooms) CloseRoom(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.Summary, err error) {
	who, err := rs.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	if err := who.CheckActive(); err != nil {
		return out, err
	}
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		return rs.inLaneOf(ctx, g, q.RoomID, func() error {
			r, err := g.room(q.RoomID)
			if err != nil {
				return err
			}
			if refused := g.summary(r).Access.CheckClose(who); refused != nil {
				_, err := g.visible(q.RoomID, who) // do not reveal a room that the actor may not see
				return cmp.Or(err, refused)
			}
			out = g.summary(r)
			reason := room.ClosedByOwner
			if r.OwnerID != who.UserID {
				reason = room.ClosedByAdmin
			}
			return rs.close(ctx, g, r, reason, who.UserID, q.Actor.Via)
		})
	})
	return out, err
}

// close stores that the room is closing, deletes the channel, then the document. A
// sweep finishes what fails after the first step. The caller is in the room's lane.
func (rs *Rooms) close(
	ctx context.Context, g *guildState, r *roomState, why room.CloseReason, by snowflake.ID, via access.Via,
) error {
	if r.State == room.Open {
		if err := rs.rememberClosed(ctx, g, r, why); err != nil {
			return err
		}
		entry := audit.Entry{Kind: audit.RoomClosed, By: by, Via: via, Detail: string(why)}
		err := rs.edit(ctx, g, r, &entry, func(doc *room.Room) { doc.State, doc.CloseReason = room.Closing, why })
		if err != nil {
			return err
		}
	}
	if err := rs.o.Discord.DeleteChannel(ctx, r.ID, "Snug: "+string(r.CloseReason)); err != nil {
		r.retryAt = g.now().Add(closeRetry)
		return err
	}
	if err := rs.deleteRoom(ctx, g, r); err != nil {
		return err
	}
	rs.o.Log.InfoContext(ctx, "room closed", "guild_id", g.id, "room_id", r.ID, "reason", r.CloseReason)
	return nil
}

// closeRetry is the pause before a failed call is repeated by a sweep.
const closeRetry = 30 * time.Second

// ChannelDeleted takes a Channel Delete event. It only enqueues.
func (rs *Rooms) ChannelDeleted(guildID, channel snowflake.ID) {
	rs.enqueueIn(guildID, func(ctx context.Context, g *guildState) {
		r := g.rooms[channel]
		if r == nil || !g.ready {
			return
		}
		err := g.inLane(ctx, roomLane(channel), func() error { // Snug itself may be deleting it
			if g.rooms[channel] != r {
				return nil
			}
			return rs.verifyMissing(ctx, g, r, room.ClosedChannel)
		})
		if err != nil {
			g.compareFailed = true
			rs.o.Log.WarnContext(ctx, "a room whose channel was deleted could not be removed; a sweep will",
				"guild_id", guildID, "room_id", channel, "err", err)
		}
	})
}

// onChannelDeleted drops a room whose channel no longer exists.
func (rs *Rooms) onChannelDeleted(ctx context.Context, g *guildState, r *roomState, why room.CloseReason) error {
	if r.State == room.Open {
		if err := rs.rememberClosed(ctx, g, r, why); err != nil {
			return err
		}
		entry := audit.Entry{Kind: audit.RoomClosed, Detail: string(why)}
		if err := rs.edit(ctx, g, r, &entry,
			func(doc *room.Room) { doc.State, doc.CloseReason = room.Closing, why }); err != nil {
			return err
		}
	}
	return rs.deleteRoom(ctx, g, r)
}
