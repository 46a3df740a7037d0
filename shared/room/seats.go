package room

import (
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// FreeFor returns how many seats a user may take: the free ones minus the users before
// them in the waiting list, which does not apply to the owner and to users with a hold.
func (r *Room) FreeFor(roster []Person, user snowflake.ID, now time.Time) int {
	return r.Free(roster, user, now) - r.waitingBefore(user, now)
}

// waitingBefore counts the users before a user in the waiting list.
func (r *Room) waitingBefore(user snowflake.ID, now time.Time) int {
	if user == r.OwnerID || r.Hold(user, now) != nil {
		return 0
	}
	if n := r.Place(user); n > 0 {
		return n - 1
	}
	return len(r.Waiting)
}

// Reserved counts the seats that are not free for a user: those held for others,
// and those whose hold has just ended and that the waiting list gets next.
func (r *Room) Reserved(roster []Person, user snowflake.ID, now time.Time) int {
	ended := 0
	for _, h := range r.Holds {
		if !now.Before(h.Until) && !In(roster, h.UserID) {
			ended++
		}
	}
	return r.Held(roster, user, now) + min(ended, r.waitingBefore(user, now))
}

// Free counts the seats that a user can take now: those neither taken nor
// held for somebody else. The owner's seat is never held against them.
func (r *Room) Free(roster []Person, user snowflake.ID, now time.Time) int {
	return r.Seats - Occupied(roster) - r.Held(roster, user, now)
}

// Held counts the seats that are held for somebody else than the user, who
// is not there yet. Against the owner none is.
func (r *Room) Held(roster []Person, user snowflake.ID, now time.Time) int {
	n := 0
	for _, h := range r.Holds {
		if user != r.OwnerID && h.UserID != user && now.Before(h.Until) && !In(roster, h.UserID) {
			n++
		}
	}
	return n
}
