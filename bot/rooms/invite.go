package rooms

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/invite"
	"snug/shared/room"
	"snug/shared/schema"
)

// Limits of invites.
const (
	maxInvites      = 25 // of a room
	maxGuestInvites = 3  // live ones of one guest
)

// Invite creates an invite. With q.For, that user becomes a guest at once and is sent the link;
// delivery says whether they got it. It fails with errs.Forbidden, Invalid or RoomNotFound.
func (rs *Rooms) Invite(
	ctx context.Context, guildID snowflake.ID, q room.InviteRequest,
) (out room.InviteLink, delivery room.Delivery, err error) {
	if err := schema.CheckInvite(q.Lifetime, q.Uses); err != nil {
		return out, "", err
	}
	if q.Label, err = schema.CleanInviteLabel(q.Label); err != nil {
		return out, "", err
	}
	if q.For == 0 {
		err = rs.withRoom(ctx, guildID, q.Actor, q.RoomID, func(
			ctx context.Context, g *guildState, r *roomState, who access.Standing,
		) error {
			if err := g.summary(r).Access.CheckInvite(who); err != nil {
				return err
			}
			out, err = rs.issue(ctx, g, r, who, q)
			return err
		})
		return out, "", err
	}
	q.Uses = max(q.Uses, 1)
	const what = errs.Term("invite to it")
	var told Invited
	var language string
	err = rs.withControlledRoom(ctx, guildID, q.Actor, q.RoomID, what, func(
		ctx context.Context, g *guildState, r *roomState, who access.Standing,
	) error {
		return rs.inControlledRoomLane(ctx, g, r, who, what, func() error {
			if out, err = rs.inviteUser(ctx, g, r, who, q); err != nil {
				return err
			}
			language = g.language()
			told = Invited{
				Room: g.summary(r), User: q.For, By: who.UserID, Name: who.DisplayName, Link: rs.o.Link(out.Code),
			}
			return nil
		})
	})
	if err == nil {
		delivery = rs.notifyAndReport(ctx, guildID, language, told)
	}
	return out, delivery, err
}

// inviteUser makes a user a guest, with an invite of their own.
func (rs *Rooms) inviteUser(
	ctx context.Context, g *guildState, r *roomState, who access.Standing, q room.InviteRequest,
) (out room.InviteLink, err error) {
	if r.Banned(q.For) {
		return out, errs.E(errs.Forbidden, "That user is banned from this room. Unban them first.")
	}
	if err := rs.checkAdmissible(ctx, g, r, q.For); err != nil {
		return out, err
	}
	if out, err = rs.issue(ctx, g, r, who, q); err != nil {
		return out, err
	}
	err = rs.admit(ctx, g, r, admission{
		user: q.For, name: q.ForName, by: who.UserID, inviteID: out.Invite.ID, via: q.Actor.Via, hold: holdInvited,
	})
	if err != nil {
		return out, err
	}
	if who.UserID == r.OwnerID {
		rs.updatePreferences(ctx, g, who.UserID,
			func(p *room.Preferences) { p.Guests = appendUnique(p.Guests, q.For) })
	}
	if v := r.Invite(out.Invite.ID); v != nil { // with their use
		out.Invite = *v
	}
	return out, nil
}

// issue makes an invite, or returns the one that an earlier try made, whose response was lost.
func (rs *Rooms) issue(
	ctx context.Context, g *guildState, r *roomState, who access.Standing, q room.InviteRequest,
) (out room.InviteLink, err error) {
	if earlier := r.Invite(q.ID); earlier != nil && earlier.By == who.UserID {
		return rs.link(ctx, r, earlier), nil
	}
	byGuest, now := !g.summary(r).Access.MayControl(who), g.now()
	live := 0
	for i := range r.Invites {
		if v := &r.Invites[i]; v.By == who.UserID && v.Live(now) {
			live++
		}
	}
	if byGuest && live >= maxGuestInvites {
		return out, errs.E(errs.RoomLimit, "You have %d invite links to this room. Revoke one first.", live)
	}
	v, err := rs.newInvite(ctx, g, r.ID, r.Seats, room.Invite{
		ID: q.ID, By: who.UserID, ByName: who.DisplayName, ByGuest: byGuest, MaxUses: q.Uses, Label: q.Label,
	}, q.Lifetime)
	if err != nil {
		return out, err
	}
	entry := audit.Entry{Kind: audit.InviteCreated, By: who.UserID, Via: q.Actor.Via, Target: q.For}
	err = rs.edit(ctx, g, r, &entry, func(doc *room.Room) {
		pruneInvites(doc, now)
		doc.Invites = append(doc.Invites, v)
	})
	if err != nil {
		return out, err
	}
	return rs.link(ctx, r, &v), nil
}

// pruneInvites drops invites that expired more than a day ago, and beyond maxInvites the oldest:
// ended ones first, then guests', to keep the document small.
func pruneInvites(doc *room.Room, now time.Time) {
	doc.Invites = slices.DeleteFunc(doc.Invites, func(v room.Invite) bool {
		return !v.Live(now) && now.Sub(v.ExpiresAt) > invite.Remembered
	})
	for len(doc.Invites) >= maxInvites {
		i := slices.IndexFunc(doc.Invites, func(v room.Invite) bool { return !v.Live(now) })
		if i < 0 {
			i = max(0, slices.IndexFunc(doc.Invites, func(v room.Invite) bool { return v.ByGuest }))
		}
		doc.Invites = slices.Delete(doc.Invites, i, i+1)
	}
}

// Revoke revokes an invite, and the Discord invites that were created for users who follow it. Guests it let in stay.
// Whoever may control the room can revoke all its invites, others their own.
func (rs *Rooms) Revoke(ctx context.Context, guildID snowflake.ID, q room.RevokeRequest) (out room.Invite, err error) {
	err = rs.withRoom(ctx, guildID, q.Actor, q.RoomID, func(
		ctx context.Context, g *guildState, r *roomState, who access.Standing,
	) error {
		v := r.Invite(q.InviteID)
		if v == nil || v.By != who.UserID {
			if err := g.controllable(r, who, "revoke invite links"); err != nil {
				return err
			}
		}
		if v == nil {
			return errs.E(errs.NotFound, "This invite link has already ended. Reload the page to see the others.")
		}
		if v.RevokedAt.IsZero() {
			entry := audit.Entry{Kind: audit.InviteRevoked, By: who.UserID, Via: q.Actor.Via}
			now := g.now()
			err := rs.edit(ctx, g, r, &entry, func(doc *room.Room) {
				doc.RevokeInvites(now, func(v room.Invite) bool { return v.ID == q.InviteID })
			})
			if err != nil {
				return err
			}
		}
		out = *r.Invite(q.InviteID)
		rs.revokeSpent(ctx, g, r)
		return nil
	})
	return out, err
}

// Preview returns what an invite's landing page shows before login. It
// fails with errs.TokenInvalid, TokenExpired, TokenRevoked or RoomNotFound.
// A used-up invite is shown: those who followed it before may do so again.
func (rs *Rooms) Preview(
	ctx context.Context, guildID snowflake.ID, q room.PreviewRequest,
) (out room.Preview, err error) {
	var roomAccess room.Access
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		r, v, err := g.findInvite(q.RoomID, q.Code)
		if err != nil {
			return err
		}
		if q.UserID != 0 && r.Banned(q.UserID) {
			return bannedError()
		}
		if err := v.Check(0, rs.o.Now()); err != nil && !errs.Has(err, errs.TokenUsedUp) {
			return err
		}
		by, _ := rs.o.Voice.Person(g.id, v.By)
		out = room.Preview{
			GuildID: g.id, GuildName: g.info.Name, RoomID: r.ID, Name: r.Name, Seats: r.Seats,
			Roster: rs.previewRoster(g, r), InvitedBy: cmp.Or(by.DisplayName, v.ByName), ExpiresAt: v.ExpiresAt,
			Left: v.Left(), Locked: r.Locked,
		}
		roomAccess = g.summary(r).Access
		out.Public = roomAccess.Public(g.id, g.info.Access)
		return nil
	})
	if err == nil && out.Locked && q.UserID != 0 {
		who, e := rs.fetchStanding(ctx, guildID, q.UserID)
		out.MayKnock = e == nil && roomAccess.MayKnock(who)
	}
	return out, err
}

// bannedError is all that a banned user learns about a room.
func bannedError() error {
	return errs.E(errs.Forbidden, "You can't enter this room. If you think that's a mistake, ask its owner.")
}

// previewRoster returns who is in a room, for an unknown bearer of an
// invite: nobody unless every member of the server passes the room's gates.
func (rs *Rooms) previewRoster(g *guildState, r *roomState) []room.Person {
	anybody := access.Standing{GuildID: g.id, Member: true}.WithGuild(g.info.Access)
	if g.summary(r).Access.Judge(anybody) != access.Passes {
		return nil
	}
	return rs.o.Voice.Roster(g.id, r.ID)
}

// findInvite finds a room and its invite with this code.
func (g *guildState) findInvite(id snowflake.ID, code string) (*roomState, *room.Invite, error) {
	r := g.rooms[id]
	if r == nil || r.State != room.Open {
		return nil, nil, errs.E(errs.RoomNotFound,
			"The room this link led to is closed. Ask the person who sent it whether there's a new one.")
	}
	v := r.InviteOf(invite.Key(code))
	if v == nil {
		return nil, nil, errs.E(errs.TokenRevoked,
			"This invite link has ended. Ask the person who sent it for a new one.")
	}
	return r, v, nil
}

// Redeem follows an invite: the actor becomes a guest of the room, and a member of the server
// if invites may bring people in; or an arrival (Redeemed.OnTheWay), and Arrive returns the
// next step. Following it twice costs one use. It fails with errs.TokenInvalid, TokenExpired,
// TokenRevoked, TokenUsedUp, RoomNotFound, Forbidden, GuildJoinDenied or DiscordUnavailable.
func (rs *Rooms) Redeem(
	ctx context.Context, guildID snowflake.ID, q room.RedeemRequest,
) (out room.Redeemed, err error) {
	user := q.Actor.UserID
	who, err := rs.fetchStanding(ctx, guildID, user)
	if err != nil {
		return out, err
	}
	rs.CatchUp(ctx, guildID)
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		return rs.inLaneOf(ctx, g, q.RoomID, func() error {
			out, err = rs.redeemInLane(ctx, g, who, q)
			return err
		})
	})
	return out, err
}

// redeemInLane is Redeem in the room's lane.
func (rs *Rooms) redeemInLane(
	ctx context.Context, g *guildState, who access.Standing, q room.RedeemRequest,
) (out room.Redeemed, err error) {
	user := q.Actor.UserID
	r, v, err := rs.redeemable(g, q, who)
	if err != nil {
		return out, err
	}
	if !who.Member && r.Arrival(user) == nil {
		if who, err = rs.addToGuild(ctx, g, r, v.By, who, q.AccessToken); err != nil {
			return out, err
		}
		if r, v, err = rs.redeemable(g, q, who); err != nil { // it may have been revoked meanwhile
			return out, err
		}
	}
	out = room.Redeemed{GuildID: g.id, RoomID: r.ID}
	rs.ObserveStanding(who)
	if stepOf(who) != room.StepIn {
		out.OnTheWay = true
		return out, rs.recordArrival(ctx, g, r, v, who, q.Actor.Via)
	}
	if err := rs.checkGates(g, g.summary(r).Access, who, false); err != nil {
		return out, err // this costs no use: they may try again
	}
	return out, rs.admit(ctx, g, r, admission{
		user: user, name: who.DisplayName, by: v.By, inviteID: v.ID, via: q.Actor.Via, byLink: true, hold: holdInvited,
	})
}

// redeemable finds the room and the invite that a user asks to follow, if they may.
func (rs *Rooms) redeemable(
	g *guildState, q room.RedeemRequest, who access.Standing,
) (*roomState, *room.Invite, error) {
	r, v, err := g.findInvite(q.RoomID, q.Code)
	if err != nil {
		return nil, nil, err
	}
	if r.Banned(who.UserID) {
		return nil, nil, bannedError()
	}
	_, placed := r.SuspendedFor(who.UserID)
	if r.Locked && !placed && !who.Admin {
		return nil, nil, lockedError()
	}
	if err := v.Check(who.UserID, rs.o.Now()); err != nil && !placed && r.Arrival(who.UserID) == nil {
		return nil, nil, err
	}
	return r, v, nil
}

// admission is a user about to become a guest.
type admission struct {
	user     snowflake.ID
	name     string // display name; "" where it is not known
	by       snowflake.ID
	inviteID string // "" if they follow no invite
	byLink   bool   // they followed it themselves; by created it
	via      access.Via
	hold     time.Duration // how long a free seat is held for them
}

// checkAdmissible fails unless a user passes a room's gates;
// the error is worded for whoever wants to let them in.
func (rs *Rooms) checkAdmissible(ctx context.Context, g *guildState, r *roomState, user snowflake.ID) error {
	s, err := rs.recentStanding(ctx, g, user)
	if err != nil {
		return err
	}
	return rs.checkGates(g, g.summary(r).Access, s, true)
}

// admit makes a user who passes the room's gates a guest: first in the document,
// then in Discord. If Discord refuses, the document is restored; if the outcome
// is unknown, the guest stays and the next sweep sets the overwrite.
func (rs *Rooms) admit(ctx context.Context, g *guildState, r *roomState, a admission) error {
	theirs := func(x room.Arrival) bool { return x.UserID == a.user }
	if out, placed := r.SuspendedFor(a.user); placed {
		var err error
		if r.Arrival(a.user) != nil {
			err = rs.change(ctx, g, r, nil, func(doc *room.Room) { doc.DropArrivals(true, theirs) })
		}
		if err == nil && out != access.Passes { // they pass again
			err = rs.setSuspended(ctx, g, r, a.user, access.Passes)
		}
		return err
	}
	if len(r.Guests) >= room.MaxGuests {
		return tooManyGuests(r)
	}
	now := g.now()
	roster := rs.o.Voice.Roster(g.id, r.ID)
	guest := room.Guest{UserID: a.user, Name: a.name, By: a.by, InviteID: a.inviteID, Since: now}
	if s, known := rs.knownStanding(g, a.user); known {
		guest.SetAppearance(s)
		if s.Bot {
			guest.Bot, a.hold = true, 0
		}
	}
	entry := audit.Entry{Kind: audit.GuestAdmitted, By: a.by, Via: a.via, Target: a.user}
	if a.byLink {
		entry.Detail = audit.ByLink
	}
	err := rs.changeThenCall(ctx, g, r, entry, pendingOverwrite(), func(doc *room.Room) {
		if doc.Guest(a.user) == nil {
			doc.Guests = append(doc.Guests, guest)
		}
		doc.DropKnock(a.user)
		doc.Pending.EjectDone(a.user)
		if v := doc.Invite(a.inviteID); v != nil && !slices.Contains(v.Redeemers, a.user) {
			v.Redeemers = append(v.Redeemers, a.user)
		}
		doc.DropArrivals(true, theirs)
		holdFor(doc, roster, a.user, a.hold, now)
	}, func(ctx context.Context) error {
		return rs.o.Discord.Admit(ctx, r.ID, a.user, rs.access(g, &r.Room), "Snug: let in by "+a.by.String())
	})
	if err == nil && guest.Bot {
		err = rs.setLimit(ctx, g, r, "Snug: bots take no seat")
	}
	return err
}

func tooManyGuests(r *roomState) error {
	return errs.E(errs.RoomLimit,
		"This room has %d guests, which is as many as a room can have. Kick somebody first.",
		len(r.Guests))
}

// newInvite returns a new invite to a room with this id and number of seats, after it has stored where its code leads;
// zero values of lifetime and uses mean the guild's settings. Until the caller stores the invite, the code leads to
// nothing.
func (rs *Rooms) newInvite(
	ctx context.Context, g *guildState, id snowflake.ID, seats int, v room.Invite, lifetime time.Duration,
) (room.Invite, error) {
	v.ID = cmp.Or(v.ID, invite.NewID())
	v.MaxUses = cmp.Or(v.MaxUses, g.settings.Uses(seats))
	v.CreatedAt = rs.o.Now()
	v.ExpiresAt = v.CreatedAt.Add(cmp.Or(lifetime, time.Duration(g.settings.InviteLifetime)))
	code := invite.NewCode()
	v.Key, v.Sealed = invite.Key(code), invite.Seal(rs.o.Keys, v.ID, code)
	wctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	_, err := rs.o.Hub.Invites.Put(wctx, v.Key, invite.Target{GuildID: g.id, RoomID: id, Expires: v.ExpiresAt})
	return v, err
}

// link returns an invite with its code. Without the code it can still be revoked, and people can follow the link. That
// a room's codes can't be opened is logged once, because pages ask for them at each view.
func (rs *Rooms) link(ctx context.Context, r *roomState, v *room.Invite) room.InviteLink {
	code, err := invite.Open(rs.o.Keys, v.ID, v.Sealed)
	if err != nil && !r.sealedLogged {
		r.sealedLogged = true
		rs.o.Log.WarnContext(ctx, "a room's invite links can't be shown again; make new ones",
			"guild_id", r.GuildID, "room_id", r.ID, "invite_id", v.ID, "err", err)
	}
	return room.InviteLink{Invite: *v, Code: code}
}
