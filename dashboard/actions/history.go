package actions

import (
	"context"
	"encoding/json"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

// historyLines is how much of a room's audit its page shows.
const historyLines = 60

// RoomHistory gives the last of what happened in a room, the newest first, as far as the person may know; nothing if
// that cannot be had.
func (a *Actions) RoomHistory(ctx context.Context, r *room.View) (out []audit.Entry) {
	entries, err := a.o.Hub.Audit.Page(ctx, r.Room.GuildID, r.Room.ID, 0, historyLines)
	if err != nil {
		a.log.WarnContext(ctx, "a room's history could not be read", "guild_id", r.Room.GuildID, "room_id", r.Room.ID,
			"err", err)
	}
	for _, a := range entries {
		var e audit.Entry
		if json.Unmarshal(a.Data, &e) == nil && (r.MayControl || e.Kind.On(audit.ForAll)) {
			out = append(out, e)
		}
	}
	return out
}

// Visits gives who came into a room and went, as far as the person may know; nothing if that cannot be had.
func (a *Actions) Visits(ctx context.Context, r *room.View) []room.Visit {
	stored, _, err := a.o.Hub.Visits.Get(ctx, r.Room.GuildID.String()+"."+r.Room.ID.String())
	if err != nil && !errs.Has(err, errs.NotFound) {
		a.log.WarnContext(ctx, "who came into a room and went could not be read", "guild_id", r.Room.GuildID,
			"room_id", r.Room.ID, "err", err)
	}
	if !r.MayControl {
		stored.DropBefore(r.KnowsSince)
	}
	return stored.List
}
