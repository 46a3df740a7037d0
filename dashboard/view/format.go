package view

import (
	"snug/shared/room"
	"snug/shared/text"
)

// By says whose room the card is and, with a guild, where, as in "Mara’s room in Spelltable Friends".
func (c RoomCard) By(t text.Texts) string {
	who, id := c.Owner(), "room-card.by"
	switch {
	case c.Mine:
		id = "room-card.mine"
	case who == "":
		id = "room-card.nobody"
	}
	if c.Guild.Name == "" {
		if id == "room-card.nobody" {
			return ""
		}
		return t.Say(id, "Who", who)
	}
	return t.Say(id+".in", "Who", who, "Server", c.Guild.Name)
}

// Summary says in a line what is on in the server.
func (s *Server) Summary(t text.Texts) string {
	people := 0
	if !s.Guild.Ready && len(s.Rooms) == 0 {
		return t.Say("room-list.looking")
	}
	for _, c := range s.Rooms {
		people += room.Occupied(c.Roster)
	}
	return roomCount(t, len(s.Rooms), people)
}

// Line says in a line what is on in a server.
func (c ServerCard) Line(t text.Texts) string {
	if !c.Guild.Ready {
		return t.Say("room-list.looking")
	}
	return roomCount(t, c.Rooms, c.People)
}

// roomCount says how many rooms and people there are.
func roomCount(t text.Texts, rooms, people int) string {
	switch {
	case rooms == 0:
		return t.Say("room-list.none")
	case people == 0:
		return t.Say("room-list.empty", "Count", rooms)
	}
	return t.Say("room-list.sum", "Rooms", t.Say("room-list.rooms", "Count", rooms), "People",
		t.Say("room-list.people", "Count", people))
}

// MayKeep says whether the page offers to keep a room that is about to close.
func (r *Room) MayKeep() bool { return r.View.MayEnter || r.View.MayControl }

// Error says what is wrong with a setting, by its JSON name; "" if nothing.
func (a *Admin) Error(field string) string { return FieldError(a.Text, a.Err, field) }

// Wrong says what is wrong with the settings as a whole, "" if nothing or one of them is.
func (a *Admin) Wrong() string { return FieldError(a.Text, a.Err, "") }

// Headline is the heading of the page.
func (m *Message) Headline() string {
	if m.Heading != "" {
		return m.Heading
	}
	return m.Title
}

// Scene is the picture for the kind of message.
func (m *Message) Scene() string {
	switch m.Kind {
	case KindLost, KindClosed, KindBroken, KindWait, KindBye:
		return string(m.Kind)
	}
	return "rooms"
}
