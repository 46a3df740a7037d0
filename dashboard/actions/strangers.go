package actions

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// ServerForAnybody returns a server whose managers let anybody know its name and its public rooms, if there is one with
// this id and all is known. It asks no bot.
func (a *Actions) ServerForAnybody(ctx context.Context, id snowflake.ID) (room.GuildInfo, bool) {
	g, err := a.guildInfo(id)
	if err != nil {
		return room.GuildInfo{}, false
	}
	settings, _, err := a.Settings(ctx, id)
	if err != nil {
		a.log.WarnContext(ctx, "a server's settings could not be read", "guild_id", id, "err", err)
	}
	return g, err == nil && settings.LinkPreviews
}

// RoomForAnybody returns a room that anybody may know of: every member of its server sees it, and the server lets
// anybody know. It asks no bot, and waits for no news.
func (a *Actions) RoomForAnybody(ctx context.Context, id snowflake.ID) (room.GuildInfo, LiveRoom, bool) {
	g, ok := a.ServerForAnybody(ctx, a.guildOf(id))
	if !ok {
		return room.GuildInfo{}, LiveRoom{}, false
	}
	l, ok := a.Room(g.ID, id)
	return g, l, ok && l.Room.Access.Public(g.ID, g.Access)
}
