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
func (rs *Rooms) Moved(m voice.Move) {
	if m.To != 0 {
		rs.CheckArrivals(m.GuildID, m.UserID) // only full members can be in voice
	}
	for _, follow := range []func(context.Context, *guildState, voice.Move){
		rs.movedFrom, rs.movedTo, rs.movedBot, rs.movedToLobby,
	} {
		rs.enqueueIn(m.GuildID, func(ctx context.Context, g *guildState) {
			if g.ready { // otherwise the comparison that makes it ready sees the rosters as they are
				follow(ctx, g, m)
			}
		})
	}
}

func (rs *Rooms) movedFrom(ctx context.Context, g *guildState, m voice.Move) {
	if r := g.rooms[m.From]; r != nil && r.State == room.Open {
		rs.onLeftRoom(ctx, g, r, m)
	}
}

func (rs *Rooms) movedTo(ctx context.Context, g *guildState, m voice.Move) {
	r := g.rooms[m.To]
	if r == nil || r.State != room.Open {
		return
	}
	if rs.updateOccupancy(ctx, g, r); !m.Bot && g.rooms[m.To] == r {
		rs.onArrived(ctx, g, r, m)
	}
}

func (rs *Rooms) movedBot(ctx context.Context, g *guildState, m voice.Move) {
	if m.Bot {
		rs.updateBotSeats(ctx, g, m)
	}
}

func (rs *Rooms) movedToLobby(ctx context.Context, g *guildState, m voice.Move) {
	if !m.Bot && g.settings.Lobby(m.To) != nil {
		rs.onLobbyJoined(ctx, g, m.To, m.UserID)
	}
}

// onLeftRoom follows somebody who left a room. Who is gone from voice
// altogether may have lost their connection: their seat is held a while.
func (rs *Rooms) onLeftRoom(ctx context.Context, g *guildState, r *roomState, m voice.Move) {
	now, grace := g.now(), time.Duration(g.settings.SeatGrace)
	if slices.Contains(r.Pending.Eject, m.UserID) {
		if err := rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Pending.EjectDone(m.UserID) }); err != nil {
			rs.o.Log.WarnContext(ctx, "somebody who left is still to be put out", "guild_id", g.id, "room_id", r.ID,
				"user_id", m.UserID, "err", err)
		}
	}
	putOut := now.Sub(g.ejectedAt[m.UserID]) < holdMoved
	delete(g.ejectedAt, m.UserID)
	roster := rs.o.Voice.Roster(g.id, r.ID)
	if !m.Bot && m.To == 0 && !putOut && grace > 0 && !r.Banned(m.UserID) && !room.In(roster, m.UserID) &&
		r.Free(roster, m.UserID, now) > 0 {
		if err := rs.hold(ctx, g, r, nil,
			room.Hold{UserID: m.UserID, Why: room.HeldBack, Until: now.Add(grace)}); err != nil {
			rs.o.Log.WarnContext(ctx, "the seat of somebody who left is not held", "guild_id", g.id, "room_id", r.ID,
				"user_id", m.UserID, "err", err)
		}
	}
	rs.updateOccupancy(ctx, g, r)
	rs.offerSeats(ctx, g, r)
}

// onArrived follows somebody who came into a room.
func (rs *Rooms) onArrived(ctx context.Context, g *guildState, r *roomState, m voice.Move) {
	if slices.Contains(rs.review(ctx, g, m.UserID), r) && rs.ejectSuspended(ctx, g, r, m.UserID) {
		return
	}
	if rs.enforceSeats(ctx, g, r, m) || r.Hold(m.UserID, g.now()) == nil && r.Place(m.UserID) == 0 {
		return
	}
	now := g.now()
	err := rs.change(ctx, g, r, nil, func(doc *room.Room) {
		doc.DropWaiter(m.UserID)
		doc.DropHold(m.UserID, now)
	})
	if err != nil {
		rs.o.Log.WarnContext(ctx, "a seat stays held for somebody who has it", "guild_id", g.id, "room_id", r.ID,
			"err", err)
	}
}

// ejectSuspended puts out somebody whom only the place they just lost let in. It says whether it did.
func (rs *Rooms) ejectSuspended(ctx context.Context, g *guildState, r *roomState, user snowflake.ID) bool {
	s, known := rs.knownStanding(g, user)
	if !known || g.summary(r).Access.MayEnter(s) {
		return false
	}
	if err := rs.eject(ctx, g, r, user, "Snug: does not pass the gate"); err != nil {
		rs.o.Log.WarnContext(ctx, "somebody sits in a room whose gate they do not pass", "guild_id", g.id,
			"room_id", r.ID, "user_id", user, "err", err)
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

// updateBotSeats raises a channel's limit by the bots in it, so that a helper bot takes nobody's seat.
func (rs *Rooms) updateBotSeats(ctx context.Context, g *guildState, m voice.Move) {
	for _, channel := range []snowflake.ID{m.From, m.To} {
		r := g.rooms[channel]
		if r == nil {
			continue
		}
		err := g.inRoomLane(ctx, r, func() error {
			if r.State != room.Open || r.knownLimit() == rs.limit(g, r) && !r.Pending.Limit {
				return nil
			}
			return rs.setLimit(ctx, g, r, "Snug: bots take no seat")
		})
		if err != nil {
			rs.o.Log.WarnContext(ctx, "a seat is lent to a bot, or taken back, with a sweep", "guild_id", g.id,
				"room_id", r.ID, "err", err)
		}
	}
}

// knownLimit gives the limit that a room's channel was last given.
func (r *roomState) knownLimit() int { return cmp.Or(r.Limit, r.Seats) }

// setLimit sets a channel's limit. That it is owed is recorded before: a limit
// that Snug gave, or failed to, is never taken for somebody's wish. The caller is in the room's lane.
func (rs *Rooms) setLimit(ctx context.Context, g *guildState, r *roomState, reason string) error {
	if !r.Pending.Limit {
		if err := rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Pending.Limit = true }); err != nil {
			return err
		}
	}
	limit := rs.limit(g, r)
	if err := rs.o.Discord.SetLimit(ctx, r.ID, limit, reason); err != nil {
		r.retryAt = g.now().Add(closeRetry)
		if errs.Has(err, errs.DiscordUnavailable) {
			r.markUncertain(itoa(limit), g.now())
		}
		return err
	}
	return rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Limit, doc.Pending.Limit = limit, false })
}

// limit is the user limit a room's channel should have: its seats and one for each bot in it, as far as Discord's goes.
func (rs *Rooms) limit(g *guildState, r *roomState) int {
	roster := rs.o.Voice.Roster(g.id, r.ID)
	lent := len(roster) - room.Occupied(roster)
	for _, q := range r.Guests { // a bot that is let in finds a seat also in a full room
		if q.Bot && !room.In(roster, q.UserID) {
			lent++
		}
	}
	return min(r.Seats+lent, schema.MaxSeats)
}

// overLimit says whether somebody sits past a room's seats, or with held on one that is held for somebody else.
func (rs *Rooms) overLimit(g *guildState, r *roomState, user snowflake.ID) (past, held bool) {
	roster, now := rs.o.Voice.Roster(g.id, r.ID), g.now()
	seat := seatOf(roster, user)
	held = seat <= r.Seats && r.Hold(user, now) == nil && seat > r.Seats-r.Reserved(roster, user, now)
	return g.rooms[r.ID] == r && g.settings.StrictSeats && seat > 0 && (seat > r.Seats || held), held
}

// enforceSeats moves back who got past the seat limit with a permission of
// their own, or took the last seat while it was held for somebody else. It says whether it did.
func (rs *Rooms) enforceSeats(ctx context.Context, g *guildState, r *roomState, m voice.Move) bool {
	log := rs.o.Log.With("guild_id", g.id, "room_id", r.ID, "user_id", m.UserID)
	past, held := rs.overLimit(g, r, m.UserID)
	if past && g.settings.AdminsExempt {
		who, err := rs.fetchStanding(ctx, g.id, m.UserID)
		if err != nil {
			log.Warn("could not ask whether somebody past the seat limit is exempt; they stay", "err", err)
			return false
		}
		if who.Manager {
			return false
		}
		past, held = rs.overLimit(g, r, m.UserID) // Discord was asked meanwhile
	}
	if !past {
		return false
	}
	now := g.now()
	if wait := g.moveWait(m.UserID, now); wait > 0 {
		rs.enqueueAfter(g, wait, func(ctx context.Context) {
			// they come again and again: Discord's limits are the whole server's
			if r := g.rooms[m.To]; r != nil && g.ready && rs.o.Voice.ChannelOf(g.id, m.UserID) == r.ID {
				rs.enforceSeats(ctx, g, r, voice.Move{GuildID: m.GuildID, UserID: m.UserID, To: m.To})
			}
		})
		return true
	}
	g.recordMove(m.UserID, now)
	to := m.From
	if back := g.rooms[to]; g.settings.Lobby(to) != nil ||
		back != nil && back.FreeFor(rs.o.Voice.Roster(g.id, to), m.UserID, now) <= 0 {
		to = 0 // a lobby would only open another room; or their old seat is taken meanwhile
	}
	if who, known := rs.knownStanding(g, m.UserID); to != 0 && known && !rs.o.Discord.Enters(to, who) {
		to = 0 // somebody put them there: Snug does not put them back where they could not go
	}
	g.ejectedAt[m.UserID] = now
	err := rs.o.Discord.Move(ctx, g.id, m.UserID, to, "Snug: every seat is taken")
	if err != nil && to != 0 { // the channel they came from may be gone
		err = rs.o.Discord.Move(ctx, g.id, m.UserID, 0, "Snug: every seat is taken")
	}
	if errs.Has(err, errs.NotInVoice) {
		return true
	}
	if err != nil {
		log.Warn("could not move back somebody past the seat limit", "err", err)
		return false
	}
	entry := audit.Entry{Kind: audit.SeatRefused, Target: m.UserID}
	if held {
		entry.Detail = "held"
	}
	if err := rs.note(ctx, g, r, entry); err != nil {
		log.Warn("a refused seat is not in the audit log", "err", err)
	}
	rs.notify(g, MovedBack{Room: g.summary(r), User: m.UserID, Held: held})
	return true
}
