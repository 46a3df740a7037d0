package rooms

import (
	"context"
	"errors"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// createRoom creates the channel of a pending creation and stores the room. neutral is as for createChannel. It
// returns the creation as it was carried out.
func (rs *Rooms) createRoom(
	ctx context.Context, g *guildState, in room.PendingCreate, neutral string,
) (*roomState, room.PendingCreate, error) {
	in, channel, whole, err := rs.createChannel(ctx, g, in, neutral)
	if err != nil {
		// With an unknown outcome the pending creation stays, and a sweep looks for the channel.
		if !errs.Has(err, errs.DiscordUnavailable) {
			rs.dropPendingCreate(ctx, g, in)
		}
		if in.CategoryID != 0 {
			g.freed[in.CategoryID] = true
		}
		return nil, in, err
	}
	r, err := rs.finishCreate(ctx, g, in, channel, whole)
	if err != nil {
		rs.undoCreate(ctx, g, in, channel, err)
		return nil, in, err
	}
	if r.Pending.Access {
		rs.continuePending(g, r.ID)
	}
	return r, in, nil
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
		if e = rs.storePendingCreate(ctx, g, in); e != nil {
			return in, 0, false, e
		}
	}
}

// finishCreate stores the room of a pending creation whose
// channel exists; whole means that all its overwrites are set.
func (rs *Rooms) finishCreate(
	ctx context.Context, g *guildState, in room.PendingCreate, channel snowflake.ID, whole bool,
) (*roomState, error) {
	first, err := rs.newInvite(ctx, g, channel, in.Seats, room.Invite{By: in.OwnerID, ByName: in.OwnerName}, 0)
	if err != nil {
		return nil, err
	}
	now := g.now()
	doc := room.Room{
		ID: channel, GuildID: g.id, CategoryID: in.CategoryID, Name: in.Name, Frame: in.Frame,
		OwnerID: in.OwnerID, OwnerName: in.OwnerName, Seats: in.Seats, Limit: in.Seats,
		Private: in.Private, Locked: in.Locked, Hidden: in.Hidden, GuestsInvite: in.GuestsInvite,
		LobbyID: in.LobbyID, Number: in.Number,
		Pending: room.Pending{Access: !whole},
		State:   room.Open, OpenedAt: now, OpenedBy: in.OwnerID, OpenedName: in.OwnerName, PendingCreateID: in.ID,
		AgainOf: in.AgainOf,
		Invites: []room.Invite{first},
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
		rs.entry(audit.Entry{
			Kind: audit.RoomOpened, By: in.OwnerID, Via: in.Via, Detail: in.Name, Old: idOrNone(in.AgainOf),
			New: in.Preset,
		}, &roomState{Room: doc}),
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

func idOrNone(id snowflake.ID) string {
	if id == 0 {
		return ""
	}
	return id.String()
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
