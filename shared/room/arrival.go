package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// ArrivalTTL is how long the place is kept of who followed an invite and is on their way.
const ArrivalTTL = 24 * time.Hour

// Arrival is somebody who followed an invite and cannot be let in yet: they
// are not in the server, or have not accepted its rules. Their use of the
// invite is taken; it is given back if they do not come.
type Arrival struct {
	UserID   snowflake.ID `json:"user_id"`
	Name     string       `json:"name,omitempty"` // display name, where it was known
	InviteID string       `json:"invite_id"`
	Since    time.Time    `json:"since"`
	Until    time.Time    `json:"until"` // the place is kept until then
	// Code is Discord's own invite to the server that was made for them alone; "" if none was.
	Code string `json:"code,omitempty"`
}

// Arrival gives the arrival of a user, or nil.
func (r *Room) Arrival(user snowflake.ID) *Arrival {
	if i := slices.IndexFunc(r.Arrivals, func(a Arrival) bool { return a.UserID == user }); i >= 0 {
		return &r.Arrivals[i]
	}
	return nil
}

// Arrive notes that somebody follows an invite and is on their way: it costs
// the invite one use, as if they were let in.
func (r *Room) Arrive(a Arrival) {
	r.DropArrivals(false, func(old Arrival) bool { return old.UserID == a.UserID })
	r.Arrivals = append(r.Arrivals, a)
	if v := r.Invite(a.InviteID); v != nil && !slices.Contains(v.Redeemers, a.UserID) {
		v.Redeemers = append(v.Redeemers, a.UserID)
	}
}

// DropArrivals ends arrivals. Discord's invites for them are Spent: somebody
// has to take them back. Unless they came in, their uses are given back.
func (r *Room) DropArrivals(camein bool, which func(Arrival) bool) {
	for _, a := range r.Arrivals {
		if !which(a) {
			continue
		}
		if a.Code != "" {
			r.SpentInvites = append(r.SpentInvites, a.Code)
		}
		if v := r.Invite(a.InviteID); v != nil && !camein && r.Guest(a.UserID) == nil {
			v.Redeemers = slices.DeleteFunc(v.Redeemers, func(u snowflake.ID) bool { return u == a.UserID })
		}
	}
	r.Arrivals = slices.DeleteFunc(r.Arrivals, which)
}

// Step is where somebody is on their way into a room.
type Step string

// The steps, in their order. Beside each is what is next.
const (
	StepJoin  Step = "join"  // not in the server: they accept Discord's invite
	StepRules Step = "rules" // they accept the server's rules in Discord
	StepWait  Step = "wait"  // they are in, and something else keeps them out: Why says what
	StepIn    Step = "in"    // they are let in
)
