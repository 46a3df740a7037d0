package discordapi

import (
	"context"
	"errors"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/shared/errs"
)

// side collects what overwrites depend on: the guild's roles, the bot's permissions and the category's overwrites.
func (d *Discord) side(ctx context.Context, guild, category snowflake.ID) (s side, err error) {
	if s.roles, err = d.roles(ctx, guild); err != nil {
		return s, err
	}
	if s.mine, err = d.own(ctx, guild, s.roles); err != nil {
		return s, err
	}
	s.self, s.here = d.client.ApplicationID, s.mine
	if category != 0 {
		c, err := d.category(ctx, category)
		if err != nil && !isGone(err) {
			return s, err
		}
		if err == nil {
			s.parent = c.PermissionOverwrites()
			self, _ := d.client.Caches.SelfMember(guild)
			s.here = permissionsIn(s.mine, s.parent, guild, s.self, self.RoleIDs)
		}
	}
	s.bots = func(user snowflake.ID) bool { return d.isBot(ctx, guild, user) }
	return s, nil
}

// category returns a category from the cache, or else from Discord.
func (d *Discord) category(ctx context.Context, id snowflake.ID) (discord.GuildChannel, error) {
	if c, ok := d.client.Caches.Channel(id); ok && c.Type() == discord.ChannelTypeGuildCategory {
		return c, nil
	}
	c, err := d.client.Rest.GetChannel(id, rest.WithCtx(ctx))
	if err != nil {
		return nil, coded(err, "look at the category for rooms", "View Channels")
	}
	g, ok := c.(discord.GuildChannel)
	if !ok {
		return nil, explained(classGone, "", "")
	}
	return g, nil
}

// SetAccess changes a room's channel to the overwrites it should have, and only those that differ.
// What others added stays, even if they add it meanwhile: overwrites of roles, denials for members,
// and anything they allow members beyond View Channel and Connect. If that takes many requests, the
// room is at no point more open than before and after, and more is true while some are left.
func (d *Discord) SetAccess(
	ctx context.Context, channel snowflake.ID, a rooms.RoomAccess, reason string,
) (more bool, err error) {
	const tries = 3
	for range tries {
		more, err = d.setAccess(ctx, channel, a, reason)
		if !errors.Is(err, errChanged) {
			return more, err
		}
	}
	return true, nil // the next call reads the channel again
}

func (d *Discord) setAccess(
	ctx context.Context, channel snowflake.ID, a rooms.RoomAccess, reason string,
) (more bool, err error) {
	told := d.known(channel)
	c, err := d.asIs(ctx, channel)
	if err != nil {
		return false, err
	}
	parent := a.CategoryID
	if c.ParentID() != nil {
		parent = *c.ParentID()
	}
	s, err := d.side(ctx, a.GuildID, parent)
	if err != nil {
		return false, err
	}
	have := append([]discord.PermissionOverwrite{}, c.PermissionOverwrites()...)
	all, err := overwrites(a, s, have)
	if err != nil {
		return false, err
	}
	want := heldAll(have, all, handsOn(s.here), s.self)
	more, err = d.apply(ctx, channel, told, have, want, reason)
	if errors.Is(err, errChanged) {
		return more, err
	}
	return more, coded(err, "change who may enter the room", "Manage Channels and Manage Roles")
}

// asIs requests a room's channel from Discord, because the cached one may be outdated.
func (d *Discord) asIs(ctx context.Context, channel snowflake.ID) (discord.GuildChannel, error) {
	got, err := d.client.Rest.GetChannel(channel, rest.WithCtx(ctx))
	if err != nil {
		return nil, coded(err, "look at the room", "View Channels")
	}
	c, ok := got.(discord.GuildChannel)
	if !ok {
		return nil, explained(classGone, "", "")
	}
	return c, nil
}

// Admit lets a user see and join a room's channel.
func (d *Discord) Admit(ctx context.Context, channel, user snowflake.ID, a rooms.RoomAccess, reason string) error {
	s, err := d.side(ctx, a.GuildID, a.CategoryID)
	if err != nil {
		return err
	}
	c, err := d.asIs(ctx, channel)
	if err != nil {
		return err
	}
	have := c.PermissionOverwrites()
	deny := theirs(have, user, a)
	o := discord.MemberPermissionOverwrite{
		UserID: user, Allow: (seeAndEnter | s.guestAllow(a, user)&handsOn(s.here)) &^ deny, Deny: deny,
	}
	return coded(d.place(ctx, channel, have, o, s, reason), "let somebody into the room", "Manage Roles")
}

// Expel removes a user's access to a room's channel. With ban it also denies them View Channel and
// Connect, whatever their roles.
func (d *Discord) Expel(
	ctx context.Context, channel, user snowflake.ID, ban bool, a rooms.RoomAccess, reason string,
) error {
	s, err := d.side(ctx, a.GuildID, a.CategoryID)
	if err != nil {
		return err
	}
	c, err := d.asIs(ctx, channel)
	if errs.Has(err, errs.NotFound) && !ban {
		return nil
	}
	if err != nil {
		return err
	}
	have := c.PermissionOverwrites()
	o := discord.MemberPermissionOverwrite{UserID: user, Deny: theirs(have, user, a)}
	if ban {
		o.Deny |= EveryoneDeny
		return coded(d.place(ctx, channel, have, o, s, reason), "keep somebody out of the room", "Manage Roles")
	}
	const doing = "remove somebody from the room"
	if _, lifted := a.PendingUnbans[user]; !lifted && o.Deny&seeAndEnter != 0 && !allows(have, user) {
		return nil // somebody else denies it to them, and Snug leaves that alone
	}
	o.Deny |= denial(s.parent, user) & handsOn(s.here)
	if bitsOf(held(have, []discord.PermissionOverwrite{o}, handsOn(s.here), s.self)[0]) != (bits{}) {
		// These bits are others', so they stay.
		return coded(d.place(ctx, channel, have, o, s, reason), doing, "Manage Roles")
	}
	err = coded(d.step(ctx, channel, have, step{kind: o.Type(), id: user, remove: true}, reason), doing, "Manage Roles")
	if errs.Has(err, errs.NotFound) {
		return nil
	}
	return err
}

// place writes one overwrite to a channel, leaving out bits that the bot may not change there.
func (d *Discord) place(
	ctx context.Context, channel snowflake.ID, have []discord.PermissionOverwrite, o discord.PermissionOverwrite,
	s side, reason string,
) error {
	o = held(have, []discord.PermissionOverwrite{o}, handsOn(s.here), s.self)[0]
	return d.step(ctx, channel, have, step{kind: o.Type(), id: o.ID(), to: bitsOf(o)}, reason)
}

// known returns a channel's overwrites from the cache.
func (d *Discord) known(channel snowflake.ID) []discord.PermissionOverwrite {
	if c, ok := d.client.Caches.Channel(channel); ok {
		return c.PermissionOverwrites()
	}
	return nil
}
