package rooms

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// Serve registers the methods by which the dashboard asks for rooms.
func (rs *Rooms) Serve(c *hub.Calls) {
	hub.StandingOf.Serve(c, rs.Standing)
	hub.OpenRoom.Serve(c, func(ctx context.Context, id snowflake.ID, q room.OpenRequest) (room.OpenedRoom, error) {
		return rs.Open(ctx, id, hub.CallID(ctx), q)
	})
	hub.OpenAgain.Serve(c, rs.Again)
	hub.CircleOf.Serve(c, rs.Circle)
	hub.ViewRoom.Serve(c, rs.View)
	hub.JoinRoom.Serve(c, rs.Join)
	hub.KeepRoom.Serve(c, rs.Keep)
	hub.CloseRoom.Serve(c, rs.CloseRoom)
	hub.CreateInvite.Serve(c, func(
		ctx context.Context, id snowflake.ID, q room.InviteRequest,
	) (room.InviteLink, error) {
		link, _, err := rs.Invite(ctx, id, q)
		return link, err
	})
	hub.RevokeInvite.Serve(c, rs.Revoke)
	hub.PreviewInvite.Serve(c, rs.Preview)
	hub.RedeemInvite.Serve(c, rs.Redeem)
	hub.ArriveAtRoom.Serve(c, rs.Arrive)
	hub.RoomsSeen.Serve(c, rs.Seen)
	hub.SaveSettings.Serve(c, rs.SaveSettings)
	hub.ChangeRoom.Serve(c, rs.Change)
	hub.Knock.Serve(c, rs.Knock)
	hub.AnswerKnock.Serve(c, rs.Answer)
	hub.WaitForSeat.Serve(c, rs.Wait)
	hub.PreferencesOf.Serve(c, rs.Preferences)
	hub.PersonOf.Serve(c, rs.Person)
	hub.SettingsOf.Serve(c, rs.Settings)
	hub.SettingsHistory.Serve(c, rs.SettingsHistory)
	hub.UndoSettings.Serve(c, rs.UndoSettings)
	hub.SaveLobby.Serve(c, rs.SaveLobby)
	hub.RemoveLobby.Serve(c, rs.RemoveLobby)
	hub.Setup.Serve(c, rs.Setup)
	hub.PreflightOf.Serve(c, rs.Preflight)
	hub.HealthOf.Serve(c, rs.Health)
	hub.Repair.Serve(c, rs.Repair)
	hub.NoteChange.Serve(c, func(ctx context.Context, id snowflake.ID, q guild.ChangeRecord) (struct{}, error) {
		return struct{}{}, rs.RecordChange(ctx, id, q)
	})
}
