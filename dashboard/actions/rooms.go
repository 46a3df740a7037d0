package actions

import (
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/live"
	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// JoinRoom has the bot move somebody into a room. Who is not in voice gets a seat held for them. Here and in all that
// is done to a room, whoever may not see it gets ErrNoRoom.
func (a *Actions) JoinRoom(ctx context.Context, guildID snowflake.ID, q room.Request) (room.Joined, error) {
	j, err := hub.JoinRoom.Call(ctx, a.o.Hub, guildID, q)
	return j, a.hideRoom(ctx, guildID, q, err)
}

// KeepRoom calls an announced closing off.
func (a *Actions) KeepRoom(ctx context.Context, guildID snowflake.ID, q room.Request) (room.Summary, error) {
	sum, err := hub.KeepRoom.Call(ctx, a.o.Hub, guildID, q)
	return sum, a.hideRoom(ctx, guildID, q, err)
}

// CloseRoom ends a room.
func (a *Actions) CloseRoom(ctx context.Context, guildID snowflake.ID, q room.Request) (room.Summary, error) {
	sum, err := hub.CloseRoom.Call(ctx, a.o.Hub, guildID, q)
	if err != nil {
		return sum, a.hideRoom(ctx, guildID, q, err)
	}
	a.log.InfoContext(ctx, "room closed", "guild_id", guildID, "room_id", q.RoomID, "user_id", q.Actor.UserID)
	return sum, nil
}

// ChangeRoom does one thing to a room. It fails with errs.NotFound where whom or what it is about is not found in a
// room that the person may see.
func (a *Actions) ChangeRoom(
	ctx context.Context, guildID snowflake.ID, q room.Request, in wire.ChangeInput,
) (room.ChangeDone, error) {
	change, err := in.Request(q)
	if err != nil {
		return room.ChangeDone{}, a.ifSeen(ctx, guildID, q, err)
	}
	done, err := hub.ChangeRoom.Call(ctx, a.o.Hub, guildID, change)
	if err != nil {
		return done, a.refused(ctx, guildID, q, err)
	}
	a.log.InfoContext(ctx, "room changed", "guild_id", guildID, "room_id", q.RoomID, "user_id", q.Actor.UserID,
		"do", change.Do)
	return done, nil
}

// Knock asks to be let into a room.
func (a *Actions) Knock(ctx context.Context, guildID snowflake.ID, q room.Request) (room.KnockDone, error) {
	done, err := hub.Knock.Call(ctx, a.o.Hub, guildID, room.KnockRequest{Actor: q.Actor, RoomID: q.RoomID})
	return done, a.hideRoom(ctx, guildID, q, err)
}

// AnswerKnock lets in who knocked, or says not now. It fails with errs.NotFound, as ChangeRoom does, if nobody did.
func (a *Actions) AnswerKnock(
	ctx context.Context, guildID snowflake.ID, q room.Request, in wire.AnswerInput,
) (room.ChangeDone, error) {
	done, err := hub.AnswerKnock.Call(ctx, a.o.Hub, guildID,
		room.AnswerRequest{Actor: q.Actor, RoomID: q.RoomID, User: in.User, LetIn: in.LetIn})
	return done, a.refused(ctx, guildID, q, err)
}

// WaitForSeat enters the waiting list of a full room, or leaves it.
func (a *Actions) WaitForSeat(
	ctx context.Context, guildID snowflake.ID, q room.Request, leave bool,
) (room.WaitDone, error) {
	done, err := hub.WaitForSeat.Call(ctx, a.o.Hub, guildID,
		room.WaitRequest{Actor: q.Actor, RoomID: q.RoomID, Leave: leave})
	return done, a.hideRoom(ctx, guildID, q, err)
}

// OpenRoom opens a room. Its page is found here at once.
func (a *Actions) OpenRoom(
	ctx context.Context, me *session.Session, guildID snowflake.ID, in wire.CreateInput,
) (room.OpenedRoom, error) {
	q, err := in.Request(Actor(me))
	if err != nil {
		return room.OpenedRoom{}, err
	}
	g, err := a.guildInfo(guildID)
	if err != nil {
		return room.OpenedRoom{}, err
	}
	opened, err := hub.OpenRoom.Call(ctx, a.o.Hub, g.ID, q)
	if errs.Has(err, errs.Forbidden) { // to who is not in the server there is none
		if _, _, e := a.Standing(ctx, me, guildID); errs.Has(e, errs.NotFound) {
			err = e
		}
	}
	if err != nil {
		return room.OpenedRoom{}, err
	}
	a.recent.add(opened.Room.ID, g.ID, a.now())
	a.log.InfoContext(ctx, "room opened", "guild_id", g.ID, "room_id", opened.Room.ID, "user_id", me.User.ID)
	return opened, nil
}

// Knocking says whether somebody waits for an answer to a knock at a room.
func (a *Actions) Knocking(id, user snowflake.ID) bool { return a.index.knocking(id, user, a.now()) }

// SpectatorToken gives the token that opens a spectator's live connection to a room, by the link for spectators.
func (a *Actions) SpectatorToken(r room.Summary, link string) (string, error) {
	return a.o.Live.Token(live.Ticket{GuildID: r.GuildID, RoomID: r.ID, WatchKey: room.WatchKey(link)})
}

// LiveToken gives the token that opens a live connection to a server's rooms, or to one room.
func (a *Actions) LiveToken(me *session.Session, guildID, roomID snowflake.ID) (string, error) {
	return a.o.Live.Token(live.Ticket{
		UserID: me.User.ID, GuildID: guildID, RoomID: roomID, SessionID: me.Key, SessionExpires: me.Expires,
	})
}

// SeeRoom gives a room to somebody who looks at it: who may see it is at most room.LookAge old.
func (a *Actions) SeeRoom(
	ctx context.Context, me *session.Session, guildID, id snowflake.ID,
) (room.View, LiveRoom, error) {
	return a.seeRoom(ctx, me, guildID, room.Request{Actor: Actor(me), RoomID: id, Look: true})
}

// SeeRoomNow is SeeRoom for more than a look: Discord is asked who may see it.
func (a *Actions) SeeRoomNow(
	ctx context.Context, me *session.Session, guildID, id snowflake.ID,
) (room.View, LiveRoom, error) {
	return a.seeRoom(ctx, me, guildID, room.Request{Actor: Actor(me), RoomID: id})
}

func (a *Actions) seeRoom(
	ctx context.Context, me *session.Session, guildID snowflake.ID, q room.Request,
) (room.View, LiveRoom, error) {
	// What is followed of the room may be older than what somebody has just done there. A page that connects goes on
	// from its revision, so it misses nothing, and what it hears twice changes nothing.
	l, _ := a.Room(guildID, q.RoomID)
	v, err := a.viewRoom(ctx, guildID, q)
	switch errs.CodeOf(err) {
	case "":
	case errs.Forbidden, errs.NotFound, errs.RoomNotFound:
		return v, LiveRoom{}, ErrNoRoom
	default:
		return v, LiveRoom{}, err
	}
	a.sawIn(ctx, me, v.Standing)
	l.Room, l.Roster = v.Room, v.Roster
	return v, l, nil
}

// VisibleRooms gives the rooms of a guild that a person may see, the oldest first.
func (a *Actions) VisibleRooms(st access.Standing) []LiveRoom {
	return slices.DeleteFunc(a.roomsOf(st.GuildID), func(l LiveRoom) bool { return !l.Room.Access.MaySee(st) })
}

// WithRoster gives a room with its roster, as far as it is known.
func (a *Actions) WithRoster(sum room.Summary) room.Live {
	l := room.Live{Room: sum}
	if known, ok := a.Room(sum.GuildID, sum.ID); ok {
		l.Roster = known.Roster
	}
	return l
}

// CheckSeen fails with ErrNoRoom unless the person may see the room.
func (a *Actions) CheckSeen(ctx context.Context, guildID snowflake.ID, q room.Request) error {
	return a.ifSeen(ctx, guildID, q, nil)
}

// hideRoom keeps a refusal from telling that there is a room: whoever may not see
// it is told what they would be told if there were none. No error stays none.
func (a *Actions) hideRoom(ctx context.Context, guildID snowflake.ID, q room.Request, err error) error {
	switch errs.CodeOf(err) {
	case errs.NotFound, errs.RoomNotFound:
		return ErrNoRoom
	case errs.Forbidden:
		_, e := a.viewRoom(ctx, guildID, q)
		if errs.Has(e, errs.Forbidden) || errs.Has(e, errs.RoomNotFound) {
			return ErrNoRoom
		}
	default:
	}
	return err
}

// ifSeen gives an error about the input to who may see the room; to others there is none.
func (a *Actions) ifSeen(ctx context.Context, guildID snowflake.ID, q room.Request, err error) error {
	if _, e := a.viewRoom(ctx, guildID, q); e != nil {
		return a.hideRoom(ctx, guildID, q, e)
	}
	return err
}

// refused is hideRoom, but for what is not found in a room that the person may see: a guest, a knock.
func (a *Actions) refused(ctx context.Context, guildID snowflake.ID, q room.Request, err error) error {
	if errs.Has(err, errs.NotFound) {
		return a.ifSeen(ctx, guildID, q, err)
	}
	return a.hideRoom(ctx, guildID, q, err)
}
