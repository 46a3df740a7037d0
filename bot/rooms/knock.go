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

// knocksAtOnce is at how many rooms of a server a user can knock at a time.
const knocksAtOnce = 3

// Knock asks to be let into a room. The result does not reveal a room that the actor may not see.
// It fails with errs.RateLimited after a refusal, and with Conflict if they can enter anyway.
func (rs *Rooms) Knock(ctx context.Context, guildID snowflake.ID, q room.KnockRequest) (out room.KnockDone, err error) {
	who, err := rs.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	if err := who.CheckActive(); err != nil {
		return out, err
	}
	if q.RoomID == 0 && q.Owner == 0 {
		return out, errs.Field("room", "Say whose room, or which room.")
	}
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		r := g.findKnockedRoom(q)
		if r == nil {
			return nil
		}
		access := g.summary(r).Access
		sees := access.MaySee(who)
		switch {
		case access.MayEnter(who):
			return errs.E(errs.Conflict, "You can enter this room without knocking. Just join it.")
		case sees && !r.Banned(who.UserID) && !access.MayKnock(who):
			return rs.checkGates(g, access, who, false)
		case !access.MayKnock(who):
			return nil // banned, or kept out by the server: as if there were no room
		}
		already, err := rs.knock(ctx, g, r, who, q.Actor.Via)
		if sees {
			s := g.summary(r)
			out.Room, out.Already = &s, already
			return err
		}
		if err != nil && !errs.Has(err, errs.RateLimited) {
			return err // it is not heard: that outweighs that the answer tells of a room
		}
		return nil
	})
	return out, err
}

// findKnockedRoom finds the open room that the request names.
func (g *guildState) findKnockedRoom(q room.KnockRequest) *roomState {
	if q.RoomID == 0 {
		return g.roomOf(q.Owner)
	}
	r, _ := g.room(q.RoomID)
	return r
}

// knock stores a knock: one pending knock a person, and none for KnockCoolDown after a refusal.
func (rs *Rooms) knock(
	ctx context.Context, g *guildState, r *roomState, who access.Standing, via access.Via,
) (already bool, err error) {
	now := g.now()
	if old := r.Knock(who.UserID); old != nil && !old.Stale(now) {
		if old.Pending(now) {
			return true, nil
		}
		wait := old.RefusedAt.Add(room.KnockCoolDown).Sub(now).Round(time.Second)
		return false,
			errs.E(errs.RateLimited, "They answered “not now” a moment ago. You can knock again in %s.",
				wait).After(wait)
	}
	pending := 0
	for _, other := range g.rooms {
		if o := other.Knock(who.UserID); o != nil && other != r && o.Pending(now) {
			pending++
		}
	}
	switch {
	case pending >= knocksAtOnce:
		return false,
			errs.E(errs.RateLimited, "You're already knocking at %d rooms. Wait until somebody answers.",
				pending).After(time.Minute)
	case r.Knocking() >= room.MaxKnocks:
		return false,
			errs.E(errs.RateLimited,
				"Too many people are knocking here right now. Try again in a few minutes.").After(5 * time.Minute)
	}
	entry := audit.Entry{Kind: audit.Knocked, By: who.UserID, Via: via}
	return false, rs.change(ctx, g, r, &entry, func(doc *room.Room) {
		doc.Knocks = slices.DeleteFunc(doc.Knocks,
			func(q room.Knock) bool { return q.UserID == who.UserID || q.Stale(now) })
		doc.Knocks = append(doc.Knocks,
			room.Knock{UserID: who.UserID, Name: who.DisplayName, Avatar: who.Avatar, At: now})
	})
}

// Answer admits a user who knocked, or declines. They are sent a message; Delivery
// says whether they got it. It fails with errs.NotFound if there is no pending knock.
func (rs *Rooms) Answer(
	ctx context.Context, guildID snowflake.ID, q room.AnswerRequest,
) (out room.ChangeDone, err error) {
	var by snowflake.ID
	var language string
	const what = errs.Term("answer those who knock")
	answer := func(ctx context.Context, g *guildState, r *roomState, who access.Standing) error {
		now := g.now()
		knock := r.Knock(q.User)
		if knock == nil || !knock.Pending(now) {
			return errs.E(errs.NotFound, "They're no longer knocking: somebody answered, or they gave up.")
		}
		out.Name = knock.Name
		var err error
		if q.LetIn {
			err = rs.admitKnocker(ctx, g, r, who, *knock, q.Actor.Via)
		} else {
			entry := audit.Entry{Kind: audit.KnockDenied, By: who.UserID, Via: q.Actor.Via, Target: q.User}
			err = rs.change(ctx, g, r, &entry, func(doc *room.Room) {
				if o := doc.Knock(q.User); o != nil {
					o.RefusedAt, o.RefusedBy = now, who.UserID
				}
			})
		}
		if err != nil {
			return err
		}
		out.Room, by, language = g.summary(r), who.UserID, g.language()
		return nil
	}
	err = rs.withControlledRoom(ctx, guildID, q.Actor, q.RoomID, what, func(
		ctx context.Context, g *guildState, r *roomState, who access.Standing,
	) error {
		return rs.inControlledRoomLane(ctx, g, r, who, what, func() error { return answer(ctx, g, r, who) })
	})
	if err == nil {
		out.Delivery = rs.notifyAndReport(ctx, guildID, language,
			KnockAnswered{Room: out.Room, User: q.User, By: by, LetIn: q.LetIn})
	}
	return out, err
}

// admitKnocker makes a user who knocked a guest, and holds a seat for them.
func (rs *Rooms) admitKnocker(
	ctx context.Context, g *guildState, r *roomState, who access.Standing, knock room.Knock, via access.Via,
) error {
	if r.Banned(knock.UserID) {
		return errs.E(errs.Forbidden, "That user is banned from this room. Unban them first.")
	}
	if err := rs.checkAdmissible(ctx, g, r, knock.UserID); err != nil {
		return err
	}
	err := rs.admit(ctx, g, r,
		admission{user: knock.UserID, name: knock.Name, by: who.UserID, via: via, hold: holdInvited})
	if err == nil && who.UserID == r.OwnerID {
		rs.updatePreferences(ctx, g, who.UserID,
			func(p *room.Preferences) { p.Guests = appendUnique(p.Guests, knock.UserID) })
	}
	return err
}
