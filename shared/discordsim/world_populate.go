package discordsim

import (
	"fmt"
	"strconv"
)

// Size is the size of a world that Populate creates.
type Size struct {
	Guilds   int
	Channels int // of each guild: a tenth categories, half of the rest voice
	Members  int // of each guild, without the bot
}

// Populate fills the world with guilds for measurements, with an application's bot in each. Every member is a
// separate user, the first of each guild its owner. It dispatches no events, so call it before any bot connects.
func (s *state) Populate(app ID, z Size, p Permissions) ([]*guild, error) {
	a := s.apps[app]
	if a == nil || z.Members < 1 || z.Guilds < 0 || z.Channels < 0 || z.Channels > s.opts.Limits.Channels {
		return nil, fmt.Errorf(
			"discordsim: populate %+v: it needs an application, members in each guild and at most %d channels",
			z, s.opts.Limits.Channels)
	}
	list := make([]*guild, 0, z.Guilds)
	for n := range z.Guilds {
		g := s.populated(n, z)
		s.installBot(g, a, p)
		list = append(list, g)
	}
	return list, nil
}

func (s *state) populated(n int, z Size) *guild {
	name := strconv.Itoa(n)
	g := s.newGuild("Guild " + name)
	g.channels, g.members = make(map[ID]*channel, z.Channels), make(map[ID]*member, z.Members+1)
	for i := range z.Members {
		u := s.newUser(s.foundingID(), "user"+name+"-"+strconv.Itoa(i), "")
		if i == 0 {
			g.owner = u.id
		}
		g.members[u.id] = &member{user: u, joinedAt: g.joinedAt}
	}
	var parent ID
	for i := range z.Channels {
		c := &channel{id: s.foundingID(), guild: g.id, position: i, parent: parent, name: "channel-" + strconv.Itoa(i)}
		switch {
		case i%10 == 0:
			c.kind, c.parent, parent = ChannelCategory, 0, c.id
		case i%2 == 0:
			c.kind, c.bitrate, c.quality = ChannelVoice, 64000, 1
		}
		g.channels[c.id], s.channels[c.id] = c, c
	}
	return g
}
