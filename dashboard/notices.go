package dashboard

import (
	"context"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// sessionsEnded tells every replica which sessions are gone, so that their sockets close.
var sessionsEnded = hub.Notice[[]string]{Name: "sessions-ended"}

// tellEnded closes the sockets of ended sessions, here and everywhere.
func (s *Server) tellEnded(ctx context.Context, keys ...string) {
	for _, k := range keys {
		s.live.EndSession(k) // here also when the hub is unreachable
	}
	if err := sessionsEnded.Send(s.o.Hub, keys); err != nil {
		s.log.WarnContext(ctx, "other processes were not told of ended sessions", "err", err)
	}
}

func (s *Server) hearEnded() (stop func(), err error) {
	return sessionsEnded.Listen(s.ctx, s.o.Hub, func(keys []string) {
		for _, k := range keys {
			s.live.EndSession(k)
		}
	})
}

const (
	seenEvery = time.Minute      // how often watched rooms are reported
	seenTime  = 10 * time.Second // how long all reports of a round may take
)

// seenRooms remembers when each room was last reported, so that none is
// reported more than once in seenEvery however often the report runs.
type seenRooms struct {
	mu   sync.Mutex
	last map[snowflake.ID]time.Time
}

// due gives those of the rooms that are to be reported now.
func (r *seenRooms) due(rooms []snowflake.ID, now time.Time) (due []snowflake.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[snowflake.ID]time.Time{}
	}
	for _, id := range rooms {
		if t, ok := r.last[id]; !ok || now.Sub(t) >= seenEvery-time.Second {
			r.last[id] = now
			due = append(due, id)
		}
	}
	return due
}

// forget drops what was reported long ago.
func (r *seenRooms) forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, t := range r.last {
		if now.Sub(t) >= 2*seenEvery {
			delete(r.last, id)
		}
	}
}

// reportSeen tells keepers which of their rooms admitted members have visibly open.
func (s *Server) reportSeen(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, seenTime)
	defer cancel()
	now := s.now()
	for guildID, rooms := range s.live.Seen() {
		due := s.seen.due(rooms, now)
		if len(due) == 0 {
			continue
		}
		err := s.keeper.RoomsSeen(ctx, guildID, room.SeenRequest{RoomIDs: due})
		if err != nil && !errs.Has(err, errs.Unavailable) {
			s.log.WarnContext(ctx, "watched rooms were not reported", "guild_id", guildID, "err", err)
		}
	}
	s.seen.forget(now)
}
