package discordapi

import (
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/room"
	"snug/shared/schema"
)

// Guild returns what permissions in a server depend on, from the cache.
func (d *Discord) Guild(id snowflake.ID) access.Guild {
	var out access.Guild
	if g, ok := d.client.Caches.Guild(id); ok {
		out.OwnerID = g.OwnerID
	}
	roles := access.Roles{}
	for r := range d.client.Caches.Roles(id) {
		roles[r.ID] = access.Permissions(r.Permissions)
	}
	if len(roles) > 0 {
		out.Roles = roles.Compact(id, access.RoleMask)
	}
	return out
}

// AFK reports whether a channel is the server's AFK channel, according to the cache.
func (d *Discord) AFK(guild, channel snowflake.ID) bool {
	g, ok := d.client.Caches.Guild(guild)
	return ok && g.AfkChannelID != nil && *g.AfkChannelID == channel
}

// RoleNames returns the names of roles.
func (d *Discord) RoleNames(guild snowflake.ID, roles []snowflake.ID) []string {
	var names []string
	for _, id := range roles {
		if r, ok := d.client.Caches.Role(guild, id); ok {
			names = append(names, schema.Printable(r.Name, id.String()))
		}
	}
	return names
}

// BotRole reports whether a role belongs to a bot, so that people can't have it.
func (d *Discord) BotRole(guild, role snowflake.ID) bool {
	r, ok := d.client.Caches.Role(guild, role)
	return ok && r.Tags != nil && r.Tags.BotID != nil
}

// CanEnter reports whether a member may join a voice channel, according to the cache.
func (d *Discord) CanEnter(channel snowflake.ID, s access.Standing) bool {
	c, ok := d.client.Caches.Channel(channel)
	return ok && s.PermissionsIn(OverwritesOf(c)).Has(access.Enter)
}

// Place returns the overwrites of a room's channel and the gates of the room: the lobby's
// overwrites, or else the category's, and those that others added to the channel. If the channel is
// 0 because the room is being created, or soon is set because Discord hasn't confirmed a change
// yet, the overwrites that Snug is writing count as the channel's.
func (d *Discord) Place(channel, lobby snowflake.ID, a rooms.RoomAccess, soon bool) rooms.Place {
	bot := func(role snowflake.ID) bool { return d.BotRole(a.GuildID, role) }
	var have, parent, gate []access.Overwrite
	c, known := d.client.Caches.Channel(channel)
	if known {
		have = d.ofPeople(c, bot)
	}
	if p, ok := d.client.Caches.Channel(a.CategoryID); ok {
		parent = d.ofPeople(p, bot)
	}
	gate = parent
	if l, ok := d.client.Caches.Channel(lobby); ok && lobby != 0 {
		gate = d.ofPeople(l, bot)
	}
	r := rendering{a: a, closed: room.EveryoneDenied(a.Private, a.Locked, a.Hidden), parent: parent}
	if !known || soon {
		have = r.soon(have)
	}
	first, byHand := access.Gate(a.GuildID, gate, bot), access.Gate(a.GuildID, r.undone(have), bot)
	out := rooms.Place{Channel: access.Compact(slices.DeleteFunc(slices.Clone(have), r.implied), access.ChannelMask)}
	switch {
	case !slices.Equal(first, byHand):
		out.Gates = [][]access.Overwrite{first, byHand}
	case !slices.Equal(first, out.Channel):
		out.Gates = [][]access.Overwrite{first}
	}
	return out
}

// ofPeople returns a channel's overwrites without those that only concern bots.
func (d *Discord) ofPeople(c discord.GuildChannel, bot func(snowflake.ID) bool) []access.Overwrite {
	return slices.DeleteFunc(OverwritesOf(c), func(o access.Overwrite) bool {
		return o.Member && o.ID == d.client.ApplicationID || !o.Member && bot(o.ID)
	})
}

// OverwritesOf returns a channel's overwrites of roles and members.
func OverwritesOf(c discord.GuildChannel) []access.Overwrite {
	var out []access.Overwrite
	for _, o := range c.PermissionOverwrites() {
		switch o := o.(type) {
		case discord.RolePermissionOverwrite:
			out = append(out,
				access.Overwrite{ID: o.RoleID, Allow: access.Permissions(o.Allow), Deny: access.Permissions(o.Deny)})
		case discord.MemberPermissionOverwrite:
			out = append(out, access.Overwrite{
				ID: o.UserID, Member: true, Allow: access.Permissions(o.Allow), Deny: access.Permissions(o.Deny),
			})
		}
	}
	return out
}

// rendering is what Snug turns a category's overwrites into on a room's channel; overwrites() writes them.
type rendering struct {
	a      rooms.RoomAccess
	closed access.Permissions
	parent []access.Overwrite
}

// of returns a list's overwrite of a role or member, empty if there is none.
func of(list []access.Overwrite, id snowflake.ID, member bool) access.Overwrite {
	for _, o := range list {
		if o.ID == id && o.Member == member {
			return o
		}
	}
	return access.Overwrite{ID: id, Member: member}
}

// mine reports whether a member's overwrite is Snug's: that of the owner, a guest or a banned user.
func (r rendering) mine(o access.Overwrite) bool {
	return o.Member && (o.ID == r.a.OwnerID || slices.Contains(r.a.Guests, o.ID) || slices.Contains(r.a.Banned, o.ID))
}

// implied reports whether an overwrite follows from the room's owner, guests and bans.
func (r rendering) implied(o access.Overwrite) bool {
	return r.mine(o) && (slices.Contains(r.a.Banned, o.ID) || o.Deny&access.Enter == 0)
}

// denied reports whether somebody else denies the owner or a guest access by name: Snug leaves that as it is.
func (r rendering) denied(o access.Overwrite) bool {
	return r.mine(o) && !slices.Contains(r.a.Banned, o.ID) && !r.lifted(o.ID) && o.Deny&access.Enter != 0
}

// lifted reports whether the user's ban was undone but may still be on the channel.
func (r rendering) lifted(user snowflake.ID) bool {
	_, is := r.a.PendingUnbans[user]
	return is
}

func (r rendering) helps(role snowflake.ID) bool {
	return r.closed != 0 && slices.Contains(r.a.Helpers, role)
}

// soon returns the channel's overwrites once Discord has done what Snug requested.
func (r rendering) soon(have []access.Overwrite) []access.Overwrite {
	out := slices.DeleteFunc(slices.Clone(have), func(o access.Overwrite) bool {
		if r.denied(o) {
			return false
		}
		return r.mine(o) || of(r.parent, o.ID, o.Member) != (access.Overwrite{ID: o.ID, Member: o.Member}) ||
			o.ID == r.a.GuildID || r.helps(o.ID)
	})
	for _, o := range r.parent {
		switch {
		case r.mine(o) || r.helps(o.ID):
			continue
		case o.ID == r.a.GuildID:
			o.Allow, o.Deny = o.Allow&^r.closed, o.Deny|r.closed
		default:
			o.Allow &^= r.closed
		}
		out = append(out, o)
	}
	for _, id := range r.a.Helpers {
		if r.closed != 0 {
			out = append(out, access.Overwrite{ID: id, Allow: access.Enter})
		}
	}
	return out
}

// undone returns the channel's overwrites as they would be without Snug: no guests or bans, open to
// members, and helpers as in the category.
func (r rendering) undone(have []access.Overwrite) []access.Overwrite {
	var out []access.Overwrite
	for _, o := range have {
		was := of(r.parent, o.ID, o.Member)
		switch {
		case o.Member && slices.Contains(r.a.Banned, o.ID):
			o.Allow, o.Deny = was.Allow, was.Deny
		case o.Member && r.lifted(o.ID):
			o.Deny = o.Deny&^access.Enter | r.a.PendingUnbans[o.ID]
		case r.mine(o):
			o.Allow, o.Deny = was.Allow&^o.Deny, was.Deny|o.Deny
		case !o.Member && o.ID == r.a.GuildID:
			o.Allow, o.Deny = o.Allow&^r.closed|was.Allow&r.closed, o.Deny&^r.closed|was.Deny&r.closed
		case !o.Member && r.helps(o.ID):
			o.Allow, o.Deny = o.Allow&^access.Enter|was.Allow&access.Enter, o.Deny|was.Deny&access.Enter
		default:
			o.Allow |= was.Allow & r.closed &^ o.Deny
		}
		out = append(out, o)
	}
	for _, o := range r.parent { // overwrites that Snug removed or never copied
		if of(have, o.ID, o.Member) != (access.Overwrite{ID: o.ID, Member: o.Member}) {
			continue
		}
		if r.mine(o) {
			out = append(out, o)
		} else if o.Allow &= r.closed; o.Allow != 0 {
			o.Deny = 0
			out = append(out, o)
		}
	}
	return out
}
