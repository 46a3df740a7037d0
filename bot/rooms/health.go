package rooms

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/room"
)

// Health returns the guild's budgets for opening and renaming rooms; the caller fills in the
// rest of guild.Health. It fails with errs.Forbidden for those who do not manage the server.
func (rs *Rooms) Health(
	ctx context.Context, guildID snowflake.ID, q guild.ManageRequest,
) (out guild.Health, err error) {
	out = guild.Health{Now: rs.o.Now(), OpensMax: opensPerGuild, OpensWindow: openWindow, Rooms: []guild.RoomRenames{}}
	err = rs.manage(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		now := g.now()
		opened := recent(g.openings[0], now)
		out.Opens = max(0, opensPerGuild-len(opened))
		if out.Opens == 0 {
			out.NextOpen = opened[len(opened)-opensPerGuild].Add(openWindow)
		}
		for id, r := range g.rooms {
			if r.State != room.Open {
				continue // managers may close every open room, so they may read its name
			}
			out.Rooms = append(out.Rooms,
				guild.RoomRenames{
					ID: id, Name: r.Name, Left: r.Renames.Left(now), Next: r.Renames.Next(now),
					Wanted: r.Renames.Wanted,
				})
		}
		slices.SortFunc(out.Rooms, func(a, b guild.RoomRenames) int { return cmp.Compare(a.ID, b.ID) })
		return nil
	})
	return out, err
}
