package bot

import (
	"context"
	"log/slog"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/logs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// serveCalls answers the dashboard's calls. They go through the hub even when both run in one process.
func (b *Bot) serveCalls() (err error) {
	if b.calls, err = b.o.Hub.Calls(0); err != nil {
		return err
	}
	k := b.rooms
	serve(b, hub.StandingOf, k.Standing)
	serve(b, hub.StandingsOf, b.followStandings)
	serve(b, hub.OpenRoom, func(ctx context.Context, guild snowflake.ID, q room.OpenRequest) (room.OpenedRoom, error) {
		return k.Open(ctx, guild, hub.CallID(ctx), q)
	})
	serve(b, hub.ViewRoom, k.View)
	serve(b, hub.JoinRoom, k.Join)
	serve(b, hub.KeepRoom, k.Keep)
	serve(b, hub.CloseRoom, k.CloseRoom)
	serve(b, hub.CreateInvite, b.createInvite)
	serve(b, hub.RevokeInvite, k.Revoke)
	serve(b, hub.PreviewInvite, k.Preview)
	serve(b, hub.RedeemInvite, k.Redeem)
	serve(b, hub.ArriveAtRoom, k.Arrive)
	serve(b, hub.RoomsSeen, k.Seen)
	serve(b, hub.SaveSettings, k.SaveSettings)
	serve(b, hub.ChangeRoom, k.Change)
	serve(b, hub.Knock, k.Knock)
	serve(b, hub.AnswerKnock, k.Answer)
	serve(b, hub.WaitForSeat, k.Wait)
	serve(b, hub.PreferencesOf, k.Preferences)
	serve(b, hub.PersonOf, k.Person)
	serve(b, hub.SettingsOf, k.Settings)
	serve(b, hub.SettingsHistory, k.SettingsHistory)
	serve(b, hub.UndoSettings, k.UndoSettings)
	serve(b, hub.SaveLobby, k.SaveLobby)
	serve(b, hub.RemoveLobby, k.RemoveLobby)
	serve(b, hub.Setup, k.Setup)
	serve(b, hub.PreflightOf, k.Preflight)
	serve(b, hub.HealthOf, b.health)
	serve(b, hub.Repair, k.Repair)
	serve(b, hub.NoteChange, func(ctx context.Context, id snowflake.ID, q guild.ChangeRecord) (struct{}, error) {
		return struct{}{}, k.RecordChange(ctx, id, q)
	})
	serve(b, hub.PlacesOf, b.channelsAndRoles)
	return nil
}

// serve answers one method. Whatever is logged meanwhile carries the request's id.
func serve[Req, Resp any](b *Bot, m hub.Method[Req, Resp], f func(context.Context, snowflake.ID, Req) (Resp, error)) {
	m.Serve(b.calls, func(ctx context.Context, guild snowflake.ID, q Req) (Resp, error) {
		if err := b.shards.Check(guild); err != nil {
			var none Resp
			return none, err
		}
		if id := hub.RequestID(ctx); id != "" {
			ctx = logs.WithAttrs(ctx, slog.String("request_id", id), slog.Any("guild_id", guild))
		}
		return f(ctx, guild, q)
	})
}

func (b *Bot) createInvite(
	ctx context.Context, guild snowflake.ID, q room.InviteRequest,
) (room.InviteLink, error) {
	link, _, err := b.rooms.Invite(ctx, guild, q)
	return link, err
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
	_, err := b.o.Hub.Guilds.Put(ctx, info.ID.String(), info)
	return err
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
