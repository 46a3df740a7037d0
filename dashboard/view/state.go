package view

import (
	"encoding/json"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/wire"
	"snug/shared/guild"
	"snug/shared/pages"
	"snug/shared/protocol"
	"snug/shared/room"
)

// pageState is what a page tells its scripts, as a JSON block in the API's dialect. Rooms are room.snapshot messages as
// the live protocol sends them, so that the script has one shape for what the page came with and what follows.
type pageState struct {
	Me        snowflake.ID      `json:"me"`
	Guild     snowflake.ID      `json:"guild"`
	Room      snowflake.ID      `json:"room,omitempty"`
	Pages     map[string]string `json:"pages"` // what scripts lead to; ":channel" is to be filled in
	Rooms     []json.RawMessage `json:"rooms"`
	Owners    map[string]string `json:"owners,omitempty"`   // display names of owners, by id
	Admitted  bool              `json:"admitted,omitempty"` // their open page keeps an empty room
	HeldUntil *time.Time        `json:"held_until,omitempty"`
	Control   bool              `json:"control,omitempty"`   // they run the room
	Overfills bool              `json:"overfills,omitempty"` // they come in though all seats are taken
	Place     int               `json:"place,omitempty"`     // in the waiting list
	Holders   []room.Holder     `json:"holders,omitempty"`   // for whom seats are held
	Idle      *time.Time        `json:"idle_deadline,omitempty"`
	Kept      bool              `json:"kept,omitempty"`  // the room is empty, and somebody keeps it
	Timeout   int64             `json:"idle_timeout_ms"` // -1 is never
}

// State is what the room page tells its scripts.
func (r *Room) State() any {
	s := r.state(r.Guild.ID)
	s.Rooms = []json.RawMessage{r.snapshot(r.View.Room, r.View.Roster, r.Rev)}
	s.Room, s.Admitted = r.View.Room.ID, r.me() != 0 && r.View.Room.Access.Admitted(r.me())
	s.Control, s.Overfills, s.Place = r.View.MayControl, r.View.MayOverfill, r.View.Place
	s.Holders = r.View.Holders
	s.HeldUntil, s.Idle, s.Kept = wire.TimeOrNull(r.HeldUntil), wire.TimeOrNull(r.View.IdleDeadline), r.View.Kept
	if s.Timeout = time.Duration(r.IdleTimeout).Milliseconds(); r.IdleTimeout == guild.Never {
		s.Timeout = -1
	}
	return s
}

// State is what the server page tells its scripts.
func (s *Server) State() any {
	out := s.state(s.Guild.ID)
	out.Rooms, out.Owners = make([]json.RawMessage, 0, len(s.Rooms)), map[string]string{}
	for _, c := range s.Rooms {
		out.Rooms = append(out.Rooms, s.snapshot(c.Room, c.Roster, c.Rev))
		if owner := c.Owner(); owner != "" {
			out.Owners[c.Room.Access.OwnerID.String()] = owner
		}
	}
	return out
}

func (l *Layout) state(guild snowflake.ID) pageState {
	to := map[string]string{"server": pages.Server.With(guild), "room": string(pages.Room)}
	return pageState{Me: l.me(), Guild: guild, Pages: to}
}

func (l *Layout) snapshot(r room.Summary, roster []room.Person, rev Rev) json.RawMessage {
	return protocol.EncodeSnapshot(&room.Live{Room: r, Roster: roster, N: rev.N}, rev.Epoch, l.Now)
}

// BlankSeat is what scripts copy to seat somebody.
func (l *Layout) BlankSeat() Seat { return Seat{Person: &room.Person{}} }

// BlankCard is what scripts copy to show a new room.
func (s *Server) BlankCard() RoomCard { return RoomCard{} }
