package actions

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// Rooms is the service that the bot's process which holds a guild answers for its rooms. Errors are coded;
// errs.Unavailable says that no process holds the guild just now, and
// errs.RoomNotFound also that the actor may not see the room.
type Rooms interface {
	Standing(ctx context.Context, guild snowflake.ID, q room.StandingRequest) (access.Standing, error)
	OpenRoom(ctx context.Context, guild snowflake.ID, q room.OpenRequest) (room.OpenedRoom, error)
	ViewRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.View, error)
	JoinRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.Joined, error)
	KeepRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.Summary, error)
	CloseRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.Summary, error)
	CreateInvite(ctx context.Context, guild snowflake.ID, q room.InviteRequest) (room.InviteLink, error)
	RevokeInvite(ctx context.Context, guild snowflake.ID, q room.RevokeRequest) (room.Invite, error)
	PreviewInvite(ctx context.Context, guild snowflake.ID, q room.PreviewRequest) (room.Preview, error)
	RedeemInvite(ctx context.Context, guild snowflake.ID, q room.RedeemRequest) (room.Redeemed, error)
	Arrive(ctx context.Context, guild snowflake.ID, q room.ArriveRequest) (room.Arriving, error)
	ChangeRoom(ctx context.Context, guild snowflake.ID, q room.ChangeRequest) (room.ChangeDone, error)
	Knock(ctx context.Context, guild snowflake.ID, q room.KnockRequest) (room.KnockDone, error)
	AnswerKnock(ctx context.Context, guild snowflake.ID, q room.AnswerRequest) (room.ChangeDone, error)
	WaitForSeat(ctx context.Context, guild snowflake.ID, q room.WaitRequest) (room.WaitDone, error)
	Preferences(ctx context.Context, guild snowflake.ID, q room.PreferencesRequest) (room.PreferencesDone, error)
	Person(ctx context.Context, guild snowflake.ID, q room.PersonRequest) (room.PersonData, error)
	RoomsSeen(ctx context.Context, guild snowflake.ID, q room.SeenRequest) error
	NoteChange(ctx context.Context, id snowflake.ID, q guild.ChangeRecord) error
	SaveSettings(ctx context.Context, guild snowflake.ID, q room.SettingsRequest) (room.Saved, error)
}

// hubRooms calls the process that holds a guild, over the hub.
type hubRooms struct{ h *hub.Hub }

// NewRooms gives a client of the service over the hub.
func NewRooms(h *hub.Hub) Rooms { return hubRooms{h} }

func (k hubRooms) Standing(ctx context.Context, guild snowflake.ID, q room.StandingRequest) (access.Standing, error) {
	return hub.StandingOf.Call(ctx, k.h, guild, q)
}

func (k hubRooms) OpenRoom(ctx context.Context, guild snowflake.ID, q room.OpenRequest) (room.OpenedRoom, error) {
	return hub.OpenRoom.Call(ctx, k.h, guild, q)
}

func (k hubRooms) ViewRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.View, error) {
	return hub.ViewRoom.Call(ctx, k.h, guild, q)
}

func (k hubRooms) JoinRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.Joined, error) {
	return hub.JoinRoom.Call(ctx, k.h, guild, q)
}

func (k hubRooms) KeepRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.Summary, error) {
	return hub.KeepRoom.Call(ctx, k.h, guild, q)
}

func (k hubRooms) CloseRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.Summary, error) {
	return hub.CloseRoom.Call(ctx, k.h, guild, q)
}

func (k hubRooms) CreateInvite(ctx context.Context, guild snowflake.ID, q room.InviteRequest) (room.InviteLink, error) {
	return hub.CreateInvite.Call(ctx, k.h, guild, q)
}

func (k hubRooms) RevokeInvite(ctx context.Context, guild snowflake.ID, q room.RevokeRequest) (room.Invite, error) {
	return hub.RevokeInvite.Call(ctx, k.h, guild, q)
}

func (k hubRooms) PreviewInvite(ctx context.Context, guild snowflake.ID, q room.PreviewRequest) (room.Preview, error) {
	return hub.PreviewInvite.Call(ctx, k.h, guild, q)
}

func (k hubRooms) RedeemInvite(ctx context.Context, guild snowflake.ID, q room.RedeemRequest) (room.Redeemed, error) {
	return hub.RedeemInvite.Call(ctx, k.h, guild, q)
}

func (k hubRooms) Arrive(ctx context.Context, guild snowflake.ID, q room.ArriveRequest) (room.Arriving, error) {
	return hub.ArriveAtRoom.Call(ctx, k.h, guild, q)
}

func (k hubRooms) ChangeRoom(ctx context.Context, guild snowflake.ID, q room.ChangeRequest) (room.ChangeDone, error) {
	return hub.ChangeRoom.Call(ctx, k.h, guild, q)
}

func (k hubRooms) Knock(ctx context.Context, guild snowflake.ID, q room.KnockRequest) (room.KnockDone, error) {
	return hub.Knock.Call(ctx, k.h, guild, q)
}

func (k hubRooms) AnswerKnock(ctx context.Context, guild snowflake.ID, q room.AnswerRequest) (room.ChangeDone, error) {
	return hub.AnswerKnock.Call(ctx, k.h, guild, q)
}

func (k hubRooms) WaitForSeat(ctx context.Context, guild snowflake.ID, q room.WaitRequest) (room.WaitDone, error) {
	return hub.WaitForSeat.Call(ctx, k.h, guild, q)
}

func (k hubRooms) Preferences(
	ctx context.Context, guild snowflake.ID, q room.PreferencesRequest,
) (room.PreferencesDone, error) {
	return hub.PreferencesOf.Call(ctx, k.h, guild, q)
}

func (k hubRooms) Person(ctx context.Context, guild snowflake.ID, q room.PersonRequest) (room.PersonData, error) {
	return hub.PersonOf.Call(ctx, k.h, guild, q)
}

func (k hubRooms) RoomsSeen(ctx context.Context, guild snowflake.ID, q room.SeenRequest) error {
	_, err := hub.RoomsSeen.Call(ctx, k.h, guild, q)
	return err
}

func (k hubRooms) SaveSettings(ctx context.Context, guild snowflake.ID, q room.SettingsRequest) (room.Saved, error) {
	return hub.SaveSettings.Call(ctx, k.h, guild, q)
}

func (k hubRooms) NoteChange(ctx context.Context, id snowflake.ID, q guild.ChangeRecord) error {
	_, err := hub.NoteChange.Call(ctx, k.h, id, q)
	return err
}
