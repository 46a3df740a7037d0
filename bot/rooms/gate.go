package rooms

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
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

// ---- suspending those who do not pass

// ---- letting in

// checkGates fails unless a user passes a room's gates. other
// words the error for somebody else, who wants to let them in.
func (rs *Rooms) checkGates(g *guildState, a room.Access, s access.Standing, other bool) error {
	return rs.refusal(g, a, s, a.Judge(s), other)
}

func (rs *Rooms) refusal(g *guildState, a room.Access, s access.Standing, why access.Barrier, other bool) error {
	switch {
	case why == access.Passes:
		return nil
	case other && why == access.NotMember:
		return errs.Field("user", "They aren't in this server. Choose somebody who is.")
	case other && why == access.IsPending:
		return errs.Field("user", "They haven't accepted this server's rules yet. You can let them in once they have.")
	case other && why == access.IsTimedOut:
		return errs.Field("user", "They're timed out in this server. You can let them in when that ends.")
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
			"They need a role for this place: %s. A manager of the server can give it to them.",
			roles)
	case roles != "":
		return errs.E(errs.Forbidden,
			"You need a role for this place: %s. Ask a manager of the server for it, then try again.",
			roles)
	case other:
		return errs.Field("user",
			"This server doesn't let them in here. A manager of the server can change that.")
	}
	return errs.E(errs.Forbidden,
		"This server doesn't let you in here. If you think that's a mistake, ask one of its managers.")
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
	switch why := a.BarrierFor(s); why {
	case access.Passes:
		return nil
	case access.IsPending:
		return errs.E(errs.RoomNotFound,
			"Your place in “%s” is suspended until you accept this server's rules. Accept them in Discord, then "+
				"try again.",
			r.Name)
	case access.MissingRole:
		if roles := rs.openingRoles(info, a, s); roles != "" {
			return errs.E(errs.RoomNotFound,
				"Your place in “%s” is suspended because you need a role there: %s. Ask a manager of the server "+
					"for it, then try again.",
				r.Name, roles)
		}
	}
	return errs.E(errs.RoomNotFound,
		"Your place in “%s” is suspended because this server doesn't let you in there. If you think that's a "+
			"mistake, ask one of its managers.",
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
		if s, known := rs.knownStanding(g, u); known && s.Member && a.BarrierFor(s) == access.MissingRole {
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
