package rooms

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

// Moved takes a change of voice channel from presence. It only enqueues.
func (k *Keeper) Moved(m voice.Move) {
	if m.To != 0 {
		k.Arrived(m.GuildID, m.UserID) // only full members can be in voice
	}
	for _, follow := range []func(context.Context, *guildRooms, voice.Move){k.movedFrom, k.movedTo, k.movedBot, k.movedToLobby} {
		k.laterIn(m.GuildID, func(ctx context.Context, g *guildRooms) {
			if g.ready { // otherwise the comparison that makes it ready sees the rosters as they are
				follow(ctx, g, m)
			}
		})
	}
}

func (k *Keeper) movedFrom(ctx context.Context, g *guildRooms, m voice.Move) {
	if r := g.rooms[m.From]; r != nil && r.State == room.Open {
		k.leftRoom(ctx, g, r, m)
	}
}

func (k *Keeper) movedTo(ctx context.Context, g *guildRooms, m voice.Move) {
	r := g.rooms[m.To]
	if r == nil || r.State != room.Open {
		return
	}
	if k.occupancy(ctx, g, r); !m.Bot && g.rooms[m.To] == r {
		k.arrived(ctx, g, r, m)
	}
}

func (k *Keeper) movedBot(ctx context.Context, g *guildRooms, m voice.Move) {
	if m.Bot {
		k.lendSeats(ctx, g, m)
	}
}

func (k *Keeper) movedToLobby(ctx context.Context, g *guildRooms, m voice.Move) {
	if !m.Bot && g.settings.Lobby(m.To) != nil {
		k.lobby(ctx, g, m.To, m.UserID)
	}
}

// leftRoom follows somebody who left a room. Who is gone from voice
// altogether may have lost their connection: their seat is held a while.
func (k *Keeper) leftRoom(ctx context.Context, g *guildRooms, r *kept, m voice.Move) {
	now, grace := g.now(), time.Duration(g.settings.SeatGrace)
	if slices.Contains(r.Due.Out, m.UserID) {
		if err := k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Due.IsOut(m.UserID) }); err != nil {
			k.o.Log.WarnContext(ctx, "somebody who left is still to be put out", "guild_id", g.id, "room_id", r.ID, "user_id", m.UserID, "err", err)
		}
	}
	putOut := now.Sub(g.put[m.UserID]) < holdMoved
	delete(g.put, m.UserID)
	roster := k.o.Presence.Roster(g.id, r.ID)
	if !m.Bot && m.To == 0 && !putOut && grace > 0 && !r.Banned(m.UserID) && !room.In(roster, m.UserID) && r.Free(roster, m.UserID, now) > 0 {
		if err := k.hold(ctx, g, r, nil, room.Hold{UserID: m.UserID, Why: room.HeldBack, Until: now.Add(grace)}); err != nil {
			k.o.Log.WarnContext(ctx, "the seat of somebody who left is not held", "guild_id", g.id, "room_id", r.ID, "user_id", m.UserID, "err", err)
		}
	}
	k.occupancy(ctx, g, r)
	k.seatWaiters(ctx, g, r)
}

// arrived follows somebody who came into a room.
func (k *Keeper) arrived(ctx context.Context, g *guildRooms, r *kept, m voice.Move) {
	if slices.Contains(k.review(ctx, g, m.UserID), r) && k.noPlace(ctx, g, r, m.UserID) {
		return
	}
	if k.enforceSeats(ctx, g, r, m) || r.Hold(m.UserID, g.now()) == nil && r.Place(m.UserID) == 0 {
		return
	}
	now := g.now()
	err := k.change(ctx, g, r, nil, func(doc *room.Room) {
		doc.DropWaiter(m.UserID)
		doc.DropHold(m.UserID, now)
	})
	if err != nil {
		k.o.Log.WarnContext(ctx, "a seat stays held for somebody who has it", "guild_id", g.id, "room_id", r.ID, "err", err)
	}
}

// noPlace puts out somebody whom only the place they just lost let in. It says whether it did.
func (k *Keeper) noPlace(ctx context.Context, g *guildRooms, r *kept, user snowflake.ID) bool {
	s, known := k.known(g, user)
	if !known || g.summary(r).Access.MayEnter(s) {
		return false
	}
	if err := k.putOut(ctx, g, r, user, "Snug: does not pass the gate"); err != nil {
		k.o.Log.WarnContext(ctx, "somebody sits in a room whose gate they do not pass", "guild_id", g.id, "room_id", r.ID, "user_id", user, "err", err)
	}
	return true
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
func (k *Keeper) lendSeats(ctx context.Context, g *guildRooms, m voice.Move) {
	for _, channel := range []snowflake.ID{m.From, m.To} {
		r := g.rooms[channel]
		if r == nil {
			continue
		}
		err := g.inRoomsLane(ctx, r, func() error {
			if r.State != room.Open || r.told() == k.limit(g, r) && !r.Due.Limit {
				return nil
			}
			return k.setLimit(ctx, g, r, "Snug: bots take no seat")
		})
		if err != nil {
			k.o.Log.WarnContext(ctx, "a seat is lent to a bot, or taken back, with a sweep", "guild_id", g.id, "room_id", r.ID, "err", err)
		}
	}
}

// told gives the limit that a room's channel was last given.
func (r *kept) told() int { return cmp.Or(r.Limit, r.Seats) }

// setLimit sets a channel's limit. That it is owed is recorded before: a limit
// that Snug gave, or failed to, is never taken for somebody's wish. The caller is in the room's lane.
func (k *Keeper) setLimit(ctx context.Context, g *guildRooms, r *kept, reason string) error {
	if !r.Due.Limit {
		if err := k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Due.Limit = true }); err != nil {
			return err
		}
	}
	limit := k.limit(g, r)
	if err := k.o.Discord.SetLimit(ctx, r.ID, limit, reason); err != nil {
		r.retryAt = g.now().Add(closeRetry)
		if errs.Has(err, errs.DiscordUnavailable) {
			r.doubt(itoa(limit), g.now())
		}
		return err
	}
	return k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Limit, doc.Due.Limit = limit, false })
}

// limit is the user limit a room's channel should have: its seats and one for each bot in it, as far as Discord's goes.
func (k *Keeper) limit(g *guildRooms, r *kept) int {
	roster := k.o.Presence.Roster(g.id, r.ID)
	lent := len(roster) - room.Taken(roster)
	for _, q := range r.Guests { // a bot that is let in finds a seat also in a full room
		if q.Bot && !room.In(roster, q.UserID) {
			lent++
		}
	}
	return min(r.Seats+lent, schema.MaxSeats)
}

// pastSeats says whether somebody sits past a room's seats, or with held on one that is held for somebody else.
func (k *Keeper) pastSeats(g *guildRooms, r *kept, user snowflake.ID) (past, held bool) {
	roster, now := k.o.Presence.Roster(g.id, r.ID), g.now()
	seat := seatOf(roster, user)
	held = seat <= r.Seats && r.Hold(user, now) == nil && seat > r.Seats-r.Reserved(roster, user, now)
	return g.rooms[r.ID] == r && g.settings.StrictSeats && seat > 0 && (seat > r.Seats || held), held
}

// enforceSeats moves back who got past the seat limit with a permission of
// their own, or took the last seat while it was held for somebody else. It says whether it did.
func (k *Keeper) enforceSeats(ctx context.Context, g *guildRooms, r *kept, m voice.Move) bool {
	log := k.o.Log.With("guild_id", g.id, "room_id", r.ID, "user_id", m.UserID)
	past, held := k.pastSeats(g, r, m.UserID)
	if past && g.settings.AdminsExempt {
		who, err := k.says(ctx, g.id, m.UserID)
		if err != nil {
			log.Warn("could not ask whether somebody past the seat limit is exempt; they stay", "err", err)
			return false
		}
		if who.Manager {
			return false
		}
		past, held = k.pastSeats(g, r, m.UserID) // Discord was asked meanwhile
	}
	if !past {
		return false
	}
	now := g.now()
	if wait := g.moveLater(m.UserID, now); wait > 0 {
		k.after(g, wait, func(ctx context.Context) { // they come again and again: Discord's limits are the whole server's
			if r := g.rooms[m.To]; r != nil && g.ready && k.o.Presence.ChannelOf(g.id, m.UserID) == r.ID {
				k.enforceSeats(ctx, g, r, voice.Move{GuildID: m.GuildID, UserID: m.UserID, To: m.To})
			}
		})
		return true
	}
	g.moving(m.UserID, now)
	to := m.From
	if back := g.rooms[to]; g.settings.Lobby(to) != nil || back != nil && back.FreeFor(k.o.Presence.Roster(g.id, to), m.UserID, now) <= 0 {
		to = 0 // a lobby would only open another room; or their old seat is taken meanwhile
	}
	if who, known := k.known(g, m.UserID); to != 0 && known && !k.o.Discord.Enters(to, who) {
		to = 0 // somebody put them there: Snug does not put them back where they could not go
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
	entry := audit.Entry{Kind: audit.EntryRefused, Target: m.UserID}
	if held {
		entry.Detail = "held"
	}
	if err := k.note(ctx, g, r, entry); err != nil {
		log.Warn("a refused seat is not in the audit log", "err", err)
	}
	k.say(g, MovedBack{Room: g.summary(r), User: m.UserID, Held: held})
	return true
}
