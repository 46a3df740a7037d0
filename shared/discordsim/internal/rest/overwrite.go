package rest

import (
	"slices"
	"strconv"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// overwritesAtOnce is the limit of overwrites in one request; a channel can have Limits.Overwrites.
const overwritesAtOnce = 100

// readOverwrites reads permission_overwrites; nil if they aren't given.
func (c *call) readOverwrites(f *form.Form, g *world.Guild) []world.Overwrite {
	if !f.Given("permission_overwrites") {
		return nil
	}
	list := []world.Overwrite{}
	for _, o := range f.Objects("permission_overwrites", 0, overwritesAtOnce) {
		o.Required("id")
		ow := world.Overwrite{
			ID: o.ID("id"), Kind: readOverwriteKind(o, g),
			Allow: world.ReadPermissions(o, "allow"), Deny: world.ReadPermissions(o, "deny"),
		}
		if i := slices.IndexFunc(list, func(x world.Overwrite) bool { return x.ID == ow.ID }); i >= 0 {
			list[i] = ow
			continue
		}
		list = append(list, ow)
	}
	return list
}

// readOverwriteKind reads the type. Old clients send it as a word, and without a type the id decides.
func readOverwriteKind(f *form.Form, g *world.Guild) int {
	if !f.Given("type") {
		if id := f.ID("id"); g.Roles[id] == nil && g.Members[id] != nil {
			return world.OverwriteMember
		}
		return world.OverwriteRole
	}
	switch s, _ := form.Scalar(f.Fields["type"]); s {
	case "role":
		return world.OverwriteRole
	case "member":
		return world.OverwriteMember
	}
	return f.Choice("type", world.OverwriteRole, world.OverwriteMember)
}

// checkOverwrites applies Discord's rules to a channel's new overwrites; ch is nil for a channel
// being created. Each changed bit must be one that the bot has in the channel's category, or in the
// guild if there is no category or the channel is being created. MANAGE_ROLES may only be set by
// administrators, or by members whom an overwrite of the channel grants it. What the bot has in the
// channel itself doesn't count (discord/discord-api-docs#3450), nor what it has in the guild if the
// category denies it (#3756).
func (c *call) checkOverwrites(g *world.Guild, m *world.Member, ch *world.Channel, old, now []world.Overwrite) error {
	if len(now) > c.Opts.Limits.Overwrites {
		return form.Fail(400, 30060,
			"Maximum number of permission overwrites reached ("+strconv.Itoa(c.Opts.Limits.Overwrites)+")")
	}
	var touched world.Permissions
	for _, o := range now {
		if err := c.checkOverwriteTarget(g, o); err != nil {
			return err
		}
		was := world.Overwrite{}
		if i := slices.IndexFunc(old, func(x world.Overwrite) bool { return x.ID == o.ID }); i >= 0 {
			was = old[i]
		}
		touched |= o.Allow ^ was.Allow | o.Deny ^ was.Deny
	}
	for _, o := range old {
		if !slices.ContainsFunc(now, func(x world.Overwrite) bool { return x.ID == o.ID }) {
			touched |= o.Allow | o.Deny
		}
	}
	return c.mayTouch(g, m, ch, touched)
}

func (c *call) mayTouch(g *world.Guild, m *world.Member, ch *world.Channel, bits world.Permissions) error {
	have := c.BasePerms(g, m)
	if have.Has(world.PermAdministrator) {
		return nil
	}
	rolesByOverwrite := false
	if ch != nil {
		if p := g.Channels[ch.Parent]; p != nil {
			have = c.PermsIn(g, m, p)
		}
		for _, o := range ch.Overwrites {
			if o.Allow.Has(world.PermManageRoles) && (o.ID == m.User.ID || m.Has(o.ID)) {
				rolesByOverwrite = true
			}
		}
	}
	if bits&^have != 0 && !rolesByOverwrite || bits.Has(world.PermManageRoles) && !rolesByOverwrite {
		return form.MissingPermissions()
	}
	return nil
}

func (c *call) checkOverwriteTarget(g *world.Guild, o world.Overwrite) error {
	if o.Kind == world.OverwriteRole && g.Roles[o.ID] == nil ||
		o.Kind == world.OverwriteMember && c.Users[o.ID] == nil {
		return form.UnknownOverwrite()
	}
	return nil
}

func putOverwrite(c *call) (int, any, error) {
	g, m, ch, err := c.channelWith(world.PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	if ch.Thread != nil { // it has those of its channel
		return 0, nil, form.WrongChannelType()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.Set("id", c.r.PathValue("overwrite"))
	o := world.Overwrite{
		ID: c.id("overwrite"), Kind: readOverwriteKind(f, g), Allow: world.ReadPermissions(f, "allow"),
		Deny: world.ReadPermissions(f, "deny"),
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	now := slices.Clone(ch.Overwrites)
	i := ch.FindOverwrite(o.ID)
	action := auditOverwriteCreate
	if i >= 0 {
		now[i], action = o, auditOverwriteUpdate
	} else {
		now = append(now, o)
	}
	if err := c.checkOverwrites(g, m, ch, ch.Overwrites, now); err != nil {
		return 0, nil, err
	}
	if was := ch.Overwrites; !slices.Equal(now, was) {
		ch.Overwrites = now
		c.ChannelEvent("CHANNEL_UPDATE", ch)
		c.SyncChildren(g, ch, was)
		c.audit(g, action, ch.ID,
			world.Change{Key: "allow", Old: nil, New: o.Allow}, world.Change{Key: "deny", Old: nil, New: o.Deny})
	}
	return noContent()
}

func deleteOverwrite(c *call) (int, any, error) {
	g, m, ch, err := c.channelWith(world.PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	i := ch.FindOverwrite(c.id("overwrite"))
	if i < 0 {
		return 0, nil, form.UnknownOverwrite()
	}
	o := ch.Overwrites[i]
	if err := c.mayTouch(g, m, ch, o.Allow|o.Deny); err != nil {
		return 0, nil, err
	}
	was := ch.Overwrites
	ch.Overwrites = slices.Delete(slices.Clone(was), i, i+1)
	c.ChannelEvent("CHANNEL_UPDATE", ch)
	c.SyncChildren(g, ch, was)
	c.audit(g, auditOverwriteDelete, ch.ID,
		world.Change{Key: "allow", Old: o.Allow, New: nil}, world.Change{Key: "deny", Old: o.Deny, New: nil})
	return noContent()
}
