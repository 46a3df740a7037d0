package view

import (
	"slices"
	"time"

	"snug/shared/room"
)

// By says whose room the card is and, with a guild, where, as in "Mara’s room in Spelltable Friends".
func (c RoomCard) By() string {
	s := ""
	switch owner := c.Owner(); {
	case c.Mine:
		s = "Your room"
	case owner != "":
		s = owner + "’s room"
	}
	if c.Guild.Name == "" {
		return s
	}
	if s == "" {
		return "In " + c.Guild.Name
	}
	return s + " in " + c.Guild.Name
}

// Summary says in a line what is on in the server.
func (s *Server) Summary() string {
	if len(s.Rooms) == 0 {
		return "No room is open that you can see."
	}
	people := 0
	for _, c := range s.Rooms {
		people += room.Taken(c.Roster)
	}
	return plural(len(s.Rooms), "room", "rooms") + " open, " + plural(people, "person", "people") + " inside"
}

// Line says in a line what is on in a server.
func (c ServerCard) Line() string {
	switch {
	case !c.Guild.Ready:
		return "Looking around…"
	case c.Rooms == 0:
		return "No rooms open"
	case c.People == 0:
		return plural(c.Rooms, "room", "rooms") + " open, nobody inside"
	}
	return plural(c.Rooms, "room", "rooms") + " open, " + plural(c.People, "person", "people") + " inside"
}

// MayKeep says whether the page offers to keep a room that is about to close.
func (r *Room) MayKeep() bool { return r.View.MayEnter || r.View.MayControl }

// MayInvite says whether the page offers invites: to who has a place of their own in the room, and to who controls it.
func (r *Room) MayInvite() bool {
	return r.View.MayControl || r.me() != 0 && r.View.Room.Access.Admitted(r.me())
}

// Happening is one line of what happened in a room.
type Happening struct {
	At   time.Time
	Who  string // display name; "" where nobody did it
	What string // goes on after Who, as in "sat down"
}

// Log is what the page can tell of the room's past, newest first.
func (r *Room) Log() []Happening {
	var log []Happening
	for _, p := range r.View.Roster {
		if !p.Since.IsZero() {
			log = append(log, Happening{p.Since, p.DisplayName, "sat down"})
		}
	}
	slices.SortStableFunc(log, func(a, b Happening) int { return b.At.Compare(a.At) })
	opened := Happening{r.View.Room.OpenedAt, r.Owner(), "opened the room"}
	if opened.Who == "" {
		opened.What = "The room was opened"
	}
	return append(log, opened)
}

// Error says what is wrong with a field, "" if nothing.
func (f CreateForm) Error(field string) string { return FieldError(f.Err, field) }

// Wrong says what is wrong with the form as a whole, "" if nothing or one of its fields is.
func (f CreateForm) Wrong() string {
	if f.Err == nil || f.Err.Field == "name" || f.Err.Field == "seats" {
		return ""
	}
	return f.Err.Message
}

// Error says what is wrong with a setting, by its JSON name; "" if nothing.
func (a *Admin) Error(field string) string { return FieldError(a.Err, field) }

// Wrong says what is wrong with the settings as a whole, "" if nothing or one of them is.
func (a *Admin) Wrong() string { return FieldError(a.Err, "") }

// Headline is the heading of the page.
func (m *Message) Headline() string {
	if m.Heading != "" {
		return m.Heading
	}
	return m.Title
}

// Scene is the picture for the mood.
func (m *Message) Scene() string {
	switch m.Mood {
	case MoodLost, MoodClosed, MoodBroken, MoodWait, MoodBye:
		return string(m.Mood)
	}
	return "street"
}
