package rooms

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/room"
)

// Rooms lists the rooms a user may see with their rosters, oldest first.
func (rs *Rooms) Rooms(ctx context.Context, guildID snowflake.ID, who access.Standing) (out []room.View, err error) {
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		for _, r := range g.rooms {
			s := g.summary(r)
			if r.State != room.Open || !s.Access.MaySee(who) {
				continue
			}
			out = append(out, room.View{
				Room: s, Roster: rs.o.Voice.Roster(g.id, r.ID), Standing: who,
				MayEnter: s.Access.MayEnter(who), MayControl: s.Access.MayControl(who),
			})
		}
		slices.SortFunc(out, func(a, b room.View) int { return cmp.Compare(a.Room.ID, b.Room.ID) })
		return nil
	})
	return out, err
}

// RoomFor finds the room meant by a command that names none: the one whose chat it was typed in, else
// the one the user is in, else the one they own. It fails with errs.RoomNotFound if there is none.
func (rs *Rooms) RoomFor(
	ctx context.Context, guildID, channel snowflake.ID, who access.Standing,
) (out snowflake.ID, err error) {
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		for _, id := range []snowflake.ID{channel, rs.o.Voice.ChannelOf(g.id, who.UserID)} {
			if r, err := g.visible(id, who); err == nil {
				out = r.ID
				return nil
			}
		}
		if r := g.roomOf(who.UserID); r != nil {
			out = r.ID
			return nil
		}
		return errs.E(errs.RoomNotFound, "You don't have a room here. Open one with /create-room, or join one first.")
	})
	return out, err
}
