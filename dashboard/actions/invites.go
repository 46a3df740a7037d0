package actions

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/invite"
	"snug/shared/room"
)

// PreviewInvite says what an invite leads to, for a viewer, or for somebody who isn't signed in (0). It lets nobody in.
func (a *Actions) PreviewInvite(ctx context.Context, in Invite, viewer snowflake.ID) (room.Preview, error) {
	return hub.PreviewInvite.Call(ctx, a.o.Hub, in.GuildID,
		room.PreviewRequest{RoomID: in.RoomID, Code: in.Code, UserID: viewer})
}

// JoinsGuild says whether following an invite brings somebody into the server, too.
func (a *Actions) JoinsGuild(ctx context.Context, user, guildID snowflake.ID) (bool, error) {
	settings, _, err := a.Settings(ctx, guildID)
	if err != nil || !settings.BringIn {
		return false, err
	}
	st, err := a.StandingOf(ctx, guildID, user)
	return err == nil && !st.Member, nil
}

// CreateInvite makes an invite link; repeatID is as AddWebhook has it.
func (a *Actions) CreateInvite(
	ctx context.Context, guildID snowflake.ID, q room.Request, in wire.InviteInput, repeatID string,
) (room.InviteLink, error) {
	asked, err := in.Request(q, repeatID)
	if err != nil {
		return room.InviteLink{}, err
	}
	l, err := hub.CreateInvite.Call(ctx, a.o.Hub, guildID, asked)
	return l, a.hideRoom(ctx, guildID, q, err)
}

// RevokeInvite takes an invite back. It fails with errs.NotFound if there is no such invite, which is told to who may
// see the room.
func (a *Actions) RevokeInvite(ctx context.Context, guildID snowflake.ID, q room.Request, inviteID string) error {
	if len(inviteID) > 64 {
		return errs.E(errs.NotFound, "That invite link no longer exists. Reload the page.")
	}
	_, err := hub.RevokeInvite.Call(ctx, a.o.Hub, guildID,
		room.RevokeRequest{Actor: q.Actor, RoomID: q.RoomID, InviteID: inviteID})
	if errs.Has(err, errs.NotFound) {
		return err
	}
	return a.hideRoom(ctx, guildID, q, err)
}

// Arrive says what is next for somebody who followed an invite and is on their way into a room, and lets them in when
// nothing is. Who is not on their way gets ErrNoRoom, whether the room is closed or was never for them.
func (a *Actions) Arrive(
	ctx context.Context, guildID snowflake.ID, q room.Request, in wire.ArriveInput,
) (room.Arriving, error) {
	out, err := hub.ArriveAtRoom.Call(ctx, a.o.Hub, guildID,
		room.ArriveRequest{Actor: q.Actor, RoomID: q.RoomID, NewInvite: in.NewInvite})
	switch errs.CodeOf(err) {
	case errs.Forbidden, errs.NotFound, errs.RoomNotFound:
		err = ErrNoRoom
	default:
	}
	return out, err
}

// Invite is an invite link's code, and where it leads.
type Invite struct {
	Code string
	invite.Target
}

// ReadInvite says where a code leads, read without regard to case. It fails with errs.TokenInvalid, and for an invite
// that ended less than a day ago with errs.TokenExpired and where it led.
func (a *Actions) ReadInvite(ctx context.Context, text string) (Invite, error) {
	code, err := invite.Parse(text)
	if err != nil {
		return Invite{}, err
	}
	to, _, err := a.o.Hub.Invites.Get(ctx, invite.Key(code))
	switch {
	case errs.Has(err, errs.NotFound):
		return Invite{}, invite.Unknown()
	case err != nil:
		return Invite{}, err
	}
	if !a.now().Before(to.Expires) {
		err = (&room.Invite{ExpiresAt: to.Expires}).Check(0, a.now())
	}
	return Invite{code, to}, err
}

// Admitted says whether somebody needs an invite no more.
func (a *Actions) Admitted(ctx context.Context, me *session.Session, in Invite) bool {
	v, err := a.viewRoom(ctx, in.GuildID, room.Request{Actor: Actor(me), RoomID: in.RoomID})
	return err == nil && (v.MayEnter || v.Room.Access.Admitted(me.User.ID))
}

// RedeemInvite follows an invite. With the person's sign-in it brings them into the server, where that is so set.
func (a *Actions) RedeemInvite(
	ctx context.Context, me *session.Session, in Invite,
) (room.Redeemed, error) {
	q := room.RedeemRequest{Actor: Actor(me), RoomID: in.RoomID, Code: in.Code}
	settings, _, err := a.Settings(ctx, in.GuildID)
	if err != nil {
		return room.Redeemed{}, err
	}
	if settings.JoinsBySignIn() && me.Has(session.ScopeGuildsJoin) {
		if q.AccessToken, err = a.o.Sessions.AccessToken(ctx, me.Key); err != nil {
			return room.Redeemed{}, err
		}
	}
	out, err := hub.RedeemInvite.Call(ctx, a.o.Hub, in.GuildID, q)
	if err == nil {
		a.log.InfoContext(ctx, "invite followed", "guild_id", out.GuildID, "room_id", out.RoomID, "user_id", me.User.ID)
	}
	return out, err
}
