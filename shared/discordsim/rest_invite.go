package discordsim

import "strconv"

func createInvite(c *call) (int, any, error) {
	g, _, ch, err := c.channelWith(PermCreateInstantInvite)
	if err != nil {
		return 0, nil, err
	}
	if ch.kind == ChannelCategory {
		return 0, nil, errWrongChannelType()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	i := &invite{guild: g.id, channel: ch.id, inviter: c.app.id, maxAge: 86400, created: c.now()}
	if f.given("max_age") {
		i.maxAge = f.num("max_age", 0, 604800)
	}
	i.maxUses, i.temporary = f.num("max_uses", 0, 100), f.yes("temporary")
	unique := f.yes("unique")
	if i.targets, err = c.targetFile(); err != nil {
		return 0, nil, err
	}
	if i.roles, err = c.inviteRoles(f, g); err != nil {
		return 0, nil, err
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	unique = unique || i.targets != nil || len(i.roles) > 0
	mine := c.invitesOf(func(x *invite) bool { return x.guild == g.id })
	for _, x := range mine {
		if !unique && x.channel == i.channel && x.inviter == i.inviter && x.maxAge == i.maxAge &&
			x.maxUses == i.maxUses && x.temporary == i.temporary && x.targets == nil && len(x.roles) == 0 {
			return 200, c.wireInvite(x, true), nil // an existing one with the same settings is returned
		}
	}
	if len(mine) >= c.opts.Limits.Invites {
		return 0, nil, fail(400, 30016, "Maximum number of invites reached ("+strconv.Itoa(c.opts.Limits.Invites)+")")
	}
	i.code = c.inviteCode()
	c.invites[i.code] = i
	w := c.wireInvite(i, true)
	c.inviteEvent("INVITE_CREATE", g, ch, map[string]any{"channel_id": ch.id, "guild_id": g.id, "code": i.code,
		"created_at": w.CreatedAt, "inviter": w.Inviter, "max_age": i.maxAge, "max_uses": i.maxUses,
		"temporary": i.temporary, "uses": 0, "type": 0, "expires_at": w.ExpiresAt})
	c.audit(g, auditInviteCreate, 0, change{"code", nil, i.code})
	return 200, w, nil
}

func getInvite(c *call) (int, any, error) {
	i := c.liveInvite(c.r.PathValue("code"))
	// "Only users in that list can see and accept the invite", and its creator.
	if i == nil || i.targets != nil && (c.app == nil || c.app.id != i.inviter) &&
		(c.user == nil || !i.open(c.user.id, c.now())) {
		return 0, nil, errUnknownInvite()
	}
	w := c.wireInvite(i, false)
	if c.queryYes("with_counts") {
		n := len(c.guilds[i.guild].members)
		w.Members, w.Presences = &n, &n
	}
	return 200, w, nil
}

func deleteInvite(c *call) (int, any, error) {
	i := c.liveInvite(c.r.PathValue("code"))
	if i == nil {
		return 0, nil, errUnknownInvite()
	}
	g, ch := c.guilds[i.guild], c.channels[i.channel]
	m := g.members[c.app.id]
	if m == nil || !c.permsIn(g, m, ch).Has(PermManageChannels) && !c.basePerms(g, m).Has(PermManageGuild) {
		return 0, nil, errMissingPermissions()
	}
	w := c.wireInvite(i, false)
	c.removeInvite(i.code)
	c.audit(g, auditInviteDelete, 0, change{"code", i.code, nil})
	return 200, w, nil
}

func getChannelInvites(c *call) (int, any, error) {
	_, _, ch, err := c.channelWith(PermManageChannels)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.wireInvites(c.invitesOf(func(i *invite) bool { return i.channel == ch.id })), nil
}

func getGuildInvites(c *call) (int, any, error) {
	g, _, err := c.guildWith(PermManageGuild)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.wireInvites(c.invitesOf(func(i *invite) bool { return i.guild == g.id })), nil
}

func itoa(n int) string { return strconv.Itoa(n) }
