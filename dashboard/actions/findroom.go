package actions

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// young is how long after its opening a room may be unknown here, because news of it is on its way.
const (
	young     = 15 * time.Second
	youngWait = 1500 * time.Millisecond
)

// FindRoom gives the guild of a room. Whether the person may see it is not yet said. It fails with errs.RoomNotFound,
// and with errs.Unavailable before all rooms are known.
func (a *Actions) FindRoom(ctx context.Context, id snowflake.ID) (snowflake.ID, error) {
	if g := a.guildOf(id); g != 0 {
		return g, nil
	}
	if a.JustOpened(id) {
		if g := a.awaitRoom(ctx, id); g != 0 {
			return g, nil
		}
	}
	if !a.index.complete() {
		return 0, errStarting
	}
	return 0, ErrNoRoom
}

// JustOpened says whether a room was opened so short a while ago that news of it may be on its way.
func (a *Actions) JustOpened(id snowflake.ID) bool {
	age := a.now().Sub(id.Time())
	return age < young && age > -young
}

func (a *Actions) guildOf(id snowflake.ID) snowflake.ID {
	if g := a.index.guildOf(id); g != 0 {
		return g
	}
	return a.recent.guildOf(id)
}

// awaitRoom waits a moment for a room that was opened just now.
func (a *Actions) awaitRoom(ctx context.Context, id snowflake.ID) snowflake.ID {
	ctx, cancel := context.WithTimeout(ctx, youngWait)
	defer cancel()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0
		case <-t.C:
			if g := a.guildOf(id); g != 0 {
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
