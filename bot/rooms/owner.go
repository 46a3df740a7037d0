package rooms

import (
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// ownerCheck is how often it is checked whether an absent owner is still in the server.
const ownerCheck = time.Minute

// ownerHere reports whether a room's owner is in its voice channel.
func (rs *Rooms) ownerHere(g *guildState, r *roomState) bool {
	return room.In(rs.o.Voice.Roster(g.id, r.ID), r.OwnerID)
}

// ownerAway reports whether the owner has left for room.ClaimAfter, so that others may take the room over.
func (g *guildState) ownerAway(r *roomState, now time.Time) bool {
	return !r.OwnerLeftAt.IsZero() && now.Sub(r.OwnerLeftAt) >= room.ClaimAfter
}

// checkClaim fails unless a user may take a room over: managers at any
// time, users inside once the owner has been away for room.ClaimAfter.
func (rs *Rooms) checkClaim(g *guildState, r *roomState, who access.Standing) error {
	now := g.now()
	switch {
	case r.OwnerID == who.UserID:
		return errs.E(errs.Invalid, "You already own this room.")
	case who.Manager && g.summary(r).Access.MayControl(who):
		return nil
	case !room.In(rs.o.Voice.Roster(g.id, r.ID), who.UserID):
		return errs.E(errs.NotInVoice, "Only people in the room can claim it. Join it first.")
	case rs.checkGates(g, g.summary(r).Access, who, false) != nil:
		return rs.checkGates(g, g.summary(r).Access, who, false)
	case rs.ownerHere(g, r):
		return errs.E(errs.Forbidden, "Its owner is here. Ask them to transfer the room.")
	case !g.ownerAway(r, now):
		wait := r.OwnerLeftAt.Add(room.ClaimAfter).Sub(now).Round(time.Second)
		return errs.E(errs.Forbidden,
			"Its owner just left. You can claim the room in %s if they aren't back by then.",
			wait).After(wait)
	}
	return nil
}

// countOwned counts a member's open rooms.
func (g *guildState) countOwned(user snowflake.ID) int {
	n := 0
	for _, r := range g.rooms {
		if r.OwnerID == user && r.State == room.Open {
			n++
		}
	}
	return n
}

// mayOwnMore reports whether a member has fewer open rooms than the server allows.
func (g *guildState) mayOwnMore(user snowflake.ID) bool {
	return g.countOwned(user) < g.settings.RoomsPerMember
}

// transfer makes the target the room's owner.
func (c changeOp) transfer(ctx context.Context) error {
	c.out.Name = c.target.DisplayName
	switch to := c.target; {
	case !to.Member:
		return errs.Field("user", "They aren't in this server. Choose somebody who is.")
	case to.Bot:
		return errs.Field("user", "A bot can't own a room. Choose a person.")
	case to.UserID == c.r.OwnerID:
		return errs.Field("user", "They already own this room.")
	case c.r.Banned(to.UserID):
		return errs.Field("user", "They're banned from this room. Unban them first.")
	}
	if err := c.rs.checkGates(c.g, c.g.summary(c.r).Access, c.target, true); err != nil {
		return err
	}
	return c.rs.handOver(ctx, c.g, c.r, c.target, audit.Transfer, c.who.UserID, c.q.Actor.Via)
}

// claim makes the actor the room's owner.
func (c changeOp) claim(ctx context.Context) error {
	how := audit.Claim
	if c.rs.ownerHere(c.g, c.r) || !c.g.ownerAway(c.r, c.g.now()) {
		how = audit.Override
	}
	return c.rs.handOver(ctx, c.g, c.r, c.who, how, c.who.UserID, c.q.Actor.Via)
}

// handOver makes a user a room's owner. The old owner becomes a guest, unless
// they left the server (how is handover). how goes into the audit log.
func (rs *Rooms) handOver(
	ctx context.Context, g *guildState, r *roomState, to access.Standing, how string, by snowflake.ID, via access.Via,
) error {
	if !g.mayOwnMore(to.UserID) && how != audit.Override && how != audit.Handover {
		return errs.E(errs.RoomLimit,
			"They already have as many rooms as this server allows (%d). One of those has to close first.",
			g.settings.RoomsPerMember)
	}
	old, now := r.OwnerID, g.now()
	oldName, was := r.OwnerName, r.Guest(to.UserID) != nil && r.Guest(to.UserID).Suspended == access.Passes
	entry := audit.Entry{
		Kind: audit.OwnerChanged, By: by, Via: via, Target: to.UserID, Detail: how, Old: oldName, New: to.DisplayName,
	}
	err := rs.changeThenCall(ctx, g, r, entry, pendingOverwrite(), func(doc *room.Room) {
		out := doc.OwnerSuspended
		doc.RevokeAccess(to.UserID, now)
		doc.OwnerSuspended = access.Passes
		doc.OwnerID, doc.OwnerName, doc.OwnerLeftAt = to.UserID, to.DisplayName, time.Time{}
		if !room.In(rs.o.Voice.Roster(g.id, r.ID), to.UserID) {
			doc.OwnerLeftAt = now
		}
		if how != audit.Handover && doc.Guest(old) == nil {
			doc.Guests = append(doc.Guests,
				room.Guest{UserID: old, Name: oldName, By: to.UserID, Since: now, Suspended: out})
			rs.updateAppearances(g, doc)
		}
	}, func(ctx context.Context) error {
		if how == audit.Handover {
			if err := rs.o.Discord.Expel(ctx, r.ID, old, false, rs.access(g, &r.Room),
				"Snug: left the server"); err != nil {
				return err
			}
		}
		if was {
			return nil
		}
		err := rs.o.Discord.Admit(ctx, r.ID, to.UserID, rs.access(g, &r.Room), "Snug: owns the room now")
		if how == audit.Handover {
			err = partial(err)
		}
		return err
	})
	if err == nil {
		r.ownerCheckedAt = time.Time{}
		rs.notify(g, NewOwner{Room: g.summary(r), Owner: to.UserID, How: how})
	}
	return err
}

// StandingChanged follows a changed standing of a spectator,
// owner or guest, or the end of their timeout. It only enqueues.
func (rs *Rooms) StandingChanged(was, is access.Standing) {
	rs.LearnStanding(is)
	if was.Member && !is.Member {
		rs.MemberGone(is.GuildID, is.UserID)
	}
}

// MemberGone takes a Guild Member Remove event: the user's rooms get another owner. It only enqueues.
func (rs *Rooms) MemberGone(guildID, user snowflake.ID) {
	rs.enqueueIn(guildID, func(ctx context.Context, g *guildState) {
		if !g.ready {
			return
		}
		for _, r := range g.rooms {
			if r.OwnerID != user || r.State != room.Open {
				continue
			}
			r.goneOwner = user
			if err := rs.replaceGoneOwner(ctx, g, r); err != nil {
				rs.o.Log.WarnContext(ctx, "a room whose owner left the server waits for another", "guild_id", g.id,
					"room_id", r.ID, "err", err)
			}
		}
	})
}

// replaceGoneOwner gives a room another owner, if its owner left the server. A sweep repeats it if it fails.
func (rs *Rooms) replaceGoneOwner(ctx context.Context, g *guildState, r *roomState) error {
	return g.inRoomLane(ctx, r, func() error {
		if r.OwnerID != r.goneOwner || r.State != room.Open {
			return nil
		}
		err := rs.replaceOwner(ctx, g, r)
		if err == nil {
			r.goneOwner = 0
		}
		return err
	})
}

// checkOwner hands over a room whose owner left the server. Without the members intent
// Discord sends no event, so while the owner is away and others are inside their
// membership is requested over the gateway, or over REST if that is not possible.
func (rs *Rooms) checkOwner(ctx context.Context, g *guildState, r *roomState) error {
	if r.OwnerID == r.goneOwner {
		return rs.replaceGoneOwner(ctx, g, r)
	}
	now := g.now()
	if r.State != room.Open || r.OwnerLeftAt.IsZero() || now.Sub(r.ownerCheckedAt) < ownerCheck ||
		room.Occupied(rs.o.Voice.Roster(g.id, r.ID)) == 0 {
		return nil
	}
	first := r.ownerCheckedAt.Before(r.OwnerLeftAt)
	r.ownerCheckedAt = now
	owner, known := rs.o.Standings.Known(g.id, r.OwnerID)
	if !known || owner.Member {
		if !first || rs.o.Standings.Hurry(g.id, r.OwnerID) {
			return nil // StandingChanged follows if they left
		}
		var err error
		if owner, err = rs.fetchStanding(ctx, g.id, r.OwnerID); err != nil || owner.Member {
			return err
		}
	}
	return g.inRoomLane(ctx, r, func() error {
		if r.State != room.Open || r.OwnerID != owner.UserID {
			return nil // it has another owner meanwhile
		}
		return rs.replaceOwner(ctx, g, r)
	})
}

// replaceOwner makes somebody else the owner of a room whose owner left the
// server: the user who is inside longest, else the first guest who is still
// in the server. If there is nobody, the room stays until it closes as idle.
func (rs *Rooms) replaceOwner(ctx context.Context, g *guildState, r *roomState) error {
	const most = 5 // guests to check
	candidates := rs.inside(g, r)
	for _, q := range r.Guests[:min(most, len(r.Guests))] {
		candidates = append(candidates, q.UserID)
	}
	to, err := rs.firstPassing(ctx, g, r, candidates)
	if err != nil || to.UserID == 0 {
		return err
	}
	return rs.handOver(ctx, g, r, to, audit.Handover, 0, access.ViaSnug)
}

// passesAt is when a room passes to somebody inside because its owner is away; zero while it won't.
func (rs *Rooms) passesAt(g *guildState, r *roomState) time.Time {
	if r.State != room.Open || r.OwnerLeftAt.IsZero() || g.settings.PassOnAfter == guild.Never ||
		len(rs.inside(g, r)) == 0 {
		return time.Time{}
	}
	return r.OwnerLeftAt.Add(g.settings.PassOnAfter.Std())
}

// passOn makes the user who is inside longest the owner once it is time to. If nobody inside may own it, it stays as
// it is.
func (rs *Rooms) passOn(ctx context.Context, g *guildState, r *roomState) error {
	due := func() bool { at := rs.passesAt(g, r); return !at.IsZero() && !g.now().Before(at) }
	if !due() {
		return nil
	}
	return g.inRoomLane(ctx, r, func() error {
		if !due() { // its owner is back, or it has another one meanwhile
			return nil
		}
		candidates := slices.DeleteFunc(rs.inside(g, r), func(u snowflake.ID) bool { return !g.mayOwnMore(u) })
		to, err := rs.firstPassing(ctx, g, r, candidates)
		if err != nil || to.UserID == 0 || !due() {
			return err
		}
		return rs.handOver(ctx, g, r, to, audit.PassedOn, 0, access.ViaSnug)
	})
}

// inside lists the people in a room's voice channel, except its owner, those who are in longest first.
func (rs *Rooms) inside(g *guildState, r *roomState) (users []snowflake.ID) {
	for _, p := range rs.o.Voice.Roster(g.id, r.ID) {
		if !p.Bot && p.UserID != r.OwnerID {
			users = append(users, p.UserID)
		}
	}
	return users
}

// firstPassing returns the standing of the first user who isn't banned and passes the room's gates; zero for nobody.
func (rs *Rooms) firstPassing(
	ctx context.Context, g *guildState, r *roomState, users []snowflake.ID,
) (access.Standing, error) {
	for _, user := range users {
		if r.Banned(user) {
			continue
		}
		s, err := rs.recentStanding(ctx, g, user)
		if err != nil {
			return access.Standing{}, err
		}
		if g.summary(r).Access.Judge(s) == access.Passes {
			return s, nil
		}
	}
	return access.Standing{}, nil
}
