package lastknown

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// StandingFrom returns a function for live.Options.Standing that asks the bot over the hub. While
// no process holds the guild it returns the last known standing.
func StandingFrom(h *hub.Hub) func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error) {
	return func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error) {
		part, cancel := context.WithTimeout(ctx, patience)
		st, err := hub.StandingOf.Call(part, h, guild, room.StandingRequest{UserID: user, Within: time.Minute})
		cancel()
		if errs.Has(err, errs.Unavailable) {
			known, _, e := h.Standings.Get(ctx, key(guild, user))
			if g, _, e2 := h.Guilds.Get(ctx, guild.String()); e == nil && e2 == nil && g.Ready {
				return known.Standing, nil
			}
		}
		return st, err
	}
}

// StandingsFrom returns a function for live.Options.Standings that asks the bot over the hub.
func StandingsFrom(
	h *hub.Hub,
) func(ctx context.Context, guild snowflake.ID, users []snowflake.ID) ([]access.Standing, error) {
	return func(ctx context.Context, guild snowflake.ID, users []snowflake.ID) ([]access.Standing, error) {
		known, err := hub.StandingsOf.Call(ctx, h, guild, room.StandingsRequest{UserIDs: users})
		return known.Standings, err
	}
}
