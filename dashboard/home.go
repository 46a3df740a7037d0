package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"
	"golang.org/x/sync/errgroup"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/access"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

const (
	// fewGuilds is up to how many servers a person is looked for in each. With
	// more, those are shown where they were seen, have a room, or were let into one.
	fewGuilds = 20
	homeTime  = 3 * time.Second // how long the first page waits for servers to answer
)

// home says what Snug is, and shows who is signed in their servers and rooms.
func (s *Server) home(c *gin.Context) error {
	p := &view.Home{Layout: s.layout(c, s.texts(c).Say("land.title"))}
	me, err := s.me(c)
	private(c)
	if err != nil {
		return s.page(c, http.StatusOK, p)
	}
	p.Title = p.Text.Say("home.title")
	for _, m := range s.memberships(c.Request.Context(), me) {
		card := view.ServerCard{Guild: m.info, Manager: m.Manager}
		for _, l := range s.visibleRooms(m.Standing) {
			card.Rooms++
			card.People += l.Occupied()
			if mine(l.Live, me.User.ID) {
				rc := s.card(l, m.Standing, s.settingsFor(c.Request.Context(), m.info.ID))
				rc.Guild = m.info
				p.Rooms = append(p.Rooms, rc)
			}
		}
		p.Servers = append(p.Servers, card)
	}
	return s.page(c, http.StatusOK, p)
}

// mine says whether a room concerns a person: theirs, one they were let into, or one they sit in.
func mine(l room.Live, user snowflake.ID) bool {
	return l.Room.Access.Admitted(user) || room.In(l.Roster, user)
}

type membership struct {
	access.Standing
	info room.GuildInfo
}

// memberships finds the servers a person shares with Snug, by asking the
// bot: it needs no scope that would tell Snug of all their other servers.
func (s *Server) memberships(ctx context.Context, me *session.Session) []membership {
	ctx, cancel := context.WithTimeout(ctx, homeTime)
	defer cancel()
	var mu sync.Mutex
	var found []membership
	var g errgroup.Group
	g.SetLimit(8)
	for _, id := range s.likelyGuilds(ctx, me) {
		info, ok := s.guilds.Get(id.String())
		if !ok {
			continue
		}
		g.Go(func() error {
			st, err := s.keeper.Standing(ctx, id, room.StandingRequest{UserID: me.User.ID})
			if err != nil {
				s.log.InfoContext(ctx, "a server did not say whether somebody is in it", "guild_id", id,
					"user_id", me.User.ID, "err", err)
				return nil // the others are shown
			}
			s.sawIn(ctx, me, st)
			if st.Member {
				mu.Lock()
				found = append(found, membership{st, info})
				mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait() // no function fails
	slices.SortFunc(found, func(a, b membership) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.info.Name), strings.ToLower(b.info.Name)),
			cmp.Compare(a.info.ID, b.info.ID))
	})
	return found
}

// likelyGuilds are the servers worth asking about a person.
func (s *Server) likelyGuilds(ctx context.Context, me *session.Session) []snowflake.ID {
	ids, err := s.sessions.Guilds(ctx, me.User.ID)
	if err != nil {
		s.log.WarnContext(ctx, "a person's servers are not known", "user_id", me.User.ID, "err", err)
	}
	ids = append(ids, s.index.guildsOf(me.User.ID)...)
	if s.guilds.Len() <= fewGuilds {
		s.guilds.Range(func(e hub.Entry[room.GuildInfo]) bool {
			ids = append(ids, e.Value.ID)
			return true
		})
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// settingsFor gives a server's settings, the ones it begins with if they cannot be had: the first page does
// not fail by that.
func (s *Server) settingsFor(ctx context.Context, id snowflake.ID) guild.Settings {
	out, _, err := s.settings(ctx, id)
	if err != nil {
		s.log.WarnContext(ctx, "a server's settings could not be read", "guild_id", id, "err", err)
		return guild.Defaults()
	}
	return out
}

// visibleRooms gives the rooms of a guild that a person may see, the oldest first.
func (s *Server) visibleRooms(st access.Standing) []liveRoom {
	return slices.DeleteFunc(s.roomsOf(st.GuildID), func(l liveRoom) bool { return !l.Room.Access.MaySee(st) })
}

func (s *Server) card(l liveRoom, st access.Standing, settings guild.Settings) view.RoomCard {
	owner, _ := s.ownerName(l.Room, l.Roster)
	return view.RoomCard{
		Room: l.Room, Roster: l.Roster, Rev: l.rev, OwnerName: owner,
		MayEnter: l.Room.Access.MayEnter(st), Mine: l.Room.Access.OwnerID == st.UserID,
		In:        room.In(l.Roster, st.UserID),
		Overfills: l.Room.Access.MayOverfill(st) && settings.LetsStay(st),
		MayKnock:  l.Room.Access.MayKnock(st), Knocked: s.index.knocking(l.Room.ID, st.UserID, s.now()),
	}
}
