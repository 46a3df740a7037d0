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

// bulkBan bans up to 200 users at once. Those who can't be banned are listed, and if nobody could be it's an error.
func bulkBan(c *call) (int, any, error) {
	g, bot, err := c.guildWith(world.PermBanMembers | world.PermManageGuild)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.Required("user_ids")
	ids := f.IDs("user_ids", 200)
	f.Num("delete_message_seconds", 0, 604800)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	banned, failed := []world.ID{}, []world.ID{}
	for _, id := range ids {
		u, m := c.Users[id], g.Members[id]
		_, already := g.Bans[id]
		if u == nil || already || id == c.me().ID || m != nil && !g.Outranks(bot, m) {
			failed = append(failed, id)
			continue
		}
		c.Ban(g, u, c.reason)
		c.audit(g, auditMemberBan, id)
		banned = append(banned, id)
	}
	if len(banned) == 0 {
		return 0, nil, form.Fail(400, 500000, "Failed to ban users")
	}
	return 200, map[string]any{"banned_users": banned, "failed_users": failed}, nil
}
