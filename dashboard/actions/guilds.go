package actions

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/session"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/protocol"
	"snug/shared/room"
)

// What is told alike to who may not see something and to whom there is none.
var (
	ErrNoRoom = errs.E(errs.RoomNotFound,
		"This room is closed, or you aren't invited. Open a new one with /create-room, or ask for an invite link.")
	ErrNoServer = errs.E(errs.NotFound,
		"Either Snug or you aren't in this server. If you just joined, reload this page; otherwise ask a member "+
			"for an invite.")
	errStarting = errs.E(errs.Unavailable,
		"Snug is starting and still loading its servers. This page tries again by itself.")
)

// LiveRoom is a room as dashboard/live knows it, with its revision.
type LiveRoom struct {
	room.Live
	Rev protocol.Rev
}

// CaughtUp says whether what is followed of the hub has all come.
func (a *Actions) CaughtUp() bool {
	select {
	case <-a.guilds.Caught():
		return a.index.complete() && a.o.Live.Caught()
	default:
		return false
	}
}

// Room gives a room as dashboard/live knows it.
func (a *Actions) Room(guildID, id snowflake.ID) (LiveRoom, bool) {
	l, epoch, ok := a.o.Live.Room(guildID, id)
	return LiveRoom{l, protocol.Rev{Epoch: epoch, N: l.N}}, ok
}

// roomsOf gives the rooms of a guild, the oldest first, whoever may see them.
func (a *Actions) roomsOf(guildID snowflake.ID) []LiveRoom {
	var out []LiveRoom
	for _, l := range a.o.Live.Rooms(guildID) {
		if l, ok := a.Room(guildID, l.Room.ID); ok {
			out = append(out, l)
		}
	}
	return out
}

// guildInfo gives what the bot told of a guild.
func (a *Actions) guildInfo(id snowflake.ID) (room.GuildInfo, error) {
	switch g, ok := a.guilds.Get(id.String()); {
	case ok && g.Ready:
		return g, nil
	case ok || a.starting():
		return g, errStarting
	}
	return room.GuildInfo{}, ErrNoServer
}

// Guild gives what is known of a guild, ready or not; the zero value for none.
func (a *Actions) Guild(id snowflake.ID) room.GuildInfo {
	g, _ := a.guilds.Get(id.String())
	return g
}

// starting says whether a server may be unknown only because the bot has not
// told of it yet: after a start it tells of none at first.
func (a *Actions) starting() bool { return !a.CaughtUp() || a.guilds.Len() == 0 }

// Standing gives a guild, and a member's place in it, asked of Discord now. Who isn't a member gets ErrNoServer.
func (a *Actions) Standing(
	ctx context.Context, me *session.Session, id snowflake.ID,
) (room.GuildInfo, access.Standing, error) {
	return a.inGuild(ctx, me, id, a.StandingOf)
}

// Look is Standing for somebody who only looks: their place is at most room.LookAge old.
func (a *Actions) Look(
	ctx context.Context, me *session.Session, id snowflake.ID,
) (room.GuildInfo, access.Standing, error) {
	return a.inGuild(ctx, me, id, a.lookOf)
}

func (a *Actions) inGuild(
	ctx context.Context, me *session.Session, id snowflake.ID, ask asking,
) (room.GuildInfo, access.Standing, error) {
	g, err := a.guildInfo(id)
	if err != nil {
		return g, access.Standing{}, err
	}
	st, err := ask(ctx, id, me.User.ID)
	if err != nil {
		return g, st, err
	}
	a.sawIn(ctx, me, st)
	if !st.Member {
		return g, st, ErrNoServer
	}
	return g, st, nil
}

// sawIn remembers where a person is a member, for their first page.
func (a *Actions) sawIn(ctx context.Context, me *session.Session, st access.Standing) {
	at, now := sighting{me.Key, st.GuildID}, a.now()
	if st.Member && a.sightings.lately(at, now) {
		return
	}
	err := a.o.Sessions.RecordGuild(ctx, me.User.ID, st.GuildID, st.Member)
	if err != nil {
		a.log.WarnContext(ctx, "a person's servers were not remembered", "user_id", me.User.ID, "err", err)
	} else if st.Member {
		a.sightings.add(at, now)
	}
}

// sightings are where people were seen lately, so that not every view has to look whether that is stored.
type sightings struct {
	mu   sync.Mutex
	last map[sighting]time.Time
}

// sighting is by session: whoever has what is stored of them erased is signed out.
type sighting struct {
	session string
	guild   snowflake.ID
}

const (
	sightingLife  = time.Minute
	mostSightings = 20_000
)

func (s *sightings) lately(at sighting, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.last[at]
	return ok && now.Sub(t) < sightingLife
}

func (s *sightings) add(at sighting, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || len(s.last) >= mostSightings {
		s.last = map[sighting]time.Time{}
	}
	s.last[at] = now
}

var errNotManager = errs.E(errs.Forbidden,
	"Only this server's managers can see and change its settings. Ask one of them.")

// Managed gives a guild to who manages it. It fails with errs.Forbidden for other members.
func (a *Actions) Managed(ctx context.Context, me *session.Session, id snowflake.ID) (room.GuildInfo, error) {
	g, st, err := a.Standing(ctx, me, id)
	if err == nil && !st.Manager {
		err = errNotManager
	}
	return g, err
}

// Actor gives the person of a session as who does something.
func Actor(me *session.Session) access.Actor {
	return access.Actor{UserID: me.User.ID, Via: access.ViaWeb}
}

// ParseID reads an id as somebody wrote it; what is none gives the error missing.
func ParseID(raw string, missing *errs.Error) (snowflake.ID, error) {
	if len(raw) < 1 || len(raw) > 20 || strings.Trim(raw, "0123456789") != "" {
		return 0, missing
	}
	id, err := snowflake.Parse(raw)
	if err != nil || id == 0 {
		return 0, missing
	}
	return id, nil
}
