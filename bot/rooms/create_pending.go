package rooms

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/preset"
	"snug/shared/room"
	"snug/shared/schema"
)

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
	if channel != 0 {
		return rs.finishCreate(ctx, g, in, channel, false)
	}
	if age := g.now().Sub(in.At); age >= 0 && age < creationVisibleWithin {
		return nil, errs.E(errs.InProgress,
			"Your room is still opening: Discord hasn't confirmed it yet. Try again in a few seconds.").
			After(creationVisibleWithin - age)
	}
	if err := rs.storePendingCreate(ctx, g, in); err != nil { // it may never have been stored
		return nil, err
	}
	named := in.Name
	r, in, err := rs.createRoom(ctx, g, in, neutralName(in.Number))
	if err == nil && in.Name != named {
		rs.notify(g, NameRefused{Room: g.summary(r)})
	}
	return r, err
}

// recordPendingCreate returns the creation to store. What was requested takes precedence over the preset or the
// closed room, those over the lobby's settings, those over the member's preferences, and those over the guild's
// settings.
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
	presetName, err := rs.applySetup(ctx, g, o, &q, &p, &lobby)
	if err != nil {
		return in, err
	}
	in = room.PendingCreate{
		ID: o.id, GuildID: g.id, CategoryID: lobby.CategoryID, OwnerID: o.who.UserID, OwnerName: o.who.DisplayName,
		LobbyID: lobby.ChannelID,
		Seats:   cmp.Or(q.Seats, lobby.Seats, p.Seats, s.Seats), Private: s.Private, Locked: p.Locked, Hidden: p.Hidden,
		GuestsInvite: p.GuestsInvite,
		Number:       g.number(),
		Guests:       p.Guests, Banned: p.Banned, Via: q.Actor.Via, At: g.now(), Preset: presetName,
	}
	if o.again != nil {
		in.AgainOf = o.again.ID
	}
	for _, private := range []*bool{p.Private, lobby.Private, q.Private} {
		if private != nil {
			in.Private = *private
		}
	}
	if next, full := g.fullCategories[in.CategoryID]; full {
		in.CategoryID = next.instead
	}
	if in.Name, in.Frame, err = g.nameFor(q, p, lobby, in); err != nil {
		return in, err
	}
	return in, schema.CheckSeats(in.Seats)
}

// applySetup puts what a preset or a closed room says where the request says nothing, and before the lobby's settings
// and the preferences. It returns the preset's name if it is the server's.
func (rs *Rooms) applySetup(
	ctx context.Context, g *guildState, o opening, q *room.OpenRequest, p *room.Preferences, lobby *guild.Lobby,
) (presetName string, err error) {
	var setup preset.Setup
	switch {
	case o.again != nil:
		setup = o.again.Setup
		p.Guests = nil
		for _, who := range o.again.KnownTo(o.who.UserID) {
			p.Guests = append(p.Guests, who.UserID)
		}
		if o.again.OwnerID == o.who.UserID {
			for _, u := range o.again.Banned {
				p.Banned = appendUnique(p.Banned, u)
			}
		}
		p.Guests = slices.DeleteFunc(p.Guests, func(u snowflake.ID) bool { return slices.Contains(p.Banned, u) })
	case q.Preset != "":
		own, err := rs.o.Hub.OwnPresets(ctx, o.who.UserID)
		if err != nil {
			return "", err
		}
		found, ofServer, err := q.Preset.Find(own, g.settings.Presets)
		if err != nil {
			return "", err
		}
		setup = found.Setup
		if ofServer {
			presetName = found.Name
		}
	default:
		return "", nil
	}
	p.Name, p.Seats, p.Private = "", 0, nil
	p.Locked, p.Hidden, p.GuestsInvite = setup.Locked, setup.Hidden, setup.GuestsInvite
	q.Seats, q.Private = cmp.Or(q.Seats, setup.Seats), cmp.Or(q.Private, setup.Private)
	if setup.RoomName == "" || q.Name != "" {
		return presetName, nil
	}
	if p.Name, err = g.settings.CheckName(setup.RoomName); err != nil {
		if o.cut != nil {
			*o.cut = append(*o.cut, room.Cut{Field: "room_name", Why: errs.Public(err)})
		}
		return presetName, nil
	}
	if guild.RoomFrame(lobby.NameTemplate, guild.Fill{}) == "" { // else the name goes into the frame
		lobby.NameTemplate = ""
	}
	return presetName, nil
}

// storePendingCreate stores a pending creation. If the outcome stays unknown, it counts as begun:
// the same request resumes it, and otherwise a sweep gives it up.
func (rs *Rooms) storePendingCreate(ctx context.Context, g *guildState, in room.PendingCreate) error {
	acts(ctx)
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	key := pendingCreateKey(in)
	_, err := rs.o.Hub.PendingCreates.Put(ctx, key, in)
	if errors.Is(err, hub.ErrUnknownOutcome) {
		had, _, e := rs.o.Hub.PendingCreates.Latest(ctx, key)
		if e == nil && had.Name == in.Name && had.CategoryID == in.CategoryID {
			err = nil // it was stored
		}
	}
	if err == nil || errors.Is(err, hub.ErrUnknownOutcome) {
		g.pendingCreates[in.ID] = in
	}
	return err
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
