package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// ArrivalTTL is how long an Arrival is kept.
const ArrivalTTL = 24 * time.Hour

// Arrival is a user who followed an invite but can't be let in yet: they aren't in the server, or
// haven't accepted its rules. It counts as a use of the invite until it expires.
type Arrival struct {
	UserID   snowflake.ID `json:"user_id"`
	Name     string       `json:"name,omitempty"` // display name, if known
	InviteID string       `json:"invite_id"`
	Since    time.Time    `json:"since"`
	Until    time.Time    `json:"until"` // when the arrival expires
	// Code is the code of the Discord invite to the server that was created for this user; "" if there is none.
	Code string `json:"code,omitempty"`
}

// Arrival returns the arrival of a user, or nil.
func (r *Room) Arrival(user snowflake.ID) *Arrival {
	if i := slices.IndexFunc(r.Arrivals, func(a Arrival) bool { return a.UserID == user }); i >= 0 {
		return &r.Arrivals[i]
	}
	return nil
}

// Arrive adds an arrival; it takes one use of the invite, as if the user were let in.
func (r *Room) Arrive(a Arrival) {
	r.DropArrivals(false, func(old Arrival) bool { return old.UserID == a.UserID })
	r.Arrivals = append(r.Arrivals, a)
	if v := r.Invite(a.InviteID); v != nil && !slices.Contains(v.Redeemers, a.UserID) {
		v.Redeemers = append(v.Redeemers, a.UserID)
	}
}

// DropArrivals removes arrivals. Their Discord invites go to SpentInvites.
// Unless admitted, they no longer count as uses of the invite.
func (r *Room) DropArrivals(admitted bool, which func(Arrival) bool) {
	for _, a := range r.Arrivals {
		if !which(a) {
			continue
		}
		if a.Code != "" {
			r.SpentInvites = append(r.SpentInvites, a.Code)
		}
		if v := r.Invite(a.InviteID); v != nil && !admitted && r.Guest(a.UserID) == nil {
			v.Redeemers = slices.DeleteFunc(v.Redeemers, func(u snowflake.ID) bool { return u == a.UserID })
		}
	}
	r.Arrivals = slices.DeleteFunc(r.Arrivals, which)
}

// Step is what an Arrival has to do next.
type Step string

// The steps, in order.
const (
	StepJoin  Step = "join"  // not in the server: they have to accept Discord's invite
	StepRules Step = "rules" // they have to accept the server's rules in Discord
	StepWait  Step = "wait"  // they are members, but something keeps them out: see Why
	StepIn    Step = "in"    // they are let in
)
