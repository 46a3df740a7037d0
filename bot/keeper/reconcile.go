package keeper

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
)

// compare puts right where rooms and Discord's channels differ.
func (k *Keeper) compare(ctx context.Context, g *guildRooms, channels []Channel) error {
	var all error
	channels, err := k.verified(ctx, g, channels)
	if err != nil {
		return err
	}
	byID := byID(channels)
	for _, r := range g.rooms {
		c, there := byID[r.ID]
		var err error
		switch {
		case !there || c.Unseen:
			err = k.missed(ctx, g, r, room.ClosedLost)
		case r.State == room.Closing:
			err = k.consider(ctx, g, r)
		default:
			err = k.align(ctx, g, r, c)
			k.occupancy(ctx, g, r)
			all = errors.Join(all, k.consider(ctx, g, r))
		}
		all = errors.Join(all, err)
	}
	return errors.Join(all, k.settle(ctx, g, channels))
}

// catchUp finishes a comparison that could not be finished before.
func (k *Keeper) catchUp(ctx context.Context, g *guildRooms) error {
	if !g.behind {
		return nil
	}
	channels, err := k.o.Discord.Channels(ctx, g.id)
	if err == nil {
		err = k.compare(ctx, g, channels)
	}
	g.behind = err != nil
	return err
}

// verified asks Discord for the channels when one that a room needs is not
// among those given: nothing is given up on what was merely not told.
func (k *Keeper) verified(ctx context.Context, g *guildRooms, channels []Channel) ([]Channel, error) {
	for id := range g.rooms {
		if !slices.ContainsFunc(channels, func(c Channel) bool { return c.ID == id }) {
			return k.o.Discord.Channels(ctx, g.id)
		}
	}
	return channels, nil
}

// missed follows Discord's telling nothing of a room's channel any more: it
// is asked for, and the room given up only if it is gone. A channel that Snug
// was denied keeps its room, until Snug may see it again or it is deleted.
func (k *Keeper) missed(ctx context.Context, g *guildRooms, r *kept, why room.CloseReason) error {
	err := k.o.Discord.There(ctx, r.ID)
	switch {
	case errs.Has(err, errs.NotFound):
		if why == room.ClosedLost {
			k.repaired(ctx, g, r, "its channel is gone")
		}
		return k.gone(ctx, g, r, why)
	case errs.Has(err, errs.MissingPermission):
		if !r.denied {
			r.denied = true
			k.o.Log.Warn("Snug may not see a room's channel any more; give its role View Channels and Connect there", "guild_id", g.id, "room_id", r.ID)
		}
		return nil
	}
	return err
}

// repaired tells log and audit what is put right.
func (k *Keeper) repaired(ctx context.Context, g *guildRooms, r *kept, what string) {
	k.o.Log.WarnContext(ctx, "repairing a room: "+what, "guild_id", g.id, "room_id", r.ID)
	if err := k.note(ctx, g, r, room.Entry{Kind: room.EntryRepaired, Detail: what}); err != nil {
		k.o.Log.WarnContext(ctx, "a repair is not in the audit log", "guild_id", g.id, "room_id", r.ID, "err", err)
	}
}

// Changed takes a channel that was updated in Discord. It only enqueues.
func (k *Keeper) Changed(guildID snowflake.ID, c Channel) {
	k.laterIn(guildID, func(ctx context.Context, g *guildRooms) {
		if g.settings.Lobby(c.ID) != nil {
			g.parents[c.ID] = cmp.Or(c.ParentID, g.settings.CategoryID)
		}
		r, err := g.room(c.ID)
		if err != nil || !g.ready {
			return
		}
		if c.Unseen {
			err = k.missed(ctx, g, r, room.ClosedChannel)
		} else {
			err = k.align(ctx, g, r, c)
		}
		if err != nil {
			k.o.Log.WarnContext(ctx, "a changed channel could not be followed", "guild_id", guildID, "room_id", c.ID, "err", err)
		}
	})
}

// align takes over what people changed by hand in Discord (name, seats, category) and
// gives back to owner and guests the overwrites they should have.
func (k *Keeper) align(ctx context.Context, g *guildRooms, r *kept, c Channel) error {
	r.denied = false
	now, seats, name := g.now(), r.Seats, r.Name
	if c.UserLimit != k.limit(g, r) && c.UserLimit != 0 && !r.asked(c.UserLimit, now) && !r.Due.Limit {
		seats = c.UserLimit
	}
	if c.Name != name && !r.named(c.Name, now) {
		name = c.Name
	}
	var all error
	if name != r.Name || seats != r.Seats || c.ParentID != r.CategoryID {
		all = k.takeOver(ctx, g, r, name, seats, c.ParentID)
	}
	if c.UserLimit == 0 { // without a limit nobody's seat is safe
		k.repaired(ctx, g, r, "its channel had no limit")
		all = errors.Join(all, k.setLimit(ctx, g, r, "Snug: a room has seats"))
	}
	return errors.Join(all, k.alignAccess(ctx, g, r, c))
}

// takeOver follows what was changed by hand in Discord.
func (k *Keeper) takeOver(ctx context.Context, g *guildRooms, r *kept, name string, seats int, category snowflake.ID) error {
	if name != r.Name && seats != r.Seats { // an entry of the audit tells one change
		if err := k.takeOver(ctx, g, r, name, r.Seats, category); err != nil {
			return err
		}
	}
	var entry *room.Entry
	switch {
	case name != r.Name:
		entry = &room.Entry{Kind: room.EntryRenamed, Via: room.ViaDiscord, Old: r.Name, New: name}
	case seats != r.Seats:
		entry = &room.Entry{Kind: room.EntrySeats, Via: room.ViaDiscord, Old: itoa(r.Seats), New: itoa(seats)}
	}
	now, renamed := g.now(), name != r.Name
	err := k.change(ctx, g, r, entry, func(doc *room.Room) {
		doc.Name, doc.Seats, doc.CategoryID = name, seats, category
		if renamed {
			doc.Renames.Spent(now) // Discord counts it, whoever did it
		}
	})
	if err == nil {
		k.seatWaiters(ctx, g, r)
	}
	return err
}

// alignAccess gives owner and guests back what they should have, and keeps
// closed what should be closed.
func (k *Keeper) alignAccess(ctx context.Context, g *guildRooms, r *kept, c Channel) error {
	if r.Due.Access {
		return nil // on its way
	}
	opened, now := g.opened(r, c), g.now()
	// Snug's own overwrite is the mark of its rooms, and lets it in. Where it
	// cannot be made exact it is not tried for ever.
	unmarked := !c.Marked && now.Sub(r.marked) >= remark
	if !opened && !unmarked {
		for _, user := range r.admitted() {
			if !slices.Contains(c.Admitted, user) {
				k.repaired(ctx, g, r, "somebody let in could not enter")
				if err := k.o.Discord.Admit(ctx, r.ID, user, g.access(&r.Room), "Snug: was let in"); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if opened {
		k.repaired(ctx, g, r, "it was open to more than it should be")
	} else {
		k.repaired(ctx, g, r, "Snug's own overwrite had been changed")
		r.marked = now
	}
	err := k.o.Discord.SetAccess(ctx, r.ID, g.access(&r.Room), "Snug: the room is "+privacyOf(&r.Room))
	if err != nil {
		return errors.Join(err, k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Due.Access = true }))
	}
	return nil
}

// opened says whether a channel lets in more people than its room does.
func (g *guildRooms) opened(r *kept, c Channel) bool {
	if (r.Private || r.Hidden) && !c.Hides || (r.Private || r.Hidden || r.Locked) && !c.Locks {
		return true
	}
	return slices.ContainsFunc(r.Bans, func(b room.Ban) bool { return b.UserID != r.OwnerID && !slices.Contains(c.Shut, b.UserID) })
}

// admitted lists who has a place of their own in a room: its owner and its guests.
func (r *kept) admitted() []snowflake.ID {
	users := []snowflake.ID{r.OwnerID}
	for _, q := range r.Guests {
		if q.UserID != r.OwnerID && !r.Banned(q.UserID) {
			users = append(users, q.UserID)
		}
	}
	return users
}

// remark is how often Snug's own overwrite is put back where that does not last.
const remark = 10 * time.Minute

// giveUpAfter is how old an intention becomes before it is given up: a
// creation may show in Discord some time after its request failed.
const giveUpAfter = 2 * time.Minute

// settle finishes or gives up intentions that were neither: their process
// died, or Discord did not say what became of the request. channels may be nil.
func (k *Keeper) settle(ctx context.Context, g *guildRooms, channels []Channel) error {
	if len(g.intended) == 0 {
		return nil
	}
	if channels == nil {
		var err error
		if channels, err = k.o.Discord.Channels(ctx, g.id); err != nil {
			return err
		}
	}
	var all error
	for _, in := range g.intended {
		done := false
		for _, r := range g.rooms {
			done = done || r.IntentionID == in.ID
		}
		switch channel := g.match(in, channels); {
		case done:
			k.forget(ctx, g, in)
		case channel != 0:
			r, err := k.finish(ctx, g, in, channel, false)
			if err == nil {
				k.repaired(ctx, g, r, "it was made, but never recorded")
			}
			all = errors.Join(all, err)
		case g.now().Sub(in.At) > giveUpAfter:
			k.forget(ctx, g, in)
		}
	}
	return all
}
