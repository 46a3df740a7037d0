package discordsim

type wireBan struct {
	Reason *string  `json:"reason"`
	User   wireUser `json:"user"`
}

func listBans(c *call) (int, any, error) {
	g, _, err := c.guildWith(PermBanMembers)
	if err != nil {
		return 0, nil, err
	}
	list := []wireBan{}
	for _, id := range sortedIDs(g.bans) {
		list = append(list, wireBan{optional(g.bans[id]), c.users[id].wire()})
	}
	return 200, list, nil
}

func getBan(c *call) (int, any, error) {
	g, _, err := c.guildWith(PermBanMembers)
	if err != nil {
		return 0, nil, err
	}
	reason, ok := g.bans[c.id("user")]
	if !ok {
		return 0, nil, errUnknownBan()
	}
	return 200, wireBan{optional(reason), c.users[c.id("user")].wire()}, nil
}

func putBan(c *call) (int, any, error) {
	g, bot, err := c.guildWith(PermBanMembers)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.num("delete_message_seconds", 0, 604800)
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	u := c.users[c.id("user")]
	if u == nil {
		return 0, nil, errUnknownUser()
	}
	if m := g.members[u.id]; m != nil {
		if !g.outranks(bot, m) {
			return 0, nil, errMissingPermissions()
		}
		c.removeMember(g, u.id)
	}
	g.bans[u.id] = c.reason
	c.banEvent(g, "GUILD_BAN_ADD", u)
	c.audit(g, auditMemberBan, u.id)
	return noContent()
}

func deleteBan(c *call) (int, any, error) {
	g, _, err := c.guildWith(PermBanMembers)
	if err != nil {
		return 0, nil, err
	}
	id := c.id("user")
	if _, ok := g.bans[id]; !ok {
		return 0, nil, errUnknownBan()
	}
	delete(g.bans, id)
	c.banEvent(g, "GUILD_BAN_REMOVE", c.users[id])
	c.audit(g, auditMemberUnban, id)
	return noContent()
}

func (c *call) banEvent(g *guild, name string, u *user) {
	c.dispatch(event{name: name, intent: IntentGuildModeration, guild: g, user: u.id, data: struct {
		guildRef
		User wireUser `json:"user"`
	}{guildRef{g.id}, u.wire()}})
}
