package rooms

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/room"
)

// Health tells what is left of the guild's budgets; the rest of guild.Health
// is left for the caller to fill in. Whoever may not manage the guild is
// refused. What is not known while the guild is not ready is left out.
func (rs *Rooms) Health(
	ctx context.Context, guildID snowflake.ID, q guild.ManageRequest,
) (out guild.Health, err error) {
	out = guild.Health{Now: rs.o.Now(), OpensMax: opensPerGuild, OpensWindow: openWindow, Rooms: []guild.RoomRenames{}}
	err = rs.manage(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		now := g.now()
		lately := recent(g.openings[0], now)
		out.Opens = max(0, opensPerGuild-len(lately))
		if out.Opens == 0 {
			out.NextOpen = lately[len(lately)-opensPerGuild].Add(openWindow)
		}
		for id, r := range g.rooms {
			if r.State != room.Open {
				continue // whoever manages the server knows the names of all others: they may close them
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
