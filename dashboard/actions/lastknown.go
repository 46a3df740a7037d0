package actions

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/lastknown"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// asking is StandingOf or lookOf.
type asking func(ctx context.Context, guildID, user snowflake.ID) (access.Standing, error)

// StandingOf gives anybody's place in a guild, asked of Discord now, and as it was last known while no process holds
// the guild.
func (a *Actions) StandingOf(ctx context.Context, guildID, user snowflake.ID) (access.Standing, error) {
	return a.askStanding(ctx, guildID, room.StandingRequest{UserID: user})
}

// lookOf is StandingOf for somebody who only looks: at most room.LookAge old. That somebody isn't in the server is
// never outdated: they may have just joined.
func (a *Actions) lookOf(ctx context.Context, guildID, user snowflake.ID) (access.Standing, error) {
	st, err := a.askStanding(ctx, guildID,
		room.StandingRequest{UserID: user, Within: room.LookAge, Follow: true})
	if err == nil && !st.Member {
		return a.StandingOf(ctx, guildID, user)
	}
	return st, err
}

func (a *Actions) askStanding(
	ctx context.Context, guildID snowflake.ID, q room.StandingRequest,
) (access.Standing, error) {
	ask := func(ctx context.Context) (access.Standing, error) {
		return hub.StandingOf.Call(ctx, a.o.Hub, guildID, q)
	}
	if !a.served(guildID) {
		return ask(ctx)
	}
	st, _, err := a.known.Standing(ctx, guildID, q.UserID, ask)
	return st, err
}

// served says whether the bot was last heard to serve a guild: what it has left, or Discord has lost, does not count.
func (a *Actions) served(guildID snowflake.ID) bool {
	g, ok := a.guilds.Get(guildID.String())
	return ok && g.Ready
}

// viewRoom gives a room as a person may see it. As it was known, while no process holds the guild, it has no
// controls and no invites: nothing could be done with them.
func (a *Actions) viewRoom(ctx context.Context, guildID snowflake.ID, q room.Request) (v room.View, err error) {
	if !a.served(guildID) {
		return hub.ViewRoom.Call(ctx, a.o.Hub, guildID, q)
	}
	st, old, err := a.known.Standing(ctx, guildID, q.Actor.UserID, func(
		ctx context.Context,
	) (_ access.Standing, err error) {
		v, err = hub.ViewRoom.Call(ctx, a.o.Hub, guildID, q)
		return v.Standing, err
	})
	if err != nil || !old {
		return v, err
	}
	l, ok := a.Room(guildID, q.RoomID)
	if !ok || !l.Room.Access.MaySee(st) {
		return v, ErrNoRoom
	}
	return room.View{
		Room: l.Room, Roster: l.Roster, Standing: st, MayEnter: l.Room.Access.MayEnter(st), KnowsSince: a.now(),
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
