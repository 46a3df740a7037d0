package discordapi

import (
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
)

const seeAndEnter = discord.PermissionViewChannel | discord.PermissionConnect

// side is what overwrites depend on besides the room.
type side struct {
	mine   discord.Permissions                // the bot's permissions in the guild
	here   discord.Permissions                // the bot's permissions in the category, or in the guild if there is none
	parent []discord.PermissionOverwrite      // the category's overwrites
	roles  map[snowflake.ID]discord.Role      // the guild's roles
	bots   func(user snowflake.ID) (bot bool) // whether a user is a bot
	self   snowflake.ID
}

// handsOn returns which of the bot's permissions it may set in overwrites: all but Manage Roles,
// which only administrators may.
func handsOn(have discord.Permissions) discord.Permissions {
	if have.Has(discord.PermissionAdministrator) {
		return ^discord.Permissions(0) // including those that disgo doesn't know
	}
	return have &^ discord.PermissionManageRoles
}

// overwrites returns all overwrites of a room's channel, the most important first: the bot's mark,
// everyone's denial and the owner, the category's as far as privacy allows, helpers, bans, what
// others added, guests. have are the channel's current overwrites, nil before it is created. While
// creating a channel the bot may grant what it has in the guild; later only what it has in the
// category (https://docs.discord.com/developers/resources/channel#modify-channel; that the category
// takes precedence over the guild is discord/discord-api-docs#3756).
//
// The category's overwrites are copied so that verified roles, muted members and music bots keep
// working. But if the room is closed to members, a role's permission to see and join isn't copied,
// unless the role is a helper's or a bot's own. Only bits the bot has itself are used, since
// Discord would refuse the whole request. It fails if not all overwrites with denials fit: leaving
// one out would let somebody in.
func overwrites(a rooms.RoomAccess, s side, have []discord.PermissionOverwrite) ([]discord.PermissionOverwrite, error) {
	p := placing{
		a: a, s: s, have: have, closed: closedTo(a), lend: handsOn(s.here),
		own: map[snowflake.ID]discord.MemberPermissionOverwrite{}, helped: map[snowflake.ID]bool{},
	}
	if have == nil {
		p.lend = handsOn(s.mine)
	}
	p.everyone.RoleID = a.GuildID
	for _, o := range s.parent {
		switch o := o.(type) {
		case discord.RolePermissionOverwrite:
			o.Allow, o.Deny = o.Allow&p.lend, o.Deny&p.lend
			p.role(o)
		case discord.MemberPermissionOverwrite:
			o.Allow, o.Deny = o.Allow&p.lend, o.Deny&p.lend
			p.member(o)
		}
	}
	for _, id := range a.Helpers {
		if _, there := s.roles[id]; there && p.closed != 0 && !p.helped[id] {
			p.roles = append(p.roles, discord.RolePermissionOverwrite{RoleID: id, Allow: GuestAllow & p.lend})
		}
	}
	list, guests := p.list()
	switch least := len(list) - guests; {
	case least > maxOverwrites && have == nil:
		return nil, categoryCrowded(len(s.parent))
	case least > maxOverwrites:
		return nil, explained(classOverwrites, "", "")
	}
	return list[:min(len(list), maxOverwrites)], nil
}

// closedTo returns the permissions that a room denies to members.
func closedTo(a rooms.RoomAccess) discord.Permissions {
	switch {
	case a.Private || a.Hidden:
		return EveryoneDeny
	case a.Locked:
		return discord.PermissionConnect
	}
	return 0
}

// placing collects the overwrites of a room.
type placing struct {
	a        rooms.RoomAccess
	s        side
	have     []discord.PermissionOverwrite // the channel's current ones
	closed   discord.Permissions           // what the room denies to members
	lend     discord.Permissions           // what the bot may grant
	everyone discord.RolePermissionOverwrite
	own      map[snowflake.ID]discord.MemberPermissionOverwrite // the category's, of users with their own in the room
	helped   map[snowflake.ID]bool                              // helper roles with an overwrite in the category
	roles    []discord.PermissionOverwrite
	members  []discord.PermissionOverwrite
}

// role copies the category's overwrite of a role.
func (p *placing) role(o discord.RolePermissionOverwrite) {
	switch tags := p.s.roles[o.RoleID].Tags; {
	case o.RoleID == p.a.GuildID:
		p.everyone = o
		return
	case slices.Contains(p.a.Helpers, o.RoleID) && p.closed != 0:
		p.helped[o.RoleID] = true
		o.Allow, o.Deny = o.Allow|GuestAllow&p.lend, o.Deny&^GuestAllow
	case tags == nil || tags.BotID == nil:
		o.Allow &^= p.closed
	}
	if o.Allow != 0 || o.Deny != 0 {
		p.roles = append(p.roles, o)
	}
}

// member copies the category's overwrite of a member.
func (p *placing) member(o discord.MemberPermissionOverwrite) {
	if u := o.UserID; u == p.s.self || u == p.a.OwnerID || slices.Contains(p.a.Guests, u) ||
		slices.Contains(p.a.Banned, u) {
		p.own[u] = o
		return
	}
	if o.Allow&p.closed != 0 && !p.s.bots(o.UserID) {
		o.Allow &^= p.closed
	}
	if o.Allow != 0 || o.Deny != 0 {
		p.members = append(p.members, o)
	}
}

// guest returns the overwrite of the owner or a guest, without what others deny them there.
func (p *placing) guest(user snowflake.ID) discord.PermissionOverwrite {
	o, deny := p.own[user], theirs(p.have, user, p.a)
	return discord.MemberPermissionOverwrite{
		UserID: user, Allow: (o.Allow | p.s.guestAllow(p.a, user)&p.lend) &^ deny, Deny: o.Deny&^seeAndEnter | deny,
	}
}

// theirs returns what others deny a user on a channel by name: everything denied except a ban by
// Snug that was undone. For someone banned that is what the channel denied them besides.
func theirs(have []discord.PermissionOverwrite, user snowflake.ID, a rooms.RoomAccess) discord.Permissions {
	deny := denial(have, user)
	if stood, lifted := a.PendingUnbans[user]; lifted {
		deny = deny&^EveryoneDeny | discord.Permissions(stood)
	}
	return deny
}

// allows reports whether a list allows a user anything by name.
func allows(list []discord.PermissionOverwrite, user snowflake.ID) bool {
	return slices.ContainsFunc(list, func(o discord.PermissionOverwrite) bool {
		m, ok := o.(discord.MemberPermissionOverwrite)
		return ok && m.UserID == user && m.Allow != 0
	})
}

// denial returns what a list denies a user by name.
func denial(list []discord.PermissionOverwrite, user snowflake.ID) discord.Permissions {
	for _, o := range list {
		if o, ok := o.(discord.MemberPermissionOverwrite); ok && o.UserID == user {
			return o.Deny
		}
	}
	return 0
}

// guestAllow returns what the owner or a guest is allowed in a room. It excludes what the category
// denies to one of their roles, such as a muted role, or to them by name, because a member's allow
// would override that. If a user's roles are unknown, every role's denial counts.
func (s side) guestAllow(a rooms.RoomAccess, user snowflake.ID) discord.Permissions {
	has, known := a.Roles[user]
	var allow, deny discord.Permissions
	for _, o := range s.parent {
		if o, ok := o.(discord.RolePermissionOverwrite); ok && o.RoleID != a.GuildID &&
			(!known || slices.Contains(has, o.RoleID)) {
			deny |= o.Deny
			if known {
				allow |= o.Allow
			}
		}
	}
	return GuestAllow &^ ((deny&^allow | denial(s.parent, user)) &^ seeAndEnter)
}

// list puts all together, the most important first, and returns how many of the last ones are guests'.
func (p *placing) list() (list []discord.PermissionOverwrite, ofGuests int) {
	list = []discord.PermissionOverwrite{
		discord.MemberPermissionOverwrite{UserID: p.s.self, Allow: BotAllow | BotExtra&p.lend},
	}
	p.everyone.Allow, p.everyone.Deny = p.everyone.Allow&^p.closed, p.everyone.Deny|p.closed
	if p.everyone.Allow != 0 || p.everyone.Deny != 0 {
		list = append(list, p.everyone)
	}
	if p.a.OwnerID != 0 {
		list = append(list, p.guest(p.a.OwnerID))
	}
	list = append(append(list, p.roles...), p.members...)
	for _, u := range p.a.Banned {
		if u != p.a.OwnerID {
			list = append(list,
				discord.MemberPermissionOverwrite{UserID: u, Deny: EveryoneDeny | theirs(p.have, u, p.a)})
		}
	}
	var guests []discord.PermissionOverwrite
	for _, u := range p.a.Guests {
		if u != p.a.OwnerID && !slices.Contains(p.a.Banned, u) {
			guests = append(guests, p.guest(u))
		}
	}
	list = append(list, kept(p.have, append(slices.Clone(list), guests...), p.a)...)
	return append(list, guests...), len(guests)
}

// kept returns the overwrites by others that stay.
func kept(have, want []discord.PermissionOverwrite, a rooms.RoomAccess) (out []discord.PermissionOverwrite) {
	for _, o := range have {
		if slices.ContainsFunc(want,
			func(w discord.PermissionOverwrite) bool { return w.ID() == o.ID() && w.Type() == o.Type() }) {
			continue
		}
		switch o := o.(type) {
		case discord.RolePermissionOverwrite:
			if o.RoleID != a.GuildID && (closedTo(a) == 0 || o.Allow&^GuestAllow != 0 || o.Deny != 0) {
				// otherwise it was a helper's
				out = append(out, o)
			}
		case discord.MemberPermissionOverwrite:
			o.Deny = theirs(have, o.UserID, a)
			if o.Allow &^= GuestAllow; o.Allow != 0 || o.Deny != 0 {
				out = append(out, o)
			}
		}
	}
	return out
}
