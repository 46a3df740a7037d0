package bot

import (
	"context"
	"log/slog"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/logs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// serveCalls answers what the dashboard asks of the keeper, through the hub
// also when both run in one process.
func (b *Bot) serveCalls() {
	k := b.keeper
	serve(b, hub.StandingOf, k.Standing)
	serve(b, hub.StandingsOf, b.followPeople)
	serve(b, hub.OpenRoom, func(ctx context.Context, guild snowflake.ID, q room.OpenRequest) (room.OpenedRoom, error) {
		return k.Open(ctx, guild, hub.CallID(ctx), q)
	})
	serve(b, hub.ViewRoom, k.View)
	serve(b, hub.JoinRoom, k.Join)
	serve(b, hub.KeepRoom, k.Keep)
	serve(b, hub.CloseRoom, k.CloseRoom)
	serve(b, hub.CreateInvite, func(
		ctx context.Context, guild snowflake.ID, q room.InviteRequest,
	) (room.InviteLink, error) {
		link, _, err := k.Invite(ctx, guild, q)
		return link, err
	})
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
	serve(b, hub.NoteChange, func(ctx context.Context, id snowflake.ID, q guild.NoteRequest) (struct{}, error) {
		return struct{}{}, k.NoteChange(ctx, id, q)
	})
	serve(b, hub.PlacesOf, b.places)
}

// serve answers a method; what is logged meanwhile says which request it is about.
func serve[Req, Resp any](b *Bot, m hub.Method[Req, Resp], f func(context.Context, snowflake.ID, Req) (Resp, error)) {
	m.Serve(b.calls, func(ctx context.Context, guild snowflake.ID, q Req) (Resp, error) {
		if err := b.mine(guild); err != nil {
			var none Resp
			return none, err
		}
		if id := hub.RequestID(ctx); id != "" {
			ctx = logs.With(ctx, slog.String("request_id", id), slog.Any("guild_id", guild))
		}
		return f(ctx, guild, q)
	})
}
