package rest

import (
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

type wireBan struct {
	Reason *string        `json:"reason"`
	User   world.WireUser `json:"user"`
}

func listBans(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermBanMembers)
	if err != nil {
		return 0, nil, err
	}
	list := []wireBan{}
	for _, id := range world.SortedIDs(g.Bans) {
		list = append(list, wireBan{world.Optional(g.Bans[id]), c.Users[id].Wire()})
	}
	return 200, list, nil
}

func getBan(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermBanMembers)
	if err != nil {
		return 0, nil, err
	}
	reason, ok := g.Bans[c.id("user")]
	if !ok {
		return 0, nil, form.UnknownBan()
	}
	return 200, wireBan{world.Optional(reason), c.Users[c.id("user")].Wire()}, nil
}

func putBan(c *call) (int, any, error) {
	g, bot, err := c.guildWith(world.PermBanMembers)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.Num("delete_message_seconds", 0, 604800)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	u := c.Users[c.id("user")]
	if u == nil {
		return 0, nil, form.UnknownUser()
	}
	if m := g.Members[u.ID]; m != nil {
		if !g.Outranks(bot, m) {
			return 0, nil, form.MissingPermissions()
		}
	}
	c.Ban(g, u, c.reason)
	c.audit(g, auditMemberBan, u.ID)
	return noContent()
}

func deleteBan(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermBanMembers)
	if err != nil {
		return 0, nil, err
	}
	id := c.id("user")
	if _, ok := g.Bans[id]; !ok {
		return 0, nil, form.UnknownBan()
	}
	c.Unban(g, c.Users[id])
	c.audit(g, auditMemberUnban, id)
	return noContent()
}
