package dashboard

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// Keeper is what the dashboard asks of a guild's keeper. Errors are coded;
// errs.Unavailable says that nobody keeps the guild just now, and
// errs.RoomNotFound also that the actor may not see the room.
type Keeper interface {
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
	NoteChange(ctx context.Context, id snowflake.ID, q guild.NoteRequest) error
	SaveSettings(ctx context.Context, guild snowflake.ID, q room.SettingsRequest) (room.Saved, error)
}

// StandingFrom gives the question that dashboard/live asks about watchers, put
// to the keepers through the hub, and answered from what was known while nobody keeps the guild.
func StandingFrom(h *hub.Hub) func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error) {
	return func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error) {
		part, cancel := context.WithTimeout(ctx, readPatience)
		st, err := hub.StandingOf.Call(part, h, guild, room.StandingRequest{UserID: user, Within: time.Minute})
		cancel()
		if errs.Has(err, errs.Unavailable) {
			known, _, e := h.Standings.Get(ctx, knownKey(guild, user))
			if g, _, e2 := h.Guilds.Get(ctx, guild.String()); e == nil && e2 == nil && g.Ready {
				return known.Standing, nil
			}
		}
		return st, err
	}
}

// StandingsFrom gives the question after all of a server's watchers, put to the keepers through the hub.
func StandingsFrom(
	h *hub.Hub,
) func(ctx context.Context, guild snowflake.ID, users []snowflake.ID) ([]access.Standing, error) {
	return func(ctx context.Context, guild snowflake.ID, users []snowflake.ID) ([]access.Standing, error) {
		known, err := hub.StandingsOf.Call(ctx, h, guild, room.StandingsRequest{UserIDs: users})
		return known.Standings, err
	}
}

// keepers calls the process that keeps a guild, through the hub.
type keepers struct{ h *hub.Hub }

func (k keepers) Standing(ctx context.Context, guild snowflake.ID, q room.StandingRequest) (access.Standing, error) {
	return hub.StandingOf.Call(ctx, k.h, guild, q)
}

func (k keepers) OpenRoom(ctx context.Context, guild snowflake.ID, q room.OpenRequest) (room.OpenedRoom, error) {
	return hub.OpenRoom.Call(ctx, k.h, guild, q)
}

func (k keepers) ViewRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.View, error) {
	return hub.ViewRoom.Call(ctx, k.h, guild, q)
}

func (k keepers) JoinRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.Joined, error) {
	return hub.JoinRoom.Call(ctx, k.h, guild, q)
}

func (k keepers) KeepRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.Summary, error) {
	return hub.KeepRoom.Call(ctx, k.h, guild, q)
}

func (k keepers) CloseRoom(ctx context.Context, guild snowflake.ID, q room.Request) (room.Summary, error) {
	return hub.CloseRoom.Call(ctx, k.h, guild, q)
}

func (k keepers) CreateInvite(ctx context.Context, guild snowflake.ID, q room.InviteRequest) (room.InviteLink, error) {
	return hub.CreateInvite.Call(ctx, k.h, guild, q)
}

func (k keepers) RevokeInvite(ctx context.Context, guild snowflake.ID, q room.RevokeRequest) (room.Invite, error) {
	return hub.RevokeInvite.Call(ctx, k.h, guild, q)
}

func (k keepers) PreviewInvite(ctx context.Context, guild snowflake.ID, q room.PreviewRequest) (room.Preview, error) {
	return hub.PreviewInvite.Call(ctx, k.h, guild, q)
}

func (k keepers) RedeemInvite(ctx context.Context, guild snowflake.ID, q room.RedeemRequest) (room.Redeemed, error) {
	return hub.RedeemInvite.Call(ctx, k.h, guild, q)
}

func (k keepers) Arrive(ctx context.Context, guild snowflake.ID, q room.ArriveRequest) (room.Arriving, error) {
	return hub.ArriveAtRoom.Call(ctx, k.h, guild, q)
}

func (k keepers) ChangeRoom(ctx context.Context, guild snowflake.ID, q room.ChangeRequest) (room.ChangeDone, error) {
	return hub.ChangeRoom.Call(ctx, k.h, guild, q)
}

func (k keepers) Knock(ctx context.Context, guild snowflake.ID, q room.KnockRequest) (room.KnockDone, error) {
	return hub.Knock.Call(ctx, k.h, guild, q)
}

func (k keepers) AnswerKnock(ctx context.Context, guild snowflake.ID, q room.AnswerRequest) (room.ChangeDone, error) {
	return hub.AnswerKnock.Call(ctx, k.h, guild, q)
}

func (k keepers) WaitForSeat(ctx context.Context, guild snowflake.ID, q room.WaitRequest) (room.WaitDone, error) {
	return hub.WaitForSeat.Call(ctx, k.h, guild, q)
}

func (k keepers) Preferences(
	ctx context.Context, guild snowflake.ID, q room.PreferencesRequest,
) (room.PreferencesDone, error) {
	return hub.PreferencesOf.Call(ctx, k.h, guild, q)
}

func (k keepers) Person(ctx context.Context, guild snowflake.ID, q room.PersonRequest) (room.PersonData, error) {
	return hub.PersonOf.Call(ctx, k.h, guild, q)
}

func (k keepers) RoomsSeen(ctx context.Context, guild snowflake.ID, q room.SeenRequest) error {
	_, err := hub.RoomsSeen.Call(ctx, k.h, guild, q)
	return err
}

func (k keepers) SaveSettings(ctx context.Context, guild snowflake.ID, q room.SettingsRequest) (room.Saved, error) {
	return hub.SaveSettings.Call(ctx, k.h, guild, q)
}

func (k keepers) NoteChange(ctx context.Context, id snowflake.ID, q guild.NoteRequest) error {
	_, err := hub.NoteChange.Call(ctx, k.h, id, q)
	return err
}
