package rooms

import (
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
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
		r, err := rs.openInLane(ctx, g, opening{id: id, who: who, q: q, cut: &out.Cut})
		if err != nil {
			return err
		}
		out.Room = g.summary(r)
		if i := slices.IndexFunc(r.Invites, func(v room.Invite) bool { return v.By == r.OwnerID }); i >= 0 {
			out.Invite = rs.link(ctx, r, &r.Invites[i])
		}
		return nil
	})
	return out, err
}

// opening is a request for a room.
type opening struct {
	id    string
	who   access.Standing
	q     room.OpenRequest
	lobby *guild.Lobby // that opens it; nil for none
	again *room.Past   // that it opens again; nil for none
	cut   *[]room.Cut  // takes what isn't allowed of a preset or a closed room; nil: nobody asks
}

// setup reports whether a preset or a closed room says what the room is to be like.
func (o opening) setup() bool { return o.again != nil || o.q.Preset != "" }

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
	} else if begun {
		o.id = newID() // somebody else's request
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
	if err := rs.storePendingCreate(ctx, g, in); err != nil {
		return nil, err
	}
	g.recordOpening(o.who.UserID, g.now())
	wanted := in.CategoryID
	named, neutral := in.Name, ""
	if o.q.Name == "" { // not typed now: it comes from a template or from remembered preferences
		neutral = neutralName(in.Number)
	}
	r, in, err := rs.createRoom(ctx, g, in, neutral)
	if err != nil {
		return nil, err
	}
	if wanted != 0 && in.CategoryID == 0 {
		rs.repaired(ctx, g, r, guild.Issue{Kind: guild.IssueCategoryGone})
	}
	rs.fetchUnasked(g, r)
	if in.Name != named {
		rs.notify(g, NameRefused{Room: g.summary(r)})
	}
	if in.Name != named && !o.setup() {
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

// checkMayOpen checks that a member may open one more room.
func (rs *Rooms) checkMayOpen(g *guildState, who access.Standing) error {
	s := g.settings
	if err := who.CheckActive(); err != nil {
		return err
	}
	if !s.MayCreate(who) {
		return errs.E(errs.Forbidden,
			"In this server, only members with certain roles can open rooms. Ask one of its managers.")
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
			"Your last room is still opening: Discord hasn't confirmed it yet. Check your list of rooms, or try "+
				"again in two minutes.")
	case mine >= s.RoomsPerMember:
		if r := g.roomOf(who.UserID); r != nil && mine == 1 {
			return errs.E(errs.RoomLimit, "You already have a room, “%s”. Close it first, then open a new one.", r.Name)
		}
		return errs.E(errs.RoomLimit,
			"You have as many rooms as this server allows (%d). Close one first, then open a new one.",
			s.RoomsPerMember)
	case len(g.rooms)+len(g.pendingCreates) >= s.RoomsPerGuild:
		return errs.E(errs.RoomLimit,
			"This server has %d rooms open, which is as many as it allows. Wait until one closes, or ask a manager "+
				"of the server.",
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

// rememberOpening stores as preferences what a member explicitly asked for.
func (rs *Rooms) rememberOpening(ctx context.Context, g *guildState, o opening, in room.PendingCreate) {
	if o.q.Name == "" && o.q.Seats == 0 && o.q.Private == nil {
		return
	}
	rs.updatePreferences(ctx, g, o.who.UserID, func(p *room.Preferences) {
		if o.q.Name != "" {
			p.Name = in.Frame.Part(in.Name)
		}
		if o.q.Seats != 0 {
			p.Seats = in.Seats
		}
		if o.q.Private != nil {
			p.Private = o.q.Private
		}
	})
}
