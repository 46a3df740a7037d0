package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// MaxComings is how many comings and goings are kept of one room, the newest.
const MaxComings = 200

// Coming is somebody's coming into a room's voice channel, or their going.
type Coming struct {
	UserID snowflake.ID `json:"user_id"`
	Name   string       `json:"name"` // display name, as it was then
	Bot    bool         `json:"bot,omitempty"`
	Left   bool         `json:"left,omitempty"`
	At     time.Time    `json:"at"`
}

// Equal says whether two are the same.
func (c Coming) Equal(o Coming) bool {
	at := o.At
	o.At = c.At
	return c == o && c.At.Equal(at)
}

// Comings are who came into a room and went, oldest first.
type Comings struct {
	List []Coming `json:"list"`
}

// Add takes more, oldest first. Of each user comings and goings take turns: one that is there already, or
// that says again what the last one said, is left out.
func (c *Comings) Add(more ...Coming) {
	for _, m := range more {
		if slices.ContainsFunc(c.List,
			func(o Coming) bool { return o.UserID == m.UserID && o.Left == m.Left && o.At.Equal(m.At) }) {
			continue
		}
		if last := c.last(m.UserID); last != nil {
			if last.Left == m.Left {
				continue
			}
			if m.At.Before(last.At) { // the clock was put back
				m.At = last.At
			}
		}
		c.List = append(c.List, m)
	}
	slices.SortStableFunc(c.List, func(a, b Coming) int { return a.At.Compare(b.At) })
	c.List = c.List[max(0, len(c.List)-MaxComings):]
}

// last gives the user's newest entry; nil: there is none.
func (c *Comings) last(user snowflake.ID) *Coming {
	for i := len(c.List) - 1; i >= 0; i-- {
		if c.List[i].UserID == user {
			return &c.List[i]
		}
	}
	return nil
}

// Meet adds what must have happened unseen for a roster to be the room's at a time.
func (c *Comings) Meet(roster []Person, at time.Time) {
	var more []Coming
	for _, o := range c.List {
		if last := c.last(o.UserID); !last.Left && !In(roster, o.UserID) && last.At.Equal(o.At) {
			more = append(more, Coming{UserID: o.UserID, Name: o.Name, Bot: o.Bot, Left: true, At: at})
		}
	}
	for _, p := range roster {
		more = append(more, Coming{UserID: p.UserID, Name: p.DisplayName, Bot: p.Bot, At: p.Since})
	}
	c.Add(more...)
}

// Before drops what is older than a time, and says whether there was any.
func (c *Comings) Before(at time.Time) bool {
	return c.drop(func(o Coming) bool { return o.At.Before(at) })
}

// Forget drops what is of a user, and gives how many there were.
func (c *Comings) Forget(user snowflake.ID) (n int) {
	n = len(c.List)
	c.drop(func(o Coming) bool { return o.UserID == user })
	return n - len(c.List)
}

func (c *Comings) drop(which func(Coming) bool) bool {
	n := len(c.List)
	c.List = slices.DeleteFunc(c.List, which)
	return len(c.List) < n
}

// KnowsSince gives from when on a user who sees the room, and does not run it, may know who came and went: since it was
// shown to members, or since they were let in. Zero: from the start.
func (r *Room) KnowsSince(user snowflake.ID) time.Time {
	g := r.Guest(user)
	switch {
	case r.OwnerID == user:
		return time.Time{}
	case g == nil:
		return r.ShownAt
	case r.Private || r.Hidden:
		return g.Since
	}
	return earlier(g.Since, r.ShownAt)
}
