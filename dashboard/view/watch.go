package view

import (
	"encoding/json"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/pages"
	"snug/shared/room"
)

// Watch is the page at /watch/{channel}: a room's table for spectators, or with Overlay who sits there, over whatever
// is behind the page.
type Watch struct {
	Layout
	Room   room.Summary
	Roster []room.Person
	Rev    Rev
	Token  string // of the link
	// Overlay is for streaming software: transparent, and without the table.
	Overlay bool
}

func (*Watch) name() string { return "watch" }

func (p *Watch) about() []snowflake.ID { return []snowflake.ID{p.Room.GuildID} }

// Table is the room's table.
func (w *Watch) Table() Table {
	var held []heldSeat
	for _, t := range w.Room.Held {
		if t.After(w.Now) {
			held = append(held, heldSeat{left: clock(w.Now, t)})
		}
	}
	return newTable(w.Roster, w.Room.Seats, w.Room.Access.OwnerID, 0, held...).Says(w.Room.Status)
}

// State is what the page tells its scripts.
func (w *Watch) State() any {
	return struct {
		pageState
		Token  string `json:"token"`
		Ticket string `json:"ticket"` // where scripts ask for what opens the WebSocket
	}{
		pageState{
			Guild: w.Room.GuildID, Room: w.Room.ID, Rooms: []json.RawMessage{w.snapshot(w.Room, w.Roster, w.Rev)},
		},
		w.Token, pages.WatchToken.With(w.Room.ID),
	}
}
