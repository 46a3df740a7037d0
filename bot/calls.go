package bot

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/room"
)

// serveCalls answers what the dashboard asks of the keeper, through the hub
// also when both run in one process.
func (b *Bot) serveCalls() {
	k := b.keeper
	hub.StandingOf.Serve(b.calls, k.Standing)
	hub.OpenRoom.Serve(b.calls, func(ctx context.Context, guild snowflake.ID, q room.OpenRequest) (room.OpenedRoom, error) {
		return k.Open(ctx, guild, hub.CallID(ctx), q)
	})
	hub.ViewRoom.Serve(b.calls, k.View)
	hub.JoinRoom.Serve(b.calls, k.Join)
	hub.KeepRoom.Serve(b.calls, k.Keep)
	hub.CloseRoom.Serve(b.calls, k.CloseRoom)
	hub.CreateInvite.Serve(b.calls, func(ctx context.Context, guild snowflake.ID, q room.InviteRequest) (room.InviteLink, error) {
		link, _, err := k.Invite(ctx, guild, q)
		return link, err
	})
	hub.RevokeInvite.Serve(b.calls, k.Revoke)
	hub.PreviewInvite.Serve(b.calls, k.Preview)
	hub.RedeemInvite.Serve(b.calls, k.Redeem)
	hub.RoomsSeen.Serve(b.calls, k.Seen)
	hub.SaveSettings.Serve(b.calls, k.SaveSettings)
	hub.ChangeRoom.Serve(b.calls, k.Change)
	hub.Knock.Serve(b.calls, k.Knock)
	hub.AnswerKnock.Serve(b.calls, k.Answer)
	hub.WaitForSeat.Serve(b.calls, k.Wait)
	hub.PreferencesOf.Serve(b.calls, k.Preferences)
	hub.SettingsOf.Serve(b.calls, k.Settings)
	hub.SettingsHistory.Serve(b.calls, k.SettingsHistory)
	hub.UndoSettings.Serve(b.calls, k.UndoSettings)
	hub.SaveLobby.Serve(b.calls, k.SaveLobby)
	hub.RemoveLobby.Serve(b.calls, k.RemoveLobby)
	hub.Setup.Serve(b.calls, k.Setup)
	hub.PreflightOf.Serve(b.calls, k.Preflight)
	hub.HealthOf.Serve(b.calls, b.health)
	hub.Repair.Serve(b.calls, k.Repair)
	hub.PlacesOf.Serve(b.calls, b.places)
}
