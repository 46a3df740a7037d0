package bot

import (
	"context"
	"log/slog"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/logs"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// serveCalls answers the dashboard's calls. They go through the hub even when both run in one process.
func (b *Bot) serveCalls() (err error) {
	if b.calls, err = b.o.Hub.Calls(0); err != nil {
		return err
	}
	b.calls.Before(func(ctx context.Context, guild snowflake.ID, _ string) (context.Context, error) {
		if id := hub.RequestID(ctx); id != "" { // whatever is logged meanwhile carries it
			ctx = logs.WithAttrs(ctx, slog.String("request_id", id), slog.Any("guild_id", guild))
		}
		return ctx, b.shards.Check(guild)
	})
	b.rooms.Serve(b.calls)
	hub.StandingsOf.Serve(b.calls, b.followStandings)
	hub.HealthOf.Serve(b.calls, b.health) // that of the rooms, and more
	hub.PlacesOf.Serve(b.calls, b.channelsAndRoles)
	return nil
}

// announce publishes a guild's state for dashboards, and starts or stops answering calls for it.
func (b *Bot) announce(ctx context.Context, info room.GuildInfo) error {
	if !info.Ready {
		b.calls.Drop(info.ID)
	} else if err := b.shards.Check(info.ID); err != nil {
		return err
	} else if err := b.calls.HoldFor(ctx, b.shards.Term(info.ID), info.ID); err != nil {
		return err
	}
	stored := make(chan error, 1)
	err := b.guilds.Put(info.ID.String(), info, func(_ hub.Rev, err error) { stored <- err })
	if err == nil {
		select {
		case err = <-stored:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	if err == nil && info.Ready {
		b.loading.done(info.ID, true)
	}
	return err
}

// announceComing publishes a guild that Discord lists, unless it is published already. It doesn't wait.
func (b *Bot) announceComing(info room.GuildInfo) {
	failed := func(err error) {
		if err != nil && !errs.Has(err, errs.Conflict) {
			b.o.Log.Warn("could not announce that a server is coming", "guild_id", info.ID, "err", err)
		}
	}
	failed(b.guilds.Create(info.ID.String(), info, func(_ hub.Rev, err error) { failed(err) }))
}

// followStandings keeps the users' standings up to date from now on, and returns what is known of them.
func (b *Bot) followStandings(_ context.Context, guild snowflake.ID, q room.StandingsRequest) (room.Standings, error) {
	return room.Standings{Standings: b.standings.Follow(guild, q.UserIDs)}, nil
}

// channelsAndRoles lists the channels and roles that settings can refer to.
func (b *Bot) channelsAndRoles(
	ctx context.Context, id snowflake.ID, q guild.ManageRequest,
) (out guild.ChannelsAndRoles, err error) {
	who, err := b.rooms.Standing(ctx, id, room.StandingRequest{UserID: q.Actor.UserID})
	if err != nil {
		return out, err
	}
	if err := who.CheckManager(); err != nil {
		return out, err
	}
	return b.discord.ChannelsAndRoles(ctx, id, func(channel snowflake.ID) bool {
		// Settings can't refer to a room, and a private room's name isn't for every manager.
		return slices.ContainsFunc(b.rooms.Snapshot(id).Rooms, func(r room.Room) bool { return r.ID == channel })
	})
}

// health reports to a guild's managers how this process serves them.
func (b *Bot) health(ctx context.Context, id snowflake.ID, q guild.ManageRequest) (guild.Health, error) {
	out, err := b.rooms.Health(ctx, id, q)
	if err != nil {
		return out, err
	}
	out.Gateway = b.shards.Health(id)
	l := b.limiter.State()
	out.Queue = guild.QueueHealth{
		Waiting: l.Waiting, Longest: l.Longest, OnWay: l.OnWay, Limited: l.Limited, LastLimited: l.LastLimited,
		Blocked: l.Blocked,
	}
	out.DMs = b.dms.State(ctx)
	out.Errors = b.errors.Of(id)
	return out, nil
}
