package rest

import (
	"slices"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// createDM opens the DM channel of the caller and a user. A bot that opens many in a short time is
// rate limited, and quarantined if it continues.
func createDM(c *call) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.Required("recipient_id")
	id := f.ID("recipient_id")
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	u := c.Users[id]
	switch {
	case u == nil || u.Bot && u.ID != c.me().ID && c.Apps[u.ID] == nil || c.person && u.ID == c.me().ID:
		return 0, nil, form.Fail(400, 50033, "Invalid Recipient(s)")
	case u.Bot && !c.person:
		return 0, nil, form.Fail(400, 50007, "Cannot send messages to this user")
	}
	if c.app != nil && c.DMs[world.DMKey(c.me().ID, id)] == nil {
		if err := c.app.DMUse.Open(c.Now(), *c.Opts.Limits); err != nil {
			return 0, nil, err
		}
	}
	return 200, c.WireDMFor(c.DM(c.me().ID, id), c.me().ID), nil
}

// mayWriteTo reports whether the recipient accepts direct messages. A quarantined bot can only
// message users it has messaged before.
func (c *call) mayWriteTo(ch *world.Channel) error {
	for _, id := range ch.Parties {
		u := c.Users[id]
		switch {
		case id == c.me().ID:
		case !c.ShareGuild(c.me().ID, id):
			return form.Fail(403, 50278, "Cannot send messages to this user due to having no mutual guilds")
		case u.DMsClosed:
			return form.Fail(403, 50007, "Cannot send messages to this user")
		case c.app != nil && c.app.DMUse.Quarantined && !slices.ContainsFunc(c.Messages[ch.ID],
			func(m *world.Message) bool { return m.Author.ID == c.me().ID }):
			return world.Quarantined()
		}
	}
	return nil
}
