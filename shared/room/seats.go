package room

import (
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// FreeFor returns how many seats a user may take: the free ones minus those for users before them
// in the waiting list. The waiting list doesn't apply to the owner and to users with a hold.
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

// Reserved counts the seats that aren't free for a user: those held for others, and those whose
// hold has just expired and that go to the waiting list next.
func (r *Room) Reserved(roster []Person, user snowflake.ID, now time.Time) int {
	ended := 0
	for _, h := range r.Holds {
		if !now.Before(h.Until) && !In(roster, h.UserID) {
			ended++
		}
	}
	return r.Held(roster, user, now) + min(ended, r.waitingBefore(user, now))
}

// Free counts the seats that a user can take now: neither taken nor held for somebody else. No seat
// is held against the owner.
func (r *Room) Free(roster []Person, user snowflake.ID, now time.Time) int {
	return r.Seats - Occupied(roster) - r.Held(roster, user, now)
}

// Held counts the seats held for users other than this one who haven't arrived yet. No seat is held against the owner.
func (r *Room) Held(roster []Person, user snowflake.ID, now time.Time) int {
	n := 0
	for _, h := range r.Holds {
		if user != r.OwnerID && h.UserID != user && now.Before(h.Until) && !In(roster, h.UserID) {
			n++
		}
	}
	return n
}
