package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// Waiter is somebody who waits for a seat in a full room.
type Waiter struct {
	UserID snowflake.ID `json:"user_id"`
	Name   string       `json:"name"` // display name
	Avatar string       `json:"avatar,omitempty"`
	Since  time.Time    `json:"since"`
}

// SetAppearance updates name and avatar from a standing.
func (w *Waiter) SetAppearance(s access.Standing) { setAppearance(&w.Name, &w.Avatar, s) }

// Place returns a user's place in the waiting list, from 1; 0 if they aren't on it.
func (r *Room) Place(user snowflake.ID) int {
	return 1 + slices.IndexFunc(r.Waiting, func(w Waiter) bool { return w.UserID == user })
}

// DropWaiter removes a user from the waiting list.
func (r *Room) DropWaiter(user snowflake.ID) {
	r.Waiting = slices.DeleteFunc(r.Waiting, func(w Waiter) bool { return w.UserID == user })
}
