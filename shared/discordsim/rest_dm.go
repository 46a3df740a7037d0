package discordsim

import "slices"

// createDM opens the DM channel of the bot and a user. A bot that opens many in a short time is
// rate limited, and quarantined if it continues.
func createDM(c *call) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.required("recipient_id")
	id := f.id("recipient_id")
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	u := c.users[id]
	switch {
	case u == nil || u.bot && u.id != c.app.id && c.apps[u.id] == nil:
		return 0, nil, fail(400, 50033, "Invalid Recipient(s)")
	case u.bot:
		return 0, nil, fail(400, 50007, "Cannot send messages to this user")
	}
	if c.dms[dmKey(c.app.id, id)] == nil {
		if err := c.app.dmUse.open(c.now(), *c.opts.Limits); err != nil {
			return 0, nil, err
		}
	}
	return 200, c.wireDMFor(c.dm(c.app.id, id), c.app.id), nil
}

// mayWriteTo reports whether the recipient accepts direct messages. A quarantined bot can only
// message users it has messaged before.
func (c *call) mayWriteTo(ch *channel) error {
	for _, id := range ch.parties {
		u := c.users[id]
		switch {
		case id == c.app.id:
		case !c.sharesGuild(c.app, id):
			return fail(403, 50278, "Cannot send messages to this user due to having no mutual guilds")
		case u.dmsClosed:
			return fail(403, 50007, "Cannot send messages to this user")
		case c.app.dmUse.quarantined && !slices.ContainsFunc(c.messages[ch.id],
			func(m *message) bool { return m.author.id == c.app.id }):
			return errQuarantined()
		}
	}
	return nil
}
