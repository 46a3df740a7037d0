package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// HoldReason says why a seat is held.
type HoldReason string

// The reasons for holding a seat.
const (
	HeldInvited HoldReason = "invited" // somebody was just let in
	HeldWaiting HoldReason = "waiting" // a seat became free for the first on the waiting list
	HeldBack    HoldReason = "back"    // the user lost their connection
	HeldJoining HoldReason = "joining" // the user is on their way through Discord
)

// Hold is a seat kept free for one user for a short time.
type Hold struct {
	UserID snowflake.ID `json:"user_id"`
	Why    HoldReason   `json:"why"`
	Until  time.Time    `json:"until"`
}

// Holder is somebody for whom a seat is held.
type Holder struct {
	UserID snowflake.ID `json:"user_id"`
	Name   string       `json:"name"` // display name; Holders whose name isn't known are left out
	Avatar string       `json:"avatar,omitempty"`
	Until  time.Time    `json:"until"`
}

// SetAppearance updates name and avatar from a standing.
func (h *Holder) SetAppearance(s access.Standing) { setAppearance(&h.Name, &h.Avatar, s) }

// Hold returns the current hold of a user, or nil.
func (r *Room) Hold(user snowflake.ID, now time.Time) *Hold {
	if i := slices.IndexFunc(r.Holds, func(h Hold) bool { return h.UserID == user && now.Before(h.Until) }); i >= 0 {
		return &r.Holds[i]
	}
	return nil
}

// HeldUntil returns until when seats are held, the earliest first.
func (r *Room) HeldUntil() (until []time.Time) {
	for _, h := range r.Holds {
		until = append(until, h.Until)
	}
	slices.SortFunc(until, time.Time.Compare)
	return until
}

// SetHold holds a seat for a user, replacing an earlier hold. It drops expired holds.
func (r *Room) SetHold(h Hold, now time.Time) {
	r.DropHold(h.UserID, now)
	r.Holds = append(r.Holds, h)
}

// DropHold releases the seat held for a user, and drops expired holds.
func (r *Room) DropHold(user snowflake.ID, now time.Time) {
	r.Holds = slices.DeleteFunc(r.Holds, func(h Hold) bool { return h.UserID == user || !now.Before(h.Until) })
}
