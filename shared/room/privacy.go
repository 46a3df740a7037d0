package room

import "strings"

// Privacy says who sees and enters a room.
type Privacy struct {
	Private bool // guests alone see and enter it
	Locked  bool // nobody new gets in
	Hidden  bool // guests alone see it
}

// Words are the words for it: open, or some of private, locked and hidden. The message "privacy." + word says each.
func (p Privacy) Words() []string {
	var out []string
	for _, w := range []struct {
		is   bool
		word string
	}{{p.Private, "private"}, {p.Locked, "locked"}, {p.Hidden, "hidden"}, {p == Privacy{}, "open"}} {
		if w.is {
			out = append(out, w.word)
		}
	}
	return out
}

// String joins the words with commas, as the audit log has them.
func (p Privacy) String() string { return strings.Join(p.Words(), ",") }

// Privacy says who sees and enters the room.
func (r *Room) Privacy() Privacy { return Privacy{r.Private, r.Locked, r.Hidden} }

// Privacy says who sees and enters the room.
func (a Access) Privacy() Privacy { return Privacy{a.Private, a.Locked, a.Hidden} }
