package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/room"
)

// unlockedCalls is a Discord whose calls release the guild's lock while they run, and have a deadline.
type unlockedCalls struct{ Discord }

// callTimeout bounds one call, including the wait for rate limits.
// After it the caller gets an error, and a sweep repeats the call.
const callTimeout = 20 * time.Second

// query makes a call that returns a value.
func query[T any](ctx context.Context, call func(context.Context) (T, error)) (out T, err error) {
	unlocked(ctx, func() {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		out, err = call(ctx)
	})
	return out, err
}

// exec makes a call that changes something, and returns only an error.
func exec(ctx context.Context, call func(context.Context) error) error {
	acts(ctx)
	_, err := query(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
	return err
}

func (o unlockedCalls) CreateRoomChannel(
	ctx context.Context, in room.PendingCreate, a RoomAccess,
) (id snowflake.ID, whole bool, err error) {
	acts(ctx)
	id, err = query(ctx, func(ctx context.Context) (snowflake.ID, error) {
		var err error
		id, whole, err = o.Discord.CreateRoomChannel(ctx, in, a)
		return id, err
	})
	return id, whole, err
}

func (o unlockedCalls) CreateLobby(
	ctx context.Context, guild, category snowflake.ID, name string,
) (snowflake.ID, error) {
	acts(ctx)
	return query(ctx, func(ctx context.Context) (snowflake.ID, error) {
		return o.Discord.CreateLobby(ctx, guild, category, name)
	})
}

func (o unlockedCalls) CreateCategory(
	ctx context.Context, guild snowflake.ID, name string, like snowflake.ID,
) (snowflake.ID, error) {
	acts(ctx)
	return query(ctx, func(ctx context.Context) (snowflake.ID, error) {
		return o.Discord.CreateCategory(ctx, guild, name, like)
	})
}

func (o unlockedCalls) DeleteChannel(ctx context.Context, channel snowflake.ID, reason string) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.DeleteChannel(ctx, channel, reason) })
}

func (o unlockedCalls) FetchChannel(ctx context.Context, guild, channel snowflake.ID) (Channel, error) {
	return query(ctx, func(ctx context.Context) (Channel, error) { return o.Discord.FetchChannel(ctx, guild, channel) })
}

func (o unlockedCalls) Channels(ctx context.Context, guild snowflake.ID) ([]Channel, error) {
	return query(ctx, func(ctx context.Context) ([]Channel, error) { return o.Discord.Channels(ctx, guild) })
}

func (o unlockedCalls) Admit(ctx context.Context, channel, user snowflake.ID, a RoomAccess, reason string) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.Admit(ctx, channel, user, a, reason) })
}

func (o unlockedCalls) Expel(
	ctx context.Context, channel, user snowflake.ID, ban bool, a RoomAccess, reason string,
) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.Expel(ctx, channel, user, ban, a, reason) })
}

func (o unlockedCalls) Deny(ctx context.Context, channel snowflake.ID, what access.Overwrite, reason string) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.Deny(ctx, channel, what, reason) })
}

func (o unlockedCalls) Move(ctx context.Context, guild, user, from, to snowflake.ID, reason string) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.Move(ctx, guild, user, from, to, reason) })
}

func (o unlockedCalls) Rename(ctx context.Context, channel snowflake.ID, name, reason string) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.Rename(ctx, channel, name, reason) })
}

func (o unlockedCalls) SetLimit(ctx context.Context, channel snowflake.ID, limit int, reason string) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.SetLimit(ctx, channel, limit, reason) })
}

func (o unlockedCalls) SetStatus(ctx context.Context, channel snowflake.ID, status, reason string) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.SetStatus(ctx, channel, status, reason) })
}

func (o unlockedCalls) Standing(ctx context.Context, guild, user snowflake.ID) (access.Standing, error) {
	return query(ctx,
		func(ctx context.Context) (access.Standing, error) { return o.Discord.Standing(ctx, guild, user) })
}

func (o unlockedCalls) AddMember(ctx context.Context, guild, user snowflake.ID, accessToken string) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.AddMember(ctx, guild, user, accessToken) })
}

func (o unlockedCalls) MayInvite(ctx context.Context, guild, channel, user snowflake.ID) (bool, error) {
	return query(ctx, func(ctx context.Context) (bool, error) { return o.Discord.MayInvite(ctx, guild, channel, user) })
}

func (o unlockedCalls) CreateInvite(
	ctx context.Context, channel, user snowflake.ID, life time.Duration, reason string,
) (string, error) {
	return query(ctx,
		func(ctx context.Context) (string, error) {
			return o.Discord.CreateInvite(ctx, channel, user, life, reason)
		})
}

func (o unlockedCalls) DeleteInvite(ctx context.Context, code, reason string) error {
	return exec(ctx, func(ctx context.Context) error { return o.Discord.DeleteInvite(ctx, code, reason) })
}

func (o unlockedCalls) ListInvites(ctx context.Context, channel snowflake.ID) ([]string, error) {
	return query(ctx, func(ctx context.Context) ([]string, error) { return o.Discord.ListInvites(ctx, channel) })
}

func (o unlockedCalls) Permissions(ctx context.Context, guild snowflake.ID, places []Channel) ([]Permission, error) {
	return query(ctx,
		func(ctx context.Context) ([]Permission, error) { return o.Discord.Permissions(ctx, guild, places) })
}

func (o unlockedCalls) SetAccess(ctx context.Context, channel snowflake.ID, a RoomAccess, reason string) (bool, error) {
	acts(ctx)
	return query(ctx, func(ctx context.Context) (bool, error) { return o.Discord.SetAccess(ctx, channel, a, reason) })
}
