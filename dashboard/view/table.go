package view

import (
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
	"snug/shared/text"
)

// Round is how many seats fit around a table; a room with more has benches.
const Round = 8

// Table is a room's seats as they are drawn.
type Table struct {
	Shape string // class: "round of-4" or "bench"
	Lit   int    // how bright the lamp is, 0 to 4
	Taken int    // humans in voice
	Total int    // seats
	Seats []Seat // taken ones first, as people came; more than Total if somebody got past the limit
	Bots  []room.Person
	Full  bool
}

// Seat is one place at a table.
type Seat struct {
	Person *room.Person // nil: nobody sits here
	Owner  bool
	You    bool
	Held   string // how long it is held for You, as "1:40"; "" for not
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
		{s.Owner, "seat.owner"}, {s.You, "seat.you"}, {s.Person.Deafened, "seat.deafened"}, {s.Person.Muted && !s.Person.Deafened, "seat.muted"},
		{s.Person.Streaming, "seat.streaming"}, {s.Person.Video, "seat.video"},
	} {
		if n.on {
			notes = append(notes, t.Say(n.id))
		}
	}
	return strings.Join(notes, " · ")
}

// newTable seats a roster. me is 0 for nobody, held "" for no held seat.
func newTable(roster []room.Person, seats int, owner, me snowflake.ID, held string) Table {
	t := Table{Total: seats}
	for i := range roster {
		p := &roster[i]
		if p.Bot {
			t.Bots = append(t.Bots, *p)
			continue
		}
		if me != 0 && p.UserID == me {
			held = ""
		}
		t.Seats = append(t.Seats, Seat{Person: p, Owner: p.UserID == owner, You: me != 0 && p.UserID == me})
	}
	t.Taken = len(t.Seats)
	t.Full = t.Taken >= seats
	for len(t.Seats) < seats {
		t.Seats = append(t.Seats, Seat{})
	}
	if t.Taken < len(t.Seats) {
		t.Seats[t.Taken].Held = held
	}
	t.Lit = min(t.Taken, 4)
	t.Shape = "bench"
	if n := len(t.Seats); n <= Round {
		t.Shape = "round of-" + itoa(n)
	}
	return t
}

// Table is the room's table as the person sees it.
func (r *Room) Table() Table {
	held := ""
	if !r.HeldUntil.IsZero() {
		held = clock(r.Now, r.HeldUntil)
	}
	return newTable(r.View.Roster, r.View.Room.Seats, r.View.Room.Access.OwnerID, r.me(), held)
}

// In says whether the person sits in the room.
func (r *Room) In() bool { return r.me() != 0 && room.In(r.View.Roster, r.me()) }

// Mine says whether the person owns the room.
func (r *Room) Mine() bool { return r.me() != 0 && r.View.Room.Access.OwnerID == r.me() }

// Owner is the owner's display name, from the roster if not given; "" if unknown.
func (r *Room) Owner() string {
	return ownerName(r.OwnerName, r.View.Room.Access.OwnerID, r.View.Roster)
}

// Table is the invite's table.
func (p *InviteLanding) Table() Table {
	return newTable(p.Preview.Roster, p.Preview.Seats, 0, 0, "")
}

// Table is the card's table.
func (c RoomCard) Table() Table {
	return newTable(c.Roster, c.Room.Seats, c.Room.Access.OwnerID, 0, "")
}

// Owner is the owner's display name, from the roster if not given; "" if unknown.
func (c RoomCard) Owner() string { return ownerName(c.OwnerName, c.Room.Access.OwnerID, c.Roster) }

// Example is the table on the landing page: somebody's evening.
func (h *Home) Example() Table {
	return newTable([]room.Person{
		{UserID: 11 << 22, Username: "mara", DisplayName: "Mara"},
		{UserID: 12 << 22, Username: "jonas", DisplayName: "Jonas", Muted: true},
		{UserID: 14 << 22, Username: "kiyo", DisplayName: "Kiyo", Streaming: true},
	}, 4, 11<<22, 0, "")
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
