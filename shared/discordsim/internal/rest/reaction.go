package rest

import (
	"net/url"
	"slices"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// reacted finds a request's message and emoji.
func (c *call) reacted(need world.Permissions) (*world.Channel, *world.Message, world.Emoji, error) {
	ch, m, err := c.messageIn(need)
	if err != nil {
		return nil, nil, world.Emoji{}, err
	}
	if text, err := url.PathUnescape(c.r.PathValue("emoji")); err == nil {
		if e, ok := world.ReadEmoji(text); ok {
			return ch, m, e, nil
		}
	}
	return nil, nil, world.Emoji{}, form.Fail(400, 10014, "Unknown Emoji")
}

// react adds the caller's reaction. Add Reactions is only needed for an emoji that nobody reacted with yet.
func react(c *call) (int, any, error) {
	ch, m, e, err := c.reacted(world.PermReadMessageHistory)
	if err != nil {
		return 0, nil, err
	}
	if _, there := m.Reacted(e); !there {
		if _, err := c.writable(world.PermAddReactions); err != nil {
			return 0, nil, err
		}
		p := world.AllPermissions
		if ch.Guild != 0 {
			p = c.PermsIn(c.Guilds[ch.Guild], c.Member(ch.Guild, c.me().ID), ch)
		}
		if e.ID != 0 && !c.MayUseEmoji(c.me().ID, e.ID, ch, p) {
			return 0, nil, form.Fail(400, 10014, "Unknown Emoji")
		}
	}
	if err := mayChangeIn(ch); err != nil {
		return 0, nil, err
	}
	if err := c.React(m, ch, e, c.me().ID); err != nil {
		return 0, nil, err
	}
	return noContent()
}

// unreact removes the caller's reaction, or with Manage Messages somebody's.
func unreact(c *call) (int, any, error) {
	user, need := c.me().ID, world.Permissions(0)
	if c.r.PathValue("user") != "" {
		user, need = c.id("user"), world.PermManageMessages
	}
	ch, m, e, err := c.reacted(need)
	if err != nil {
		return 0, nil, err
	}
	if need != 0 && ch.Guild == 0 && user != c.me().ID {
		return 0, nil, form.Fail(403, 50003, "Cannot execute action on a DM channel")
	}
	c.Unreact(m, ch, e, user)
	return noContent()
}

// clearReactions removes everybody's reactions, with one emoji or with all.
func clearReactions(c *call) (int, any, error) {
	if _, _, _, err := c.channelWith(world.PermManageMessages); err != nil {
		return 0, nil, err
	}
	if c.r.PathValue("emoji") == "" {
		ch, m, err := c.messageIn(0)
		if err != nil {
			return 0, nil, err
		}
		c.ClearReactions(m, ch, nil)
		return noContent()
	}
	ch, m, e, err := c.reacted(0)
	if err != nil {
		return 0, nil, err
	}
	c.ClearReactions(m, ch, &e)
	return noContent()
}

// listReactions lists who reacted with an emoji. There are no burst reactions here, which type=1 asks for.
func listReactions(c *call) (int, any, error) {
	_, m, e, err := c.reacted(world.PermReadMessageHistory)
	if err != nil {
		return 0, nil, err
	}
	limit, err := c.query("limit", 25, 1, 100)
	if err != nil {
		return 0, nil, err
	}
	after, err := c.queryID("after")
	if err != nil {
		return 0, nil, err
	}
	kind, err := c.query("type", 0, 0, 1)
	if err != nil {
		return 0, nil, err
	}
	users, there := m.Reacted(e)
	if !there {
		return 0, nil, form.Fail(400, 10014, "Unknown Emoji")
	}
	list := []world.WireUser{}
	for _, id := range slices.DeleteFunc(users, func(id world.ID) bool { return id <= after || kind == 1 }) {
		if u := c.Users[id]; u != nil && len(list) < limit {
			list = append(list, u.Wire())
		}
	}
	return 200, list, nil
}
