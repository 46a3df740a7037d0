package rooms

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

// A user who follows an invite and is not in the server, or has not accepted its
// rules, gets a room.Arrival. They are admitted as soon as Discord says that they are
// a full member. No overwrite is set before: that can keep Discord's own prompt for
// the rules from appearing. https://github.com/discord/discord-api-docs/issues/2824

const (
	// how long a free seat is held while they join the server and accept its rules
	holdOnTheWay        = 5 * time.Minute
	createInviteTimeout = 30 * time.Second // after it, creating a Discord invite counts as failed
	firstCheckAfter     = 15 * time.Second // age of an arrival at its first check by a sweep
	maxCheckInterval    = 10 * time.Minute
	checksPerSweep      = 3                // arrivals that one sweep of a guild checks
	pageWatchTime       = 20 * time.Second // a page that polled within this time shows the admission itself
)

// arrivalTracker is what this process remembers about a room's arrivals. The guild's lock guards it.
type arrivalTracker struct {
	checkedAt     map[snowflake.ID]time.Time // when their membership was last checked
	pageSeenAt    map[snowflake.ID]time.Time // when their page last polled
	creatingSince map[snowflake.ID]time.Time // when creating a Discord invite for them began
	// mayHaveOrphans is set while there may be Discord invites that no
	// arrival records, because the process ended while one was being created.
	mayHaveOrphans bool
}

func newArrivalTracker(r *room.Room) arrivalTracker {
	return arrivalTracker{
		checkedAt: map[snowflake.ID]time.Time{}, pageSeenAt: map[snowflake.ID]time.Time{},
		creatingSince:  map[snowflake.ID]time.Time{},
		mayHaveOrphans: slices.ContainsFunc(r.Arrivals, func(a room.Arrival) bool { return a.Code == "" }),
	}
}

// addToGuild checks whether a user who is not in the server may be brought in, and adds them with
// their own access token if the server's settings say so. It returns their standing afterwards.
func (rs *Rooms) addToGuild(
	ctx context.Context, g *guildState, r *roomState, by snowflake.ID, who access.Standing, accessToken string,
) (access.Standing, error) {
	if !g.settings.BringIn || g.settings.GuildsJoin && accessToken == "" {
		return who, errs.E(errs.GuildJoinDenied,
			"This room is in the server “%s”, and you aren't a member. Join the server first, then open this link "+
				"again.",
			g.info.Name)
	}
	// Whoever made the link must be allowed to invite; Snug's own permission does not replace that.
	may, err := rs.o.Discord.MayInvite(ctx, g.id, r.ID, by)
	switch {
	case err != nil:
		return who, err
	case !may:
		return who, errs.E(errs.GuildJoinDenied,
			"The person who sent you this link can't invite people to the server “%s”. Ask a member for a Discord "+
				"invite, then open this link again.",
			g.info.Name)
	case !g.settings.GuildsJoin:
		return who, nil
	}
	if err := rs.o.Discord.AddMember(ctx, g.id, who.UserID, accessToken); err != nil {
		return who, err
	}
	return rs.fetchStanding(ctx, g.id, who.UserID)
}

// recordArrival stores an arrival by an invite.
func (rs *Rooms) recordArrival(
	ctx context.Context, g *guildState, r *roomState, v *room.Invite, who access.Standing, via access.Via,
) error {
	if r.Arrival(who.UserID) != nil {
		return nil
	}
	if len(r.Guests)+len(r.Arrivals) >= room.MaxGuests {
		return tooManyGuests(r)
	}
	now := g.now()
	roster := rs.o.Voice.Roster(g.id, r.ID)
	entry := audit.Entry{Kind: audit.OnTheWay, By: v.By, Via: via, Target: who.UserID, Detail: string(stepOf(who))}
	return rs.change(ctx, g, r, &entry, func(doc *room.Room) {
		doc.Arrive(room.Arrival{
			UserID: who.UserID, Name: who.DisplayName, InviteID: v.ID, Since: now, Until: now.Add(room.ArrivalTTL),
		})
		doc.DropKnock(who.UserID)
		holdFor(doc, roster, who.UserID, holdOnTheWay, now)
	})
}

// holdFor holds a seat for a user who is let in, if one is free besides the owner's.
func holdFor(doc *room.Room, roster []room.Person, user snowflake.ID, span time.Duration, now time.Time) {
	free := doc.FreeFor(roster, user, now)
	if !room.In(roster, doc.OwnerID) {
		free--
	}
	if span > 0 && free > 0 {
		doc.SetHold(room.Hold{UserID: user, Why: room.HeldInvited, Until: now.Add(span)}, now)
	}
}

// stepOf returns what a user has to do next to become a full member.
func stepOf(who access.Standing) room.Step {
	switch {
	case !who.Member:
		return room.StepJoin
	case who.Pending:
		return room.StepRules
	}
	return room.StepIn
}

// Arrive returns the next step of a user who has an Arrival in a room. It admits them if no step is left, and
// creates a Discord invite for them if they need one. It fails with errs.RoomNotFound for everybody else.
func (rs *Rooms) Arrive(
	ctx context.Context, guildID snowflake.ID, q room.ArriveRequest,
) (out room.Arriving, err error) {
	who, err := rs.Standing(ctx, guildID, room.StandingRequest{UserID: q.Actor.UserID})
	if err != nil {
		return out, err
	}
	var invite func(context.Context) (string, error)
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		r, err := g.room(q.RoomID)
		if err != nil {
			return err
		}
		a := r.Arrival(who.UserID)
		if a == nil && !g.summary(r).Access.MayEnter(who) {
			_, err := g.room(0)
			return err
		}
		out = room.Arriving{GuildID: g.id, GuildName: g.info.Name, RoomID: r.ID, Name: r.Name, Step: stepOf(who)}
		if a == nil {
			return nil
		}
		r.arrivalState.pageSeenAt[who.UserID] = g.now()
		if out.Until = a.Until; out.Step == room.StepIn {
			if err := rs.admitArrival(ctx, g, r, *a, who); errors.Is(err, errStale) {
				return err
			} else if err != nil {
				out.Step, out.Why = room.StepWait, errs.Public(err)
			}
		}
		if out.Step == room.StepJoin {
			if err := rs.discardDiscordInvite(ctx, g, r, a, q.NewInvite); err != nil {
				return err
			}
			if a = r.Arrival(who.UserID); a != nil {
				out.Code, invite = rs.discordInviteFor(g, r, *a)
			}
		}
		return nil
	})
	if err == nil && invite != nil {
		code, err := invite(ctx)
		if out.Code = code; err != nil {
			out.Why = errs.Public(err)
		}
	}
	return out, err
}

// discardDiscordInvite replaces, if wanted, a Discord invite that does not work for the user.
func (rs *Rooms) discardDiscordInvite(
	ctx context.Context, g *guildState, r *roomState, a *room.Arrival, wanted bool,
) error {
	if !wanted || a.Code == "" {
		return nil
	}
	user := a.UserID
	return rs.edit(ctx, g, r, nil, func(doc *room.Room) {
		if a := doc.Arrival(user); a != nil {
			doc.SpentInvites, a.Code = append(doc.SpentInvites, a.Code), ""
		}
	})
}

// admitArrival admits a user who has become a full member.
func (rs *Rooms) admitArrival(
	ctx context.Context, g *guildState, r *roomState, a room.Arrival, who access.Standing,
) error {
	rs.ObserveStanding(who)
	return rs.inLaneOf(ctx, g, r.ID, func() error {
		if g.rooms[r.ID] != r || r.State != room.Open || r.Arrival(a.UserID) == nil {
			if _, placed := r.SuspendedFor(a.UserID); !placed {
				return noRoomError()
			}
			return nil // already admitted
		}
		return rs.admitArrivalInLane(ctx, g, r, a, who)
	})
}

// admitArrivalInLane is admitArrival, in the room's lane.
func (rs *Rooms) admitArrivalInLane(
	ctx context.Context, g *guildState, r *roomState, a room.Arrival, who access.Standing,
) error {
	if _, placed := r.SuspendedFor(a.UserID); r.Locked && !placed && !who.Admin {
		return lockedError()
	}
	if err := rs.checkGates(g, g.summary(r).Access, who, false); err != nil {
		return err
	}
	var by snowflake.ID
	if v := r.Invite(a.InviteID); v != nil {
		by = v.By
	}
	seen, watched := r.arrivalState.pageSeenAt[a.UserID]
	err := rs.admit(ctx, g, r,
		admission{
			user: a.UserID, name: who.DisplayName, by: by, inviteID: a.InviteID, via: access.ViaWeb, byLink: true,
			hold: holdInvited,
		})
	if err == nil && (!watched || g.now().Sub(seen) > pageWatchTime) {
		rs.notify(g, KnockAnswered{Room: g.summary(r), User: a.UserID, By: a.UserID, LetIn: true})
	}
	return err
}

// discordInviteFor returns the code of an arrival's Discord invite,
// or a function that creates one; neither while one is being created.
func (rs *Rooms) discordInviteFor(
	g *guildState, r *roomState, a room.Arrival,
) (code string, invite func(context.Context) (string, error)) {
	now := g.now()
	if a.Code != "" {
		return a.Code, nil
	}
	if since, yes := r.arrivalState.creatingSince[a.UserID]; yes && now.Sub(since) < createInviteTimeout {
		return "", nil
	}
	r.arrivalState.creatingSince[a.UserID], r.arrivalState.mayHaveOrphans = now, true
	id, life := r.ID, a.Until.Sub(now)
	return "", func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, createInviteTimeout/2)
		defer cancel()
		code, err := rs.o.Discord.CreateInvite(ctx, id, a.UserID, life,
			"Snug: for "+a.UserID.String()+", who follows an invite")
		return rs.recordDiscordInvite(ctx, g.id, id, a.UserID, code, err)
	}
}

// recordDiscordInvite stores a created Discord invite in its arrival, or
// for revocation if it is not needed any more. It returns the code to use.
func (rs *Rooms) recordDiscordInvite(
	ctx context.Context, guildID, roomID, user snowflake.ID, code string, err error,
) (out string, _ error) {
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	stored := rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		r := g.rooms[roomID]
		if r == nil {
			return nil // the channel is gone, and its invites with it
		}
		delete(r.arrivalState.creatingSince, user)
		a := r.Arrival(user)
		switch {
		case code == "":
			r.arrivalState.mayHaveOrphans = r.arrivalState.mayHaveOrphans && mayHaveHappened(err)
			return nil
		case err == nil && a != nil && a.Code == "":
			out = code
			return rs.edit(ctx, g, r, nil, func(doc *room.Room) {
				if a := doc.Arrival(user); a != nil {
					a.Code = code
				}
			})
		}
		return errors.Join(rs.edit(ctx, g, r, nil,
			func(doc *room.Room) { doc.SpentInvites = append(doc.SpentInvites, code) }),
			rs.revokeSpentInvites(ctx, g, r))
	})
	if stored != nil {
		return "", stored
	}
	return out, err
}

// CheckArrivals checks a user's arrivals in a guild, after an event about them. It never blocks.
func (rs *Rooms) CheckArrivals(guildID, user snowflake.ID) {
	g := rs.guild(guildID, false)
	if g == nil {
		return
	}
	m := g.snapshot.Load()
	if m == nil || !slices.ContainsFunc(m.open, func(o openRoom) bool { return o.doc.Arrival(user) != nil }) {
		return
	}
	rs.enqueue(g, func(ctx context.Context) {
		for _, r := range g.rooms {
			if a := r.Arrival(user); a != nil && r.State == room.Open {
				rs.checkArrival(ctx, g, r, *a)
			}
		}
	})
}

// checkArrival asks Discord whether a user has become a full member, and admits them.
func (rs *Rooms) checkArrival(ctx context.Context, g *guildState, r *roomState, a room.Arrival) {
	r.arrivalState.checkedAt[a.UserID] = g.now()
	who, err := rs.fetchStanding(ctx, g.id, a.UserID)
	if err == nil && stepOf(who) == room.StepIn {
		err = rs.admitArrival(ctx, g, r, a, who)
	}
	if err != nil && !errs.Has(err, errs.Forbidden) {
		rs.o.Log.InfoContext(ctx, "an arrival could not be completed; it is checked again later", "guild_id", g.id,
			"room_id", r.ID, "user_id", a.UserID, "err", err)
	}
}

// sweepArrivals drops expired arrivals, checks the others at growing intervals,
// and revokes Discord invites that are not needed. It returns how many it checked.
func (rs *Rooms) sweepArrivals(ctx context.Context, g *guildState, r *roomState, budget int) (asked int, err error) {
	now := g.now()
	ended := func(a room.Arrival) bool { return !now.Before(a.Until) }
	if slices.ContainsFunc(r.Arrivals, ended) {
		err = rs.change(ctx, g, r, nil, func(doc *room.Room) { doc.DropArrivals(false, ended) })
	}
	for _, a := range slices.Clone(r.Arrivals) {
		every := min(max(now.Sub(a.Since)/4, firstCheckAfter), maxCheckInterval)
		if asked < budget && now.Sub(r.arrivalState.checkedAt[a.UserID]) >= every &&
			now.Sub(a.Since) >= firstCheckAfter {
			asked++
			rs.checkArrival(ctx, g, r, a)
		}
	}
	for user, at := range r.arrivalState.pageSeenAt {
		if now.Sub(at) > time.Hour {
			delete(r.arrivalState.pageSeenAt, user)
			delete(r.arrivalState.checkedAt, user)
		}
	}
	return asked, errors.Join(err, rs.revokeOrphanInvites(ctx, g, r), rs.revokeSpentInvites(ctx, g, r))
}

// revokeSpent is revokeSpentInvites for callers who have done their work: the next sweep repeats what fails.
func (rs *Rooms) revokeSpent(ctx context.Context, g *guildState, r *roomState) {
	if err := rs.revokeSpentInvites(ctx, g, r); err != nil {
		rs.o.Log.WarnContext(ctx, "the Discord invites of people who can't come in are revoked with the next sweep",
			"guild_id", g.id, "room_id", r.ID, "err", err)
	}
}

// revokeSpentInvites revokes the Discord invites of arrivals that ended.
func (rs *Rooms) revokeSpentInvites(ctx context.Context, g *guildState, r *roomState) error {
	for _, code := range slices.Clone(r.SpentInvites) {
		if err := rs.o.Discord.DeleteInvite(ctx, code, "Snug: not needed any more"); err != nil {
			return err
		}
		err := rs.edit(ctx, g, r, nil, func(doc *room.Room) {
			doc.SpentInvites = slices.DeleteFunc(doc.SpentInvites, func(c string) bool { return c == code })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// revokeOrphanInvites revokes Discord invites that were created
// but not stored, because the process ended in between.
func (rs *Rooms) revokeOrphanInvites(ctx context.Context, g *guildState, r *roomState) error {
	now := g.now()
	for user, since := range r.arrivalState.creatingSince {
		if now.Sub(since) >= createInviteTimeout {
			delete(r.arrivalState.creatingSince, user)
		}
	}
	if !r.arrivalState.mayHaveOrphans || len(r.arrivalState.creatingSince) > 0 {
		return nil
	}
	codes, err := rs.o.Discord.ListInvites(ctx, r.ID)
	if err != nil {
		return err
	}
	for _, code := range codes {
		known := slices.ContainsFunc(r.Arrivals, func(a room.Arrival) bool { return a.Code == code })
		if !known {
			if err := rs.o.Discord.DeleteInvite(ctx, code, "Snug: left from a restart"); err != nil {
				return err
			}
		}
	}
	r.arrivalState.mayHaveOrphans = false
	return nil
}
