package keeper

import (
	"context"
	"errors"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// Keep calls off a room's announced closing, and starts its idle time anew.
func (k *Keeper) Keep(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.Summary, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r, err := g.visible(q.RoomID, who)
		if err != nil {
			return err
		}
		if s := g.summary(r).Access; !s.MayEnter(who) && !s.MayControl(who) {
			return errs.E(errs.Forbidden, "Only those who may enter this room can keep it open.")
		}
		if r.CloseReason == room.ClosedAge {
			return errs.E(errs.Forbidden, "This room is as old as rooms may become in this server, so it cannot be kept. Open a new one with /create-room.")
		}
		if err := k.kept(ctx, g, r, who.UserID, q.Actor.Via); err != nil {
			return err
		}
		out = g.summary(r)
		return nil
	})
	return out, err
}

// kept calls a closing off; by is 0 if somebody came back rather than asked for it.
func (k *Keeper) kept(ctx context.Context, g *guildRooms, r *kept, by snowflake.ID, via room.Via) error {
	now := k.o.Now()
	entry, announced := room.Entry{Kind: room.EntryKept, By: by, Via: via}, !r.ClosingAt.IsZero()
	err := k.edit(ctx, g, r, &entry, func(doc *room.Room) {
		doc.ClosingAt, doc.CloseReason = time.Time{}, ""
		if by != 0 {
			doc.Idle.KeptAt = now
		}
	})
	if err == nil {
		k.tell(g, r, room.Kept{By: by})
		if announced {
			k.say(g, StaysOpen{Room: g.summary(r)})
		}
	}
	return err
}

// CloseRoom closes a room at once: its owner's or a manager's wish.
func (k *Keeper) CloseRoom(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.Summary, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r, err := g.room(q.RoomID)
		if err != nil {
			return err
		}
		if !g.summary(r).Access.MayClose(who) {
			if _, err := g.visible(q.RoomID, who); err != nil {
				return err
			}
			return errs.E(errs.Forbidden, "Only the room's owner or somebody who manages the server can close it. Please ask them.")
		}
		out = g.summary(r)
		reason := room.ClosedByOwner
		if r.OwnerID != who.UserID {
			reason = room.ClosedByAdmin
		}
		return k.close(ctx, g, r, reason, who.UserID, q.Actor.Via)
	})
	return out, err
}

// close ends a room: the decision is recorded, then the channel removed, then
// the document. What fails after the decision is finished by a sweep.
func (k *Keeper) close(ctx context.Context, g *guildRooms, r *kept, why room.CloseReason, by snowflake.ID, via room.Via) error {
	if r.State == room.Open {
		entry := room.Entry{Kind: room.EntryClosed, By: by, Via: via, Detail: string(why)}
		err := k.edit(ctx, g, r, &entry, func(doc *room.Room) { doc.State, doc.CloseReason = room.Closing, why })
		if err != nil {
			return err
		}
	}
	if err := k.o.Discord.DeleteChannel(ctx, r.ID, "Snug: "+string(r.CloseReason)); err != nil {
		r.retryAt = k.o.Now().Add(closeRetry)
		return err
	}
	if err := k.drop(ctx, g, r); err != nil {
		return err
	}
	k.o.Log.InfoContext(ctx, "room closed", "guild_id", g.id, "room_id", r.ID, "reason", r.CloseReason)
	k.tidy(ctx, g, r.CategoryID)
	return nil
}

// closeRetry is how long to wait before a channel is removed again that Discord would not remove.
const closeRetry = 30 * time.Second

// Gone takes the news that a channel was deleted in Discord. It only enqueues.
func (k *Keeper) Gone(guildID, channel snowflake.ID) {
	g := k.guild(guildID, false)
	if g == nil {
		return
	}
	k.later(g, func(ctx context.Context) {
		r := g.rooms[channel]
		if r == nil || !g.ready {
			return
		}
		if err := k.missed(ctx, g, r, room.ClosedChannel); err != nil {
			g.behind = true
			k.o.Log.ErrorContext(ctx, "a room whose channel was deleted could not be removed; a sweep will", "guild_id", guildID, "room_id", channel, "err", err)
		}
	})
}

// gone drops a room whose channel no longer exists.
func (k *Keeper) gone(ctx context.Context, g *guildRooms, r *kept, why room.CloseReason) error {
	if r.State == room.Open {
		entry := room.Entry{Kind: room.EntryClosed, Detail: string(why)}
		if err := k.edit(ctx, g, r, &entry, func(doc *room.Room) { doc.State, doc.CloseReason = room.Closing, why }); err != nil {
			return err
		}
	}
	return k.drop(ctx, g, r)
}

// Seen takes the rooms that admitted members have visibly open: it keeps empty rooms a while.
func (k *Keeper) Seen(ctx context.Context, guildID snowflake.ID, q room.SeenRequest) (struct{}, error) {
	return struct{}{}, k.with(ctx, guildID, func(g *guildRooms) error {
		var all error
		for _, id := range q.RoomIDs {
			r, err := g.room(id)
			if err != nil || r.Idle.EmptySince.IsZero() {
				continue
			}
			now := k.o.Now()
			if err := k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Idle.SeenAt = now }); err != nil {
				all = errors.Join(all, err)
				continue
			}
			all = errors.Join(all, k.consider(ctx, g, r))
		}
		return all
	})
}

// occupancy keeps since when a room is empty, and its owner away, in step
// with its roster.
func (k *Keeper) occupancy(ctx context.Context, g *guildRooms, r *kept) {
	roster := k.o.Presence.Roster(g.id, r.ID)
	empty, away := room.Taken(roster) == 0, !room.In(roster, r.OwnerID)
	emptied := empty != !r.Idle.EmptySince.IsZero()
	if !emptied && away == !r.OwnerLeftAt.IsZero() {
		return
	}
	now := k.o.Now()
	err := k.edit(ctx, g, r, nil, func(doc *room.Room) {
		if emptied {
			doc.Idle = room.Idle{}
			if empty {
				doc.Idle.EmptySince = now
				doc.Status, doc.Due.Status = "", false // Discord clears it too
			}
		}
		switch {
		case !away:
			doc.OwnerLeftAt = time.Time{}
		case doc.OwnerLeftAt.IsZero():
			doc.OwnerLeftAt = now
		}
	})
	if err == nil && emptied {
		err = k.consider(ctx, g, r)
	}
	if err != nil {
		k.o.Log.WarnContext(ctx, "a room's idle time is behind; the next sweep sets it", "guild_id", g.id, "room_id", r.ID, "err", err)
	}
}

// Sweep is the reaper's round: every room of every guild is looked at once.
// It is called by cron and may be called at any time; rounds do not overlap.
func (k *Keeper) Sweep(ctx context.Context) error {
	var all error
	for _, id := range k.Holds() {
		if ctx.Err() != nil {
			return errors.Join(all, ctx.Err())
		}
		g := k.guild(id, false)
		turn, cancel := context.WithTimeout(ctx, sweepPatience)
		err := g.take(turn)
		cancel()
		if err != nil {
			continue // busy: the next round comes soon, and the other guilds do not wait
		}
		if g.ready {
			all = errors.Join(all, k.sweep(ctx, g))
		}
		g.give()
	}
	return all
}

// sweepPatience is how long a round waits for a guild whose turn is taken.
const sweepPatience = time.Second

func (k *Keeper) sweep(ctx context.Context, g *guildRooms) error {
	all := k.catchUp(ctx, g)
	told := 0
	for _, r := range g.rooms {
		if r.State == room.Open {
			k.occupancy(ctx, g, r)
			if r.Due != (room.Due{}) && told < toldAtOnce {
				told++
				all = errors.Join(all, k.tellDue(ctx, g, r))
			}
			all = errors.Join(all, k.stale(ctx, g, r), k.renameDue(ctx, g, r), k.ownerDue(ctx, g, r))
		}
		all = errors.Join(all, k.consider(ctx, g, r))
	}
	k.forgetOld(g)
	k.trim(ctx, g)
	return errors.Join(all, k.settle(ctx, g, nil))
}

// consider announces, calls off or carries out a room's closing, as its deadline says now.
func (k *Keeper) consider(ctx context.Context, g *guildRooms, r *kept) error {
	now := k.o.Now()
	if r.State == room.Closing {
		if now.Before(r.retryAt) {
			return nil
		}
		return k.close(ctx, g, r, r.CloseReason, 0, room.ViaSnug)
	}
	deadline, why := g.deadline(r)
	notice := time.Duration(g.settings.ClosingNotice)
	announced := !r.ClosingAt.IsZero()
	switch {
	case announced && (deadline.IsZero() || deadline.After(r.ClosingAt)):
		return k.kept(ctx, g, r, 0, room.ViaSnug)
	case announced && !now.Before(r.ClosingAt):
		return k.close(ctx, g, r, why, 0, room.ViaSnug)
	case !announced && !deadline.IsZero() && !now.Before(deadline.Add(-notice)):
		at := deadline
		if least := now.Add(notice); least.After(at) {
			at = least
		}
		entry := room.Entry{Kind: room.EntryClosing, Detail: string(why)}
		err := k.edit(ctx, g, r, &entry, func(doc *room.Room) { doc.ClosingAt, doc.CloseReason = at, why })
		if err == nil {
			k.tell(g, r, room.ClosingAnnounced{At: at, Reason: why})
			k.say(g, ClosingSoon{Room: g.summary(r), At: at, Reason: why})
		}
		return err
	}
	return nil
}

// deadline gives when a room closes as things are, and why; zero if it does not.
func (g *guildRooms) deadline(r *kept) (time.Time, room.CloseReason) {
	at, why := r.Idle.Deadline(g.settings.IdleTimeoutIn(r.LobbyID)), room.ClosedIdle
	for _, h := range r.Holds { // who lost their connection comes back to the same room
		if !at.IsZero() && h.Why == room.HeldBack && h.Until.After(at) {
			at = h.Until
		}
	}
	if g.settings.MaxAge != guild.Never {
		if old := r.OpenedAt.Add(time.Duration(g.settings.MaxAge)); at.IsZero() || old.Before(at) {
			at, why = old, room.ClosedAge
		}
	}
	return at, why
}

// toldAtOnce is how many rooms a round tells Discord of again: the guild's turn is taken meanwhile.
const toldAtOnce = 5

// trimEvery is how often entries of the audit that are older than the guild keeps are removed.
const trimEvery = 6 * time.Hour

func (k *Keeper) trim(ctx context.Context, g *guildRooms) {
	now := k.o.Now()
	if keep := time.Duration(g.settings.AuditRetention); keep < 90*24*time.Hour && now.Sub(g.trimmed) >= trimEvery {
		g.trimmed = now
		if _, err := k.o.Hub.Audit.Trim(ctx, g.id, now.Add(-keep)); err != nil {
			k.o.Log.WarnContext(ctx, "old entries of the audit stay until the next round", "guild_id", g.id, "err", err)
		}
	}
}
