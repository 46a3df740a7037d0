package live

import (
	"cmp"
	"slices"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/protocol"
	"snug/shared/room"
)

// entry is a room that exists, or whose page somebody has open. Guarded by Live.mu, except for out, which has its own
// lock.
type entry struct {
	g     *guild
	id    snowflake.ID
	live  *room.Live // nil: the room doesn't exist; never modified once set
	epoch string
	rev   hub.Rev
	round uint64

	pages      map[*watcher]struct{}      // the room's pages
	subs       map[*watcher]*subscription // watchers who can see it now; out.members follows
	out        queue
	snap       []byte        // the snapshot's frame, once it was needed
	bell       chan struct{} // closed at the next change; nil: nobody is waiting
	waiting    int           // number of those waiting
	eventTimes eventTimes    // when the last events arrived, while somebody watches
}

func (l *Live) entry(g *guild, id snowflake.ID) *entry {
	e := g.rooms[id]
	if e == nil {
		e = &entry{g: g, id: id, pages: map[*watcher]struct{}{}, subs: map[*watcher]*subscription{}}
		e.out.s = l.shards[uint64(id>>22)%uint64(len(l.shards))] // the time part: worker and sequence are mostly 0
		g.rooms[id] = e
	}
	return e
}

// removeIfUnused removes a room, and its guild, if nothing is known about them and nobody is waiting.
func (l *Live) removeIfUnused(e *entry) {
	if e.live != nil || len(e.pages) > 0 || len(e.subs) > 0 || e.waiting > 0 {
		return
	}
	delete(e.g.rooms, e.id)
	l.removeGuildIfUnused(e.g)
}

// ---- the rosters bucket

// reset handles a new epoch of the bucket. The known rooms are shown until the new contents have
// had time to arrive, because the bot publishes every room again.
func (l *Live) reset(epoch string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch, l.caught = epoch, false
	l.round++
}

func (l *Live) loaded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.caught = true
	l.forget = l.o.Now().Add(l.o.Limits.Forget)
	l.announce()
}

// announce wakes those who wait for readiness.
func (l *Live) announce() {
	close(l.news)
	l.news = make(chan struct{})
}

// change handles a change of the rosters.
func (l *Live) change(c hub.Change[room.Live]) {
	g, r, ok := splitKey(c.Key)
	if !ok {
		l.log.Error("live: skipped a roster whose key is not guild.channel", "key", c.Key)
		return
	}
	if c.Value != nil && (c.Value.Room.GuildID != g || c.Value.Room.ID != r) {
		l.log.Error("live: skipped a roster that belongs to another room", "key", c.Key,
			"guild_id", c.Value.Room.GuildID, "room_id", c.Value.Room.ID)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entry(l.guild(g), r)
	defer l.removeIfUnused(e)
	same := e.round == l.round && e.epoch == c.Epoch // the old state can still be compared
	if same && c.Rev <= e.rev {
		return // a repetition
	}
	old := e.live
	if c.Epoch != e.epoch {
		e.eventTimes = eventTimes{}
	}
	e.epoch, e.rev, e.round, e.snap = c.Epoch, c.Rev, l.round, nil
	if c.Value == nil {
		l.vanish(e)
	} else if closed(c.Value) {
		if old != nil {
			l.close(e, l.message(c.Value, c.Epoch))
		}
	} else {
		e.live = c.Value
		follows := old != nil && same && c.Value.N == old.N+1 && c.Value.Event != nil
		l.sendChange(e, old, follows, c.Old)
	}
	if e.bell != nil {
		close(e.bell)
		e.bell = nil
	}
}

// sendChange sends a room's watchers the change from old to its current state. follows means that the
// event is all that happened in between.
func (l *Live) sendChange(e *entry, old *room.Live, follows, retained bool) {
	access := old == nil || !sameAccess(old.Room.Access, e.live.Room.Access)
	if access { // a watcher who loses access gets nothing of this event
		for w := range e.subs {
			if !e.sees(w) {
				l.hide(e, w)
			}
		}
	}
	if len(e.subs) > 0 {
		if follows {
			if v := e.live.Event; v != nil {
				e.out.aged(l.o.Now().Sub(v.At))
				e.eventTimes.add(e.live.N, v.At)
			}
			e.out.publish(l.message(e.live, e.epoch), func() []byte { return l.whole(e) })
		} else {
			l.metrics.snapshots.WithLabelValues("gap").Inc()
			e.out.publish(l.whole(e), func() []byte { return l.whole(e) })
		}
	}
	if !access {
		return
	}
	var frame []byte // for watchers who gain access, made when needed
	gain := func(w *watcher) {
		if _, has := e.subs[w]; has || !e.sees(w) {
			return
		}
		if frame == nil {
			if frame = l.snapshot(e); old == nil && !retained && opened(e.live) {
				frame = textFrame(l.message(e.live, e.epoch))
			}
		}
		l.show(e, w, frame)
	}
	for w := range e.g.pages {
		gain(w)
	}
	for w := range e.pages {
		gain(w)
	}
}

// message encodes a room's event.
func (l *Live) message(v *room.Live, epoch string) []byte {
	b, err := protocol.EncodeEvent(v, epoch, l.o.Now())
	if err != nil {
		l.log.Error("live: cannot encode an event; sent a snapshot instead",
			"guild_id", v.Room.GuildID, "room_id", v.Room.ID, "err", err)
		return protocol.EncodeSnapshot(v, epoch, l.o.Now())
	}
	return b
}

// whole returns a room's snapshot.
func (l *Live) whole(e *entry) []byte { return protocol.EncodeSnapshot(e.live, e.epoch, l.o.Now()) }

// snapshot returns it as a frame, made once until the next change.
func (l *Live) snapshot(e *entry) []byte {
	if e.snap == nil {
		e.snap = textFrame(l.whole(e))
	}
	l.metrics.snapshots.WithLabelValues("sight").Inc()
	return e.snap
}

// vanish closes a room that disappeared without an event.
func (l *Live) vanish(e *entry) {
	if e.live != nil {
		l.close(e, protocol.EncodeDeleted(e.g.id, e.id, room.ClosedLost, l.o.Now()))
	}
}

// close tells a room's watchers that it is gone. Its pages stay connected and see the room should it come back.
func (l *Live) close(e *entry, message []byte) {
	frame := textFrame(message)
	for w, sub := range e.subs {
		e.out.remove(sub, frame)
		delete(e.subs, w)
	}
	e.live, e.snap = nil, nil
}

// sees reports whether a watcher of the room or the server may see a room that exists.
func (e *entry) sees(w *watcher) bool {
	if e.live == nil {
		return false
	}
	return w.admission.opens(e.live.Room.Access) || w.person != nil && e.live.Room.Access.MaySee(w.person.standing)
}

func (l *Live) show(e *entry, w *watcher, frame []byte) {
	sub := &subscription{conn: w.conn}
	e.subs[w] = sub
	e.out.add(sub, frame)
}

func (l *Live) hide(e *entry, w *watcher) {
	e.out.remove(e.subs[w], textFrame(protocol.EncodeHidden(e.g.id, e.id, l.o.Now())))
	delete(e.subs, w)
}

// updateRoom shows or hides a room after a watcher's standing has changed.
func (l *Live) updateRoom(e *entry, w *watcher) {
	_, has := e.subs[w]
	switch sees := e.sees(w); {
	case sees && !has:
		l.show(e, w, l.snapshot(e))
	case has && !sees:
		l.hide(e, w)
	}
}

// abandon removes the rooms that a new epoch has not confirmed.
func (l *Live) abandon() {
	for _, g := range l.guilds {
		for _, e := range g.rooms {
			if e.live != nil && e.round != l.round {
				l.log.Warn("live: removed a room that is missing since the hub lost its rosters",
					"guild_id", g.id, "room_id", e.id)
				l.vanish(e)
				l.removeIfUnused(e)
			}
		}
	}
}

// ---- the guilds bucket

// ---- what pages ask for

// Room returns a copy of a room's current state, and the epoch of its N.
func (l *Live) Room(guild, channel snowflake.ID) (v room.Live, epoch string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.guilds[guild]; g != nil && g.rooms[channel] != nil && g.rooms[channel].live != nil {
		return copyOf(g.rooms[channel].live), g.rooms[channel].epoch, true
	}
	return room.Live{}, "", false
}

// Rooms returns copies of a guild's rooms, oldest first, regardless of who may see them.
func (l *Live) Rooms(guild snowflake.ID) []room.Live {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []room.Live
	if g := l.guilds[guild]; g != nil {
		for _, e := range g.rooms {
			if e.live != nil {
				all = append(all, copyOf(e.live))
			}
		}
	}
	slices.SortFunc(all, func(a, b room.Live) int {
		return cmp.Or(a.Room.OpenedAt.Compare(b.Room.OpenedAt), cmp.Compare(a.Room.ID, b.Room.ID))
	})
	return all
}

// Caught reports whether Room and Rooms are complete: false after the start, and after the hub has lost its memory
// buckets.
func (l *Live) Caught() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.caught
}

func (l *Live) countRooms() int {
	n := 0
	for _, g := range l.guilds {
		for _, e := range g.rooms {
			if e.live != nil {
				n++
			}
		}
	}
	return n
}

func copyOf(v *room.Live) room.Live {
	c := *v
	c.Roster = slices.Clone(v.Roster)
	c.Room.Access.Guests = slices.Clone(v.Room.Access.Guests)
	c.Room.Access.Banned = slices.Clone(v.Room.Access.Banned)
	c.Room.Access.Channel = slices.Clone(v.Room.Access.Channel)
	c.Room.Access.Gates = slices.Clone(v.Room.Access.Gates)
	c.Room.Held = slices.Clone(v.Room.Held)
	if v.Event != nil {
		e := *v.Event
		c.Event = &e
	}
	return c
}

func closed(v *room.Live) bool {
	if v.Event == nil {
		return false
	}
	_, yes := v.Event.Fact.(room.Closed)
	return yes
}

func opened(v *room.Live) bool {
	if v.Event == nil {
		return false
	}
	_, yes := v.Event.Fact.(room.Opened)
	return yes
}

func sameAccess(a, b room.Access) bool {
	return a.OwnerID == b.OwnerID && a.Private == b.Private && a.Locked == b.Locked && a.Hidden == b.Hidden &&
		a.ManagersSee == b.ManagersSee && a.WatchKey == b.WatchKey && slices.Equal(a.Guests, b.Guests) &&
		slices.Equal(a.Banned, b.Banned) &&
		a.OwnerSuspended == b.OwnerSuspended && a.GuestsPastGate == b.GuestsPastGate &&
		slices.Equal(a.Channel, b.Channel) &&
		(a.Gates == nil) == (b.Gates == nil) && slices.EqualFunc(a.Gates, b.Gates, slices.Equal)
}

func splitKey(key string) (guild, channel snowflake.ID, ok bool) {
	a, b, found := strings.Cut(key, ".")
	guild, err1 := snowflake.Parse(a)
	channel, err2 := snowflake.Parse(b)
	return guild, channel, found && err1 == nil && err2 == nil
}
