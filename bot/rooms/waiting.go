package rooms

import (
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

// How long a seat is held for somebody.
const (
	holdMoved   = 10 * time.Second // moved by the bot: until Discord tells of it
	holdLink    = time.Minute      // asked to join, and on their way through Discord
	holdInvited = 3 * time.Minute  // just let in
	holdOffered = 2 * time.Minute  // the first of the waiting list, when a seat is free
)

// Wait enters the waiting list of a full room, or leaves it. When a seat
// becomes free it is held for the first in the list, who gets a message.
func (rs *Rooms) Wait(ctx context.Context, guildID snowflake.ID, q room.WaitRequest) (out room.WaitDone, err error) {
	enter := rs.withRoom
	if q.Leave {
		enter = rs.withVisibleRoom
	}
	err = enter(ctx, guildID, q.Actor, q.RoomID, func(
		ctx context.Context, g *guildState, r *roomState, who access.Standing,
	) error {
		var err error
		if q.Leave {
			err = rs.leaveWaitingList(ctx, g, r, who.UserID, q.Actor.Via)
		} else {
			err = rs.enterWaitingList(ctx, g, r, who, q.Actor.Via)
		}
		if err != nil {
			return err
		}
		out.Room, out.Place = g.summary(r), r.Place(who.UserID)
		if h := r.Hold(who.UserID, g.now()); h != nil {
			out.HeldUntil = h.Until
		}
		return nil
	})
	return out, err
}

func (rs *Rooms) enterWaitingList(
	ctx context.Context, g *guildState, r *roomState, who access.Standing, via access.Via,
) error {
	roster, now := rs.o.Voice.Roster(g.id, r.ID), g.now()
	switch {
	case !g.summary(r).Access.MayEnter(who):
		return rs.enterError(g, g.summary(r).Access, who)
	case room.In(roster, who.UserID):
		return errs.E(errs.Conflict, "You have a seat already.")
	case r.Place(who.UserID) > 0:
		return nil
	case len(r.Waiting) == 0 && r.Free(roster, who.UserID, now) > 0:
		entry := audit.Entry{Kind: audit.SeatHeld, Target: who.UserID, Detail: string(room.HeldWaiting)}
		return rs.hold(ctx, g, r, &entry,
			room.Hold{UserID: who.UserID, Why: room.HeldWaiting, Until: now.Add(holdOffered)})
	case len(r.Waiting) >= room.MaxWaiting:
		return errs.E(errs.RoomFull, "%d people wait for a seat already. Try again later.", len(r.Waiting))
	}
	entry := audit.Entry{Kind: audit.WaitingStarted, By: who.UserID, Via: via}
	return rs.change(ctx, g, r, &entry, func(doc *room.Room) {
		doc.Waiting = append(doc.Waiting,
			room.Waiter{UserID: who.UserID, Name: who.DisplayName, Avatar: who.Avatar, Since: now})
	})
}

func (rs *Rooms) leaveWaitingList(
	ctx context.Context, g *guildState, r *roomState, user snowflake.ID, via access.Via,
) error {
	now := g.now()
	if r.Place(user) == 0 && r.Hold(user, now) == nil {
		return nil
	}
	entry := audit.Entry{Kind: audit.WaitingEnded, By: user, Via: via, Target: user, Detail: "left"}
	err := rs.change(ctx, g, r, &entry, func(doc *room.Room) {
		doc.DropWaiter(user)
		doc.DropHold(user, now)
	})
	if err == nil {
		rs.offerSeats(ctx, g, r)
	}
	return err
}

// hold keeps a seat for a user for a short time, with an entry in the audit or, with nil, without.
func (rs *Rooms) hold(ctx context.Context, g *guildState, r *roomState, e *audit.Entry, h room.Hold) error {
	now := g.now()
	return rs.change(ctx, g, r, e, func(doc *room.Room) { doc.SetHold(h, now) })
}

// offerSeats holds free seats for the first of the waiting list, and tells
// them. Who may not enter any more, or sits already, is taken off it. Where Discord has to be asked
// who is first, that is done by itself, and after it what the gateway told meanwhile: a seat
// that has just been left may be held for who left it.
func (rs *Rooms) offerSeats(ctx context.Context, g *guildState, r *roomState) {
	for g.rooms[r.ID] == r && r.State == room.Open && len(r.Waiting) > 0 {
		first := r.Waiting[0]
		who, known := rs.freshStanding(g, first.UserID)
		if !known {
			rs.enqueue(g, func(ctx context.Context) { rs.fetchFirstWaiter(ctx, g, r, first.UserID) })
			return
		}
		roster, now := rs.o.Voice.Roster(g.id, r.ID), g.now()
		offer := g.summary(r).Access.MayEnter(who) && !room.In(roster, first.UserID)
		if offer && r.Free(roster, 0, now) <= 0 {
			return
		}
		how, until := "seated", now.Add(holdOffered)
		if offer {
			how = "offered"
		}
		entry := audit.Entry{Kind: audit.WaitingEnded, Target: first.UserID, Detail: how}
		err := rs.change(ctx, g, r, &entry, func(doc *room.Room) {
			doc.DropWaiter(first.UserID)
			if offer {
				doc.SetHold(room.Hold{UserID: first.UserID, Why: room.HeldWaiting, Until: until}, now)
			}
		})
		if err != nil {
			rs.o.Log.WarnContext(ctx, "the waiting list moves up with the next sweep", "guild_id", g.id,
				"room_id", r.ID, "err", err)
			return
		}
		if offer {
			rs.notify(g, SeatFree{Room: g.summary(r), User: first.UserID, Until: until})
		}
	}
}

// fetchFirstWaiter asks Discord who the first of a waiting list is, and has the list move up then.
func (rs *Rooms) fetchFirstWaiter(ctx context.Context, g *guildState, r *roomState, user snowflake.ID) {
	if _, err := rs.recentStanding(ctx, g, user); err != nil {
		rs.o.Log.WarnContext(ctx, "the waiting list moves up when Discord says who its first is", "guild_id", g.id,
			"room_id", r.ID, "user_id", user, "err", err)
		return
	}
	rs.enqueue(g, func(ctx context.Context) { rs.offerSeats(ctx, g, r) })
}

// expireHolds drops holds that ended and knocks that nobody answered.
func (rs *Rooms) expireHolds(ctx context.Context, g *guildState, r *roomState) error {
	now := g.now()
	old := slices.ContainsFunc(r.Holds, func(h room.Hold) bool { return !now.Before(h.Until) })
	knocks := slices.ContainsFunc(r.Knocks, func(q room.Knock) bool { return q.Stale(now) })
	var err error
	if old || knocks {
		err = rs.change(ctx, g, r, nil, func(doc *room.Room) {
			doc.DropHold(0, now)
			doc.Knocks = slices.DeleteFunc(doc.Knocks, func(q room.Knock) bool { return q.Stale(now) })
		})
	}
	rs.offerSeats(ctx, g, r)
	return err
}

// watchHolds has the line move up as soon as a hold ends.
func (rs *Rooms) watchHolds(g *guildState, r *roomState) {
	if len(r.Holds) == 0 {
		return
	}
	next := slices.MinFunc(r.Holds, func(a, b room.Hold) int { return a.Until.Compare(b.Until) }).Until
	if !r.holdTimerAt.IsZero() && !next.Before(r.holdTimerAt) {
		return
	}
	r.holdTimerAt = next
	rs.enqueueAfter(g, next.Sub(g.now()), func(ctx context.Context) {
		r.holdTimerAt = time.Time{}
		if g.rooms[r.ID] != r || r.State != room.Open || !g.ready {
			return
		}
		if err := rs.expireHolds(ctx, g, r); err != nil {
			rs.o.Log.WarnContext(ctx, "a hold that ended is dropped with the next sweep", "guild_id", g.id,
				"room_id", r.ID, "err", err)
			return
		}
		rs.watchHolds(g, r)
	})
}
