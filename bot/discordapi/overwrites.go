package discordapi

import (
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
)

const seeAndEnter = discord.PermissionViewChannel | discord.PermissionConnect

// side is what is already known when overwrites are made.
type side struct {
	mine   discord.Permissions                // what the bot has in the guild as a whole
	here   discord.Permissions                // what it has in the category, or in the guild where there is none
	parent []discord.PermissionOverwrite      // the category's
	roles  map[snowflake.ID]discord.Role      // the guild's
	bots   func(user snowflake.ID) (bot bool) // whether a user is a bot
	self   snowflake.ID
}

// handsOn gives what of the bits the bot has somewhere it may put into overwrites:
// Manage Roles is for administrators.
func handsOn(have discord.Permissions) discord.Permissions {
	if have.Has(discord.PermissionAdministrator) {
		return ^discord.Permissions(0) // also those that disgo does not know
	}
	return have &^ discord.PermissionManageRoles
}

// overwrites gives all overwrites of a room's channel, the most needed first:
// the bot's mark, who is kept out and the owner, the category's as far as
// privacy allows, helpers, bans, what others made, guests. have are what the
// channel has, nil while it is being made. A channel being made may be given
// what the bot has in the guild, one that is there what it has in the category
// (https://docs.discord.com/developers/resources/channel#modify-channel; that
// a category comes before the guild is discord/discord-api-docs#3756).
//
// The category's are taken over so that verified roles, muted members and
// music bots stay what they are; but where the room is closed to members, a
// role's leave to see and enter is not, unless it is a helper or a bot's own.
// No bit is used that the bot has not itself: Discord would refuse them all.
// It fails if there is no space for all that denies something: to leave one out would let somebody in.
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
		return nil, crowded(len(s.parent))
	case least > maxOverwrites:
		return nil, explained(classOverwrites, "", "")
	}
	return list[:min(len(list), maxOverwrites)], nil
}

// closedTo gives what members may not in a room.
func closedTo(a rooms.RoomAccess) discord.Permissions {
	switch {
	case a.Private || a.Hidden:
		return EveryoneDeny
	case a.Locked:
		return discord.PermissionConnect
	}
	return 0
}

// placing is a room's overwrites on their way.
type placing struct {
	a        rooms.RoomAccess
	s        side
	have     []discord.PermissionOverwrite // what the channel has
	closed   discord.Permissions           // what members may not
	lend     discord.Permissions           // what the bot may hand on
	everyone discord.RolePermissionOverwrite
	own      map[snowflake.ID]discord.MemberPermissionOverwrite // the category's for who has a place of their own here
	helped   map[snowflake.ID]bool                              // helper roles that the category names
	roles    []discord.PermissionOverwrite
	members  []discord.PermissionOverwrite
}

// role takes over what the category says of a role.
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

// member takes over what the category says of a member.
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

// guest lets in somebody who has a place of their own, as far as nobody else denies it to them there.
func (p *placing) guest(user snowflake.ID) discord.PermissionOverwrite {
	o, deny := p.own[user], theirs(p.have, user, p.a)
	return discord.MemberPermissionOverwrite{
		UserID: user, Allow: (o.Allow | p.s.guestAllow(p.a, user)&p.lend) &^ deny, Deny: o.Deny&^seeAndEnter | deny,
	}
}

// theirs gives what others deny a user on a channel by name: all that is denied
// them there but for a ban of Snug's that was undone. Who is banned is denied what the ban takes besides.
func theirs(have []discord.PermissionOverwrite, user snowflake.ID, a rooms.RoomAccess) discord.Permissions {
	deny := denial(have, user)
	if stood, lifted := a.PendingUnbans[user]; lifted {
		deny = deny&^EveryoneDeny | discord.Permissions(stood)
	}
	return deny
}

// allows says whether a list allows a user anything by name.
func allows(list []discord.PermissionOverwrite, user snowflake.ID) bool {
	return slices.ContainsFunc(list, func(o discord.PermissionOverwrite) bool {
		m, ok := o.(discord.MemberPermissionOverwrite)
		return ok && m.UserID == user && m.Allow != 0
	})
}

// denial gives what a list denies a user by name.
func denial(list []discord.PermissionOverwrite, user snowflake.ID) discord.Permissions {
	for _, o := range list {
		if o, ok := o.(discord.MemberPermissionOverwrite); ok && o.UserID == user {
			return o.Deny
		}
	}
	return 0
}

// guestAllow gives what a place in a room lets a user do. What the category
// denies a role of theirs, as it does to muted ones, or them by name, is not
// among it: a member's allow would get them past it. Of whom nobody knows the roles, any role's denial counts.
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

// list puts all together, the most needed first, and says how many of the last are guests'.
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

// kept gives the overwrites that others made and that stay.
func kept(have, want []discord.PermissionOverwrite, a rooms.RoomAccess) (out []discord.PermissionOverwrite) {
	for _, o := range have {
		if slices.ContainsFunc(want,
			func(w discord.PermissionOverwrite) bool { return w.ID() == o.ID() && w.Type() == o.Type() }) {
			continue
		}
		switch o := o.(type) {
		case discord.RolePermissionOverwrite:
			if o.RoleID != a.GuildID && (closedTo(a) == 0 || o.Allow&^GuestAllow != 0 || o.Deny != 0) {
				// else it was a helper
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
