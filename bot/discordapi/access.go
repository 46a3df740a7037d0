package discordapi

import (
	"context"
	"errors"
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/shared/errs"
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

// side finds what overwrites need to know of the guild.
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

// category gives a category from memory, or else as Discord says.
func (d *Discord) category(ctx context.Context, id snowflake.ID) (discord.GuildChannel, error) {
	if c, ok := d.client.Caches.GuildCategoryChannel(id); ok {
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

// roles gives a guild's roles from memory, or else as Discord says.
func (d *Discord) roles(ctx context.Context, guild snowflake.ID) (map[snowflake.ID]discord.Role, error) {
	out := map[snowflake.ID]discord.Role{}
	for r := range d.client.Caches.Roles(guild) {
		out[r.ID] = r
	}
	if _, whole := out[guild]; whole {
		return out, nil
	}
	list, err := d.client.Rest.GetRoles(guild, rest.WithCtx(ctx))
	if err != nil {
		return nil, coded(err, "look at the server's roles", "View Channels")
	}
	for _, r := range list {
		out[r.ID] = r
	}
	return out, nil
}

// own gives the permissions that the bot has in a guild as a whole.
func (d *Discord) own(
	ctx context.Context, guild snowflake.ID, roles map[snowflake.ID]discord.Role,
) (discord.Permissions, error) {
	m, ok := d.client.Caches.SelfMember(guild)
	if !ok {
		member, err := d.client.Rest.GetMember(guild, d.client.ApplicationID, rest.WithCtx(ctx))
		if err != nil {
			return 0, coded(err, "look up its own roles", "View Channels")
		}
		m = *member
		m.GuildID = guild
		d.client.Caches.AddMember(m) // Discord tells of the bot's own changes from now on
	}
	return permissions(m, roles, guild), nil
}

// permissions gives what a member may do in a guild as a whole.
// https://discord.com/developers/docs/topics/permissions#permission-overwrites
func permissions(m discord.Member, roles map[snowflake.ID]discord.Role, guild snowflake.ID) discord.Permissions {
	p := roles[guild].Permissions
	for _, id := range m.RoleIDs {
		p |= roles[id].Permissions
	}
	if p.Has(discord.PermissionAdministrator) {
		return discord.PermissionsAll | p
	}
	return p
}

// permissionsIn gives what is left of base permissions under a channel's overwrites.
func permissionsIn(
	base discord.Permissions, list []discord.PermissionOverwrite, guild, user snowflake.ID, has []snowflake.ID,
) discord.Permissions {
	if base.Has(discord.PermissionAdministrator) {
		return base
	}
	var allow, deny discord.Permissions
	own := discord.MemberPermissionOverwrite{}
	for _, o := range list {
		switch o := o.(type) {
		case discord.RolePermissionOverwrite:
			switch {
			case o.RoleID == guild:
				base = base&^o.Deny | o.Allow
			case slices.Contains(has, o.RoleID):
				allow, deny = allow|o.Allow, deny|o.Deny
			}
		case discord.MemberPermissionOverwrite:
			if o.UserID == user {
				own = o
			}
		}
	}
	p := base&^deny | allow
	p = p&^own.Deny | own.Allow
	if !p.Has(discord.PermissionViewChannel) {
		return 0
	}
	return p
}

// isBot says whether a member is a bot. Who cannot be asked about is taken for a person: privacy first.
func (d *Discord) isBot(ctx context.Context, guild, user snowflake.ID) bool {
	d.mu.Lock()
	bot, known := d.bots[user]
	d.mu.Unlock()
	if known {
		return bot
	}
	m, err := d.client.Rest.GetMember(guild, user, rest.WithCtx(ctx))
	if err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.bots) > 10_000 {
		clear(d.bots)
	}
	d.bots[user] = m.User.Bot
	return m.User.Bot
}

// SetAccess gives a room's channel the overwrites it should have. Overwrites
// that others made for roles stay, what they deny members by name, and what they allow them beyond
// seeing and entering, also if they do so meanwhile: only what differs is changed. Where it takes many requests, the
// room is never opened wider meanwhile, and more is true while there are some left.
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
	return true, nil // the next turn looks again
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

// asIs asks for a room's channel: what Discord told of it last may be old.
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

// Admit lets a user see and enter a room's channel.
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

// Expel takes a user's place in a room's channel; with ban they can neither see nor enter it, whatever roles they have.
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
	const doing = "put somebody out of the room"
	if _, lifted := a.PendingUnbans[user]; !lifted && o.Deny&seeAndEnter != 0 && !allows(have, user) {
		return nil // what denies it to them is somebody else's to change
	}
	o.Deny |= denial(s.parent, user) & handsOn(s.here)
	if bitsOf(held(have, []discord.PermissionOverwrite{o}, handsOn(s.here), s.self)[0]) != (bits{}) {
		// others' bits, which are not Snug's to take
		return coded(d.place(ctx, channel, have, o, s, reason), doing, "Manage Roles")
	}
	err = coded(d.client.Rest.DeletePermissionOverwrite(channel, user, with(ctx, reason)...), doing, "Manage Roles")
	if errs.Has(err, errs.NotFound) {
		return nil
	}
	return err
}

// place puts one overwrite into a channel, but for bits the bot may not change there.
func (d *Discord) place(
	ctx context.Context, channel snowflake.ID, have []discord.PermissionOverwrite, o discord.PermissionOverwrite,
	s side, reason string,
) error {
	o = held(have, []discord.PermissionOverwrite{o}, handsOn(s.here), s.self)[0]
	return d.step(ctx, channel, step{kind: o.Type(), id: o.ID(), to: bitsOf(o)}, reason)
}

// known gives the overwrites of a channel as Discord told them last.
func (d *Discord) known(channel snowflake.ID) []discord.PermissionOverwrite {
	if c, ok := d.client.Caches.Channel(channel); ok {
		return c.PermissionOverwrites()
	}
	return nil
}
