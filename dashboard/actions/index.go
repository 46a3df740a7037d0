package actions

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/room"
)

// index says which guild a room is in, whose it is and who knocks at it. It follows the rooms
// the bot has written down, which change rarely and outlive every
// restart, so a room is known here before the bot is connected again.
type index struct {
	mu     sync.RWMutex
	rooms  map[snowflake.ID]indexed
	caught chan struct{}
	once   sync.Once
	wait   func()
}

type indexed struct {
	guild  snowflake.ID
	people []snowflake.ID // owner and guests
	named  []snowflake.ID // and everybody else whom the room's document names
	knocks []room.Knock
}

// newIndex follows rooms until ctx ends.
func newIndex(ctx context.Context, rooms *hub.Bucket[room.Room]) (*index, error) {
	x := &index{rooms: map[snowflake.ID]indexed{}, caught: make(chan struct{})}
	wait, err := rooms.Follow(ctx, hub.Follower[room.Room]{
		Reset: x.reset, Change: x.change,
		Caught: func() { x.once.Do(func() { close(x.caught) }) },
	})
	x.wait = wait
	return x, err
}

func (x *index) reset(string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.rooms)
}

func (x *index) change(c hub.Change[room.Room]) {
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
	in := indexed{guild: c.Value.GuildID, people: []snowflake.ID{c.Value.OwnerID}, knocks: slices.Clone(c.Value.Knocks)}
	for _, g := range c.Value.Guests {
		in.people = append(in.people, g.UserID)
		in.named = append(in.named, g.By)
	}
	in.named = append(in.named, named(c.Value)...)
	x.rooms[id] = in
}

// guildOf gives the guild of a room, or 0.
func (x *index) guildOf(id snowflake.ID) snowflake.ID {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.rooms[id].guild
}

// guildsOf gives the guilds in which a user has a room or was let into one.
func (x *index) guildsOf(user snowflake.ID) (ids []snowflake.ID) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, in := range x.rooms {
		if slices.Contains(in.people, user) {
			ids = append(ids, in.guild)
		}
	}
	return ids
}

// named lists whom a room's document names beside its owner and guests; some of them more than once.
func named(r *room.Room) (ids []snowflake.ID) {
	ids = append(ids, r.OpenedBy)
	for _, b := range r.Bans {
		ids = append(ids, b.UserID, b.By)
	}
	for _, k := range r.Knocks {
		ids = append(ids, k.UserID, k.RefusedBy)
	}
	for _, w := range r.Waiting {
		ids = append(ids, w.UserID)
	}
	for _, h := range r.Holds {
		ids = append(ids, h.UserID)
	}
	for _, v := range r.Invites {
		ids = append(append(ids, v.By), v.Redeemers...)
	}
	return ids
}

// naming gives the guilds with a room whose document names a user.
func (x *index) naming(user snowflake.ID) (ids []snowflake.ID) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, in := range x.rooms {
		if slices.Contains(in.people, user) || slices.Contains(in.named, user) {
			ids = append(ids, in.guild)
		}
	}
	return ids
}

// knocking says whether a user waits for an answer to a knock at a room.
func (x *index) knocking(id, user snowflake.ID, now time.Time) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.ContainsFunc(x.rooms[id].knocks,
		func(q room.Knock) bool { return q.UserID == user && q.Pending(now) })
}

// complete says whether all rooms that there are have come.
func (x *index) complete() bool {
	select {
	case <-x.caught:
		return true
	default:
		return false
	}
}
