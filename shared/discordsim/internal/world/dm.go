package world

import (
	"slices"
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// dmWindow is the period in which opened DM channels are counted.
const dmWindow = 10 * time.Minute

// DMUse records an application's use of direct messages.
type DMUse struct {
	opened      []time.Time // new DM channels, within dmWindow
	Total       int         // and in total
	refused     int         // of the most recent ones, refused in a row
	Quarantined bool        // opens no new ones: Discord's anti-spam system stopped it
}

// Open counts a new DM channel, or rejects it if there are too many.
func (d *DMUse) Open(now time.Time, l Limits) error {
	d.opened = slices.DeleteFunc(d.opened, func(t time.Time) bool { return now.Sub(t) >= dmWindow })
	switch {
	case d.Quarantined:
		return Quarantined()
	case l.DMs > 0 && len(d.opened) >= l.DMs:
		d.refused++
		d.Quarantined = l.DMRefusals > 0 && d.refused >= l.DMRefusals
		return form.Fail(403, 40003, "You are opening direct messages too fast")
	}
	d.opened, d.refused = append(d.opened, now), 0
	d.Total++
	return nil
}

// Quarantined is the response to a quarantined bot that messages somebody new. The code is
// undocumented; bots report it.
func Quarantined() error {
	return form.Fail(403, 20026,
		"Your bot has been flagged by our anti-spam system for abusive behavior. Please reach out to our team "+
			"by going to https://dis.gd/app-quarantine and appeal this action taken on your bot.")
}

// DMKey identifies the DM channel of two users, whoever comes first.
func DMKey(a, b ID) [2]ID { return [2]ID{min(a, b), max(a, b)} }

// DM returns the DM channel of two users, and creates it if needed.
func (s *State) DM(a, b ID) *Channel {
	key := DMKey(a, b)
	if ch := s.DMs[key]; ch != nil {
		return ch
	}
	ch := &Channel{ID: s.NextID(), Kind: ChannelDM, Parties: []ID{a, b}}
	s.DMs[key], s.Channels[ch.ID] = ch, ch
	return ch
}

// ShareGuild reports whether two users are in the same guild: otherwise they can't message each other, because nobody
// has friends here.
func (s *State) ShareGuild(a, b ID) bool {
	if app := s.Apps[a]; app != nil { // which knows its guilds
		for id := range app.Guilds {
			if s.Guilds[id].Members[b] != nil {
				return true
			}
		}
		return false
	}
	for _, g := range s.Guilds {
		if g.Members[a] != nil && g.Members[b] != nil {
			return true
		}
	}
	return false
}
