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
	holdMoved   = 10 * time.Second // moved by the bot, until the Voice State Update arrives
	holdLink    = time.Minute      // joining through Discord
	holdInvited = 3 * time.Minute  // just let in
	holdOffered = 2 * time.Minute  // the first of the waiting list, when a seat is free
)

// Wait adds the actor to the waiting list of a full room or, with Leave, removes
// them. A free seat is held for the first in the list, who gets a message.
func (rs *Rooms) Wait(ctx context.Context, guildID snowflake.ID, q room.WaitRequest) (out room.WaitDone, err error) {
	rs.CatchUp(ctx, guildID)
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
		return errs.E(errs.Conflict, "You already have a seat.")
	case r.Place(who.UserID) > 0:
		return nil
	case len(r.Waiting) == 0 && r.Free(roster, who.UserID, now) > 0:
		entry := audit.Entry{Kind: audit.SeatHeld, Target: who.UserID, Detail: string(room.HeldWaiting)}
		return rs.hold(ctx, g, r, &entry,
			room.Hold{UserID: who.UserID, Why: room.HeldWaiting, Until: now.Add(holdOffered)})
	case len(r.Waiting) >= room.MaxWaiting:
		return errs.E(errs.RoomFull, "%d people are already waiting for a seat. Try again later.", len(r.Waiting))
	}
	entry := audit.Entry{Kind: audit.WaitingStarted, By: who.UserID, Via: via}
	return rs.change(ctx, g, r, &entry, func(doc *room.Room) {
		if doc.Place(who.UserID) == 0 {
			doc.Waiting = append(doc.Waiting,
				room.Waiter{UserID: who.UserID, Name: who.DisplayName, Avatar: who.Avatar, Since: now})
		}
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

// hold holds a seat for a user. e is the audit entry, or nil.
func (rs *Rooms) hold(ctx context.Context, g *guildState, r *roomState, e *audit.Entry, h room.Hold) error {
	now := g.now()
	return rs.change(ctx, g, r, e, func(doc *room.Room) { doc.SetHold(h, now) })
}

// offerSeats holds free seats for the first users of the waiting list and notifies them.
// Those who may not enter any more, or are inside already, are removed from the list. If
// the first user's standing is not known, it is fetched in a job of its own, behind
// queued gateway events: a seat that was just left may have to be held for who left it.
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

// fetchFirstWaiter fetches the standing of the first of a waiting list, then calls offerSeats.
func (rs *Rooms) fetchFirstWaiter(ctx context.Context, g *guildState, r *roomState, user snowflake.ID) {
	if _, err := rs.recentStanding(ctx, g, user); err != nil {
		rs.o.Log.WarnContext(ctx, "the waiting list waits for the standing of its first user", "guild_id", g.id,
			"room_id", r.ID, "user_id", user, "err", err)
		return
	}
	rs.enqueue(g, func(ctx context.Context) { rs.offerSeats(ctx, g, r) })
}

// expireHolds drops expired holds and knocks, and offers free seats.
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

// watchHolds calls expireHolds as soon as the first hold ends.
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
