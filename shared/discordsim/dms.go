package discordsim

import (
	"slices"
	"time"
)

// dmWindow is the period in which opened DM channels are counted.
const dmWindow = 10 * time.Minute

// dmUse records an application's use of direct messages. Guarded by Server.mu.
type dmUse struct {
	opened      []time.Time // new DM channels, within dmWindow
	total       int         // and in total
	refused     int         // of the most recent ones, refused in a row
	quarantined bool
}

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

// open counts a new DM channel, or rejects it if there are too many.
func (d *dmUse) open(now time.Time, l Limits) error {
	d.opened = slices.DeleteFunc(d.opened, func(t time.Time) bool { return now.Sub(t) >= dmWindow })
	switch {
	case d.quarantined:
		return errQuarantined()
	case l.DMs > 0 && len(d.opened) >= l.DMs:
		d.refused++
		d.quarantined = l.DMRefusals > 0 && d.refused >= l.DMRefusals
		return fail(403, 40003, "You are opening direct messages too fast")
	}
	d.opened, d.refused = append(d.opened, now), 0
	d.total++
	return nil
}

// errQuarantined is the response to a quarantined bot that messages somebody new. The code is
// undocumented; bots report it.
func errQuarantined() error {
	return fail(403, 20026,
		"Your bot has been flagged by our anti-spam system for abusive behavior. Please reach out to our team "+
			"by going to https://dis.gd/app-quarantine and appeal this action taken on your bot.")
}

func dmKey(a, b ID) [2]ID { return [2]ID{min(a, b), max(a, b)} }

// dm returns the DM channel of two users, and creates it if needed.
func (s *Server) dm(a, b ID) *channel {
	key := dmKey(a, b)
	if ch := s.dms[key]; ch != nil {
		return ch
	}
	ch := &channel{id: s.nextID(), kind: ChannelDM, parties: []ID{a, b}}
	s.dms[key], s.channels[ch.id] = ch, ch
	return ch
}

// sharesGuild reports whether two users share a guild: otherwise a bot can't message a user.
func (s *Server) sharesGuild(a *application, u ID) bool {
	for id := range a.guilds {
		if s.guilds[id].members[u] != nil {
			return true
		}
	}
	return false
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

// Quarantine quarantines a bot as Discord's anti-spam system does, or ends that.
func (s *Server) Quarantine(app ID, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[app]
	if a == nil {
		return errUnknownApplication()
	}
	a.dmUse = dmUse{total: a.dmUse.total, quarantined: on}
	return nil
}
