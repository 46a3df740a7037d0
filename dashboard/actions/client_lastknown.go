package actions

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/lastknown"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/room"
)

// lastKnownRooms are Rooms whose reads are answered from what was last known while no process holds the guild.
type lastKnownRooms struct {
	Rooms
	a *Actions
}

// Standing gives a person's place in a guild, as it was known if need be.
func (k lastKnownRooms) Standing(
	ctx context.Context, guild snowflake.ID, q room.StandingRequest,
) (access.Standing, error) {
	if !k.served(guild) {
		return k.Rooms.Standing(ctx, guild, q)
	}
	st, _, err := k.a.known.Standing(ctx, guild, q.UserID,
		func(ctx context.Context) (access.Standing, error) { return k.Rooms.Standing(ctx, guild, q) })
	return st, err
}

// served says whether the bot was last heard to serve a guild: what it has left, or Discord has lost, does not count.
func (k lastKnownRooms) served(guild snowflake.ID) bool {
	g, ok := k.a.guilds.Get(guild.String())
	return ok && g.Ready
}

// ViewRoom gives a room as a person may see it. As it was known it has no
// controls and no invites: nothing could be done with them.
func (k lastKnownRooms) ViewRoom(ctx context.Context, guild snowflake.ID, q room.Request) (v room.View, err error) {
	if !k.served(guild) {
		return k.Rooms.ViewRoom(ctx, guild, q)
	}
	st, old, err := k.a.known.Standing(ctx, guild, q.Actor.UserID, func(
		ctx context.Context,
	) (_ access.Standing, err error) {
		v, err = k.Rooms.ViewRoom(ctx, guild, q)
		return v.Standing, err
	})
	if err != nil || !old {
		return v, err
	}
	l, ok := k.a.Room(guild, q.RoomID)
	if !ok || !l.Room.Access.MaySee(st) {
		return v, ErrNoRoom
	}
	return room.View{
		Room: l.Room, Roster: l.Roster, Standing: st, MayEnter: l.Room.Access.MayEnter(st), KnowsSince: k.a.now(),
	}, nil
}

// ofNow fails with errs.Unavailable where who asks was let in by what was known: nobody can say whether they still may,
// and what they want is more than to look.
func ofNow(ctx context.Context) error {
	if lastknown.AsOf(ctx).IsZero() {
		return nil
	}
	return errs.E(errs.Unavailable,
		"Snug isn't serving this server right now. Try again in a moment. If this goes on, check that the bot is "+
			"still in the server.")
}
