package discordsim

import (
	"slices"
	"time"
)

// dmWindow is the period in which opened DM channels are counted.
const dmWindow = 10 * time.Minute

// dmUse records an application's use of direct messages.
type dmUse struct {
	opened      []time.Time // new DM channels, within dmWindow
	total       int         // and in total
	refused     int         // of the most recent ones, refused in a row
	quarantined bool
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

// dmKey identifies the DM channel of two users, whoever comes first.
func dmKey(a, b ID) [2]ID { return [2]ID{min(a, b), max(a, b)} }

// dm returns the DM channel of two users, and creates it if needed.
func (s *state) dm(a, b ID) *channel {
	key := dmKey(a, b)
	if ch := s.dms[key]; ch != nil {
		return ch
	}
	ch := &channel{id: s.nextID(), kind: ChannelDM, parties: []ID{a, b}}
	s.dms[key], s.channels[ch.id] = ch, ch
	return ch
}

// sharesGuild reports whether two users share a guild: otherwise a bot can't message a user.
func (s *state) sharesGuild(a *application, u ID) bool {
	for id := range a.guilds {
		if s.guilds[id].members[u] != nil {
			return true
		}
	}
	return false
}
