package world

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
func (s *State) Populate(app ID, z Size, p Permissions) ([]*Guild, error) {
	a := s.Apps[app]
	if a == nil || z.Members < 1 || z.Guilds < 0 || z.Channels < 0 || z.Channels > s.Opts.Limits.Channels {
		return nil, fmt.Errorf(
			"discordsim: populate %+v: it needs an application, members in each guild and at most %d channels",
			z, s.Opts.Limits.Channels)
	}
	list := make([]*Guild, 0, z.Guilds)
	for n := range z.Guilds {
		g := s.populated(n, z)
		s.InstallBot(g, a, p)
		list = append(list, g)
	}
	return list, nil
}

func (s *State) populated(n int, z Size) *Guild {
	name := strconv.Itoa(n)
	g := s.NewGuild("Guild " + name)
	g.Channels, g.Members = make(map[ID]*Channel, z.Channels), make(map[ID]*Member, z.Members+1)
	for i := range z.Members {
		u := s.NewUser(s.FoundingID(), "user"+name+"-"+strconv.Itoa(i), "")
		if i == 0 {
			g.Owner = u.ID
		}
		g.Members[u.ID] = &Member{User: u, JoinedAt: g.JoinedAt}
	}
	var parent ID
	for i := range z.Channels {
		c := &Channel{ID: s.FoundingID(), Guild: g.ID, Position: i, Parent: parent, Name: "channel-" + strconv.Itoa(i)}
		switch {
		case i%10 == 0:
			c.Kind, c.Parent, parent = ChannelCategory, 0, c.ID
		case i%2 == 0:
			c.Kind, c.Bitrate, c.Quality = ChannelVoice, 64000, 1
		}
		g.Channels[c.ID], s.Channels[c.ID] = c, c
	}
	return g
}
