package actions

import (
	"context"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

const (
	SeenEvery = time.Minute      // how often watched rooms are reported
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
		if t, ok := r.last[id]; !ok || now.Sub(t) >= SeenEvery-time.Second {
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
		if now.Sub(t) >= 2*SeenEvery {
			delete(r.last, id)
		}
	}
}

// ReportSeen tells the bot which rooms admitted members have visibly open.
func (a *Actions) ReportSeen(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, seenTime)
	defer cancel()
	now := a.now()
	for guildID, rooms := range a.o.Live.Seen() {
		due := a.seen.due(rooms, now)
		if len(due) == 0 {
			continue
		}
		_, err := hub.RoomsSeen.Call(ctx, a.o.Hub, guildID, room.SeenRequest{RoomIDs: due})
		if err != nil && !errs.Has(err, errs.Unavailable) {
			a.log.WarnContext(ctx, "watched rooms were not reported", "guild_id", guildID, "err", err)
		}
	}
	a.seen.forget(now)
}
