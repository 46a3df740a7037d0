package rooms

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/invite"
	"snug/shared/room"
	"snug/shared/schema"
)

// Open opens a room. A room.PendingCreate is stored first, then the channel is created, then the room
// is stored, so that a restart can finish what a crash interrupted. id makes the request idempotent:
// the same id returns the room it has already opened; "" for a request that is never repeated. It
// fails with errs.Forbidden, Invalid, RoomLimit, MissingPermission or DiscordUnavailable.
func (rs *Rooms) Open(
	ctx context.Context, guildID snowflake.ID, id string, q room.OpenRequest,
) (out room.OpenedRoom, err error) {
	who, err := rs.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	if id == "" {
		id = newID()
	}
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		r, err := rs.openInLane(ctx, g, opening{id: id, who: who, q: q})
		if err != nil {
			return err
		}
		out.Room = g.summary(r)
		if i := slices.IndexFunc(r.Invites, func(v room.Invite) bool { return v.By == r.OwnerID }); i >= 0 {
			out.Invite, err = rs.link(r, &r.Invites[i])
		}
		return err
	})
	return out, err
}

// opening is a request for a room.
type opening struct {
	id    string
	who   access.Standing
	q     room.OpenRequest
	lobby *guild.Lobby // that opens it; nil for none
}

func (rs *Rooms) openInLane(ctx context.Context, g *guildState, o opening) (r *roomState, err error) {
	err = g.inLane(ctx, openLane(o.id), func() error { // the same request may come again meanwhile
		r, err = rs.open(ctx, g, o)
		return err
	})
	return r, err
}

// open is openInLane, in the creation's lane.
func (rs *Rooms) open(ctx context.Context, g *guildState, o opening) (*roomState, error) {
	for _, r := range g.rooms {
		if r.PendingCreateID == o.id {
			return r, nil
		}
	}
	if in, begun := g.pendingCreates[o.id]; begun && in.OwnerID == o.who.UserID {
		return rs.resumeOpen(ctx, g, in)
	}
	if err := rs.checkMayOpen(g, o.who); err != nil {
		return nil, err
	}
	in, err := rs.recordPendingCreate(ctx, g, o)
	if err != nil {
		return nil, err
	}
	if err := rs.applyGates(g, &in, o.who); err != nil {
		return nil, err
	}
	wctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	if _, err := rs.o.Hub.PendingCreates.Create(wctx, pendingCreateKey(in), in); err != nil {
		return nil, err
	}
	g.pendingCreates[in.ID] = in
	g.recordOpening(o.who.UserID, g.now())
	wanted := in.CategoryID
	named, neutral := in.Name, ""
	if o.q.Name == "" { // not typed now: it comes from a template or from remembered preferences
		neutral = neutralName(in.Number)
	}
	in, channel, whole, err := rs.createChannel(ctx, g, in, neutral)
	if err != nil {
		// With an unknown outcome the pending creation stays, and a sweep looks for the channel.
		if !errs.Has(err, errs.DiscordUnavailable) {
			rs.dropPendingCreate(ctx, g, in)
		}
		return nil, err
	}
	r, err := rs.finishCreate(ctx, g, in, channel, whole)
	if err != nil {
		rs.undoCreate(ctx, g, in, channel, err)
		return nil, err
	}
	if wanted != 0 && in.CategoryID == 0 {
		rs.repaired(ctx, g, r, "the category for rooms is gone, so it was opened at the top of the server")
	}
	if r.Pending.Access {
		rs.continuePending(g, r.ID)
	}
	rs.fetchUnasked(g, r)
	if in.Name != named {
		rs.notify(g, NameRefused{Room: g.summary(r)})
		rs.updatePreferences(ctx, g, o.who.UserID, func(p *room.Preferences) { p.Name = "" })
	}
	rs.rememberOpening(ctx, g, o, in)
	return r, nil
}

// applyGates fails unless the owner of a new room passes its gates. Remembered guests who do not
// pass are left out; those whose standing is unknown go to Unasked until Discord has been asked.
func (rs *Rooms) applyGates(g *guildState, in *room.PendingCreate, owner access.Standing) error {
	place := rs.o.Discord.Place(0, in.LobbyID, rs.accessOf(g, *in), true)
	a := room.Access{
		OwnerID: in.OwnerID, Channel: place.Channel, Gates: place.Gates, GuestsPastGate: g.settings.GuestsPastGate,
	}
	if err := rs.checkGates(g, a, owner, false); err != nil {
		return err
	}
	var guests []snowflake.ID
	for _, u := range in.Guests {
		if s, known := rs.knownStanding(g, u); !known {
			in.Unasked = append(in.Unasked, u)
		} else if a.Judge(s) == access.Passes {
			guests = append(guests, u)
		}
	}
	in.Guests = guests
	return nil
}

// creationVisibleWithin is how long after a Create Guild Channel
// request with a lost response the channel is listed at the latest.
const creationVisibleWithin = 5 * time.Second

// resumeOpen finishes the pending creation of an earlier try
// of the same request, which crashed or got no response.
func (rs *Rooms) resumeOpen(ctx context.Context, g *guildState, in room.PendingCreate) (*roomState, error) {
	channel, err := rs.findChannel(ctx, g, in)
	if err != nil {
		return nil, err
	}
	whole := false
	if channel == 0 {
		if age := g.now().Sub(in.At); age >= 0 && age < creationVisibleWithin {
			return nil,
				errs.E(errs.InProgress,
					"Your room is still being opened: Discord has not said yet whether it is there. Please ask again in a few seconds.").After(creationVisibleWithin - age)
		}
		named := in.Name
		if in, channel, whole, err = rs.createChannel(ctx, g, in, neutralName(in.Number)); err != nil {
			return nil, err
		}
		if in.Name != named {
			defer func() {
				if r := g.rooms[channel]; r != nil {
					rs.notify(g, NameRefused{Room: g.summary(r)})
				}
			}()
		}
	}
	return rs.finishCreate(ctx, g, in, channel, whole)
}

// neutralName is the name of a room whose other names are not allowed.
func neutralName(n int) string {
	return guild.RoomName("{owner} {n}", guild.Fill{Owner: "Room", N: n})
}

// createChannel creates the channel of a pending creation: in an overflow
// category if the intended one is full, outside categories if it is gone, and
// under the neutral name (if not "") if Discord does not allow the intended one.
func (rs *Rooms) createChannel(
	ctx context.Context, g *guildState, in room.PendingCreate, neutral string,
) (room.PendingCreate, snowflake.ID, bool, error) {
	for tries := 0; ; tries++ {
		id, whole, err := rs.o.Discord.CreateRoomChannel(ctx, in, rs.accessOf(g, in))
		if errs.Has(err, errs.DiscordUnavailable) { // it may exist
			if found, e := rs.findChannel(ctx, g, in); e == nil && found != 0 {
				return in, found, false, nil // whether all its overwrites are set is not known
			}
		}
		full, gone := errors.Is(err, ErrCategoryFull), errors.Is(err, ErrCategoryGone)
		rename := errors.Is(err, ErrNameNotAllowed) && neutral != "" && in.Name != neutral
		if !rename && (!full && !gone || in.CategoryID == 0 || tries == maxOverflow) {
			return in, id, whole, err
		}
		var e error
		switch {
		case rename:
			in.Name = neutral
		case full:
			if in.CategoryID, e = rs.overflow(ctx, g, in.CategoryID); e != nil {
				return in, 0, false, e
			}
		default:
			in.CategoryID = 0
		}
		wctx, cancel := withWriteTimeout(ctx)
		_, e = rs.o.Hub.PendingCreates.Put(wctx, pendingCreateKey(in), in)
		cancel()
		if e != nil {
			return in, 0, false, e
		}
		g.pendingCreates[in.ID] = in
	}
}

// checkMayOpen checks that a member may open one more room.
func (rs *Rooms) checkMayOpen(g *guildState, who access.Standing) error {
	s := g.settings
	if err := who.CheckActive(); err != nil {
		return err
	}
	if !s.MayCreate(who) {
		return errs.E(errs.Forbidden,
			"In this server only members with certain roles can open rooms. Ask somebody who manages the server.")
	}
	mine, coming := g.countOwned(who.UserID), 0
	for _, other := range g.pendingCreates { // rooms being opened
		if other.OwnerID == who.UserID {
			coming++
		}
	}
	switch {
	case mine < s.RoomsPerMember && mine+coming >= s.RoomsPerMember:
		return errs.E(errs.RoomLimit,
			"Your last room is still being opened: Discord has not said yet whether it is there. Look in your list of rooms, or try again in two minutes.")
	case mine >= s.RoomsPerMember:
		if r := g.roomOf(who.UserID); r != nil && mine == 1 {
			return errs.E(errs.RoomLimit, "You have a room already, “%s”. Close it first, then open a new one.", r.Name)
		}
		return errs.E(errs.RoomLimit,
			"You have as many rooms as you may have here (%d). Close one first, then open a new one.", s.RoomsPerMember)
	case len(g.rooms)+len(g.pendingCreates) >= s.RoomsPerGuild:
		return errs.E(errs.RoomLimit,
			"This server has %d rooms open, which is as many as it allows. Wait until one closes, or ask somebody who manages the server.",
			len(g.rooms))
	}
	return g.checkOpenRate(who.UserID, g.now())
}

// roomOf returns a member's newest open room, or nil.
func (g *guildState) roomOf(user snowflake.ID) *roomState {
	var found *roomState
	for _, r := range g.rooms {
		if r.OwnerID == user && r.State == room.Open && (found == nil || r.ID > found.ID) {
			found = r
		}
	}
	return found
}

// recordPendingCreate returns the creation to store. What was requested takes precedence over the
// lobby's settings, those over the member's preferences, and those over the guild's settings.
func (rs *Rooms) recordPendingCreate(ctx context.Context, g *guildState, o opening) (in room.PendingCreate, err error) {
	s, q := g.settings, o.q
	var p room.Preferences
	if !q.Plain {
		if p, err = rs.preferences(ctx, g, o.who.UserID); err != nil {
			return in, err
		}
	}
	lobby := guild.Lobby{CategoryID: s.CategoryID}
	if o.lobby != nil {
		lobby = *o.lobby
	}
	in = room.PendingCreate{
		ID: o.id, GuildID: g.id, CategoryID: lobby.CategoryID, OwnerID: o.who.UserID, OwnerName: o.who.DisplayName,
		LobbyID: lobby.ChannelID,
		Seats:   cmp.Or(q.Seats, lobby.Seats, p.Seats, s.Seats), Private: s.Private, Locked: p.Locked, Hidden: p.Hidden,
		Number: g.number(),
		Guests: p.Guests, Banned: p.Banned, Via: q.Actor.Via, At: g.now(),
	}
	for _, private := range []*bool{p.Private, lobby.Private, q.Private} {
		if private != nil {
			in.Private = *private
		}
	}
	if next, full := g.fullCategories[in.CategoryID]; full {
		in.CategoryID = next.instead
	}
	if in.Name, err = g.nameFor(q, p, lobby, in); err != nil {
		return in, err
	}
	return in, schema.CheckSeats(in.Seats)
}

// nameFor returns the name of a new room. Only a requested
// name that is not allowed is an error; others are skipped.
func (g *guildState) nameFor(
	q room.OpenRequest, p room.Preferences, lobby guild.Lobby, in room.PendingCreate,
) (string, error) {
	if q.Name != "" {
		return g.settings.CheckName(q.Name)
	}
	fill := guild.Fill{Owner: in.OwnerName, N: in.Number, Game: q.Game}
	tries := []string{p.Name}
	if lobby.NameTemplate != "" {
		tries = []string{guild.RoomName(lobby.NameTemplate, fill)}
	}
	tries = append(tries, guild.RoomName(g.settings.NameTemplate, fill), neutralName(in.Number))
	var err error
	for _, name := range tries {
		if name == "" {
			continue
		}
		if name, err = g.settings.CheckName(name); err == nil {
			return name, nil
		}
	}
	return "", err
}

// number returns the lowest number that no open or pending room has.
func (g *guildState) number() int {
	used := map[int]bool{}
	for _, r := range g.rooms {
		used[r.Number] = true
	}
	for _, in := range g.pendingCreates {
		used[in.Number] = true
	}
	n := 1
	for used[n] {
		n++
	}
	return n
}

// rememberOpening stores as preferences what a member explicitly asked for.
func (rs *Rooms) rememberOpening(ctx context.Context, g *guildState, o opening, in room.PendingCreate) {
	if o.q.Name == "" && o.q.Seats == 0 && o.q.Private == nil {
		return
	}
	rs.updatePreferences(ctx, g, o.who.UserID, func(p *room.Preferences) {
		if o.q.Name != "" {
			p.Name = in.Name
		}
		if o.q.Seats != 0 {
			p.Seats = in.Seats
		}
		if o.q.Private != nil {
			p.Private = o.q.Private
		}
	})
}

// finishCreate stores the room of a pending creation whose
// channel exists; whole means that all its overwrites are set.
func (rs *Rooms) finishCreate(
	ctx context.Context, g *guildState, in room.PendingCreate, channel snowflake.ID, whole bool,
) (*roomState, error) {
	now := g.now()
	doc := room.Room{
		ID: channel, GuildID: g.id, CategoryID: in.CategoryID, Name: in.Name, OwnerID: in.OwnerID,
		OwnerName: in.OwnerName, Seats: in.Seats, Limit: in.Seats,
		Private: in.Private, Locked: in.Locked, Hidden: in.Hidden, LobbyID: in.LobbyID, Number: in.Number,
		Pending: room.Pending{Access: !whole},
		State:   room.Open, OpenedAt: now, OpenedBy: in.OwnerID, OpenedName: in.OwnerName, PendingCreateID: in.ID,
		Invites: []room.Invite{rs.newInvite(g, in.OwnerID, in.OwnerName, in.Seats, 0, 0)},
	}
	for _, u := range in.Guests {
		doc.Guests = append(doc.Guests, room.Guest{UserID: u, By: in.OwnerID, Since: now})
	}
	for _, u := range in.Unasked {
		doc.Guests = append(doc.Guests, room.Guest{UserID: u, By: in.OwnerID, Since: now, Suspended: room.NotChecked})
	}
	rs.updateAppearances(g, &doc)
	for _, u := range in.Banned {
		doc.Bans = append(doc.Bans, room.Ban{UserID: u, By: in.OwnerID, At: now})
	}
	roster := rs.o.Voice.Roster(g.id, channel)
	if room.Occupied(roster) == 0 {
		doc.Idle.EmptySince = now
	}
	if !room.In(roster, in.OwnerID) {
		doc.OwnerLeftAt = now
	}
	doc.Outbox = []audit.Entry{
		rs.entry(audit.Entry{Kind: audit.RoomOpened, By: in.OwnerID, Via: in.Via, Detail: in.Name},
			&roomState{Room: doc}),
	}
	r, err := rs.storeRoom(ctx, g, doc)
	if err != nil {
		return nil, err
	}
	rs.publish(g, r, room.Opened{})
	rs.dropPendingCreate(ctx, g, in)
	rs.o.Log.InfoContext(ctx, "room opened", "guild_id", g.id, "room_id", r.ID, "user_id", r.OwnerID, "via", in.Via)
	return r, nil
}

// undoCreate deletes the channel of a room that the full store did not accept, unless somebody
// is in it. Otherwise, and if that fails, the pending creation stays and a sweep resolves it.
func (rs *Rooms) undoCreate(
	ctx context.Context, g *guildState, in room.PendingCreate, channel snowflake.ID, why error,
) {
	if !errors.Is(why, hub.ErrFull) || len(rs.o.Voice.Roster(g.id, channel)) > 0 {
		return
	}
	if err := rs.o.Discord.DeleteChannel(ctx, channel, "Snug: the room could not be stored"); err != nil {
		rs.o.Log.WarnContext(ctx, "the channel of a room that could not be stored stays until the next sweep",
			"guild_id", g.id, "room_id", channel, "err", err)
		return
	}
	rs.dropPendingCreate(ctx, g, in)
}

// dropPendingCreate deletes a pending creation that is finished
// or given up. If that fails, the next sweep repeats it.
func (rs *Rooms) dropPendingCreate(ctx context.Context, g *guildState, in room.PendingCreate) {
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	if err := rs.o.Hub.PendingCreates.Delete(ctx, pendingCreateKey(in)); err != nil {
		rs.o.Log.WarnContext(ctx, "a pending creation stays until the next sweep", "guild_id", in.GuildID, "err", err)
		return
	}
	delete(g.pendingCreates, in.ID)
}

func pendingCreateKey(in room.PendingCreate) string { return in.GuildID.String() + "." + in.ID }

// findChannel looks in Discord for the channel of a pending creation: it carries the bot's mark (its
// own overwrite), has the intended name, category (or none, if that was deleted since), user limit
// and owner's overwrite, was created after the pending creation was stored, and is no room yet.
func (rs *Rooms) findChannel(ctx context.Context, g *guildState, in room.PendingCreate) (snowflake.ID, error) {
	channels, err := rs.o.Discord.Channels(ctx, g.id)
	if err != nil {
		return 0, err
	}
	return g.matchChannel(in, channels), nil
}

// clockSkew is how far our clock and Discord's may differ when a channel's age is compared.
const clockSkew = 30 * time.Second

func (g *guildState) matchChannel(in room.PendingCreate, channels []Channel) snowflake.ID {
	for _, c := range channels {
		if g.rooms[c.ID] == nil && c.Kind == KindVoice && c.Marked && c.Name == in.Name &&
			(c.ParentID == in.CategoryID || c.ParentID == 0) && c.UserLimit == in.Seats &&
			slices.Contains(c.Admitted, in.OwnerID) && c.ID.Time().After(in.At.Add(-clockSkew)) {
			return c.ID
		}
	}
	return 0
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
