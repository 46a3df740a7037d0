package discordapi

import (
	"context"
	"errors"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/eventjson"
	"snug/bot/rooms"
)

// putVoiceStatus is an endpoint that disgo doesn't have.
// https://discord.com/developers/docs/resources/channel#set-voice-channel-status
func putVoiceStatus() *rest.Endpoint {
	return rest.NewEndpoint("PUT", "/channels/{channel.id}/voice-status")
}

// Rename renames a channel. If Discord's rate limit is reached, it doesn't wait but fails with
// errs.RateLimited and the time to wait.
func (d *Discord) Rename(ctx context.Context, channel snowflake.ID, name, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, renameTime)
	defer cancel()
	_, err := d.client.Rest.UpdateChannel(channel, discord.GuildVoiceChannelUpdate{Name: &name}, with(ctx, reason)...)
	return coded(err, "rename the room", "Manage Channels")
}

// SetLimit sets a channel's user limit.
func (d *Discord) SetLimit(ctx context.Context, channel snowflake.ID, limit int, reason string) error {
	_, err := d.client.Rest.UpdateChannel(channel, discord.GuildVoiceChannelUpdate{UserLimit: &limit},
		with(ctx, reason)...)
	return coded(err, "change the room's seats", "Manage Channels")
}

// SetStatus sets a voice channel's status; "" clears it.
func (d *Discord) SetStatus(ctx context.Context, channel snowflake.ID, status, reason string) error {
	body := struct {
		Status string `json:"status"`
	}{status}
	err := d.client.Rest.Do(putVoiceStatus().Compile(nil, channel), body, nil, with(ctx, reason)...)
	return coded(err, "set the room's status", "Set Voice Channel Status and Manage Channels")
}

// CreateLobby creates a voice channel for a lobby. It copies the category's overwrites and adds the
// bot's own, so that the bot sees who joins.
func (d *Discord) CreateLobby(ctx context.Context, guild, category snowflake.ID, name string) (snowflake.ID, error) {
	channel := func(list []discord.PermissionOverwrite) discord.GuildChannelCreate {
		return discord.GuildVoiceChannelCreate{Name: name, ParentID: category, PermissionOverwrites: list}
	}
	id, err := d.create(ctx, guild, category, "Snug: a lobby", channel)
	return id, coded(err, "make a lobby", "View Channels, Connect, Move Members and Manage Channels")
}

// CreateCategory creates a category. It copies the overwrites of the category like, unless that is 0.
func (d *Discord) CreateCategory(
	ctx context.Context, guild snowflake.ID, name string, like snowflake.ID,
) (snowflake.ID, error) {
	channel := func(list []discord.PermissionOverwrite) discord.GuildChannelCreate {
		return discord.GuildCategoryChannelCreate{Name: name, PermissionOverwrites: list}
	}
	id, err := d.create(ctx, guild, like, "Snug: a category for rooms", channel)
	return id, coded(err, "make a category", "View Channels, Connect, Move Members and Manage Channels")
}

// create creates a permanent channel with the overwrites of a category. If it can't add them all it
// deletes the channel again, which might otherwise be open to others.
func (d *Discord) create(
	ctx context.Context, guild, like snowflake.ID, reason string,
	channel func([]discord.PermissionOverwrite) discord.GuildChannelCreate,
) (snowflake.ID, error) {
	s, err := d.side(ctx, guild, like)
	if err != nil {
		return 0, err
	}
	want := inheritedWithMark(s)
	if len(want) > maxOverwrites {
		return 0, categoryCrowded(len(s.parent))
	}
	list, whole := atCreation(want, guild)
	c, err := d.client.Rest.CreateGuildChannel(guild, channel(list), with(ctx, reason)...)
	if err != nil {
		return 0, err
	}
	for more := !whole; more; {
		more, err = d.apply(ctx, c.ID(), list, list, want, reason)
		if err != nil {
			return 0, errors.Join(err, d.undo(ctx, c.ID(), reason))
		}
		list = taken(list, want, s.self)
	}
	return c.ID(), nil
}

// undo deletes a channel that isn't finished, even if ctx has ended. It doesn't keep the caller waiting for long.
func (d *Discord) undo(ctx context.Context, channel snowflake.ID, reason string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	return d.client.Rest.DeleteChannel(channel, with(ctx, reason)...)
}

// inheritedWithMark returns the category's overwrites, limited to what the bot may grant, and the bot's own.
func inheritedWithMark(s side) []discord.PermissionOverwrite {
	lend := handsOn(s.mine)
	list := []discord.PermissionOverwrite{
		discord.MemberPermissionOverwrite{UserID: s.self, Allow: BotAllow | BotExtra&lend},
	}
	for _, o := range s.parent {
		switch o := o.(type) {
		case discord.RolePermissionOverwrite:
			if o.Allow, o.Deny = o.Allow&lend, o.Deny&lend; o.Allow|o.Deny != 0 {
				list = append(list, o)
			}
		case discord.MemberPermissionOverwrite:
			if o.Allow, o.Deny = o.Allow&lend, o.Deny&lend; o.UserID != s.self && o.Allow|o.Deny != 0 {
				list = append(list, o)
			}
		}
	}
	return list
}

// FetchChannel requests one channel. The error is errs.NotFound if it is gone and
// errs.MissingPermission if the bot can't view it.
func (d *Discord) FetchChannel(ctx context.Context, guild, channel snowflake.ID) (rooms.Channel, error) {
	c, err := d.client.Rest.GetChannel(channel, rest.WithCtx(ctx))
	if err != nil {
		return rooms.Channel{}, coded(err, "look at a room", "View Channels and Connect")
	}
	g, ok := c.(discord.GuildChannel)
	if !ok {
		return rooms.Channel{}, explained(classGone, "", "")
	}
	return d.Channel(guild, g), nil
}

const listing, toList = "look at the server's channels", "View Channels"

// Channels lists the guild's channels of all kinds in their order, followed by those the bot can't
// view: Discord's list omits them, and only the gateway sends them.
func (d *Discord) Channels(ctx context.Context, guild snowflake.ID) ([]rooms.Channel, error) {
	list, err := d.client.Rest.GetGuildChannels(guild, rest.WithCtx(ctx))
	if err != nil {
		return nil, coded(err, listing, toList)
	}
	out, listed := make([]rooms.Channel, 0, len(list)), map[snowflake.ID]bool{}
	for _, c := range list {
		out, listed[c.ID()] = append(out, d.Channel(guild, c)), true
	}
	for c := range d.client.Caches.ChannelsForGuild(guild) {
		if !listed[c.ID()] && d.unseen(guild, c) {
			v := d.Channel(guild, c)
			v.Unseen = true
			out = append(out, v)
		}
	}
	return out, nil
}

// hiddenName is the name that the gateway gives a channel the bot can't view. Such a channel also
// has a flag (1<<17), but disgo drops it for most kinds.
// https://docs.discord.com/developers/resources/channel#channel-object-obfuscated-channels
const hiddenName = "___hidden___"

// unseen reports whether the gateway sent a channel as one that the bot can't view. The name alone
// proves nothing: anybody may name a channel like that.
func (d *Discord) unseen(guild snowflake.ID, c discord.GuildChannel) bool {
	if c.Name() != hiddenName {
		return false
	}
	self, known := d.client.Caches.SelfMember(guild)
	if !known {
		return true
	}
	roles := map[snowflake.ID]discord.Role{}
	for r := range d.client.Caches.Roles(guild) {
		roles[r.ID] = r
	}
	return permissionsIn(permissions(self, roles, guild), c.PermissionOverwrites(), guild, d.client.ApplicationID,
		self.RoleIDs) == 0
}

// Channel converts a channel for package rooms. It takes the guild because channels in GUILD_CREATE have no guild_id.
func (d *Discord) Channel(guild snowflake.ID, c discord.GuildChannel) rooms.Channel {
	out := rooms.Channel{ID: c.ID(), Name: c.Name(), Kind: rooms.KindOther, Position: c.Position()}
	switch c.Type() {
	case discord.ChannelTypeGuildVoice:
		out.Kind, out.UserLimit = rooms.KindVoice, eventjson.UserLimit(c)
	case discord.ChannelTypeGuildCategory:
		out.Kind = rooms.KindCategory
	case discord.ChannelTypeGuildText, discord.ChannelTypeGuildNews:
		out.Kind = rooms.KindText
	}
	if c.ParentID() != nil {
		out.ParentID = *c.ParentID()
	}
	for _, o := range c.PermissionOverwrites() {
		switch o := o.(type) {
		case discord.RolePermissionOverwrite:
			if o.RoleID == guild {
				out.Hides, out.Locks = o.Deny.Has(discord.PermissionViewChannel), o.Deny.Has(discord.PermissionConnect)
			}
		case discord.MemberPermissionOverwrite:
			switch {
			case o.UserID == d.client.ApplicationID:
				out.Marked = o.Allow&^BotExtra == BotAllow && o.Deny == 0
			case o.Allow.Has(seeAndEnter):
				out.Admitted = append(out.Admitted, o.UserID)
			case o.Deny.Has(discord.PermissionConnect):
				out.Banned = append(out.Banned, o.UserID)
			}
			if o.Deny&seeAndEnter != 0 {
				out.Denied = append(out.Denied, o.UserID)
			}
		}
	}
	return out
}

// VoiceChannels converts the voice channels of a list for package rooms.
func (d *Discord) VoiceChannels(guild snowflake.ID, list []discord.GuildChannel) []rooms.Channel {
	var out []rooms.Channel
	for _, c := range list {
		if c.Type() != discord.ChannelTypeGuildVoice {
			continue
		}
		if v, ok := d.VoiceChannel(guild, c); ok {
			out = append(out, v)
		}
	}
	return out
}

// VoiceChannel converts a voice channel for package rooms; it returns false for other kinds.
func (d *Discord) VoiceChannel(guild snowflake.ID, c discord.GuildChannel) (rooms.Channel, bool) {
	v := d.Channel(guild, c)
	v.Unseen = d.unseen(guild, c)
	return v, v.Kind == rooms.KindVoice
}

// need is a permission and what Snug needs it for.
type need struct {
	bit      discord.Permissions
	why      string
	optional bool
}

// needs are the permissions that rooms need in a category or in the whole server.
func needs() []need {
	return []need{
		{discord.PermissionViewChannel, "see rooms and let others see them", false},
		{discord.PermissionConnect, "open rooms to those you let in", false},
		{discord.PermissionManageChannels, "open, rename and close rooms", false},
		{discord.PermissionMoveMembers, "move people into rooms, and out of full ones", false},
		{discord.PermissionManageRoles, "let guests in and keep others out", false},
		{discord.PermissionSpeak, "let guests speak", false},
		{discord.PermissionStream, "let guests share video and their screen", true},
		{discord.PermissionSendMessages, "post the controls in a room's chat", true},
		{permissionVoiceStatus, "set a room's status", true},
		{discord.PermissionCreateInstantInvite, "bring invited people into the server", true},
	}
}

// needsIn returns the permissions needed in a channel, by its kind. The bot can only grant guests
// permissions that it has itself in the category.
func needsIn(kind rooms.Kind) []need {
	switch kind {
	case rooms.KindCategory:
		return []need{
			{discord.PermissionViewChannel, "see the rooms in it", false},
			{discord.PermissionConnect, "open rooms to those you let in", false},
			{discord.PermissionManageChannels, "open and close rooms in it", false},
			{discord.PermissionMoveMembers, "move people into its rooms", false},
			{discord.PermissionManageRoles, "let guests in and keep others out", false},
			{discord.PermissionSpeak, "let guests speak", false},
			{discord.PermissionStream, "let guests share video and their screen", true},
			{discord.PermissionSendMessages, "post the controls in a room's chat", true},
		}
	case rooms.KindVoice:
		return []need{{discord.PermissionViewChannel, "see who comes into a lobby", false}}
	}
	return []need{
		{discord.PermissionViewChannel, "see the log channel", true},
		{discord.PermissionSendMessages, "write what happens into the log channel", true},
	}
}

// Permissions reports the bot's permissions in the guild and in each of the places: categories,
// lobbies, and channels it only writes to.
func (d *Discord) Permissions(
	ctx context.Context, guild snowflake.ID, places []rooms.Channel,
) ([]rooms.Permission, error) {
	roles, err := d.roles(ctx, guild)
	if err != nil {
		return nil, err
	}
	base, err := d.own(ctx, guild, roles)
	if err != nil {
		return nil, err
	}
	self, _ := d.client.Caches.SelfMember(guild)
	out := list(guild, base, needs())
	for _, c := range places {
		var p discord.Permissions
		if c.Unseen {
			out = append(out, list(c.ID, p, needsIn(c.Kind))...)
			continue
		}
		got, err := d.client.Rest.GetChannel(c.ID, rest.WithCtx(ctx))
		if err == nil {
			if g, ok := got.(discord.GuildChannel); ok {
				p = permissionsIn(base, g.PermissionOverwrites(), guild, d.client.ApplicationID, self.RoleIDs)
			}
		} else if err := coded(err, "look at a channel", "View Channels"); !isGone(err) {
			return nil, err
		}
		out = append(out, list(c.ID, p, needsIn(c.Kind))...)
	}
	return out, nil
}

func list(where snowflake.ID, have discord.Permissions, wanted []need) (out []rooms.Permission) {
	for _, n := range wanted {
		out = append(out, rooms.Permission{
			Name: nameOf(n.bit), Why: n.why, Where: where, Optional: n.optional,
			Granted: have.Has(n.bit) || have.Has(discord.PermissionAdministrator),
		})
	}
	return out
}

// nameOf returns a permission's name in Discord's settings.
func nameOf(p discord.Permissions) string {
	switch p {
	case discord.PermissionViewChannel:
		return "View Channels"
	case discord.PermissionStream:
		return "Video"
	case discord.PermissionCreateInstantInvite:
		return "Create Invite"
	case permissionVoiceStatus:
		return "Set Voice Channel Status"
	}
	return p.String()
}

// Send posts a message in a channel. It mentions only those that the message allows.
func (d *Discord) Send(ctx context.Context, channel snowflake.ID, m discord.MessageCreate) (snowflake.ID, error) {
	sent, err := d.client.Rest.CreateMessage(channel, m, rest.WithCtx(ctx))
	if err != nil {
		return 0, coded(err, "write a message", "View Channels and Send Messages")
	}
	return sent.ID, nil
}

// OpenDM opens the DM channel with a user, or returns the existing one. Package dms limits the calls.
func (d *Discord) OpenDM(ctx context.Context, user snowflake.ID) (snowflake.ID, error) {
	dm, err := d.client.Rest.CreateDMChannel(user, rest.WithCtx(ctx))
	if err != nil {
		return 0, coded(err, "send a direct message", "Send Messages")
	}
	return dm.ID(), nil
}
