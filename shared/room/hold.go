package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// HoldReason says why a seat is held.
type HoldReason string

// The reasons a seat is held for.
const (
	HeldInvited HoldReason = "invited" // somebody was just let in
	HeldWaiting HoldReason = "waiting" // a seat became free for the first of the waiting list
	HeldBack    HoldReason = "back"    // somebody lost their connection
	HeldJoining HoldReason = "joining" // on their way through Discord
)

// Hold is a seat kept free for one user for a short time.
type Hold struct {
	UserID snowflake.ID `json:"user_id"`
	Why    HoldReason   `json:"why"`
	Until  time.Time    `json:"until"`
}

// Hold returns the hold of a user that still counts, or nil.
func (r *Room) Hold(user snowflake.ID, now time.Time) *Hold {
	if i := slices.IndexFunc(r.Holds, func(h Hold) bool { return h.UserID == user && now.Before(h.Until) }); i >= 0 {
		return &r.Holds[i]
	}
	return nil
}

// SetHold keeps a seat for a user, instead of what was held for them before.
// Holds that ended are dropped.
func (r *Room) SetHold(h Hold, now time.Time) {
	r.DropHold(h.UserID, now)
	r.Holds = append(r.Holds, h)
}

// DropHold releases the seat held for a user, and drops holds that ended.
func (r *Room) DropHold(user snowflake.ID, now time.Time) {
	r.Holds = slices.DeleteFunc(r.Holds, func(h Hold) bool { return h.UserID == user || !now.Before(h.Until) })
}
