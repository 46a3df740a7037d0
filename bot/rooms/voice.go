package rooms

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

// Moved takes a change of voice channel from the voice.Tracker. It only enqueues.
func (rs *Rooms) Moved(m voice.Move) {
	g := rs.guild(m.GuildID, false)
	if g == nil {
		rs.miss(m)
		return
	}
	g.queueMu.Lock()
	early := g.loading > 0 && !g.tracked
	if early { // load finds it in the rosters
		rs.miss(m)
	}
	g.queueMu.Unlock()
	if early {
		return
	}
	if m.To != 0 {
		rs.CheckArrivals(m.GuildID, m.UserID) // only full members can be in voice
	}
	missed := false // until it is ready, load compares with the rosters anyway
	follow := func(f func(context.Context, *guildState, voice.Move)) {
		rs.enqueue(g, func(ctx context.Context) {
			if quietly(ctx); g.ready {
				f(ctx, g, m)
			} else if !missed {
				missed = true
				rs.miss(m)
			}
		})
	}
	if m.From != 0 {
		follow(rs.movedFrom)
	}
	if m.To != 0 {
		follow(rs.movedTo)
	}
	if m.Bot {
		follow(rs.updateBotSeats)
	}
}

func (rs *Rooms) movedFrom(ctx context.Context, g *guildState, m voice.Move) {
	if r := g.rooms[m.From]; r != nil && r.State == room.Open {
		rs.onLeftRoom(ctx, g, r, m)
		if m.To == 0 {
			rs.showSeats(g, r, m)
		}
	}
}

// showSeats publishes the room's seats if they are neither as they were published with a move nor as they are now: who
// left may be back already, before this process has looked at the move.
func (rs *Rooms) showSeats(g *guildState, r *roomState, m voice.Move) {
	if r.told == nil || g.rooms[r.ID] != r || r.State != room.Open {
		return
	}
	shown := []*voice.Seats{r.told}
	if m.Seats != nil && m.Seats.Told == r.told.Told { // nothing was published in between
		shown = []*voice.Seats{m.Seats, rs.o.Voice.Seats(g.id, r.ID)}
	}
	for _, s := range shown {
		if s != nil && s.Told == r.told.Told && s.Shows(&r.Room) {
			return
		}
	}
	rs.publish(g, r, room.Changed{})
}

// putOut notes that Snug is about to disconnect a user, who loses their seat.
func (g *guildState) putOut(v *voice.Tracker, user snowflake.ID) {
	g.ejectedAt[user] = g.now()
	v.PutOut(g.id, user)
}

func (rs *Rooms) movedTo(ctx context.Context, g *guildState, m voice.Move) {
	r := g.rooms[m.To]
	switch {
	case r == nil && !m.Bot && g.settings.Lobby(m.To) != nil:
		touches(ctx, changesAll)
		rs.onLobbyJoined(ctx, g, m.To, m.UserID)
	case r != nil && r.State == room.Open:
		if rs.updateOccupancy(ctx, g, r); !m.Bot && g.rooms[m.To] == r {
			rs.onArrived(ctx, g, r, m)
		}
		rs.showSeats(g, r, m)
	}
}

// onLeftRoom handles a user who left a room. A user who left voice
// altogether may have lost their connection: their seat is held for a while.
func (rs *Rooms) onLeftRoom(ctx context.Context, g *guildState, r *roomState, m voice.Move) {
	now, grace := g.now(), time.Duration(g.settings.SeatGrace)
	if slices.Contains(r.Pending.Eject, m.UserID) {
		if err := rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Pending.EjectDone(m.UserID) }); err != nil {
			rs.o.Log.WarnContext(ctx, "a pending disconnect of a user who left could not be cleared", "guild_id", g.id,
				"room_id", r.ID,
				"user_id", m.UserID, "err", err)
		}
	}
	putOut := now.Sub(g.ejectedAt[m.UserID]) < voice.PutOutFor
	delete(g.ejectedAt, m.UserID)
	roster := rs.o.Voice.Roster(g.id, r.ID)
	if !m.Bot && m.To == 0 && !putOut && grace > 0 && !r.Banned(m.UserID) && !room.In(roster, m.UserID) &&
		r.Free(roster, m.UserID, now) > 0 {
		held := room.Hold{UserID: m.UserID, Why: room.HeldBack, Until: m.HeldUntil(now.Add(grace))}
		if err := rs.editLater(ctx, g, r, func(doc *room.Room) { doc.SetHold(held, now) }); err != nil {
			rs.o.Log.WarnContext(ctx, "the seat of a user who left could not be held", "guild_id", g.id,
				"room_id", r.ID,
				"user_id", m.UserID, "err", err)
		}
	}
	rs.updateOccupancy(ctx, g, r)
	rs.offerSeats(ctx, g, r)
}

// onArrived handles a user who joined a room. Whoever was kicked, banned or
// suspended while Snug was moving them in is disconnected.
func (rs *Rooms) onArrived(ctx context.Context, g *guildState, r *roomState, m voice.Move) {
	if slices.Contains(r.Pending.Eject, m.UserID) {
		rs.ejectOnArrival(ctx, g, r, m.UserID)
		return
	}
	moved := g.isMovingIn(m.UserID, r.ID)
	delete(g.movingIn, m.UserID)
	lost := slices.Contains(rs.review(ctx, g, m.UserID), r)
	again := r.unmoved[m.UserID]
	delete(r.unmoved, m.UserID)
	if (lost || moved || again || r.Banned(m.UserID) || g.mayHaveSlippedIn(r, m.UserID)) &&
		rs.ejectSuspended(ctx, g, r, m.UserID) {
		return
	}
	if rs.enforceSeats(ctx, g, r, m) || r.Hold(m.UserID, g.now()) == nil && r.Place(m.UserID) == 0 {
		return
	}
	now := g.now()
	err := rs.editLater(ctx, g, r, func(doc *room.Room) {
		doc.DropWaiter(m.UserID)
		doc.DropHold(m.UserID, now)
	})
	if err != nil {
		rs.o.Log.WarnContext(ctx, "a hold could not be dropped for a user who took the seat", "guild_id", g.id,
			"room_id", r.ID,
			"err", err)
	}
}

// mayHaveSlippedIn reports whether somebody whose access is suspended may have come while Discord still let them in:
// until the call that suspends it is made, and for as long as the news of their coming may take after it.
func (g *guildState) mayHaveSlippedIn(r *roomState, user snowflake.ID) bool {
	why, _ := r.SuspendedFor(user)
	return why != access.Passes && (r.Pending.Any() || g.now().Sub(r.agreedAt) < 10*time.Second)
}

// ejectOnArrival disconnects a user who was kicked while Snug was moving them in. If that fails, it stays pending.
func (rs *Rooms) ejectOnArrival(ctx context.Context, g *guildState, r *roomState, user snowflake.ID) {
	delete(g.movingIn, user)
	if err := rs.eject(ctx, g, r, user, "Snug: kicked on the way in"); err != nil {
		rs.o.Log.WarnContext(ctx, "a kicked user who arrived could not be disconnected; a sweep repeats it",
			"guild_id", g.id, "room_id", r.ID, "user_id", user, "err", err)
	}
}

// ejectSuspended disconnects a user who may not be in the room
// since their access was suspended. It reports whether it did.
func (rs *Rooms) ejectSuspended(ctx context.Context, g *guildState, r *roomState, user snowflake.ID) bool {
	s, known := rs.knownStanding(g, user)
	if !known || g.summary(r).Access.MayEnter(s) {
		return false
	}
	if err := rs.eject(ctx, g, r, user, "Snug: does not pass the gate"); err != nil {
		r.couldNotMove(user)
		rs.o.Log.WarnContext(ctx, "a suspended user could not be disconnected; a sweep repeats it", "guild_id", g.id,
			"room_id", r.ID, "user_id", user, "err", err)
	}
	return true
}

// couldNotMove has a sweep look again at somebody who arrived and may not stay.
func (r *roomState) couldNotMove(user snowflake.ID) {
	if r.unmoved == nil {
		r.unmoved = map[snowflake.ID]bool{}
	}
	r.unmoved[user] = true
}

// moveUnmoved looks again at those who arrived and could not be moved out.
func (rs *Rooms) moveUnmoved(ctx context.Context, g *guildState, r *roomState) {
	for _, user := range slices.Sorted(maps.Keys(r.unmoved)) {
		if rs.o.Voice.ChannelOf(g.id, user) != r.ID {
			delete(r.unmoved, user)
			continue
		}
		m := voice.Move{GuildID: g.id, UserID: user, To: r.ID}
		rs.onArrived(ctx, g, r, m)
		rs.showSeats(g, r, m)
	}
}

// seatOf returns a user's rank among the humans of a roster,
// in the order they joined, from 1; 0 if they are not in it.
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

// updateBotSeats raises a channel's user limit by the bots in it, so that a bot takes nobody's seat.
func (rs *Rooms) updateBotSeats(ctx context.Context, g *guildState, m voice.Move) {
	for _, channel := range []snowflake.ID{m.From, m.To} {
		r := g.rooms[channel]
		if r == nil {
			continue
		}
		if err := rs.updateLimit(ctx, g, r); err != nil {
			rs.o.Log.WarnContext(ctx, "the user limit could not follow a bot; a sweep repeats it", "guild_id", g.id,
				"room_id", r.ID, "err", err)
		}
	}
}

// updateLimit sets a channel's user limit if it is not what it should be.
func (rs *Rooms) updateLimit(ctx context.Context, g *guildState, r *roomState) error {
	return g.inRoomLane(ctx, r, func() error {
		if r.State != room.Open || r.knownLimit() == rs.limit(g, r) && !r.Pending.Limit {
			return nil
		}
		return rs.setLimit(ctx, g, r, "Snug: bots take no seat")
	})
}

// knownLimit returns the user limit that was last set.
func (r *roomState) knownLimit() int { return cmp.Or(r.Limit, r.Seats) }

// setLimit sets a channel's user limit. It is marked as pending before, so that Snug's
// own limit is never taken for somebody else's change. The caller is in the room's lane.
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

// limit is the user limit a room's channel should have: its
// seats plus one for each bot, at most schema.MaxSeats.
func (rs *Rooms) limit(g *guildState, r *roomState) int {
	roster := rs.o.Voice.Roster(g.id, r.ID)
	lent := len(roster) - room.Occupied(roster)
	for _, q := range r.Guests { // a bot that is a guest can join a full room
		if q.Bot && !room.In(roster, q.UserID) {
			lent++
		}
	}
	return min(r.Seats+lent, schema.MaxSeats)
}

// overLimit reports whether a user is beyond a room's seats
// or, with held, on a seat that is held for somebody else.
func (rs *Rooms) overLimit(g *guildState, r *roomState, user snowflake.ID) (over, held bool) {
	roster, now := rs.o.Voice.Roster(g.id, r.ID), g.now()
	seat := seatOf(roster, user)
	held = seat <= r.Seats && r.Hold(user, now) == nil && seat > r.Seats-r.Reserved(roster, user, now)
	return g.rooms[r.ID] == r && g.settings.StrictSeats && seat > 0 && (seat > r.Seats || held), held
}

// enforceSeats moves back a user who got over the user limit by a permission, or
// took the last seat while it was held for somebody else. It reports whether it did.
func (rs *Rooms) enforceSeats(ctx context.Context, g *guildState, r *roomState, m voice.Move) bool {
	over, held := rs.overLimit(g, r, m.UserID)
	if !over {
		return false
	}
	log := rs.o.Log.With("guild_id", g.id, "room_id", r.ID, "user_id", m.UserID)
	if g.settings.AdminsExempt {
		who, err := rs.fetchStanding(ctx, g.id, m.UserID)
		if err != nil {
			r.couldNotMove(m.UserID)
			log.Warn("could not check whether a user over the seat limit is exempt; a sweep repeats it", "err", err)
			return false
		}
		if who.Manager {
			return false
		}
		if over, held = rs.overLimit(g, r, m.UserID); !over { // it may have changed during the request
			return false
		}
	}
	now := g.now()
	if wait := g.moveWait(m.UserID, now); wait > 0 {
		rs.enqueueAfter(g, wait, func(ctx context.Context) {
			// they join again and again: Discord's limits are shared by the server
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
		to = 0 // a lobby would open another room, and a full room has no seat
	}
	if who, known := rs.knownStanding(g, m.UserID); to != 0 && known && !rs.o.Discord.CanEnter(to, who) {
		to = 0 // somebody moved them from there: they may not enter it themselves
	}
	g.putOut(rs.o.Voice, m.UserID)
	const reason = "Snug: every seat is taken"
	err := rs.o.Discord.Move(ctx, g.id, m.UserID, r.ID, to, reason)
	if err != nil && to != 0 && !mayHaveHappened(err) { // the channel they came from may be gone
		err = rs.o.Discord.Move(ctx, g.id, m.UserID, r.ID, 0, reason)
	}
	if errs.Has(err, errs.NotInVoice) {
		return true
	}
	if err != nil {
		r.couldNotMove(m.UserID)
		log.Warn("could not move back somebody over the seat limit; a sweep repeats it", "err", err)
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
