package rooms

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// View returns a room as the actor may see it. It fails with errs.RoomNotFound, also if they may not see it.
func (rs *Rooms) View(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.View, err error) {
	view := func(by access.Actor) error {
		return rs.withVisibleRoom(ctx, guildID, by, q.RoomID, func(
			ctx context.Context, g *guildState, r *roomState, who access.Standing,
		) error {
			out = rs.view(ctx, g, r, who)
			return nil
		})
	}
	if q.Look {
		err = rs.look(ctx, guildID, q.Actor, view)
	} else {
		err = view(q.Actor)
	}
	return out, err
}

// view returns a room as a user who may see it sees it.
func (rs *Rooms) view(ctx context.Context, g *guildState, r *roomState, who access.Standing) (out room.View) {
	now, s := g.now(), g.summary(r)
	out = room.View{
		Room: s, Roster: rs.o.Voice.Roster(g.id, r.ID), Standing: who,
		MayEnter: s.Access.MayEnter(who), MayControl: s.Access.MayControl(who),
		MayOverfill:  s.Access.MayOverfill(who) && g.settings.MayOverfill(who),
		VoiceIn:      rs.o.Voice.ChannelOf(g.id, who.UserID),
		IdleDeadline: g.idleDeadline(r), Kept: r.Idle.Kept(),
		Suspended: rs.suspension(g, r, who),
		MayClaim:  rs.checkClaim(g, r, who) == nil, Place: r.Place(who.UserID), PassesAt: rs.passesAt(g, r),
		IdleTimeout: g.settings.IdleTimeout.Std(), LastEntry: r.lastEntry,
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
	out.MayInvite = s.Access.MayInvite(who)
	for i := range r.Invites {
		if v := &r.Invites[i]; v.Live(now) && (out.MayControl || v.By == who.UserID) {
			out.Invites = append(out.Invites, rs.link(ctx, r, v))
		}
	}
	out.Holders = rs.holders(g, r, out.MayControl)
	if !out.MayControl {
		out.KnowsSince = r.VisitsVisibleSince(who.UserID)
		return out
	}
	c := r.Room.Clone()
	rs.updateAppearances(g, c)
	out.Control = &room.Control{
		OwnerSuspended: r.OwnerSuspended, Guests: c.Guests, Bans: c.Bans, Waiting: c.Waiting,
		RenamesLeft: r.Renames.Left(now), NextRename: r.Renames.Next(now),
		WantedName: r.Renames.Wanted, WatchToken: r.WatchToken, LobbyID: r.LobbyID, OnTheWay: rs.onTheWay(g, r),
		Lacks: rs.missingRoles(g, r),
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
	return out
}

// holders returns for whom seats are held, as far as their names are known. Those who aren't let in yet are only for
// users who control the room.
func (rs *Rooms) holders(g *guildState, r *roomState, control bool) (list []room.Holder) {
	now := g.now()
	for _, h := range r.Holds {
		if !now.Before(h.Until) || !control && r.Arrival(h.UserID) != nil {
			continue
		}
		who := room.Holder{UserID: h.UserID, Until: h.Until}
		if guest := r.Guest(h.UserID); guest != nil {
			who.Name, who.Avatar = guest.Name, guest.Avatar
		} else if a := r.Arrival(h.UserID); a != nil {
			who.Name = a.Name
		} else if h.UserID == r.OwnerID {
			who.Name = r.OwnerName // until Discord is asked, after a restart
		}
		if s, known := rs.knownStanding(g, h.UserID); known {
			who.SetAppearance(s)
		}
		if who.Name != "" {
			list = append(list, who)
		}
	}
	slices.SortFunc(list, func(a, b room.Holder) int { return a.Until.Compare(b.Until) })
	return list
}

// Join moves an actor who is in voice into the room; for others a seat is held while they connect in
// Discord. It fails with errs.RoomFull, RoomNotFound, Forbidden, MissingPermission or DiscordUnavailable.
func (rs *Rooms) Join(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.Joined, err error) {
	rs.CatchUp(ctx, guildID)
	err = rs.withRoom(ctx, guildID, q.Actor, q.RoomID, func(
		ctx context.Context, g *guildState, r *roomState, who access.Standing,
	) error {
		access := g.summary(r).Access
		if !access.MayEnter(who) {
			return rs.enterError(g, access, who)
		}
		in := rs.o.Voice.ChannelOf(g.id, who.UserID)
		if in == r.ID {
			out.Moved = true
			return nil
		}
		overfills := access.MayOverfill(who) && g.settings.MayOverfill(who)
		if roster := rs.o.Voice.Roster(g.id, r.ID); r.FreeFor(roster, who.UserID, g.now()) <= 0 && !overfills {
			return fullError(r, roster)
		}
		out, err = rs.seat(ctx, g, r, who.UserID, in)
		return err
	})
	return out, err
}

// movingIn is a user's move into a room by Snug, which has not been seen to arrive.
type movingIn struct {
	room snowflake.ID
	at   time.Time
}

// isMovingIn reports whether Snug is moving a user into a room.
func (g *guildState) isMovingIn(user, room snowflake.ID) bool {
	m := g.movingIn[user]
	return m.room == room && g.now().Sub(m.at) < holdMoved
}

// seat holds a seat and moves the user if they are in voice.
func (rs *Rooms) seat(ctx context.Context, g *guildState, r *roomState, user, in snowflake.ID) (room.Joined, error) {
	now := g.now()
	if in != 0 {
		if wait := g.moveWait(user, now); wait > 0 {
			return room.Joined{},
				errs.E(errs.RateLimited, "You've changed rooms very often. You can join the next one in %s.",
					wait.Round(time.Second)).After(wait)
		}
		g.recordMove(user, now)
		if err := rs.hold(ctx, g, r, nil,
			room.Hold{UserID: user, Why: room.HeldJoining, Until: now.Add(holdMoved)}); err != nil {
			return room.Joined{}, err
		}
		g.movingIn[user] = movingIn{r.ID, now}
		err := rs.o.Discord.Move(ctx, g.id, user, in, r.ID, "Snug: joined on the web")
		if err == nil {
			return room.Joined{Moved: true}, nil
		}
		if !errs.Has(err, errs.DiscordUnavailable) { // else they may arrive
			delete(g.movingIn, user)
		}
		if !errs.Has(err, errs.NotInVoice) {
			if !errs.Has(err, errs.DiscordUnavailable) {
				err = errors.Join(err, rs.change(ctx, g, r, nil, func(doc *room.Room) { doc.DropHold(user, now) }))
			}
			return room.Joined{}, err
		}
	}
	until := now.Add(holdLink)
	if h := r.Hold(user, now); h != nil && h.Until.After(until) {
		until = h.Until
	}
	return room.Joined{
		HeldUntil: until,
	}, rs.hold(ctx, g, r, nil, room.Hold{UserID: user, Why: room.HeldJoining, Until: until})
}

func fullError(r *roomState, roster []room.Person) error {
	if room.Occupied(roster) < r.Seats {
		return errs.E(errs.RoomFull,
			"“%s” has a free seat, but it's being held for somebody else. Try again in a minute, or join the "+
				"waiting list.",
			r.Name)
	}
	return errs.E(errs.RoomFull,
		"“%s” is full: all %d seats are taken. Join the waiting list, and Snug will let you know when one is free.",
		r.Name, r.Seats)
}

// enterError says why a user who sees a room may not enter it: they do not pass its gates, or it is locked.
func (rs *Rooms) enterError(g *guildState, a room.Access, s access.Standing) error {
	if err := rs.checkGates(g, a, s, false); err != nil {
		return err
	}
	return lockedError()
}

func lockedError() error {
	return errs.E(errs.Forbidden, "This room is locked. Ask its owner to let you in.")
}
