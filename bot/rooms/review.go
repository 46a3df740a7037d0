package rooms

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/room"
)

// roomsToReview lists the rooms in which a user's access is to be suspended or restored.
func (rs *Rooms) roomsToReview(g *guildState, user snowflake.ID) (rooms []*roomState) {
	s, known := rs.knownStanding(g, user)
	for _, r := range g.rooms {
		if had, has := r.SuspendedFor(user); known && has && r.State == room.Open && !r.Banned(user) &&
			g.summary(r).Access.BarrierFor(s) != had {
			rooms = append(rooms, r)
		}
	}
	return rooms
}

// review suspends a user's access to rooms whose gates they do not pass any
// more, and restores it where they pass again. It returns the rooms they lost.
func (rs *Rooms) review(ctx context.Context, g *guildState, user snowflake.ID) (lost []*roomState) {
	for _, r := range rs.roomsToReview(g, user) {
		err := g.inRoomLane(ctx, r, func() error {
			if !slices.Contains(rs.roomsToReview(g, user), r) {
				return nil // done meanwhile
			}
			had, _ := r.SuspendedFor(user)
			s, _ := rs.knownStanding(g, user)
			if had == access.Passes {
				lost = append(lost, r)
			}
			return rs.setSuspended(ctx, g, r, user, g.summary(r).Access.BarrierFor(s))
		})
		if err != nil {
			rs.o.Log.WarnContext(ctx, "a user's access to a room could not be updated; a sweep repeats it",
				"guild_id", g.id, "room_id", r.ID, "user_id", user, "err", err)
		}
	}
	return lost
}

// maxSingleCalls is up to how many users get a call each. For more, SetAccess sets what differs.
const maxSingleCalls = 5

// reviewRoom is review for the owner and guests of a room. It returns those whose standing is unknown.
func (rs *Rooms) reviewRoom(ctx context.Context, g *guildState, r *roomState) (unknown []snowflake.ID) {
	changes, unknown := rs.suspensions(g, r)
	if len(changes) == 0 {
		return unknown
	}
	err := g.inRoomLane(ctx, r, func() error { return rs.setAllSuspended(ctx, g, r) })
	if err != nil && !errors.Is(err, errMorePending) {
		rs.o.Log.WarnContext(ctx, "the access to a room could not be updated; a sweep repeats it",
			"guild_id", g.id, "room_id", r.ID, "err", err)
	}
	return unknown
}

// suspensions returns whose access to a room is to be suspended, or
// restored (access.Passes), and those whose standing is unknown.
func (rs *Rooms) suspensions(
	g *guildState, r *roomState,
) (changes map[snowflake.ID]access.Barrier, unknown []snowflake.ID) {
	changes = map[snowflake.ID]access.Barrier{}
	access := g.summary(r).Access
	for _, u := range r.ownerAndGuests() {
		s, known := rs.knownStanding(g, u)
		if !known {
			unknown = append(unknown, u)
			continue
		}
		if had, _ := r.SuspendedFor(u); access.BarrierFor(s) != had && !r.Banned(u) {
			changes[u] = access.BarrierFor(s)
		}
	}
	return changes, unknown
}

// setAllSuspended is setSuspended for all in a room who need it. The caller is in the room's lane.
func (rs *Rooms) setAllSuspended(ctx context.Context, g *guildState, r *roomState) error {
	changes, _ := rs.suspensions(g, r)
	if len(changes) == 0 || r.State != room.Open {
		return nil
	}
	if len(changes) <= maxSingleCalls {
		var all error
		for _, u := range slices.Sorted(maps.Keys(changes)) {
			all = errors.Join(all, rs.setSuspended(ctx, g, r, u, changes[u]))
		}
		return all
	}
	err := rs.edit(ctx, g, r, nil, func(doc *room.Room) {
		for _, u := range r.ownerAndGuests() {
			if why, changes := changes[u]; changes {
				had, _ := doc.SuspendedFor(u)
				if e, tells := suspensionEntry(u, had, why); tells {
					doc.Outbox = append(doc.Outbox, rs.entry(e, r))
				}
				doc.SetSuspended(u, why)
			}
		}
		doc.Pending.Access = true
	})
	if err != nil {
		return err
	}
	owes := r.accessMarks
	if err = rs.setAccess(ctx, g, r, "Snug: who passes the gate"); err == nil {
		err = rs.clearPending(ctx, g, r, owes, pendingAccess())
	}
	rs.publish(g, r, room.Changed{})
	return err
}

// suspensionEntry returns the audit entry for a changed reason; false if there is none.
func suspensionEntry(user snowflake.ID, had, why access.Barrier) (audit.Entry, bool) {
	switch {
	case why == access.Passes:
		return audit.Entry{Kind: audit.Restored, Target: user, Detail: string(had)}, had != room.NotChecked
	case had == access.Passes || had == room.NotChecked:
		return audit.Entry{Kind: audit.Suspended, Target: user, Detail: string(why)}, true
	}
	return audit.Entry{}, false
}

// reviewAll reviews the owner and guests of a room, and fetches unknown standings.
func (rs *Rooms) reviewAll(ctx context.Context, g *guildState, r *roomState) {
	rs.fetchStandings(g, rs.reviewRoom(ctx, g, r))
}

// fetchUnasked fetches the standings of guests that are room.NotChecked.
func (rs *Rooms) fetchUnasked(g *guildState, r *roomState) {
	var users []snowflake.ID
	for _, q := range r.Guests {
		if q.Suspended == room.NotChecked {
			users = append(users, q.UserID)
		}
	}
	rs.fetchStandings(g, users)
}

// ownerAndGuests lists the owner and the guests, suspended ones included.
func (r *roomState) ownerAndGuests() []snowflake.ID {
	users := []snowflake.ID{r.OwnerID}
	for _, q := range r.Guests {
		users = append(users, q.UserID)
	}
	return users
}

// setSuspended suspends a user's access to a room, or restores it with access.Passes.
func (rs *Rooms) setSuspended(
	ctx context.Context, g *guildState, r *roomState, user snowflake.ID, why access.Barrier,
) error {
	had, _ := r.SuspendedFor(user)
	if had != access.Passes && why != access.Passes { // only the reason changes
		return rs.change(ctx, g, r, nil, func(doc *room.Room) { doc.SetSuspended(user, why) })
	}
	entry, _ := suspensionEntry(user, had, why)
	call := func(ctx context.Context) error {
		return rs.o.Discord.Expel(ctx, r.ID, user, false, rs.access(g, &r.Room), "Snug: does not pass the gate")
	}
	if why == access.Passes {
		call = func(ctx context.Context) error {
			return rs.o.Discord.Admit(ctx, r.ID, user, rs.access(g, &r.Room), "Snug: passes the gate")
		}
	}
	return rs.changeThenCall(ctx, g, r, entry, pendingOverwrite(), func(doc *room.Room) { doc.SetSuspended(user, why) },
		call)
}
