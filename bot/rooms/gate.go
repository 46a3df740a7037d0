package rooms

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

// Place is the overwrites of a room's channel, and of the channels
// whose permissions a user needs to be let in (gates); see room.Access.
type Place struct {
	Channel []access.Overwrite
	Gates   [][]access.Overwrite
}

func (p Place) equal(o Place) bool {
	return slices.Equal(p.Channel, o.Channel) && (p.Gates == nil) == (o.Gates == nil) &&
		slices.EqualFunc(p.Gates, o.Gates, slices.Equal)
}

// refresh updates a room's place from the cache and reports whether it changed. soon is as for Discord.Place.
func (rs *Rooms) refresh(g *guildState, r *roomState, soon bool) bool {
	place := rs.o.Discord.Place(r.ID, r.LobbyID, rs.access(g, &r.Room), soon)
	if place.equal(r.place) {
		return false
	}
	r.place = place
	return true
}

// GateChanged follows a change of something that permissions depend
// on: a role, the guild, a category or a lobby. It only enqueues.
func (rs *Rooms) GateChanged(guildID snowflake.ID) {
	rs.enqueueIn(guildID, func(ctx context.Context, g *guildState) {
		if g.ready {
			rs.onGateChanged(ctx, g)
		}
	})
}

func (rs *Rooms) onGateChanged(ctx context.Context, g *guildState) {
	if now := rs.o.Discord.Guild(g.id); len(now.Roles) > 0 && !now.Equal(g.info.Access) {
		g.info.Access = now
		if err := rs.o.Announce(ctx, g.info); err != nil {
			rs.o.Log.WarnContext(ctx, "a server's roles could not be published to the dashboard", "guild_id", g.id,
				"err", err)
		}
	}
	for _, r := range g.rooms {
		if r.State != room.Open {
			continue
		}
		if rs.refresh(g, r, false) {
			rs.publish(g, r, room.Changed{})
		}
		rs.reviewAll(ctx, g, r)
	}
}

// ---- known standings

// ObserveStanding stores a standing that came with something
// else, such as a Voice State Update. It does not block.
func (rs *Rooms) ObserveStanding(s access.Standing) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	key := [2]snowflake.ID{s.GuildID, s.UserID}
	if old, known := rs.observed[key]; !known || !old.CheckedAt.After(s.CheckedAt) {
		rs.observed[key] = s
	}
}

// LearnStanding stores a standing that was fetched, and reviews the
// user's rooms: access is suspended or restored. It only enqueues.
func (rs *Rooms) LearnStanding(s access.Standing) {
	rs.ObserveStanding(s)
	g := rs.guild(s.GuildID, false)
	if g == nil || !g.hasPlace(s.UserID) {
		return
	}
	rs.enqueue(g, func(ctx context.Context) {
		if g.ready {
			rs.review(ctx, g, s.UserID)
		}
	})
}

// hasPlace reports whether a user is owner, guest or arrival of one of the guild's rooms, by the last snapshot.
func (g *guildState) hasPlace(user snowflake.ID) bool {
	m := g.snapshot.Load()
	return m != nil && slices.ContainsFunc(m.Rooms,
		func(r room.Room) bool { _, has := r.SuspendedFor(user); return has || r.Arrival(user) != nil })
}

// knownStanding returns a user's last known standing, with the guild's present roles.
func (rs *Rooms) knownStanding(g *guildState, user snowflake.ID) (access.Standing, bool) {
	rs.mu.Lock()
	s, known := rs.observed[[2]snowflake.ID{g.id, user}]
	rs.mu.Unlock()
	if t, asked := rs.o.Standings.Known(g.id, user); asked && (!known || t.CheckedAt.After(s.CheckedAt)) {
		s, known = t, true
	}
	return s.WithGuild(g.info.Access), known
}

// freshStandingAge is how old a standing may be that decides about a user who does not act themselves.
const freshStandingAge = time.Minute

// freshStanding returns a user's standing if it is younger than freshStandingAge.
func (rs *Rooms) freshStanding(g *guildState, user snowflake.ID) (access.Standing, bool) {
	s, known := rs.knownStanding(g, user)
	return s, known && rs.o.Now().Sub(s.CheckedAt) < freshStandingAge
}

// recentStanding is freshStanding, or else fetches the standing.
func (rs *Rooms) recentStanding(ctx context.Context, g *guildState, user snowflake.ID) (access.Standing, error) {
	if s, known := rs.freshStanding(g, user); known {
		return s, nil
	}
	return rs.fetchStanding(ctx, g.id, user)
}

// updateAppearances updates the names and avatars of a room's
// guests, bans and waiting list from the known standings.
func (rs *Rooms) updateAppearances(g *guildState, doc *room.Room) {
	for i := range doc.Guests {
		if s, known := rs.knownStanding(g, doc.Guests[i].UserID); known {
			doc.Guests[i].SetAppearance(s)
		}
	}
	for i := range doc.Bans {
		if s, known := rs.knownStanding(g, doc.Bans[i].UserID); known {
			doc.Bans[i].SetAppearance(s)
		}
	}
	for i := range doc.Waiting {
		if s, known := rs.knownStanding(g, doc.Waiting[i].UserID); known {
			doc.Waiting[i].SetAppearance(s)
		}
	}
}

// forgetObserved drops old standings of users without a place in a room.
func (rs *Rooms) forgetObserved(g *guildState) {
	now := rs.o.Now()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for key, s := range rs.observed {
		if key[0] == g.id && now.Sub(s.CheckedAt) > 10*time.Minute && rs.o.Voice.ChannelOf(g.id, key[1]) == 0 &&
			!g.hasPlace(key[1]) {
			delete(rs.observed, key)
		}
	}
}

// fetchStandings fetches users' standings in the background, then reviews the guild's rooms.
func (rs *Rooms) fetchStandings(g *guildState, users []snowflake.ID) {
	users = slices.DeleteFunc(users, func(u snowflake.ID) bool { return g.fetching[u] })
	if len(users) == 0 {
		return
	}
	for _, u := range users {
		g.fetching[u] = true
	}
	rs.goRun(func() {
		if err := rs.fetchStandingsOf(g.id, users); err != nil {
			rs.o.Log.Warn("access to rooms stays suspended until Discord answers who the users are", "guild_id", g.id,
				"users", len(users), "err", err)
		}
		rs.enqueue(g, func(ctx context.Context) {
			for _, u := range users {
				delete(g.fetching, u)
			}
			for _, r := range g.rooms {
				if g.ready && r.State == room.Open {
					rs.reviewRoom(ctx, g, r)
				}
			}
		})
	})
}

// fetchStandingsOf fetches users' standings together, over the gateway as far as possible.
func (rs *Rooms) fetchStandingsOf(guildID snowflake.ID, users []snowflake.ID) error {
	const together = 100
	var all errgroup.Group
	all.SetLimit(together)
	for _, u := range users {
		all.Go(func() error {
			s, err := rs.Standing(rs.ctx, guildID, room.StandingRequest{UserID: u, Within: freshStandingAge})
			if err == nil {
				rs.ObserveStanding(s)
			}
			return err
		})
	}
	return all.Wait()
}

// ---- suspending those who do not pass

// roomsToReview lists the rooms in which a user's access is to be suspended or restored.
func (rs *Rooms) roomsToReview(g *guildState, user snowflake.ID) (rooms []*roomState) {
	s, known := rs.knownStanding(g, user)
	for _, r := range g.rooms {
		if had, has := r.SuspendedFor(user); known && has && r.State == room.Open && !r.Banned(user) &&
			g.summary(r).Access.Suspends(s) != had {
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
			return rs.setSuspended(ctx, g, r, user, g.summary(r).Access.Suspends(s))
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
) (changes map[snowflake.ID]access.Why, unknown []snowflake.ID) {
	changes = map[snowflake.ID]access.Why{}
	access := g.summary(r).Access
	for _, u := range r.ownerAndGuests() {
		s, known := rs.knownStanding(g, u)
		if !known {
			unknown = append(unknown, u)
			continue
		}
		if had, _ := r.SuspendedFor(u); access.Suspends(s) != had && !r.Banned(u) {
			changes[u] = access.Suspends(s)
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
func suspensionEntry(user snowflake.ID, had, why access.Why) (audit.Entry, bool) {
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
	ctx context.Context, g *guildState, r *roomState, user snowflake.ID, why access.Why,
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

// ---- letting in

// checkGates fails unless a user passes a room's gates. other
// words the error for somebody else, who wants to let them in.
func (rs *Rooms) checkGates(g *guildState, a room.Access, s access.Standing, other bool) error {
	return rs.refusal(g, a, s, a.Judge(s), other)
}

func (rs *Rooms) refusal(g *guildState, a room.Access, s access.Standing, why access.Why, other bool) error {
	switch {
	case why == access.Passes:
		return nil
	case other && why == access.NotMember:
		return errs.Field("user", "They are not in this server. Choose somebody who is.")
	case other && why == access.IsPending:
		return errs.Field("user", "They have not accepted this server's rules yet. They can be let in once they have.")
	case other && why == access.IsTimedOut:
		return errs.Field("user", "They are timed out in this server. They can be let in when that is over.")
	case why == access.NotMember || why == access.IsPending || why == access.IsTimedOut:
		return s.CheckActive()
	}
	roles := ""
	if why == access.MissingRole {
		roles = rs.openingRoles(g.info, a, s)
	}
	switch {
	case roles != "" && other:
		return errs.Field("user",
			"They lack a role that this server asks for here: %s. Somebody who manages the server can give it to them.",
			roles)
	case roles != "":
		return errs.E(errs.Forbidden,
			"You lack a role that this server asks for here: %s. Ask somebody who manages the server for it, then try again.",
			roles)
	case other:
		return errs.Field("user",
			"This server does not let them in here. Somebody who manages the server can change that.")
	}
	return errs.E(errs.Forbidden,
		"This server does not let you in here. If you think that is a mistake, ask somebody who manages it.")
}

// suspension says why a user's access to a room is suspended, and what to do; nil
// if it is not. Its code is errs.RoomNotFound, because they may not see the room.
func (rs *Rooms) suspension(g *guildState, r *roomState, s access.Standing) *errs.Error {
	return rs.suspended(g.info, &r.Room, g.summary(r).Access, s)
}

// Suspended is the error for a user whose access to a room is
// suspended, from a snapshot; nil if it is not. It never blocks.
func (rs *Rooms) Suspended(m Snapshot, r *room.Room, s access.Standing) error {
	if err := rs.suspended(m.Info, r, m.Access(r), s); err != nil {
		return err
	}
	return nil
}

func (rs *Rooms) suspended(info room.GuildInfo, r *room.Room, a room.Access, s access.Standing) *errs.Error {
	if _, has := r.SuspendedFor(s.UserID); !has || !s.Member || r.State != room.Open || r.Banned(s.UserID) {
		return nil
	}
	switch why := a.Suspends(s); why {
	case access.Passes:
		return nil
	case access.IsPending:
		return errs.E(errs.RoomNotFound,
			"Your place in “%s” waits until you have accepted this server's rules. Accept them in Discord, then try again.",
			r.Name)
	case access.MissingRole:
		if roles := rs.openingRoles(info, a, s); roles != "" {
			return errs.E(errs.RoomNotFound,
				"Your place in “%s” is suspended: you lack a role that this server asks for there: %s. Ask somebody who manages the server for it, then try again.",
				r.Name, roles)
		}
	}
	return errs.E(errs.RoomNotFound,
		"Your place in “%s” is suspended: this server does not let you in there. If you think that is a mistake, ask somebody who manages it.",
		r.Name)
}

// visibleOrSuspended finds a room that a user may see. A suspended owner or
// guest gets the reason as the error; for others the room does not exist.
func (rs *Rooms) visibleOrSuspended(g *guildState, id snowflake.ID, s access.Standing) (*roomState, error) {
	r, err := g.visible(id, s)
	if there := g.rooms[id]; err != nil && there != nil {
		if out := rs.suspension(g, there, s); out != nil {
			err = out
		}
	}
	return r, err
}

// missingRoles names, for the owner, guests and arrivals of a room who lack a role, the roles that would do.
func (rs *Rooms) missingRoles(g *guildState, r *roomState) map[snowflake.ID]string {
	a, out := g.summary(r).Access, map[snowflake.ID]string{}
	users := r.ownerAndGuests()
	for _, w := range r.Arrivals {
		users = append(users, w.UserID)
	}
	for _, u := range users {
		if s, known := rs.knownStanding(g, u); known && s.Member && a.Suspends(s) == access.MissingRole {
			if roles := rs.openingRoles(g.info, a, s); roles != "" {
				out[u] = roles
			}
		}
	}
	return out
}

// onTheWay lists a room's arrivals, with their next step as far as known.
func (rs *Rooms) onTheWay(g *guildState, r *roomState) (list []room.OnTheWay) {
	a := g.summary(r).Access
	for _, w := range r.Arrivals {
		o := room.OnTheWay{UserID: w.UserID, Name: w.Name, InviteID: w.InviteID, Since: w.Since, Until: w.Until}
		s, known := rs.knownStanding(g, w.UserID)
		switch {
		case known:
			o.Name, o.Avatar, o.Step = cmp.Or(s.DisplayName, o.Name), s.Avatar, stepOf(s)
			if o.Step == room.StepIn {
				o.Step, o.Why = room.StepWait, a.Judge(s)
			}
		case w.Code != "":
			o.Step = room.StepJoin
		}
		list = append(list, o)
	}
	return list
}

// openingRoles names up to three roles that would let a user in; "" if none would.
func (rs *Rooms) openingRoles(g room.GuildInfo, a room.Access, s access.Standing) string {
	ids := a.Openers(s, g.Access.Roles, func(role snowflake.ID) bool { return rs.o.Discord.BotRole(g.ID, role) })
	const most = 3
	return strings.Join(rs.o.Discord.RoleNames(g.ID, ids[:min(most, len(ids))]), ", ")
}

// onChannelGateChanged reviews the rooms if a changed channel is a lobby, which is the gate of its rooms.
func (rs *Rooms) onChannelGateChanged(ctx context.Context, g *guildState, channel snowflake.ID) {
	lobby := g.settings.Lobby(channel) != nil
	for _, r := range g.rooms {
		lobby = lobby || r.LobbyID == channel
	}
	if g.ready && lobby {
		rs.onGateChanged(ctx, g)
	}
}
