package voice

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// Whoever leaves voice has their seat held, and whoever takes a seat needs no other. The rooms decide that
// (rooms.onLeftRoom, rooms.onArrived). The Tracker decides it as well, by what the rooms told it last, so that one
// publication says both; the rooms publish again where they decide otherwise.

// Seats are what is known of a room's held seats.
type Seats struct {
	Told  uint64        // numbers what the rooms told, in this process
	Doc   *room.Room    // shared, and never changed; its seats are as they are published
	Grace time.Duration // how long the seat of somebody who left is held; 0: not at all
}

// Shows reports whether the same seats are shown as held, for the same people, as many wait for one.
func (s *Seats) Shows(doc *room.Room) bool {
	same := func(a, b room.Hold) bool { return a.UserID == b.UserID && a.Why == b.Why && a.Until.Equal(b.Until) }
	return len(s.Doc.Waiting) == len(doc.Waiting) && slices.EqualFunc(s.Doc.Holds, doc.Holds, same)
}

// HeldUntil returns until when the user's seat was published as held, if that is about the given time, or else that.
func (m Move) HeldUntil(about time.Time) time.Time {
	if m.Seats == nil {
		return about
	}
	for _, h := range m.Seats.Doc.Holds {
		if h.UserID == m.UserID && h.Until.Sub(about).Abs() < time.Second {
			return h.Until
		}
	}
	return about
}

// Seats returns a room's seats as they were published last; nil: not known.
func (t *Tracker) Seats(guildID, channel snowflake.ID) *Seats {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if g := t.guilds[guildID]; g != nil && g.rooms[channel] != nil {
		return g.rooms[channel].seats
	}
	return nil
}

// PutOut notes that somebody is about to be disconnected: no seat is held for them.
func (t *Tracker) PutOut(guildID, user snowflake.ID) {
	t.queue.put(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		g, now := t.guild(guildID), t.o.Now()
		if g.putOut == nil {
			g.putOut = map[snowflake.ID]time.Time{}
		}
		for other, at := range g.putOut {
			if now.Sub(at) > PutOutFor {
				delete(g.putOut, other)
			}
		}
		g.putOut[user] = now
	})
}

// PutOutFor is how long after PutOut somebody who leaves counts as disconnected.
const PutOutFor = 10 * time.Second

// holdSeat holds the seat of somebody who is about to leave voice, if it is held. It returns nil if nothing is known of
// the room's seats. The caller holds mu.
func (g *guild) holdSeat(l *liveRoom, p room.Person, now time.Time) *Seats {
	at, put := g.putOut[p.UserID]
	delete(g.putOut, p.UserID)
	if l == nil || l.seats == nil {
		return nil
	}
	free := l.seats.Doc.Free(l.roster, p.UserID, now)
	if !p.Bot && room.In(l.roster, p.UserID) {
		free++ // theirs
	}
	if p.Bot || put && now.Sub(at) < PutOutFor || l.seats.Grace <= 0 || l.seats.Doc.Banned(p.UserID) || free <= 0 {
		return l.seats
	}
	return l.setSeats(func(doc *room.Room) {
		doc.SetHold(room.Hold{UserID: p.UserID, Why: room.HeldBack, Until: now.Round(0).Add(l.seats.Grace)}, now)
	})
}

// takeSeat releases what is held for somebody who has just come, who no longer waits for it either. It returns nil if
// nothing is known of the room's seats. The caller holds mu.
func (l *liveRoom) takeSeat(user snowflake.ID, now time.Time) *Seats {
	switch {
	case l == nil || l.seats == nil:
		return nil
	case l.seats.Doc.Hold(user, now) == nil && l.seats.Doc.Place(user) == 0:
		return l.seats
	}
	return l.setSeats(func(doc *room.Room) {
		doc.DropWaiter(user)
		doc.DropHold(user, now)
	})
}

// setSeats changes the seats, to be published with the next fact.
func (l *liveRoom) setSeats(change func(*room.Room)) *Seats {
	next, doc := *l.seats, *l.seats.Doc
	doc.Holds, doc.Waiting = slices.Clone(doc.Holds), slices.Clone(doc.Waiting)
	change(&doc)
	next.Doc = &doc
	l.seats = &next
	l.summary.Held, l.summary.Waiting = doc.HeldUntil(), len(doc.Waiting)
	return l.seats
}
