package hub

import "snug/shared/room"

// What the dashboard asks of the keeper of a guild. The room package documents each request and answer.
var (
	StandingOf    = Method[room.StandingRequest, room.Standing]{Name: "standing"}
	OpenRoom      = Method[room.OpenRequest, room.OpenedRoom]{Name: "room.open"}
	ViewRoom      = Method[room.Request, room.View]{Name: "room.view"}
	JoinRoom      = Method[room.Request, room.Joined]{Name: "room.join"}
	KeepRoom      = Method[room.Request, room.Summary]{Name: "room.keep"}
	CloseRoom     = Method[room.Request, room.Summary]{Name: "room.close"}
	CreateInvite  = Method[room.InviteRequest, room.InviteLink]{Name: "invite.create"}
	RevokeInvite  = Method[room.RevokeRequest, room.Invite]{Name: "invite.revoke"}
	PreviewInvite = Method[room.PreviewRequest, room.Preview]{Name: "invite.preview"}
	RedeemInvite  = Method[room.RedeemRequest, room.Redeemed]{Name: "invite.redeem"}
	RoomsSeen     = Method[room.SeenRequest, struct{}]{Name: "rooms.seen"}
	SaveSettings  = Method[room.SettingsRequest, room.Saved]{Name: "settings.save"}
)
