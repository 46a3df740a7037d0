package keeper

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/presence"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// How long a seat is held for somebody.
const (
	holdMoved   = 10 * time.Second // moved by the bot: until Discord tells of it
	holdLink    = time.Minute      // asked to join, and on their way through Discord
	holdInvited = 3 * time.Minute  // just let in
	holdOffered = 2 * time.Minute  // the first of the waiting list, when a seat is free
)

// View gives a room as the actor may see it. It fails with errs.RoomNotFound, also if they may not.
func (k *Keeper) View(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.View, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r, err := g.visible(q.RoomID, who)
		if err != nil {
			return err
		}
		out, err = k.view(g, r, who)
		return err
	})
	return out, err
}

// view gives a room as somebody sees it who may see it.
func (k *Keeper) view(g *guildRooms, r *kept, who room.Standing) (out room.View, err error) {
	now, s := k.o.Now(), g.summary(r)
	out = room.View{
		Room: s, Roster: k.o.Presence.Roster(g.id, r.ID), Standing: who,
		MayEnter: s.Access.MayEnter(who), MayControl: s.Access.MayControl(who),
		VoiceIn:      k.o.Presence.ChannelOf(g.id, who.UserID),
		IdleDeadline: r.Idle.Deadline(g.settings.IdleTimeoutIn(r.LobbyID)),
		MayClaim:     g.claimable(k, r, who) == nil, Place: r.Place(who.UserID),
	}
	if !r.OwnerLeftAt.IsZero() {
		out.ClaimAt = r.OwnerLeftAt.Add(room.ClaimAfter)
	}
	if h := r.Hold(who.UserID, now); h != nil {
		out.HeldUntil = h.Until
	}
	if g.settings.MaxAge != guild.Never {
		out.Deadline = r.OpenedAt.Add(time.Duration(g.settings.MaxAge))
	}
	if !out.MayControl {
		return out, nil
	}
	c := r.Room.Clone()
	out.Control = &room.Control{
		Guests: c.Guests, Bans: c.Bans, Waiting: c.Waiting, RenamesLeft: r.Renames.Left(now), NextRename: r.Renames.Next(now),
		WantedName: r.Renames.Wanted, WatchToken: r.WatchToken, LobbyID: r.LobbyID,
	}
	for _, q := range c.Knocks {
		if q.Pending(now) {
			out.Control.Knocks = append(out.Control.Knocks, q)
		}
	}
	for _, h := range c.Holds {
		if now.Before(h.Until) {
			out.Control.Holds = append(out.Control.Holds, h)
		}
	}
	for i := range r.Invites {
		if v := &r.Invites[i]; v.Live(now) {
			l, err := k.link(r, v)
			if err != nil {
				return out, err
			}
			out.Invites = append(out.Invites, l)
		}
	}
	return out, nil
}

// Join takes a seat: who is in voice is moved into the room; for who is not, a
// seat is held while they come through Discord. It fails with errs.RoomFull,
// RoomNotFound, Forbidden, MissingPermission or DiscordUnavailable.
func (k *Keeper) Join(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.Joined, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r, err := g.visible(q.RoomID, who)
		if err != nil {
			return err
		}
		if !g.summary(r).Access.MayEnter(who) {
			return locked()
		}
		in := k.o.Presence.ChannelOf(g.id, who.UserID)
		if in == r.ID {
			out.Moved = true
			return nil
		}
		if roster := k.o.Presence.Roster(g.id, r.ID); r.Free(roster, who.UserID, k.o.Now()) <= 0 {
			return full(r, roster)
		}
		out, err = k.seat(ctx, g, r, who.UserID, in)
		return err
	})
	return out, err
}

// seat holds a seat and moves the user there if they are in voice.
func (k *Keeper) seat(ctx context.Context, g *guildRooms, r *kept, user, in snowflake.ID) (room.Joined, error) {
	now := k.o.Now()
	if in != 0 {
		if err := k.holdQuietly(ctx, g, r, room.Hold{UserID: user, Why: room.HeldJoining, Until: now.Add(holdMoved)}); err != nil {
			return room.Joined{}, err
		}
		err := k.o.Discord.Move(ctx, g.id, user, r.ID, "Snug: joined on the web")
		if err == nil {
			return room.Joined{Moved: true}, nil
		}
		if !errs.Has(err, errs.NotInVoice) {
			if !errs.Has(err, errs.DiscordUnavailable) {
				err = errors.Join(err, k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.DropHold(user, now) }))
			}
			return room.Joined{}, err
		}
	}
	until := now.Add(holdLink)
	if h := r.Hold(user, now); h != nil && h.Until.After(until) {
		until = h.Until
	}
	return room.Joined{HeldUntil: until}, k.holdQuietly(ctx, g, r, room.Hold{UserID: user, Why: room.HeldJoining, Until: until})
}

// holdQuietly keeps a seat for a user without an entry in the audit.
func (k *Keeper) holdQuietly(ctx context.Context, g *guildRooms, r *kept, h room.Hold) error {
	now := k.o.Now()
	err := k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.SetHold(h, now) })
	if err == nil {
		k.tell(g, r, room.Changed{})
	}
	return err
}

func full(r *kept, roster []room.Person) error {
	if room.Taken(roster) < r.Seats {
		return errs.E(errs.RoomFull, "“%s” has a free seat, but it is held for somebody else just now. Try again in a minute, or wait for a seat.", r.Name)
	}
	return errs.E(errs.RoomFull, "“%s” is full: all %d seats are taken. Wait for a seat, and Snug tells you when one is free.", r.Name, r.Seats)
}

// Moved takes a change of voice channel from presence. It only enqueues.
func (k *Keeper) Moved(m presence.Move) {
	if g := k.guild(m.GuildID, false); g != nil {
		k.later(g, func(ctx context.Context) {
			if g.ready { // otherwise the comparison that makes it ready sees the rosters as they are
				k.moved(ctx, g, m)
			}
		})
	}
}

func (k *Keeper) moved(ctx context.Context, g *guildRooms, m presence.Move) {
	if r := g.rooms[m.From]; r != nil && r.State == room.Open {
		k.leftRoom(ctx, g, r, m)
	}
	if r := g.rooms[m.To]; r != nil && r.State == room.Open {
		k.occupancy(ctx, g, r)
		if !m.Bot {
			k.arrived(ctx, g, r, m)
		}
	}
	if m.Bot {
		k.lendSeats(ctx, g, m)
	} else if g.settings.Lobby(m.To) != nil {
		k.lobby(ctx, g, m.To, m.UserID)
	}
}

// leftRoom follows somebody who left a room. Who is gone from voice
// altogether may have lost their connection: their seat is held a while.
func (k *Keeper) leftRoom(ctx context.Context, g *guildRooms, r *kept, m presence.Move) {
	now, grace := k.o.Now(), time.Duration(g.settings.SeatGrace)
	putOut := now.Sub(g.put[m.UserID]) < holdMoved
	delete(g.put, m.UserID)
	roster := k.o.Presence.Roster(g.id, r.ID)
	if !m.Bot && m.To == 0 && !putOut && grace > 0 && !r.Banned(m.UserID) && !room.In(roster, m.UserID) && r.Free(roster, m.UserID, now) > 0 {
		if err := k.holdQuietly(ctx, g, r, room.Hold{UserID: m.UserID, Why: room.HeldBack, Until: now.Add(grace)}); err != nil {
			k.o.Log.WarnContext(ctx, "the seat of somebody who left is not held", "guild_id", g.id, "room_id", r.ID, "user_id", m.UserID, "err", err)
		}
	}
	k.occupancy(ctx, g, r)
	k.seatWaiters(ctx, g, r)
}

// arrived follows somebody who came into a room.
func (k *Keeper) arrived(ctx context.Context, g *guildRooms, r *kept, m presence.Move) {
	if k.enforceSeats(ctx, g, r, m) || r.Hold(m.UserID, k.o.Now()) == nil && r.Place(m.UserID) == 0 {
		return
	}
	now := k.o.Now()
	err := k.edit(ctx, g, r, nil, func(doc *room.Room) {
		doc.Waiting = slices.DeleteFunc(doc.Waiting, func(w room.Waiter) bool { return w.UserID == m.UserID })
		doc.DropHold(m.UserID, now)
	})
	if err != nil {
		k.o.Log.WarnContext(ctx, "a seat stays held for somebody who has it", "guild_id", g.id, "room_id", r.ID, "err", err)
	}
	k.tell(g, r, room.Changed{})
}

// seatOf gives which seat somebody has, from 1 up. The roster is in the order
// people came, and who came before keeps their seat. 0: they are not there (any more).
func seatOf(roster []room.Person, user snowflake.ID) int {
	seat := 0
	for _, p := range roster {
		if p.Bot {
			continue
		}
		if seat++; p.UserID == user {
			return seat
		}
	}
	return 0
}

// lendSeats raises a channel's limit by the bots in it, so that a helper bot takes nobody's seat.
func (k *Keeper) lendSeats(ctx context.Context, g *guildRooms, m presence.Move) {
	for _, channel := range []snowflake.ID{m.From, m.To} {
		r := g.rooms[channel]
		if r == nil || r.State != room.Open {
			continue
		}
		if err := k.setLimit(ctx, g, r, "Snug: bots take no seat"); err != nil {
			k.o.Log.WarnContext(ctx, "could not lend a bot a seat", "guild_id", g.id, "room_id", r.ID, "err", err)
		}
	}
}

// setLimit sets a channel's limit, and remembers it: Discord tells of our own changes as of anybody's.
func (k *Keeper) setLimit(ctx context.Context, g *guildRooms, r *kept, reason string) error {
	limit, now := k.limit(g, r), k.o.Now()
	if r.limits == nil {
		r.limits = map[int]time.Time{}
	}
	r.limits[limit] = now
	return k.o.Discord.SetLimit(ctx, r.ID, limit, reason)
}

// asked says whether we asked for this limit a short while ago.
func (r *kept) asked(limit int, now time.Time) bool {
	at, ok := r.limits[limit]
	return ok && now.Sub(at) < time.Minute
}

// limit is the user limit a room's channel should have: its seats and one for each bot in it, as far as Discord's goes.
func (k *Keeper) limit(g *guildRooms, r *kept) int {
	roster := k.o.Presence.Roster(g.id, r.ID)
	return min(r.Seats+len(roster)-room.Taken(roster), room.MaxSeats)
}

// enforceSeats moves back who got past the seat limit with a permission of
// their own, or took the last seat while it was held for somebody else. It says whether it did.
func (k *Keeper) enforceSeats(ctx context.Context, g *guildRooms, r *kept, m presence.Move) bool {
	roster, now := k.o.Presence.Roster(g.id, r.ID), k.o.Now()
	seat := seatOf(roster, m.UserID)
	held := seat <= r.Seats && r.Hold(m.UserID, now) == nil && seat > r.Seats-r.Held(roster, m.UserID, now)
	if !g.settings.StrictSeats || seat == 0 || seat <= r.Seats && !held {
		return false
	}
	log := k.o.Log.With("guild_id", g.id, "room_id", r.ID, "user_id", m.UserID)
	if g.settings.AdminsExempt {
		who, err := k.o.Discord.Standing(ctx, g.id, m.UserID)
		if err != nil {
			log.Warn("could not ask whether somebody past the seat limit is exempt; they stay", "err", err)
			return false
		}
		if who.Manager {
			return false
		}
	}
	to := m.From
	if back := g.rooms[to]; g.settings.Lobby(to) != nil || back != nil && back.Free(k.o.Presence.Roster(g.id, to), m.UserID, now) <= 0 {
		to = 0 // a lobby would only open another room; or their old seat is taken meanwhile
	}
	g.put[m.UserID] = now
	err := k.o.Discord.Move(ctx, g.id, m.UserID, to, "Snug: every seat is taken")
	if err != nil && to != 0 { // the channel they came from may be gone
		err = k.o.Discord.Move(ctx, g.id, m.UserID, 0, "Snug: every seat is taken")
	}
	if errs.Has(err, errs.NotInVoice) {
		return true
	}
	if err != nil {
		log.Warn("could not move back somebody past the seat limit", "err", err)
		return false
	}
	entry := room.Entry{Kind: room.EntryRefused, Target: m.UserID}
	if held {
		entry.Detail = "held"
	}
	if err := k.edit(ctx, g, r, &entry, func(*room.Room) {}); err != nil {
		log.Warn("a refused seat is not in the audit log", "err", err)
	}
	k.say(g, MovedBack{Room: g.summary(r), User: m.UserID, Held: held})
	return true
}
