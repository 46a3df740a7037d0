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

// debt is what of a room Discord is owed, until a call pays it.
type debt struct{ owe, pay func(*room.Due) }

// allAccess is paid by SetAccess: every overwrite.
func allAccess() debt {
	return debt{func(d *room.Due) { d.Access = true }, (*room.Due).AccessTold}
}

// onePlace is paid by a call for one user's overwrite. What was owed before is owed after it.
func onePlace() debt {
	var before bool
	return debt{func(d *room.Due) { before, d.Access = d.Access, true }, func(d *room.Due) { d.Access = before }}
}

// andOut adds to a debt that a user is put out of voice.
func (b debt) andOut(user snowflake.ID) debt {
	return debt{func(d *room.Due) { b.owe(d); d.PutOut(user) }, func(d *room.Due) { b.pay(d); d.IsOut(user) }}
}

// andLifted adds to a debt that a ban is taken off the channel.
func (b debt) andLifted(ban room.Ban) debt {
	return debt{func(d *room.Due) { b.owe(d); d.Lift(ban) }, func(d *room.Due) { b.pay(d); d.IsLifted(ban.UserID) }}
}

func itsLimit() debt {
	return debt{func(d *room.Due) { d.Limit = true }, func(d *room.Due) { d.Limit = false }}
}

func itsStatus() debt {
	return debt{func(d *room.Due) { d.Status = true }, func(d *room.Due) { d.Status = false }}
}

// pay notes that a call has paid what is owed. What came to be owed while it was on
// its way, when owes was the room's, it did not pay.
func (k *Keeper) pay(ctx context.Context, g *guildRooms, r *kept, owes uint64, owed debt) error {
	return k.edit(ctx, g, r, nil, func(doc *room.Room) {
		owed.pay(&doc.Due)
		doc.Due.Access = doc.Due.Access || r.owes != owes
	})
}

// carryOut makes a change that Discord has to be told of: it is recorded with
// what Discord is owed, then call tells it and so pays. If Discord refuses, what
// was changed is taken back; if it does not answer, the change stands and the next sweep tells it again. The caller is in the room's lane.
func (k *Keeper) carryOut(ctx context.Context, g *guildRooms, r *kept, e audit.Entry, owed debt, change func(*room.Room), call func(context.Context) error) error {
	var before, after *room.Room
	err := k.edit(ctx, g, r, &e, func(doc *room.Room) {
		before = doc.Clone()
		change(doc)
		owed.owe(&doc.Due)
		after = doc.Clone()
	})
	if err != nil {
		return err
	}
	owes := r.owes
	if err = call(ctx); err == nil {
		if r.Due.Any() {
			err = k.pay(ctx, g, r, owes, owed)
		}
		k.tell(g, r, room.Changed{}) // the change is made, whether that could be noted or not
		return err
	}
	if errors.Is(err, errMore) {
		k.tell(g, r, room.Changed{})
		return nil
	}
	if unfinished(err) {
		r.retryAt = g.now().Add(closeRetry)
		k.tell(g, r, room.Changed{})
		return err
	}
	entry := audit.Entry{Kind: audit.EntryRepaired, Detail: "undone: " + string(errs.CodeOf(err))}
	undo := k.edit(ctx, g, r, &entry, func(doc *room.Room) {
		room.Revert(doc, before, after)
		if errors.Is(err, ErrPartly) {
			owed.owe(&doc.Due) // Discord is told what holds again
		}
	})
	if undo != nil {
		k.o.Log.ErrorContext(ctx, "a change that Discord refused could not be taken back", "guild_id", g.id, "room_id", r.ID, "err", undo)
	}
	return err
}

// errMore says that Discord was told the first and most needed part of a
// room's access, and the guild's next turns go on with it.
var errMore = errors.New("more of the room's access is to be told")

// setAccess gives a room's channel the overwrites it should have. Where that
// takes many requests the room's lane is left in between: errMore tells that
// the rest is on its way, and has to stay due. The caller is in the lane.
func (k *Keeper) setAccess(ctx context.Context, g *guildRooms, r *kept, reason string) error {
	more, err := k.o.Discord.SetAccess(ctx, r.ID, k.access(g, &r.Room), reason)
	if err == nil {
		k.refresh(g, r, true)
	}
	if err != nil || !more {
		return err
	}
	k.goOn(g, r.ID)
	return errMore
}

// goOn has Discord told what is due of a room in a task of its own. It only enqueues.
func (k *Keeper) goOn(g *guildRooms, id snowflake.ID) {
	k.later(g, func(ctx context.Context) {
		r, err := g.room(id)
		if err != nil || !g.ready {
			return
		}
		if err := k.tellDue(ctx, g, r); err != nil { // a sweep goes on with it
			k.o.Log.WarnContext(ctx, "not all are let in or kept out yet", "guild_id", g.id, "room_id", id, "err", err)
		}
	})
}

// unfinished says whether a call that failed may have had its effect, or may have it if it is made again.
func unfinished(err error) bool {
	return errs.Has(err, errs.DiscordUnavailable) || errs.Has(err, errs.RateLimited) || errs.Has(err, errs.Unavailable)
}

// tellDue tells Discord again what it may not have been told of a room, in its lane.
func (k *Keeper) tellDue(ctx context.Context, g *guildRooms, r *kept) error {
	return g.inRoomsLane(ctx, r, func() error {
		if !r.Due.Any() || r.State != room.Open || g.now().Before(r.retryAt) {
			return nil
		}
		err := k.makeGood(ctx, g, r)
		if errors.Is(err, errMore) {
			return nil
		}
		if err != nil {
			r.retryAt = g.now().Add(closeRetry)
			return err
		}
		return k.note(ctx, g, r, audit.Entry{Kind: audit.EntryRepaired, Detail: "Discord was told again"})
	})
}

// makeGood pays what is owed, one debt after the other; each that is paid is noted at once.
func (k *Keeper) makeGood(ctx context.Context, g *guildRooms, r *kept) error {
	const reason = "Snug: made good"
	if r.Due.Access {
		owes := r.owes
		err := k.setAccess(ctx, g, r, reason)
		if err == nil {
			err = k.pay(ctx, g, r, owes, allAccess())
		}
		if err != nil {
			return err
		}
	}
	for _, user := range k.stillIn(g, r) {
		err := k.putOut(ctx, g, r, user, reason)
		if err == nil {
			err = k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Due.IsOut(user) })
		}
		if err != nil {
			return err
		}
	}
	if r.Due.Limit {
		if err := k.setLimit(ctx, g, r, reason); err != nil {
			return err
		}
	}
	if r.Due.Status {
		if err := k.o.Discord.SetStatus(ctx, r.ID, r.Status, reason); err != nil {
			return err
		}
		return k.pay(ctx, g, r, r.owes, itsStatus())
	}
	return nil
}

// stillIn lists who is to be put out of voice: the banned are, whatever is noted.
func (k *Keeper) stillIn(g *guildRooms, r *kept) []snowflake.ID {
	users := slices.Clone(r.Due.Out)
	for _, p := range k.o.Presence.Roster(g.id, r.ID) {
		if r.Banned(p.UserID) && !slices.Contains(users, p.UserID) {
			users = append(users, p.UserID)
		}
	}
	return users
}

// putOut puts somebody out of voice, if they are in the room's.
func (k *Keeper) putOut(ctx context.Context, g *guildRooms, r *kept, user snowflake.ID, reason string) error {
	if k.o.Presence.ChannelOf(g.id, user) != r.ID {
		return nil
	}
	g.put[user] = g.now()
	err := k.o.Discord.Move(ctx, g.id, user, 0, reason)
	if errs.Has(err, errs.NotInVoice) {
		return nil
	}
	return err
}
