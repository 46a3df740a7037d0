package actions

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/dashboard/session"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// closedIndex says which guild a closed room was in, and who belonged to it, of those that can be opened again.
type closedIndex struct {
	mu    sync.RWMutex
	rooms map[snowflake.ID]indexed // without knocks
	wait  func()
}

// newClosedIndex follows closed rooms until ctx ends.
func newClosedIndex(ctx context.Context, closed *hub.Bucket[room.Past]) (*closedIndex, error) {
	x := &closedIndex{rooms: map[snowflake.ID]indexed{}}
	wait, err := closed.Follow(ctx, hub.Follower[room.Past]{Reset: x.reset, Change: x.change})
	x.wait = wait
	return x, err
}

func (x *closedIndex) reset(string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.rooms)
}

func (x *closedIndex) change(c hub.Change[room.Past]) {
	_, channel, _ := strings.Cut(c.Key, ".")
	id, err := snowflake.Parse(channel)
	if err != nil {
		return // not a room's key
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if c.Value == nil {
		delete(x.rooms, id)
		return
	}
	in := indexed{guild: c.Value.GuildID, named: c.Value.Banned}
	for _, p := range c.Value.People {
		in.people = append(in.people, p.UserID)
	}
	x.rooms[id] = in
}

// guildOf gives the guild of a closed room that a user belonged to; 0 for none.
func (x *closedIndex) guildOf(id, user snowflake.ID) snowflake.ID {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if in := x.rooms[id]; slices.Contains(in.people, user) {
		return in.guild
	}
	return 0
}

// guildsOf gives the guilds with a closed room that a user belonged to, or with banned one that they are banned from.
func (x *closedIndex) guildsOf(user snowflake.ID, banned bool) (ids []snowflake.ID) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, in := range x.rooms {
		if slices.Contains(in.people, user) || banned && slices.Contains(in.named, user) {
			ids = append(ids, in.guild)
		}
	}
	return ids
}

// FindClosed gives the guild of a room that somebody wants to open again: a closed one that they belonged to, or one
// that is open. It fails with errs.RoomNotFound.
func (a *Actions) FindClosed(ctx context.Context, id, user snowflake.ID) (snowflake.ID, error) {
	if g := a.closed.guildOf(id, user); g != 0 {
		return g, nil
	}
	return a.FindRoom(ctx, id)
}

// OpenAgain opens a closed room of a guild again, with the same people and settings, or gives the room that somebody
// opened from it. It fails with errs.RoomNotFound for whoever didn't belong to the room, and else as OpenRoom does.
func (a *Actions) OpenAgain(
	ctx context.Context, me *session.Session, guildID, id snowflake.ID,
) (room.OpenedRoom, error) {
	opened, err := hub.OpenAgain.Call(ctx, a.o.Hub, guildID, room.Request{Actor: Actor(me), RoomID: id})
	if err != nil {
		return opened, a.hideRoom(ctx, guildID, room.Request{Actor: Actor(me), RoomID: id}, err)
	}
	a.recent.add(opened.Room.ID, guildID, a.now())
	a.log.InfoContext(ctx, "room opened again", "guild_id", guildID, "room_id", opened.Room.ID, "closed_room_id", id,
		"user_id", me.User.ID)
	return opened, nil
}

// ClosedRoom gives a closed room to somebody who belonged to it and can open it again. It fails with ErrNoRoom.
func (a *Actions) ClosedRoom(ctx context.Context, me *session.Session, id snowflake.ID) (room.ClosedRoom, error) {
	guildID := a.closed.guildOf(id, me.User.ID)
	if guildID == 0 {
		return room.ClosedRoom{}, ErrNoRoom
	}
	circle, err := hub.CircleOf.Call(ctx, a.o.Hub, guildID, room.CircleRequest{Actor: Actor(me)})
	if err != nil {
		return room.ClosedRoom{}, err
	}
	for _, c := range circle.Closed {
		if c.ID == id {
			return c, nil
		}
	}
	return room.ClosedRoom{}, ErrNoRoom
}

// ClosedRooms gives the closed rooms that somebody can open again, in all of their servers, the newest first.
func (a *Actions) ClosedRooms(ctx context.Context, me *session.Session) (out []room.ClosedRoom) {
	for _, c := range a.Circles(ctx, me, a.closed.guildsOf(me.User.ID, false)) {
		out = append(out, c.Closed...)
	}
	slices.SortFunc(out, func(a, b room.ClosedRoom) int { return b.ClosedAt.Compare(a.ClosedAt) })
	return out
}

// Circles gives somebody's closed rooms and whom they are close to, by guild. Of a guild that doesn't answer soon there
// is nothing.
func (a *Actions) Circles(
	ctx context.Context, me *session.Session, guilds []snowflake.ID,
) map[snowflake.ID]room.Circle {
	ctx, cancel := context.WithTimeout(ctx, homeTime)
	defer cancel()
	var mu sync.Mutex
	out := map[snowflake.ID]room.Circle{}
	var g errgroup.Group
	g.SetLimit(8)
	guilds = slices.Clone(guilds)
	slices.Sort(guilds)
	for _, id := range slices.Compact(guilds) {
		if !a.served(id) {
			continue
		}
		g.Go(func() error {
			c, err := hub.CircleOf.Call(ctx, a.o.Hub, id, room.CircleRequest{Actor: Actor(me)})
			if err != nil {
				if !errs.Has(err, errs.Forbidden) && !errs.Has(err, errs.NotFound) {
					a.log.InfoContext(ctx, "a server did not say who somebody is close to", "guild_id", id,
						"user_id", me.User.ID, "err", err)
				}
				return nil // the others are shown
			}
			mu.Lock()
			defer mu.Unlock()
			out[id] = c
			return nil
		})
	}
	_ = g.Wait() // no function fails
	return out
}

// Near is how close somebody is to people in a server, by the circle that the bot gives.
type Near struct {
	trusted map[snowflake.ID]bool
	recent  map[snowflake.ID]bool
}

// NewNear makes a Near of a circle.
func NewNear(c room.Circle) Near {
	n := Near{trusted: map[snowflake.ID]bool{}, recent: map[snowflake.ID]bool{}}
	for _, u := range c.Trusted {
		n.trusted[u] = true
	}
	for u := range c.Recent {
		n.recent[u] = true
	}
	return n
}

// To says how close somebody is: 2 for whom they let in by name, 1 for whom they were in a room with, else 0.
func (n Near) To(user snowflake.ID) int {
	switch {
	case n.trusted[user]:
		return 2
	case n.recent[user]:
		return 1
	}
	return 0
}
