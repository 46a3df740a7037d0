package view

import (
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
	"snug/shared/text"
)

// Round is how many seats fit around a table; a room with more has benches.
const Round = 8

// Table is a room's seats as they are drawn.
type Table struct {
	Shape  string // class: "round of-4" or "bench"
	Lit    int    // how bright the lamp is, 0 to 4
	Taken  int    // humans in voice
	Total  int    // seats
	Seats  []Seat // by their numbers; more than Total if somebody got past the limit
	Bots   []room.Person
	Status string // what they are up to; "" for nothing
	Kept   int    // free seats that are held for somebody
	Full   bool   // as many sit as there are seats, or more
}

// Says gives the table with a room's status on it.
func (t Table) Says(status string) Table {
	t.Status = status
	return t
}

// Seat is one place at a table.
type Seat struct {
	Person *room.Person // nil: nobody sits here
	Owner  bool
	You    bool
	Held   string // how long it is held, as "1:40"; "" for not
	// Holder is for whom; nil if that isn't for the one who looks to know.
	Holder *room.Person
	Yours  bool // it is held for the one who looks
}

// Kind is the seat's class.
func (s Seat) Kind() string {
	switch {
	case s.Person != nil:
		return "on"
	case s.Held != "":
		return "held"
	}
	return "empty"
}

// Notes says in words what the seat's marks show.
func (s Seat) Notes(t text.Texts) string {
	if s.Person == nil {
		return ""
	}
	var notes []string
	for _, n := range []struct {
		on bool
		id string
	}{
		{s.Owner, "seat.owner"}, {s.You, "seat.you"}, {s.Person.Deafened, "seat.deafened"},
		{s.Person.Muted && !s.Person.Deafened, "seat.muted"},
		{s.Person.Streaming, "seat.streaming"}, {s.Person.Video, "seat.video"},
	} {
		if n.on {
			notes = append(notes, t.Say(n.id))
		}
	}
	return strings.Join(notes, " · ")
}

// heldSeat is a free seat that is held for somebody.
type heldSeat struct {
	left  string // as "1:40"
	who   *room.Person
	yours bool
}

// newTable seats a roster. me is 0 for nobody.
func newTable(roster []room.Person, seats int, owner, me snowflake.ID, held ...heldSeat) Table {
	t := Table{Total: seats, Taken: room.Occupied(roster)}
	t.Full = t.Taken >= seats
	t.Seats = make([]Seat, max(seats, t.Taken))
	for i, place := range room.AssignSeats(roster, seats) {
		p := &roster[i]
		if place == 0 {
			t.Bots = append(t.Bots, *p)
			continue
		}
		t.Seats[place-1] = Seat{Person: p, Owner: p.UserID == owner, You: me != 0 && p.UserID == me}
	}
	for i := range t.Seats {
		if s := &t.Seats[i]; s.Person == nil && len(held) > 0 {
			s.Held, s.Holder, s.Yours = held[0].left, held[0].who, held[0].yours
			held = held[1:]
			t.Kept++
		}
	}
	t.Lit = min(t.Taken, 4)
	t.Shape = "bench"
	if n := len(t.Seats); n <= Round {
		t.Shape = "round of-" + itoa(n)
	}
	return t
}

// Table is the room's table as the person sees it. Of the seats that are held, theirs is the first.
func (r *Room) Table() Table {
	var held []heldSeat
	others, mine := r.View.Room.Held, r.HeldUntil
	if !mine.IsZero() {
		if !r.In() {
			held = append(held, heldSeat{clock(r.Now, mine), r.holder(mine, true), true})
		}
		if i := slices.IndexFunc(others, mine.Equal); i >= 0 {
			others = slices.Delete(slices.Clone(others), i, i+1)
		}
	}
	for _, t := range others {
		if t.After(r.Now) {
			held = append(held, heldSeat{clock(r.Now, t), r.holder(t, false), false})
		}
	}
	return newTable(r.View.Roster, r.View.Room.Seats, r.View.Room.Access.OwnerID, r.me(), held...)
}

// holder is for whom a seat is held until a time: for the one who looks, or for somebody else; nil if that isn't known.
func (r *Room) holder(until time.Time, mine bool) *room.Person {
	for _, h := range r.View.Holders {
		if h.Until.Equal(until) && (h.UserID == r.me()) == mine {
			return &room.Person{UserID: h.UserID, DisplayName: h.Name, Avatar: h.Avatar}
		}
	}
	return nil
}

// NoSeat says whether the person would find no seat: those that are held for others count as taken, but not
// against the owner, and whom Discord lets in past the seats always finds one.
func (r *Room) NoSeat() bool {
	if r.View.MayOverfill {
		return false
	}
	t := r.Table()
	free := t.Total - t.Taken
	if !r.Mine() && r.HeldUntil.IsZero() {
		free -= t.Kept + r.View.Room.Waiting // a free seat is the line's
	}
	return free <= 0
}

// Belongs says whether the person can open the room again once it is closed.
func (r *Room) Belongs() bool { return r.me() != 0 && r.View.Room.Access.Admitted(r.me()) || r.In() }

// In says whether the person sits in the room.
func (r *Room) In() bool { return r.me() != 0 && room.In(r.View.Roster, r.me()) }

// Mine says whether the person owns the room.
func (r *Room) Mine() bool { return r.me() != 0 && r.View.Room.Access.OwnerID == r.me() }

// Owner is the owner's display name, from the roster if not given; "" if unknown.
func (r *Room) Owner() string {
	return ownerName(r.OwnerName, r.View.Room.Access.OwnerID, r.View.Roster)
}

// Opener is the display name of who opened the room; "" if unknown.
func (r *Room) Opener() string {
	return ownerName(r.View.Room.OpenedName, r.View.Room.OpenedBy, r.View.Roster)
}

// HandedOver says whether the page names an owner who did not open the room, as far as is known.
func (r *Room) HandedOver() bool {
	return r.Owner() != "" && r.View.Room.OpenedBy != r.View.Room.Access.OwnerID
}

// Table is the invite's table.
func (p *InviteLanding) Table() Table {
	return newTable(p.Preview.Roster, p.Preview.Seats, 0, 0)
}

// Table is the card's table.
func (c RoomCard) Table() Table {
	roster := slices.Clone(c.Roster)
	for i := range roster {
		roster[i].Seat = 0 // too small for places: those who are in, as they came
	}
	return newTable(roster, c.Room.Seats, c.Room.Access.OwnerID, 0)
}

// Owner is the owner's display name, from the roster if not given; "" if unknown.
func (c RoomCard) Owner() string { return ownerName(c.OwnerName, c.Room.Access.OwnerID, c.Roster) }

// Example is the table on the landing page: somebody's evening.
func (h *Home) Example() Table {
	return newTable([]room.Person{
		{UserID: 11 << 22, Username: "mara", DisplayName: "Mara"},
		{UserID: 12 << 22, Username: "jonas", DisplayName: "Jonas", Muted: true},
		{UserID: 14 << 22, Username: "kiyo", DisplayName: "Kiyo", Streaming: true},
	}, 4, 11<<22, 0)
}

func ownerName(given string, owner snowflake.ID, roster []room.Person) string {
	if given != "" {
		return given
	}
	for _, p := range roster {
		if p.UserID == owner {
			return p.DisplayName
		}
	}
	return ""
}

func (l *Layout) me() snowflake.ID {
	if l.Me == nil {
		return 0
	}
	return l.Me.ID
}
