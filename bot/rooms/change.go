package rooms

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

// Change does a room.Action to a room. It fails with errs.RoomNotFound, Forbidden, Invalid, MissingPermission
// or DiscordUnavailable; in the last case the change is stored and the next sweep completes it.
func (rs *Rooms) Change(
	ctx context.Context, guildID snowflake.ID, q room.ChangeRequest,
) (out room.ChangeDone, err error) {
	who, err := rs.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	row, known := q.Do.Row()
	if !known {
		return out, errs.Field("do", "Snug can't do that to a room. Reload the page, then try again.")
	}
	target, err := rs.target(ctx, guildID, row, q.User)
	if err != nil {
		return out, err
	}
	if err := who.CheckActive(); err != nil {
		return out, err
	}
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		rs.review(ctx, g, who.UserID)
		return rs.inLaneOf(ctx, g, q.RoomID, func() error {
			r, err := rs.changeable(g, q.RoomID, row, who)
			if err != nil {
				return err
			}
			c := changeOp{rs: rs, g: g, r: r, q: q, row: row, who: who, target: target, out: &out}
			if err := actions[q.Do](c, ctx); err != nil {
				return err
			}
			out.Room = g.summary(r)
			return nil
		})
	})
	return out, err
}

// actions are the functions of the actions. A test holds them to schema.Actions.
var actions = map[room.Action]func(changeOp, context.Context) error{
	room.DoRename:   changeOp.rename,
	room.DoSeats:    changeOp.seats,
	room.DoStatus:   changeOp.status,
	room.DoCard:     changeOp.card,
	room.DoPrivate:  privacy(func(r *room.Room) { r.Private = true }),
	room.DoPublic:   privacy(func(r *room.Room) { r.Private, r.Locked, r.Hidden = false, false, false }),
	room.DoLock:     privacy(func(r *room.Room) { r.Locked = true }),
	room.DoUnlock:   privacy(func(r *room.Room) { r.Locked = false }),
	room.DoHide:     privacy(func(r *room.Room) { r.Hidden = true }),
	room.DoShow:     privacy(func(r *room.Room) { r.Hidden = false }),
	room.DoKick:     changeOp.kick,
	room.DoBan:      changeOp.ban,
	room.DoUnban:    changeOp.unban,
	room.DoTransfer: changeOp.transfer,
	room.DoClaim:    changeOp.claim,
	room.DoWatch:    changeOp.watch,
	room.DoUnwatch:  changeOp.unwatch,
	room.DoShare:    changeOp.share,
	room.DoUnshare:  changeOp.unshare,
}

// changeOp is one call of Change.
type changeOp struct {
	rs     *Rooms
	g      *guildState
	r      *roomState
	q      room.ChangeRequest
	row    schema.Action
	who    access.Standing
	target access.Standing // the user it is done to, if any
	out    *room.ChangeDone
}

// target fetches the standing of the user that the action is about, if they have to be a member.
func (rs *Rooms) target(
	ctx context.Context, guildID snowflake.ID, row schema.Action, user snowflake.ID,
) (access.Standing, error) {
	switch {
	case !row.Input.User():
		return access.Standing{}, nil
	case user == 0:
		return access.Standing{}, errs.Field(row.Field, "Choose somebody first.")
	case row.Input == schema.BannedInput:
		return access.Standing{UserID: user}, nil
	}
	return rs.fetchStanding(ctx, guildID, user)
}

// changeable finds the room and checks that the actor may do the action.
func (rs *Rooms) changeable(
	g *guildState, id snowflake.ID, row schema.Action, who access.Standing,
) (*roomState, error) {
	r, err := rs.visibleOrSuspended(g, id, who)
	switch {
	case err != nil:
		return nil, err
	case row.Who == schema.Claimers:
		return r, rs.checkClaim(g, r, who)
	}
	return r, g.controllable(r, who, row.Phrase)
}

// entry returns the action's audit entry.
func (c changeOp) entry() audit.Entry {
	return audit.Entry{Kind: audit.Kind(c.row.Kind), By: c.who.UserID, Via: c.q.Actor.Via, Target: c.q.User}
}

// privacy returns the function of an action that changes who may see and enter the room.
func privacy(set func(*room.Room)) func(changeOp, context.Context) error {
	return func(c changeOp, ctx context.Context) error {
		next := c.r.Room.Clone()
		set(next)
		return c.setPrivacy(ctx, next)
	}
}

// setPrivacy makes the room as private, locked and hidden as next is. When it becomes private, locked or hidden,
// everybody inside becomes a guest, so that a lost connection does not lock them out.
func (c changeOp) setPrivacy(ctx context.Context, next *room.Room) error {
	old, now := c.r.Privacy(), next.Privacy()
	if old == now && !c.r.Pending.Access {
		return nil
	}
	if (c.r.Private || c.r.Hidden) && !next.Private && !next.Hidden {
		next.ShownAt = c.g.now()
	}
	entry := c.entry()
	entry.Old, entry.New = old.String(), now.String()
	err := c.rs.changeThenCall(ctx, c.g, c.r, entry, pendingAccess(), func(doc *room.Room) {
		doc.Private, doc.Locked, doc.Hidden, doc.ShownAt = next.Private, next.Locked, next.Hidden, next.ShownAt
		if now != (room.Privacy{}) {
			c.rs.addSeatedAsGuests(c.g, c.r, doc)
		}
	}, func(ctx context.Context) error {
		return c.rs.setAccess(ctx, c.g, c.r, "Snug: "+string(c.q.Do)+" by "+c.who.UserID.String())
	})
	if err == nil {
		c.rs.fetchUnasked(c.g, c.r)
		c.remember(ctx, func(p *room.Preferences) {
			private := next.Private
			p.Private, p.Locked, p.Hidden = &private, next.Locked, next.Hidden
		})
	}
	return err
}

// addSeatedAsGuests makes guests of the humans in voice who pass the room's gates.
// Those whose standing is unknown are suspended until Discord has been asked.
func (rs *Rooms) addSeatedAsGuests(g *guildState, r *roomState, doc *room.Room) {
	access := g.summary(r).Access
	for _, p := range rs.o.Voice.Roster(g.id, doc.ID) {
		if p.Bot || p.UserID == doc.OwnerID || doc.Guest(p.UserID) != nil || doc.Banned(p.UserID) ||
			len(doc.Guests) >= room.MaxGuests {
			continue
		}
		guest := room.Guest{UserID: p.UserID, Name: p.DisplayName, Avatar: p.Avatar, By: doc.OwnerID, Since: g.now()}
		if s, known := rs.knownStanding(g, p.UserID); !known {
			guest.Suspended = room.NotChecked
		} else if access.Judge(s) != "" {
			continue
		}
		doc.Guests = append(doc.Guests, guest)
	}
}

// seats changes the number of seats. Nobody is disconnected.
func (c changeOp) seats(ctx context.Context) error {
	if err := schema.CheckSeats(c.q.Number); err != nil {
		return err
	}
	if c.q.Number == c.r.Seats && !c.r.Pending.Limit {
		return nil
	}
	entry := c.entry()
	entry.Old, entry.New = itoa(c.r.Seats), itoa(c.q.Number)
	err := c.rs.changeThenCall(ctx, c.g, c.r, entry, pendingLimit(), func(doc *room.Room) {
		doc.Seats = c.q.Number
	}, func(ctx context.Context) error {
		return c.rs.setLimit(ctx, c.g, c.r, "Snug: seats changed by "+c.who.UserID.String())
	})
	if err == nil {
		c.remember(ctx, func(p *room.Preferences) { p.Seats = c.q.Number })
		c.rs.offerSeats(ctx, c.g, c.r)
	}
	return err
}

// status sets the voice channel's status.
func (c changeOp) status(ctx context.Context) error {
	text, err := c.g.settings.CheckStatus(c.q.Text)
	if err != nil {
		return err
	}
	entry := c.entry()
	entry.Old, entry.New = c.r.Status, text
	return c.rs.changeThenCall(ctx, c.g, c.r, entry, pendingStatus(), func(doc *room.Room) {
		doc.Status = text
	}, func(ctx context.Context) error {
		return c.rs.o.Discord.SetStatus(ctx, c.r.ID, text, "Snug: status by "+c.who.UserID.String())
	})
}

// card changes what the owner tells of the room.
func (c changeOp) card(ctx context.Context) error {
	next := c.r.Card
	for _, f := range c.row.Fields {
		text, given := c.q.Texts[f.Name]
		if !given {
			continue
		}
		clean, err := c.g.settings.CheckText(f, text)
		if err != nil {
			return err
		}
		next.SetText(f.Name, clean)
	}
	if next == c.r.Card {
		return nil
	}
	entry := c.entry()
	entry.Old, entry.New = c.r.Card.String(), next.String()
	return c.rs.change(ctx, c.g, c.r, &entry, func(doc *room.Room) { doc.Card = next })
}

// watch creates a new spectator link; one that is there ends.
func (c changeOp) watch(ctx context.Context) error {
	how, token := "on", newID()
	if c.r.WatchToken != "" {
		how = "renewed"
	}
	c.out.WatchToken = token
	return c.setWatchToken(ctx, how, token)
}

// unwatch ends the spectator link.
func (c changeOp) unwatch(ctx context.Context) error {
	if c.r.WatchToken == "" {
		return nil
	}
	return c.setWatchToken(ctx, "off", "")
}

func (c changeOp) setWatchToken(ctx context.Context, how, token string) error {
	entry := c.entry()
	entry.New = how
	return c.rs.change(ctx, c.g, c.r, &entry, func(doc *room.Room) { doc.WatchToken = token })
}

// share lets guests make invite links.
func (c changeOp) share(ctx context.Context) error { return c.setGuestsInvite(ctx, true) }

// unshare ends that, and the links that guests have made.
func (c changeOp) unshare(ctx context.Context) error { return c.setGuestsInvite(ctx, false) }

func (c changeOp) setGuestsInvite(ctx context.Context, on bool) error {
	if c.r.GuestsInvite == on {
		return nil
	}
	entry, now := c.entry(), c.g.now()
	entry.New = "off"
	if on {
		entry.New = "on"
	}
	err := c.rs.change(ctx, c.g, c.r, &entry, func(doc *room.Room) {
		doc.GuestsInvite = on
		if !on {
			doc.RevokeInvites(now, func(v room.Invite) bool { return v.ByGuest })
		}
	})
	if err == nil {
		c.remember(ctx, func(p *room.Preferences) { p.GuestsInvite = on })
		c.rs.revokeSpent(ctx, c.g, c.r)
	}
	return err
}

func (c changeOp) kick(ctx context.Context) error { return c.expel(ctx, false) }

func (c changeOp) ban(ctx context.Context) error { return c.expel(ctx, true) }

// expel kicks a user from the room, or bans them.
func (c changeOp) expel(ctx context.Context, ban bool) error {
	user := c.q.User
	c.out.Name = c.target.DisplayName
	if arrival := c.r.Arrival(user); arrival != nil {
		c.out.Name = cmp.Or(c.out.Name, arrival.Name)
	}
	inside := room.In(c.rs.o.Voice.Roster(c.g.id, c.r.ID), user)
	switch {
	case user == c.who.UserID && user == c.r.OwnerID:
		return errs.E(errs.Invalid, "This room is yours. Transfer it first, or close it.")
	case user == c.r.OwnerID:
		return errs.E(errs.Forbidden, "They own this room. Claim it first, then try again.")
	case !ban && !inside && c.r.Guest(user) == nil && c.r.Arrival(user) == nil:
		return errs.E(errs.NotFound,
			"They aren't in this room and aren't a guest. To keep them out for good, ban them.")
	case ban && c.target.Admin:
		return errs.E(errs.Forbidden,
			"They're an administrator. Discord lets them into every channel, so a ban from a room can't keep them out.")
	case ban && len(c.r.Bans) >= room.MaxBans && !c.r.Banned(user):
		return errs.E(errs.Invalid, "A room can have up to %d bans. Unban somebody first.", room.MaxBans)
	}
	now, had, pending := c.g.now(), c.r.Guest(user) != nil, pendingOverwrite()
	switch {
	case inside:
		pending = pending.withEject(user)
	case c.g.isMovingIn(user, c.r.ID):
		pending = pending.withEjectOnArrival(user)
	}
	deniedBefore := c.r.deniedByOthers(user)
	err := c.rs.changeThenCall(ctx, c.g, c.r, c.entry(), pending, func(doc *room.Room) {
		doc.RevokeAccess(user, now)
		doc.DetachUses(user)
		if ban && !doc.Banned(user) {
			doc.Bans = append(doc.Bans,
				room.Ban{
					UserID: user, Name: c.target.DisplayName, Avatar: c.target.Avatar, By: c.who.UserID, At: now,
					DeniedBefore: deniedBefore,
				})
			doc.Pending.UnbanDone(user)
		}
	}, func(ctx context.Context) error {
		reason := "Snug: " + string(c.q.Do) + " by " + c.who.UserID.String()
		if ban || had {
			if err := c.rs.o.Discord.Expel(ctx, c.r.ID, user, ban, c.rs.access(c.g, &c.r.Room), reason); err != nil {
				return err
			}
			return partial(c.rs.eject(ctx, c.g, c.r, user, reason))
		}
		return c.rs.eject(ctx, c.g, c.r, user, reason)
	})
	c.rs.revokeSpent(ctx, c.g, c.r) // they may have had an arrival
	if err == nil {
		c.remember(ctx, func(p *room.Preferences) {
			p.Guests = without(p.Guests, user)
			if ban {
				p.Banned = appendUnique(p.Banned, user)
			}
		})
		c.rs.offerSeats(ctx, c.g, c.r)
	}
	return err
}

// deniedByOthers returns what a member overwrite that is not Snug's denies a user on the room's channel.
func (r *roomState) deniedByOthers(user snowflake.ID) access.Permissions {
	for _, l := range r.Pending.Unban {
		if l.UserID == user {
			return l.DeniedBefore
		}
	}
	for _, o := range r.place.Channel {
		if o.Member && o.ID == user {
			return o.Deny & access.Enter
		}
	}
	return 0
}

// unban lifts a ban. It is no error if the user was not banned.
func (c changeOp) unban(ctx context.Context) error {
	i := slices.IndexFunc(c.r.Bans, func(b room.Ban) bool { return b.UserID == c.q.User })
	if i < 0 {
		return nil
	}
	ban := c.r.Bans[i]
	c.out.Name = ban.Name
	pending := pendingOverwrite().withUnban(ban)
	err := c.rs.changeThenCall(ctx, c.g, c.r, c.entry(), pending, func(doc *room.Room) {
		doc.Bans = slices.DeleteFunc(doc.Bans, func(b room.Ban) bool { return b.UserID == c.q.User })
	}, func(ctx context.Context) error {
		return c.rs.o.Discord.Expel(ctx, c.r.ID, c.q.User, false, c.rs.access(c.g, &c.r.Room),
			"Snug: ban undone by "+c.who.UserID.String())
	})
	if err == nil {
		c.remember(ctx, func(p *room.Preferences) { p.Banned = without(p.Banned, c.q.User) })
	}
	return err
}
