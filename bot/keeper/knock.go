package keeper

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
)

// knocksAtOnce is how many rooms of a server somebody can wait at with a knock.
const knocksAtOnce = 3

// Knock asks to be let into a room. Where the actor may not see the room, the
// answer does not tell whether there is one. It fails with errs.RateLimited
// after a refusal, with Conflict if they can enter anyway.
func (k *Keeper) Knock(ctx context.Context, guildID snowflake.ID, q room.KnockRequest) (out room.KnockDone, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	if q.RoomID == 0 && q.Owner == 0 {
		return out, errs.Field("room", "Please say whose room, or which.")
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r := g.knockedAt(q)
		if r == nil {
			return nil
		}
		access := g.summary(r).Access
		sees := access.MaySee(who)
		switch {
		case access.MayEnter(who):
			return errs.E(errs.Conflict, "You can enter this room already: no need to knock. Just join it.")
		case !access.MayKnock(who):
			return nil // banned: as if there were no room
		}
		already, err := k.knock(ctx, g, r, who, q.Actor.Via)
		if sees {
			s := g.summary(r)
			out.Room, out.Already = &s, already
			return err
		}
		if err != nil && !errs.Has(err, errs.RateLimited) {
			k.o.Log.WarnContext(ctx, "a knock at a room that is not shown was lost", "guild_id", g.id, "room_id", r.ID, "err", err)
		}
		return nil
	})
	return out, err
}

// knockedAt finds the open room that is meant.
func (g *guildRooms) knockedAt(q room.KnockRequest) *kept {
	if q.RoomID != 0 {
		r, _ := g.room(q.RoomID)
		return r
	}
	var found *kept
	for _, r := range g.rooms {
		if r.OwnerID == q.Owner && r.State == room.Open && (found == nil || r.ID > found.ID) {
			found = r
		}
	}
	return found
}

// knock records a knock: one that waits for an answer a person, none for a while after a refusal.
func (k *Keeper) knock(ctx context.Context, g *guildRooms, r *kept, who room.Standing, via room.Via) (already bool, err error) {
	now := k.o.Now()
	if old := r.Knock(who.UserID); old != nil && !old.Stale(now) {
		if old.Pending(now) {
			return true, nil
		}
		wait := old.RefusedAt.Add(room.KnockCoolDown).Sub(now).Round(time.Second)
		return false, errs.E(errs.RateLimited, "They answered “not now” a short while ago. You can knock again in %s.", wait).After(wait)
	}
	pending := 0
	for _, other := range g.rooms {
		if o := other.Knock(who.UserID); o != nil && other != r && o.Pending(now) {
			pending++
		}
	}
	switch {
	case pending >= knocksAtOnce:
		return false, errs.E(errs.RateLimited, "You are knocking at %d rooms already. Wait until somebody answers.", pending).After(time.Minute)
	case r.Knocking() >= room.MaxKnocks:
		return false, errs.E(errs.RateLimited, "Too many people are knocking here just now. Try again in a few minutes.").After(5 * time.Minute)
	}
	entry := room.Entry{Kind: room.EntryKnocked, By: who.UserID, Via: via}
	err = k.edit(ctx, g, r, &entry, func(doc *room.Room) {
		doc.Knocks = slices.DeleteFunc(doc.Knocks, func(q room.Knock) bool { return q.UserID == who.UserID || q.Stale(now) })
		doc.Knocks = append(doc.Knocks, room.Knock{UserID: who.UserID, Name: who.DisplayName, Avatar: who.Avatar, At: now})
	})
	if err == nil {
		k.tell(g, r, room.Changed{})
	}
	return false, err
}

// Answer lets somebody in who knocked, or tells them "not now"; either way
// they get a message. It fails with errs.NotFound if they knock no more.
func (k *Keeper) Answer(ctx context.Context, guildID snowflake.ID, q room.AnswerRequest) (out room.ChangeDone, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r, err := g.controlled(q.RoomID, who, "answer those who knock")
		if err != nil {
			return err
		}
		now := k.o.Now()
		knock := r.Knock(q.User)
		if knock == nil || !knock.Pending(now) {
			return errs.E(errs.NotFound, "They are not knocking any more: somebody answered, or they gave up.")
		}
		out.Name = knock.Name
		if q.LetIn {
			err = k.letIn(ctx, g, r, who, *knock, q.Actor.Via)
		} else {
			entry := room.Entry{Kind: room.EntryKnockDenied, By: who.UserID, Via: q.Actor.Via, Target: q.User}
			err = k.edit(ctx, g, r, &entry, func(doc *room.Room) {
				o := doc.Knock(q.User)
				o.RefusedAt, o.RefusedBy = now, who.UserID
			})
			k.tell(g, r, room.Changed{})
		}
		if err != nil {
			return err
		}
		out.Room = g.summary(r)
		k.say(g, KnockAnswered{Room: out.Room, User: q.User, LetIn: q.LetIn})
		return nil
	})
	return out, err
}

// letIn makes a guest of somebody who knocked, and holds a seat for them.
func (k *Keeper) letIn(ctx context.Context, g *guildRooms, r *kept, who room.Standing, knock room.Knock, via room.Via) error {
	if r.Banned(knock.UserID) {
		return errs.E(errs.Forbidden, "That user is banned from this room. Undo the ban first.")
	}
	err := k.admit(ctx, g, r, admission{user: knock.UserID, name: knock.Name, by: who.UserID, via: via, hold: holdInvited})
	if err == nil && who.UserID == r.OwnerID {
		k.rememberOf(ctx, g, who.UserID, func(p *room.Preferences) { p.Guests = with1(p.Guests, knock.UserID) })
	}
	return err
}

// Wait enters the waiting list of a full room, or leaves it. When a seat
// becomes free it is held for the first in the list, who gets a message.
func (k *Keeper) Wait(ctx context.Context, guildID snowflake.ID, q room.WaitRequest) (out room.WaitDone, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r, err := g.visible(q.RoomID, who)
		if err != nil {
			return err
		}
		if q.Leave {
			err = k.unwait(ctx, g, r, who.UserID, "left", q.Actor.Via)
		} else {
			err = k.wait(ctx, g, r, who, q.Actor.Via)
		}
		if err != nil {
			return err
		}
		out.Room, out.Place = g.summary(r), r.Place(who.UserID)
		if h := r.Hold(who.UserID, k.o.Now()); h != nil {
			out.HeldUntil = h.Until
		}
		return nil
	})
	return out, err
}

func (k *Keeper) wait(ctx context.Context, g *guildRooms, r *kept, who room.Standing, via room.Via) error {
	roster, now := k.o.Presence.Roster(g.id, r.ID), k.o.Now()
	switch {
	case !g.summary(r).Access.MayEnter(who):
		return locked()
	case room.In(roster, who.UserID):
		return errs.E(errs.Conflict, "You have a seat already.")
	case r.Place(who.UserID) > 0:
		return nil
	case len(r.Waiting) == 0 && r.Free(roster, who.UserID, now) > 0:
		return k.hold(ctx, g, r, room.Hold{UserID: who.UserID, Why: room.HeldWaiting, Until: now.Add(holdOffered)})
	case len(r.Waiting) >= room.MaxWaiting:
		return errs.E(errs.RoomFull, "%d people wait for a seat already. Try again later.", len(r.Waiting))
	}
	entry := room.Entry{Kind: room.EntryWaiting, By: who.UserID, Via: via}
	err := k.edit(ctx, g, r, &entry, func(doc *room.Room) {
		doc.Waiting = append(doc.Waiting, room.Waiter{UserID: who.UserID, Name: who.DisplayName, Since: now})
	})
	if err == nil {
		k.tell(g, r, room.Changed{})
	}
	return err
}

func (k *Keeper) unwait(ctx context.Context, g *guildRooms, r *kept, user snowflake.ID, how string, via room.Via) error {
	if r.Place(user) == 0 && r.Hold(user, k.o.Now()) == nil {
		return nil
	}
	now := k.o.Now()
	entry := room.Entry{Kind: room.EntryWaitEnded, Via: via, Target: user, Detail: how}
	if via != room.ViaSnug {
		entry.By = user
	}
	err := k.edit(ctx, g, r, &entry, func(doc *room.Room) {
		doc.Waiting = slices.DeleteFunc(doc.Waiting, func(w room.Waiter) bool { return w.UserID == user })
		doc.DropHold(user, now)
	})
	if err != nil {
		return err
	}
	k.tell(g, r, room.Changed{})
	k.seatWaiters(ctx, g, r)
	return nil
}

// hold keeps a seat for a user for a short time.
func (k *Keeper) hold(ctx context.Context, g *guildRooms, r *kept, h room.Hold) error {
	now := k.o.Now()
	entry := room.Entry{Kind: room.EntryHeld, Target: h.UserID, Detail: string(h.Why)}
	err := k.edit(ctx, g, r, &entry, func(doc *room.Room) { doc.SetHold(h, now) })
	if err == nil {
		k.tell(g, r, room.Changed{})
	}
	return err
}

// seatWaiters holds free seats for the first of the waiting list, and tells
// them. Who may not enter any more, or sits already, is taken off it.
func (k *Keeper) seatWaiters(ctx context.Context, g *guildRooms, r *kept) {
	for r.State == room.Open && len(r.Waiting) > 0 {
		roster, now, first := k.o.Presence.Roster(g.id, r.ID), k.o.Now(), r.Waiting[0]
		access := g.summary(r).Access
		may := access.MayEnter(room.Standing{UserID: first.UserID, Member: true})
		if may && !room.In(roster, first.UserID) && r.Free(roster, 0, now) <= 0 {
			return
		}
		offer := may && !room.In(roster, first.UserID)
		how, until := "seated", now.Add(holdOffered)
		if offer {
			how = "offered"
		}
		entry := room.Entry{Kind: room.EntryWaitEnded, Target: first.UserID, Detail: how}
		err := k.edit(ctx, g, r, &entry, func(doc *room.Room) {
			doc.Waiting = slices.DeleteFunc(doc.Waiting, func(w room.Waiter) bool { return w.UserID == first.UserID })
			if offer {
				doc.SetHold(room.Hold{UserID: first.UserID, Why: room.HeldWaiting, Until: until}, now)
			}
		})
		if err != nil {
			k.o.Log.WarnContext(ctx, "the waiting list moves up with the next sweep", "guild_id", g.id, "room_id", r.ID, "err", err)
			return
		}
		k.tell(g, r, room.Changed{})
		if offer {
			k.say(g, SeatFree{Room: g.summary(r), User: first.UserID, Until: until})
		}
	}
}

// stale drops holds that ended and knocks that nobody answered.
func (k *Keeper) stale(ctx context.Context, g *guildRooms, r *kept) error {
	now := k.o.Now()
	old := slices.ContainsFunc(r.Holds, func(h room.Hold) bool { return !now.Before(h.Until) })
	knocks := slices.ContainsFunc(r.Knocks, func(q room.Knock) bool { return q.Stale(now) })
	var err error
	if old || knocks {
		err = k.edit(ctx, g, r, nil, func(doc *room.Room) {
			doc.DropHold(0, now)
			doc.Knocks = slices.DeleteFunc(doc.Knocks, func(q room.Knock) bool { return q.Stale(now) })
		})
		k.tell(g, r, room.Changed{})
	}
	k.seatWaiters(ctx, g, r)
	return errors.Join(err)
}

func locked() error {
	return errs.E(errs.Forbidden, "This room is locked. Ask its owner to let you in.")
}
