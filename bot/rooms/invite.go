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
	maxInvites = 25 // live ones a room
)

// Invite creates an invite. With q.For, that user becomes a guest at once and is sent the link;
// delivery says whether they got it. It fails with errs.Forbidden, Invalid or RoomNotFound.
func (rs *Rooms) Invite(
	ctx context.Context, guildID snowflake.ID, q room.InviteRequest,
) (out room.InviteLink, delivery room.Delivery, err error) {
	if err := schema.CheckInvite(q.Lifetime, q.Uses); err != nil {
		return out, "", err
	}
	var shown room.Summary
	var by access.Standing
	var language string
	const what = errs.Term("invite to it")
	issue := func(ctx context.Context, g *guildState, r *roomState, who access.Standing) error {
		if q.For != 0 {
			if q.Uses == 0 {
				q.Uses = 1
			}
			if r.Banned(q.For) {
				return errs.E(errs.Forbidden, "That user is banned from this room. Unban them first.")
			}
			if err := rs.checkAdmissible(ctx, g, r, q.For); err != nil {
				return err
			}
		}
		v := rs.newInvite(g, who.UserID, who.DisplayName, r.Seats, q.Lifetime, q.Uses)
		v.ID = cmp.Or(q.ID, v.ID)
		// an earlier try, whose response was lost, may have made it
		if earlier := r.Invite(v.ID); earlier == nil || earlier.By != who.UserID {
			now := g.now()
			entry := audit.Entry{Kind: audit.InviteCreated, By: who.UserID, Via: q.Actor.Via, Target: q.For}
			err := rs.edit(ctx, g, r, &entry, func(doc *room.Room) {
				pruneInvites(doc, now)
				doc.Invites = append(doc.Invites, v)
			})
			if err != nil {
				return err
			}
		}
		if q.For != 0 {
			a := admission{
				user: q.For, name: q.ForName, by: who.UserID, inviteID: v.ID, via: q.Actor.Via, hold: holdInvited,
			}
			if err := rs.admit(ctx, g, r, a); err != nil {
				return err
			}
			if who.UserID == r.OwnerID {
				rs.updatePreferences(ctx, g, who.UserID,
					func(p *room.Preferences) { p.Guests = appendUnique(p.Guests, q.For) })
			}
		}
		shown, by, language = g.summary(r), who, g.language()
		out, err = rs.link(r, r.Invite(v.ID))
		return err
	}
	err = rs.withControlledRoom(ctx, guildID, q.Actor, q.RoomID, what, func(
		ctx context.Context, g *guildState, r *roomState, who access.Standing,
	) error {
		if q.For == 0 {
			return issue(ctx, g, r, who)
		}
		return rs.inControlledRoomLane(ctx, g, r, who, what, func() error { return issue(ctx, g, r, who) })
	})
	if err == nil && q.For != 0 {
		delivery = rs.notifyAndReport(ctx, guildID, language,
			Invited{
				Room: shown, User: q.For, By: by.UserID, Name: by.DisplayName, Link: rs.o.Link(q.RoomID, out.Token),
			})
	}
	return out, delivery, err
}

// pruneInvites drops invites that expired more than a day ago,
// and the oldest beyond maxInvites, to keep the document small.
func pruneInvites(doc *room.Room, now time.Time) {
	doc.Invites = slices.DeleteFunc(doc.Invites, func(v room.Invite) bool {
		return !v.Live(now) && now.Sub(v.ExpiresAt) > 24*time.Hour
	})
	for len(doc.Invites) >= maxInvites {
		i := max(0, slices.IndexFunc(doc.Invites, func(v room.Invite) bool { return !v.Live(now) }))
		doc.Invites = slices.Delete(doc.Invites, i, i+1)
	}
}

// Revoke revokes an invite, and the Discord invites that were
// created for users who follow it. Guests it let in stay.
func (rs *Rooms) Revoke(ctx context.Context, guildID snowflake.ID, q room.RevokeRequest) (out room.Invite, err error) {
	err = rs.withControlledRoom(ctx, guildID, q.Actor, q.RoomID, "revoke invite links", func(
		ctx context.Context, g *guildState, r *roomState, who access.Standing,
	) error {
		v := r.Invite(q.InviteID)
		if v == nil {
			return errs.E(errs.NotFound, "This invite link has already ended. Reload the page to see the others.")
		}
		if v.RevokedAt.IsZero() {
			entry := audit.Entry{Kind: audit.InviteRevoked, By: who.UserID, Via: q.Actor.Via}
			now := g.now()
			err := rs.edit(ctx, g, r, &entry, func(doc *room.Room) {
				if v := doc.Invite(q.InviteID); v != nil {
					v.RevokedAt = now
				}
				doc.DropArrivals(false, func(a room.Arrival) bool { return a.InviteID == q.InviteID })
			})
			if err != nil {
				return err
			}
		}
		out = *r.Invite(q.InviteID)
		if err := rs.revokeSpentInvites(ctx, g, r); err != nil {
			rs.o.Log.WarnContext(ctx, "the Discord invites of a revoked link are revoked with the next sweep",
				"guild_id", g.id, "room_id", r.ID, "err", err)
		}
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
	claims, err := invite.Verify(rs.o.Keys, q.Token, rs.o.Now())
	if err != nil {
		return out, err
	}
	var roomAccess room.Access
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		r, v, err := g.findInvite(claims)
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

// findInvite finds the room and the invite of a verified token.
func (g *guildState) findInvite(c invite.Claims) (*roomState, *room.Invite, error) {
	r := g.rooms[c.RoomID]
	if c.GuildID != g.id || r == nil || r.State != room.Open {
		return nil, nil, errs.E(errs.RoomNotFound,
			"The room this link led to is closed. Ask the person who sent it whether there's a new one.")
	}
	v := r.Invite(c.ID)
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
	claims, err := invite.Verify(rs.o.Keys, q.Token, rs.o.Now())
	if err != nil {
		return out, err
	}
	user := q.Actor.UserID
	who, err := rs.fetchStanding(ctx, guildID, user)
	if err != nil {
		return out, err
	}
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		return rs.inLaneOf(ctx, g, claims.RoomID, func() error {
			out, err = rs.redeemInLane(ctx, g, claims, who, q)
			return err
		})
	})
	return out, err
}

// redeemInLane is Redeem in the room's lane.
func (rs *Rooms) redeemInLane(
	ctx context.Context, g *guildState, claims invite.Claims, who access.Standing, q room.RedeemRequest,
) (out room.Redeemed, err error) {
	user := q.Actor.UserID
	r, v, err := rs.redeemable(g, claims, who)
	if err != nil {
		return out, err
	}
	if !who.Member && r.Arrival(user) == nil {
		if who, err = rs.addToGuild(ctx, g, r, v.By, who, q.AccessToken); err != nil {
			return out, err
		}
		if r, v, err = rs.redeemable(g, claims, who); err != nil { // it may have been revoked meanwhile
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

// redeemable finds the room and the invite of a token that a user may follow.
func (rs *Rooms) redeemable(
	g *guildState, claims invite.Claims, who access.Standing,
) (*roomState, *room.Invite, error) {
	r, v, err := g.findInvite(claims)
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

// newInvite returns a new invite; zero values mean the guild's settings.
func (rs *Rooms) newInvite(
	g *guildState, by snowflake.ID, byName string, seats int, lifetime time.Duration, uses int,
) room.Invite {
	if lifetime == 0 {
		lifetime = time.Duration(g.settings.InviteLifetime)
	}
	if uses == 0 {
		uses = g.settings.Uses(seats)
	}
	// The token counts in seconds; so does the invite, or the two would end at different times.
	now := rs.o.Now().Truncate(time.Second)
	return room.Invite{
		ID: invite.NewID(), By: by, ByName: byName, CreatedAt: now, ExpiresAt: now.Add(lifetime), MaxUses: uses,
	}
}

// link returns an invite with its signed token.
func (rs *Rooms) link(r *roomState, v *room.Invite) (room.InviteLink, error) {
	token, err := invite.Issue(rs.o.Keys, v.ID, r.GuildID, r.ID, v.CreatedAt, v.ExpiresAt)
	return room.InviteLink{Invite: *v, Token: token}, err
}
