package rest

import (
	"strconv"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

func createInvite(c *call) (int, any, error) {
	g, _, ch, err := c.channelWith(world.PermCreateInstantInvite)
	if err != nil {
		return 0, nil, err
	}
	if ch.Kind == world.ChannelCategory || ch.Thread != nil {
		return 0, nil, form.WrongChannelType()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	i := &world.Invite{Guild: g.ID, Channel: ch.ID, Inviter: c.me().ID, MaxAge: 86400, Created: c.Now()}
	if f.Given("max_age") {
		i.MaxAge = f.Num("max_age", 0, 604800)
	}
	i.MaxUses, i.Temporary = f.Num("max_uses", 0, 100), f.Yes("temporary")
	unique := f.Yes("unique")
	if i.Targets, err = c.targetFile(); err != nil {
		return 0, nil, err
	}
	if i.Roles, err = c.inviteRoles(f, g); err != nil {
		return 0, nil, err
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	unique = unique || i.Targets != nil || len(i.Roles) > 0
	mine := c.InvitesOf(func(x *world.Invite) bool { return x.Guild == g.ID })
	for _, x := range mine {
		if !unique && x.Channel == i.Channel && x.Inviter == i.Inviter && x.MaxAge == i.MaxAge &&
			x.MaxUses == i.MaxUses && x.Temporary == i.Temporary && x.Targets == nil && len(x.Roles) == 0 {
			return 200, c.WireInvite(x, true), nil // an existing one with the same settings is returned
		}
	}
	if len(mine) >= c.Opts.Limits.Invites {
		return 0, nil, form.Fail(400, 30016,
			"Maximum number of invites reached ("+strconv.Itoa(c.Opts.Limits.Invites)+")")
	}
	i.Code = c.InviteCode()
	c.Invites[i.Code] = i
	w := c.WireInvite(i, true)
	c.InviteEvent("INVITE_CREATE", g, ch, map[string]any{"channel_id": ch.ID, "guild_id": g.ID, "code": i.Code,
		"created_at": w.CreatedAt, "inviter": w.Inviter, "max_age": i.MaxAge, "max_uses": i.MaxUses,
		"temporary": i.Temporary, "uses": 0, "type": 0, "expires_at": w.ExpiresAt})
	c.audit(g, auditInviteCreate, 0, world.Change{Key: "code", Old: nil, New: i.Code})
	return 200, w, nil
}

func getInvite(c *call) (int, any, error) {
	i := c.LiveInvite(c.r.PathValue("code"))
	// "Only users in that list can see and accept the invite", and its creator.
	if i == nil || i.Targets != nil && (c.me() == nil || c.me().ID != i.Inviter) &&
		(c.user == nil || !i.Open(c.user.ID, c.Now())) {
		return 0, nil, form.UnknownInvite()
	}
	w := c.WireInvite(i, false)
	if c.queryYes("with_counts") {
		n := len(c.Guilds[i.Guild].Members)
		w.Members, w.Presences = &n, &n
	}
	return 200, w, nil
}

func deleteInvite(c *call) (int, any, error) {
	i := c.LiveInvite(c.r.PathValue("code"))
	if i == nil {
		return 0, nil, form.UnknownInvite()
	}
	g, ch := c.Guilds[i.Guild], c.Channels[i.Channel]
	m := g.Members[c.me().ID]
	if m == nil || !c.PermsIn(g, m, ch).Has(world.PermManageChannels) && !c.BasePerms(g, m).Has(world.PermManageGuild) {
		return 0, nil, form.MissingPermissions()
	}
	w := c.WireInvite(i, false)
	c.RemoveInvite(i.Code)
	c.audit(g, auditInviteDelete, 0, world.Change{Key: "code", Old: i.Code, New: nil})
	return 200, w, nil
}

func getChannelInvites(c *call) (int, any, error) {
	_, _, ch, err := c.channelWith(world.PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.WireInvites(c.InvitesOf(func(i *world.Invite) bool { return i.Channel == ch.ID })), nil
}

func getGuildInvites(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermManageGuild)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.WireInvites(c.InvitesOf(func(i *world.Invite) bool { return i.Guild == g.ID })), nil
}

func itoa(n int) string { return strconv.Itoa(n) }
