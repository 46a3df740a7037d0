package roomstest

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/room"
)

// Around is called for every call to Discord. It gets the call's name and do, which makes the call and may be called
// once or not at all; the error it returns is the call's. It lets tests fail calls and lose answers. It is called
// from many goroutines.
type Around func(call string, do func() error) error

// SetAround sets what is called for every call from now on.
func (d *Discord) SetAround(f Around) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.around = f
}

// calls is a Discord whose calls, all that may wait, go through its Around.
type calls struct{ *Discord }

func (c calls) do(call string, do func() error) error {
	c.mu.Lock()
	around := c.around
	c.mu.Unlock()
	return around(call, do)
}

// asked makes a call that returns a value.
func asked[T any](c calls, call string, do func() (T, error)) (out T, err error) {
	err = c.do(call, func() (err error) {
		out, err = do()
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

func (c calls) CreateRoomChannel(
	ctx context.Context, in room.PendingCreate, a rooms.RoomAccess,
) (id snowflake.ID, whole bool, err error) {
	id, err = asked(c, "CreateRoomChannel", func() (id snowflake.ID, err error) {
		id, whole, err = c.Discord.CreateRoomChannel(ctx, in, a)
		return id, err
	})
	return id, whole && err == nil, err
}

func (c calls) CreateLobby(ctx context.Context, guild, category snowflake.ID, name string) (snowflake.ID, error) {
	return asked(c, "CreateLobby", func() (snowflake.ID, error) {
		return c.Discord.CreateLobby(ctx, guild, category, name)
	})
}

func (c calls) CreateCategory(
	ctx context.Context, guild snowflake.ID, name string, like snowflake.ID,
) (snowflake.ID, error) {
	return asked(c, "CreateCategory", func() (snowflake.ID, error) {
		return c.Discord.CreateCategory(ctx, guild, name, like)
	})
}

func (c calls) DeleteChannel(ctx context.Context, channel snowflake.ID, reason string) error {
	return c.do("DeleteChannel", func() error { return c.Discord.DeleteChannel(ctx, channel, reason) })
}

func (c calls) FetchChannel(ctx context.Context, guild, channel snowflake.ID) (rooms.Channel, error) {
	return asked(c, "FetchChannel", func() (rooms.Channel, error) {
		return c.Discord.FetchChannel(ctx, guild, channel)
	})
}

func (c calls) Channels(ctx context.Context, guild snowflake.ID) ([]rooms.Channel, error) {
	return asked(c, "Channels", func() ([]rooms.Channel, error) { return c.Discord.Channels(ctx, guild) })
}

func (c calls) SetAccess(
	ctx context.Context, channel snowflake.ID, a rooms.RoomAccess, reason string,
) (bool, error) {
	return asked(c, "SetAccess", func() (bool, error) { return c.Discord.SetAccess(ctx, channel, a, reason) })
}

func (c calls) Admit(ctx context.Context, channel, user snowflake.ID, a rooms.RoomAccess, reason string) error {
	return c.do("Admit", func() error { return c.Discord.Admit(ctx, channel, user, a, reason) })
}

func (c calls) Expel(
	ctx context.Context, channel, user snowflake.ID, ban bool, a rooms.RoomAccess, reason string,
) error {
	return c.do("Expel", func() error { return c.Discord.Expel(ctx, channel, user, ban, a, reason) })
}

func (c calls) Deny(ctx context.Context, channel snowflake.ID, o access.Overwrite, reason string) error {
	return c.do("Deny", func() error { return c.Discord.Deny(ctx, channel, o, reason) })
}

func (c calls) Move(ctx context.Context, guild, user, from, to snowflake.ID, reason string) error {
	return c.do("Move", func() error { return c.Discord.Move(ctx, guild, user, from, to, reason) })
}

func (c calls) Rename(ctx context.Context, channel snowflake.ID, name, reason string) error {
	return c.do("Rename", func() error { return c.Discord.Rename(ctx, channel, name, reason) })
}

func (c calls) SetLimit(ctx context.Context, channel snowflake.ID, limit int, reason string) error {
	return c.do("SetLimit", func() error { return c.Discord.SetLimit(ctx, channel, limit, reason) })
}

func (c calls) SetStatus(ctx context.Context, channel snowflake.ID, status, reason string) error {
	return c.do("SetStatus", func() error { return c.Discord.SetStatus(ctx, channel, status, reason) })
}

func (c calls) Standing(ctx context.Context, guild, user snowflake.ID) (access.Standing, error) {
	return asked(c, "Standing", func() (access.Standing, error) { return c.Discord.Standing(ctx, guild, user) })
}

func (c calls) AddMember(ctx context.Context, guild, user snowflake.ID, accessToken string) error {
	return c.do("AddMember", func() error { return c.Discord.AddMember(ctx, guild, user, accessToken) })
}

func (c calls) MayInvite(ctx context.Context, guild, channel, user snowflake.ID) (bool, error) {
	return asked(c, "MayInvite", func() (bool, error) { return c.Discord.MayInvite(ctx, guild, channel, user) })
}

func (c calls) CreateInvite(
	ctx context.Context, channel, user snowflake.ID, life time.Duration, reason string,
) (string, error) {
	return asked(c, "CreateInvite", func() (string, error) {
		return c.Discord.CreateInvite(ctx, channel, user, life, reason)
	})
}

func (c calls) DeleteInvite(ctx context.Context, code, reason string) error {
	return c.do("DeleteInvite", func() error { return c.Discord.DeleteInvite(ctx, code, reason) })
}

func (c calls) ListInvites(ctx context.Context, channel snowflake.ID) ([]string, error) {
	return asked(c, "ListInvites", func() ([]string, error) { return c.Discord.ListInvites(ctx, channel) })
}

func (c calls) Permissions(
	ctx context.Context, guild snowflake.ID, places []rooms.Channel,
) ([]rooms.Permission, error) {
	return asked(c, "Permissions", func() ([]rooms.Permission, error) {
		return c.Discord.Permissions(ctx, guild, places)
	})
}
