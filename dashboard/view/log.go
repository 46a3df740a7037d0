package view

import (
	"html/template"
	"slices"
	"time"

	"snug/shared/text"
)

// Happening is one line of what happened in a room.
type Happening struct {
	At   time.Time
	What template.HTML // a sentence without a full stop; names are bold
}

// Log is what the page can tell of the room's past, newest first.
func (r *Room) Log(t text.Texts) []Happening {
	var log []Happening
	for _, p := range r.View.Roster {
		if !p.Since.IsZero() {
			log = append(log, Happening{p.Since, t.HTML("log.sat", "Who", p.DisplayName)})
		}
	}
	slices.SortStableFunc(log, func(a, b Happening) int { return b.At.Compare(a.At) })
	opened := Happening{r.View.Room.OpenedAt, t.HTML("log.opened", "Who", r.Owner())}
	if r.Owner() == "" {
		opened.What = t.HTML("log.opened.nobody")
	}
	return append(log, opened)
}
