package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Invite is a link that makes whoever follows it a guest. The link contains a code (package invite).
type Invite struct {
	ID        string       `json:"id"`
	Key       string       `json:"key"`             // the code's key in the hub
	Sealed    []byte       `json:"sealed"`          // the code
	Label     string       `json:"label,omitempty"` // what its creator calls it
	By        snowflake.ID `json:"by"`
	ByGuest   bool         `json:"by_guest,omitempty"` // By could make it only because guests can
	ByName    string       `json:"by_name,omitempty"`  // display name of its creator at that time
	CreatedAt time.Time    `json:"created_at"`
	ExpiresAt time.Time    `json:"expires_at"`
	MaxUses   int          `json:"max_uses"`
	// Redeemers are the users who followed it: a list, so that a
	// repeated write changes nothing and one user costs one use.
	Redeemers []snowflake.ID `json:"redeemers,omitempty"`
	RevokedAt time.Time      `json:"revoked_at,omitzero"`
}

// Left is how many more users may follow the invite.
func (v *Invite) Left() int { return max(0, v.MaxUses-len(v.Redeemers)) }

// anonymous replaces a user's id in Redeemers when their use still counts but must no longer name
// them. No user has this id.
const anonymous snowflake.ID = 1

// DetachUses replaces a user in the redeemers of all invites: the
// uses still count, and the user cannot return by a used-up link.
func (r *Room) DetachUses(user snowflake.ID) {
	for i := range r.Invites {
		if j := slices.Index(r.Invites[i].Redeemers, user); j >= 0 {
			r.Invites[i].Redeemers[j] = anonymous
		}
	}
}

// Check returns errs.TokenRevoked, TokenExpired or TokenUsedUp if the user can no longer follow the
// invite. A user who has followed it before may do so again until it expires.
func (v *Invite) Check(user snowflake.ID, now time.Time) error {
	switch {
	case !v.RevokedAt.IsZero():
		return errs.E(errs.TokenRevoked, "This invite link was revoked. Ask the person who sent it for a new one.")
	case !now.Before(v.ExpiresAt):
		return errs.E(errs.TokenExpired, "This invite link has expired. Ask the person who sent it for a new one.")
	case slices.Contains(v.Redeemers, user):
		return nil
	case v.Left() == 0:
		return errs.E(errs.TokenUsedUp,
			"This invite link has been used up: it let %d people in. Ask the person who sent it for a new one.",
			v.MaxUses)
	}
	return nil
}

// Live reports whether the invite can still let somebody new in.
func (v *Invite) Live(now time.Time) bool { return v.Check(0, now) == nil }
