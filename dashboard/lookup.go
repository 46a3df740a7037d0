package dashboard

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/protocol"
	"snug/shared/room"
)

var (
	errNoRoom = errs.E(errs.RoomNotFound,
		"This room does not exist any more, or you are not invited. Open a new one with /create-room, or ask for an invite.")
	errNoServer = errs.E(errs.NotFound,
		"Snug is not in this server, or you are not. If you were just added, reload this page; otherwise ask somebody there for an invite.")
	errStarting = errs.E(errs.Unavailable,
		"Snug is just starting and looks around its servers. This page tries again by itself.")
)

// liveRoom is a room as dashboard/live knows it, with its revision.
type liveRoom struct {
	room.Live
	rev protocol.Rev
}

// caughtUp says whether what is followed of the hub has all come.
func (s *Server) caughtUp() bool {
	select {
	case <-s.guilds.Caught():
		return s.index.complete() && s.live.Caught()
	default:
		return false
	}
}

// roomOf gives a room as dashboard/live knows it.
func (s *Server) roomOf(guildID, id snowflake.ID) (liveRoom, bool) {
	l, epoch, ok := s.live.Room(guildID, id)
	return liveRoom{l, protocol.Rev{Epoch: epoch, N: l.N}}, ok
}

// roomsOf gives the rooms of a guild, the oldest first, whoever may see them.
func (s *Server) roomsOf(guildID snowflake.ID) []liveRoom {
	var out []liveRoom
	for _, l := range s.live.Rooms(guildID) {
		if l, ok := s.roomOf(guildID, l.Room.ID); ok {
			out = append(out, l)
		}
	}
	return out
}

// guildInfo gives what the bot told of a guild.
func (s *Server) guildInfo(id snowflake.ID) (room.GuildInfo, error) {
	switch g, ok := s.guilds.Get(id.String()); {
	case ok && g.Ready:
		return g, nil
	case ok || s.starting():
		return g, errStarting
	}
	return room.GuildInfo{}, errNoServer
}

// starting says whether a server may be unknown only because the bot has not
// told of it yet: after a start it tells of none at first.
func (s *Server) starting() bool { return !s.caughtUp() || s.guilds.Len() == 0 }

// standing gives a signed-in person's place in the guild of the path. Who is
// not in it gets the answer that there is none.
func (s *Server) standing(c *gin.Context, me *session.Session) (room.GuildInfo, access.Standing, error) {
	id, err := idOf(c, "guild", errNoServer)
	if err != nil {
		return room.GuildInfo{}, access.Standing{}, err
	}
	return s.standingIn(c.Request.Context(), me, id)
}

// standingIn is standing for a guild by its id.
func (s *Server) standingIn(
	ctx context.Context, me *session.Session, id snowflake.ID,
) (room.GuildInfo, access.Standing, error) {
	g, err := s.guildInfo(id)
	if err != nil {
		return g, access.Standing{}, err
	}
	st, err := s.keeper.Standing(ctx, id, room.StandingRequest{UserID: me.User.ID})
	if err != nil {
		return g, st, err
	}
	s.sawIn(ctx, me, st)
	if !st.Member {
		return g, st, errNoServer
	}
	return g, st, nil
}

// sawIn remembers where a person is a member, for their first page.
func (s *Server) sawIn(ctx context.Context, me *session.Session, st access.Standing) {
	if err := s.sessions.SawIn(ctx, me.User.ID, st.GuildID, st.Member); err != nil {
		s.log.WarnContext(ctx, "a person's servers were not remembered", "user_id", me.User.ID, "err", err)
	}
}

// young is how long after its opening a room may be unknown here, because news of it is on its way.
const (
	young     = 15 * time.Second
	youngWait = 1500 * time.Millisecond
)

// place finds the room of the path: its guild and id. Whether the person may see it is not yet said.
func (s *Server) place(c *gin.Context) (guildID, id snowflake.ID, err error) {
	return s.find(c.Request.Context(), c.Param("channel"))
}

// find is place for a room's id as somebody wrote it.
func (s *Server) find(ctx context.Context, raw string) (guildID, id snowflake.ID, err error) {
	if id, err = parseID(raw, errNoRoom); err != nil {
		return 0, 0, err
	}
	if g := s.guildOf(id); g != 0 {
		return g, id, nil
	}
	if s.young(id) {
		if g := s.awaitRoom(ctx, id); g != 0 {
			return g, id, nil
		}
	}
	if !s.index.complete() {
		return 0, id, errStarting
	}
	return 0, id, errNoRoom
}

// young says whether a room was opened so short a while ago that news of it may be on its way.
func (s *Server) young(id snowflake.ID) bool {
	age := s.now().Sub(id.Time())
	return age < young && age > -young
}

func (s *Server) guildOf(id snowflake.ID) snowflake.ID {
	if g := s.index.guildOf(id); g != 0 {
		return g
	}
	return s.recent.guildOf(id)
}

// awaitRoom waits a moment for a room that was opened just now.
func (s *Server) awaitRoom(ctx context.Context, id snowflake.ID) snowflake.ID {
	ctx, cancel := context.WithTimeout(ctx, youngWait)
	defer cancel()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0
		case <-t.C:
			if g := s.guildOf(id); g != 0 {
				return g
			}
		}
	}
}

// recentRooms remembers the guilds of rooms opened here, until news of them has come round.
type recentRooms struct {
	mu    sync.Mutex
	rooms []recentRoom
}

type recentRoom struct {
	id, guild snowflake.ID
	until     time.Time
}

func (r *recentRooms) add(id, guild snowflake.ID, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rooms = slices.DeleteFunc(r.rooms, func(x recentRoom) bool { return now.After(x.until) })
	r.rooms = append(r.rooms, recentRoom{id, guild, now.Add(young)})
}

func (r *recentRooms) guildOf(id snowflake.ID) snowflake.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.rooms {
		if x.id == id {
			return x.guild
		}
	}
	return 0
}

// settings gives a guild's settings and their revision.
func (s *Server) settings(ctx context.Context, id snowflake.ID) (guild.Settings, uint64, error) {
	doc, rev, err := s.o.Hub.Settings.Get(ctx, id.String())
	if errs.Has(err, errs.NotFound) {
		return guild.Defaults(), 0, nil
	}
	return doc.Settings.Upgraded(), uint64(rev), err
}

// roomURL is the address of a room's page, for who is given it as a link: at the base address, not at a
// player's own host.
func (s *Server) roomURL(id snowflake.ID) string { return s.base.String() + "/game/" + id.String() }

func (s *Server) inviteURL(id snowflake.ID, token string) string {
	return s.roomURL(id) + "?t=" + token
}

// deepLink opens a channel in Discord.
func (s *Server) deepLink(guildID, id snowflake.ID) string {
	return s.o.Discord.ChannelsURL + "/" + guildID.String() + "/" + id.String()
}

// names remembers display names of rooms' owners, who need not be in any roster.
type names struct {
	mu    sync.Mutex
	known map[[2]snowflake.ID]knownName
}

type knownName struct {
	name  string
	until time.Time
}

const (
	nameTime = 10 * time.Minute
	maxNames = 20_000
)

func (n *names) get(guildID, user snowflake.ID, now time.Time) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k, ok := n.known[[2]snowflake.ID{guildID, user}]
	return k.name, ok && now.Before(k.until)
}

func (n *names) put(guildID, user snowflake.ID, name string, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil || len(n.known) >= maxNames {
		n.known = map[[2]snowflake.ID]knownName{}
	}
	n.known[[2]snowflake.ID{guildID, user}] = knownName{name, now.Add(nameTime)}
}

// ownerName gives the display name of a room's owner if it is at hand.
func (s *Server) ownerName(sum room.Summary, roster []room.Person) (string, bool) {
	owner := sum.Access.OwnerID
	for _, p := range roster {
		if p.UserID == owner {
			s.names.put(sum.GuildID, owner, p.DisplayName, s.now())
			return p.DisplayName, true
		}
	}
	return s.names.get(sum.GuildID, owner, s.now())
}

// askOwnerName is ownerName that asks the guild for one that is not at hand.
func (s *Server) askOwnerName(ctx context.Context, sum room.Summary, roster []room.Person) string {
	name, ok := s.ownerName(sum, roster)
	if ok {
		return name
	}
	st, err := s.keeper.Standing(ctx, sum.GuildID, room.StandingRequest{UserID: sum.Access.OwnerID})
	if err != nil {
		return "" // the page does without
	}
	s.names.put(sum.GuildID, sum.Access.OwnerID, st.DisplayName, s.now())
	return st.DisplayName
}

// isForm says whether a page's form is to be shown again with what was wrong.
func isForm(c *gin.Context) bool { return !wantsJSON(c.Request) && c.Request.Method == http.MethodPost }
