package view

import (
	"encoding/json"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/pages"
	"snug/shared/room"
)

// Watch is the page at /watch/{channel}: a room's roster over whatever is behind it.
type Watch struct {
	Layout
	Room   room.Summary
	Roster []room.Person
	Rev    Rev
	Token  string // of the link
}

func (*Watch) name() string { return "watch" }

func (p *Watch) about() []snowflake.ID { return []snowflake.ID{p.Room.GuildID} }

// Table is the room's table.
func (w *Watch) Table() Table {
	return newTable(w.Roster, w.Room.Seats, w.Room.Access.OwnerID, 0).Says(w.Room.Status)
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
