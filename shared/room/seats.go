package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// Knock is a user who asks to be let in. A refused one stays until KnockCoolDown is over.
type Knock struct {
	UserID    snowflake.ID `json:"user_id"`
	Name      string       `json:"name"` // display name
	Avatar    string       `json:"avatar,omitempty"`
	At        time.Time    `json:"at"`
	RefusedAt time.Time    `json:"refused_at,omitzero"` // zero while nobody answered
	RefusedBy snowflake.ID `json:"refused_by,omitempty"`
}

// Limits of knocking.
const (
	KnockCoolDown = 10 * time.Minute // after a refusal
	KnockTTL      = time.Hour        // a knock that nobody answered
	MaxKnocks     = 10               // waiting for an answer in one room
)

// Pending reports whether the knock still waits for an answer.
func (q Knock) Pending(now time.Time) bool { return q.RefusedAt.IsZero() && now.Sub(q.At) < KnockTTL }

// Stale reports whether the knock can be dropped.
func (q Knock) Stale(now time.Time) bool {
	if q.RefusedAt.IsZero() {
		return !q.Pending(now)
	}
	return now.Sub(q.RefusedAt) >= KnockCoolDown
}

// Knock gives the knock of a user, or nil.
func (r *Room) Knock(user snowflake.ID) *Knock {
	if i := slices.IndexFunc(r.Knocks, func(q Knock) bool { return q.UserID == user }); i >= 0 {
		return &r.Knocks[i]
	}
	return nil
}

// DropKnock forgets the knock of a user.
func (r *Room) DropKnock(user snowflake.ID) {
	r.Knocks = slices.DeleteFunc(r.Knocks, func(q Knock) bool { return q.UserID == user })
}

// Knocking counts the knocks that nobody has answered.
func (r *Room) Knocking() int {
	n := 0
	for _, q := range r.Knocks {
		if q.RefusedAt.IsZero() {
			n++
		}
	}
	return n
}

// Waiter is somebody who waits for a seat in a full room.
type Waiter struct {
	UserID snowflake.ID `json:"user_id"`
	Name   string       `json:"name"` // display name
	Avatar string       `json:"avatar,omitempty"`
	Since  time.Time    `json:"since"`
}

// SetAppearance is as of a Guest.
func (w *Waiter) SetAppearance(s access.Standing) { setAppearance(&w.Name, &w.Avatar, s) }

// Place gives a user's place in the waiting list, from 1; 0 if they do not wait.
func (r *Room) Place(user snowflake.ID) int {
	return 1 + slices.IndexFunc(r.Waiting, func(w Waiter) bool { return w.UserID == user })
}

// DropWaiter takes a user off the waiting list.
func (r *Room) DropWaiter(user snowflake.ID) {
	r.Waiting = slices.DeleteFunc(r.Waiting, func(w Waiter) bool { return w.UserID == user })
}

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

// Hold gives the hold of a user that still counts, or nil.
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

// DropHold gives up what is held for a user, and drops holds that ended.
func (r *Room) DropHold(user snowflake.ID, now time.Time) {
	r.Holds = slices.DeleteFunc(r.Holds, func(h Hold) bool { return h.UserID == user || !now.Before(h.Until) })
}

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

// Renames is Discord's budget for the name of one channel: RenameBudget
// changes in RenameWindow, whoever makes them.
type Renames struct {
	At []time.Time `json:"at,omitempty"` // the last changes, oldest first
	// Wanted is a name that waits to be applied; "" for none. By asked for it.
	Wanted string       `json:"wanted,omitempty"`
	By     snowflake.ID `json:"by,omitempty"`
	Via    access.Via   `json:"via,omitempty"`
	// NotBefore is when Discord said to come back, if it knew better than the budget.
	NotBefore time.Time `json:"not_before,omitzero"`
}

// Discord's limit on names.
const (
	RenameBudget = 2
	RenameWindow = 10 * time.Minute
)

// Next gives when the next change of the name is possible: now or later.
func (n Renames) Next(now time.Time) time.Time {
	at := later(now, n.NotBefore)
	if i := len(n.At) - RenameBudget; i >= 0 {
		at = later(at, n.At[i].Add(RenameWindow))
	}
	return at
}

// Left counts the changes of the name that are possible now.
func (n Renames) Left(now time.Time) int {
	if now.Before(n.NotBefore) {
		return 0
	}
	left := RenameBudget
	for _, at := range n.At {
		if now.Sub(at) < RenameWindow {
			left--
		}
	}
	return max(0, left)
}

// Record notes a change of the name.
func (n *Renames) Record(now time.Time) {
	n.At = append(slices.Clone(n.At[max(0, len(n.At)-RenameBudget+1):]), now)
}
