package discordsim

import (
	"slices"
	"strconv"
)

// overwritesAtOnce is the limit of overwrites in one request; a channel can have Limits.Overwrites.
const overwritesAtOnce = 100

// readOverwrites reads permission_overwrites; nil if they aren't given.
func (c *call) readOverwrites(f *form, g *guild) []overwrite {
	if !f.given("permission_overwrites") {
		return nil
	}
	list := []overwrite{}
	for _, o := range f.objects("permission_overwrites", 0, overwritesAtOnce) {
		o.required("id")
		ow := overwrite{
			id: o.id("id"), kind: readOverwriteKind(o, g), allow: readPermissions(o, "allow"), deny: readPermissions(o, "deny"),
		}
		if i := slices.IndexFunc(list, func(x overwrite) bool { return x.id == ow.id }); i >= 0 {
			list[i] = ow
			continue
		}
		list = append(list, ow)
	}
	return list
}

// readOverwriteKind reads the type. Old clients send it as a word, and without a type the id decides.
func readOverwriteKind(f *form, g *guild) int {
	if !f.given("type") {
		if id := f.id("id"); g.roles[id] == nil && g.members[id] != nil {
			return overwriteMember
		}
		return overwriteRole
	}
	switch s, _ := scalar(f.fields["type"]); s {
	case "role":
		return overwriteRole
	case "member":
		return overwriteMember
	}
	return f.choice("type", overwriteRole, overwriteMember)
}

// checkOverwrites applies Discord's rules to a channel's new overwrites; ch is nil for a channel
// being created. Each changed bit must be one that the bot has in the channel's category, or in the
// guild if there is no category or the channel is being created. MANAGE_ROLES may only be set by
// administrators, or by members whom an overwrite of the channel grants it. What the bot has in the
// channel itself doesn't count (discord/discord-api-docs#3450), nor what it has in the guild if the
// category denies it (#3756).
func (c *call) checkOverwrites(g *guild, m *member, ch *channel, old, now []overwrite) error {
	if len(now) > c.opts.Limits.Overwrites {
		return fail(400, 30060,
			"Maximum number of permission overwrites reached ("+strconv.Itoa(c.opts.Limits.Overwrites)+")")
	}
	var touched Permissions
	for _, o := range now {
		if err := c.checkOverwriteTarget(g, o); err != nil {
			return err
		}
		was := overwrite{}
		if i := slices.IndexFunc(old, func(x overwrite) bool { return x.id == o.id }); i >= 0 {
			was = old[i]
		}
		touched |= o.allow ^ was.allow | o.deny ^ was.deny
	}
	for _, o := range old {
		if !slices.ContainsFunc(now, func(x overwrite) bool { return x.id == o.id }) {
			touched |= o.allow | o.deny
		}
	}
	return c.mayTouch(g, m, ch, touched)
}

func (c *call) mayTouch(g *guild, m *member, ch *channel, bits Permissions) error {
	have := c.basePerms(g, m)
	if have.Has(PermAdministrator) {
		return nil
	}
	rolesByOverwrite := false
	if ch != nil {
		if p := g.channels[ch.parent]; p != nil {
			have = c.permsIn(g, m, p)
		}
		for _, o := range ch.overwrites {
			if o.allow.Has(PermManageRoles) && (o.id == m.user.id || m.has(o.id)) {
				rolesByOverwrite = true
			}
		}
	}
	if bits&^have != 0 && !rolesByOverwrite || bits.Has(PermManageRoles) && !rolesByOverwrite {
		return errMissingPermissions()
	}
	return nil
}

func (c *call) checkOverwriteTarget(g *guild, o overwrite) error {
	if o.kind == overwriteRole && g.roles[o.id] == nil || o.kind == overwriteMember && c.users[o.id] == nil {
		return errUnknownOverwrite()
	}
	return nil
}

func putOverwrite(c *call) (int, any, error) {
	g, m, ch, err := c.channelWith(PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.set("id", c.r.PathValue("overwrite"))
	o := overwrite{
		id: c.id("overwrite"), kind: readOverwriteKind(f, g), allow: readPermissions(f, "allow"),
		deny: readPermissions(f, "deny"),
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	now := slices.Clone(ch.overwrites)
	i := ch.findOverwrite(o.id)
	action := auditOverwriteCreate
	if i >= 0 {
		now[i], action = o, auditOverwriteUpdate
	} else {
		now = append(now, o)
	}
	if err := c.checkOverwrites(g, m, ch, ch.overwrites, now); err != nil {
		return 0, nil, err
	}
	if was := ch.overwrites; !slices.Equal(now, was) {
		ch.overwrites = now
		c.channelEvent("CHANNEL_UPDATE", ch)
		c.syncChildren(g, ch, was)
		c.audit(g, action, ch.id, change{"allow", nil, o.allow}, change{"deny", nil, o.deny})
	}
	return noContent()
}

func deleteOverwrite(c *call) (int, any, error) {
	g, m, ch, err := c.channelWith(PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	i := ch.findOverwrite(c.id("overwrite"))
	if i < 0 {
		return 0, nil, errUnknownOverwrite()
	}
	o := ch.overwrites[i]
	if err := c.mayTouch(g, m, ch, o.allow|o.deny); err != nil {
		return 0, nil, err
	}
	was := ch.overwrites
	ch.overwrites = slices.Delete(slices.Clone(was), i, i+1)
	c.channelEvent("CHANNEL_UPDATE", ch)
	c.syncChildren(g, ch, was)
	c.audit(g, auditOverwriteDelete, ch.id, change{"allow", o.allow, nil}, change{"deny", o.deny, nil})
	return noContent()
}
