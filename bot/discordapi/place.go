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

// Guild gives what permissions depend on in a server as a whole, as Discord told it last.
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

// AFK says whether a channel is the one to which Discord moves who is idle, as Discord told it last.
func (d *Discord) AFK(guild, channel snowflake.ID) bool {
	g, ok := d.client.Caches.Guild(guild)
	return ok && g.AfkChannelID != nil && *g.AfkChannelID == channel
}

// RoleNames gives roles as people know them.
func (d *Discord) RoleNames(guild snowflake.ID, roles []snowflake.ID) []string {
	var names []string
	for _, id := range roles {
		if r, ok := d.client.Caches.Role(guild, id); ok {
			names = append(names, schema.Printable(r.Name, id.String()))
		}
	}
	return names
}

// BotRole says whether a role is a bot's own, which people cannot have.
func (d *Discord) BotRole(guild, role snowflake.ID) bool {
	r, ok := d.client.Caches.Role(guild, role)
	return ok && r.Tags != nil && r.Tags.BotID != nil
}

// CanEnter says whether Discord lets somebody into a voice channel, as far as it has told of it.
func (d *Discord) CanEnter(channel snowflake.ID, s access.Standing) bool {
	c, ok := d.client.Caches.Channel(channel)
	return ok && s.PermissionsIn(OverwritesOf(c)).Has(access.Enter)
}

// Place gives what a room's channel says in Discord, and the gates of the room:
// what its lobby says, or else its category, and what others put on its channel by hand.
// With channel 0, a room on its way, and with soon, when Discord was just told
// what the room is and its word of it is on its way, what Snug put there is taken for what is there.
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

// ofPeople gives a channel's overwrites without those that concern bots alone.
func (d *Discord) ofPeople(c discord.GuildChannel, bot func(snowflake.ID) bool) []access.Overwrite {
	return slices.DeleteFunc(OverwritesOf(c), func(o access.Overwrite) bool {
		return o.Member && o.ID == d.client.ApplicationID || !o.Member && bot(o.ID)
	})
}

// OverwritesOf gives what a channel says of roles and members; what is of neither kind is left out.
func OverwritesOf(c discord.GuildChannel) []access.Overwrite {
	var out []access.Overwrite
	for _, o := range c.PermissionOverwrites() {
		switch o := o.(type) {
		case discord.RolePermissionOverwrite:
			out = append(out,
				access.Overwrite{ID: o.RoleID, Allow: access.Permissions(o.Allow), Deny: access.Permissions(o.Deny)})
		case discord.MemberPermissionOverwrite:
			out = append(out,
				access.Overwrite{
					ID: o.UserID, Member: true, Allow: access.Permissions(o.Allow), Deny: access.Permissions(o.Deny),
				})
		}
	}
	return out
}

// rendering is what Snug makes of a category's overwrites on a room's channel, which overwrites() writes.
type rendering struct {
	a      rooms.RoomAccess
	closed access.Permissions
	parent []access.Overwrite
}

// of gives what a list says of a role or a member.
func of(list []access.Overwrite, id snowflake.ID, member bool) access.Overwrite {
	for _, o := range list {
		if o.ID == id && o.Member == member {
			return o
		}
	}
	return access.Overwrite{ID: id, Member: member}
}

// mine says whether a member's overwrite is Snug's: the owner's, a guest's, or that of somebody banned.
func (r rendering) mine(o access.Overwrite) bool {
	return o.Member && (o.ID == r.a.OwnerID || slices.Contains(r.a.Guests, o.ID) || slices.Contains(r.a.Banned, o.ID))
}

// implied says whether an overwrite follows from who has a place in the room or is banned from it.
func (r rendering) implied(o access.Overwrite) bool {
	return r.mine(o) && (slices.Contains(r.a.Banned, o.ID) || o.Deny&access.Enter == 0)
}

// denied says whether somebody else denies an owner or guest by name to enter: Snug leaves that as it is.
func (r rendering) denied(o access.Overwrite) bool {
	return r.mine(o) && !slices.Contains(r.a.Banned, o.ID) && !r.lifted(o.ID) && o.Deny&access.Enter != 0
}

// lifted says whether a ban of theirs was undone, and may be on the channel yet.
func (r rendering) lifted(user snowflake.ID) bool {
	_, is := r.a.PendingUnbans[user]
	return is
}

func (r rendering) helps(role snowflake.ID) bool {
	return r.closed != 0 && slices.Contains(r.a.Helpers, role)
}

// soon gives what a channel says once Discord has done what Snug asked.
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

// undone gives what a channel would say without Snug: neither guests nor bans, open, and helpers as the
// category has them.
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
	for _, o := range r.parent { // what Snug took away altogether, or never wrote
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
