package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// Knock is a user who asks to be let in. A refused one stays until KnockCoolDown has passed.
type Knock struct {
	UserID    snowflake.ID `json:"user_id"`
	Name      string       `json:"name"` // display name
	Avatar    string       `json:"avatar,omitempty"`
	At        time.Time    `json:"at"`
	RefusedAt time.Time    `json:"refused_at,omitzero"` // zero until somebody refuses it
	RefusedBy snowflake.ID `json:"refused_by,omitempty"`
}

// Limits of knocking.
const (
	KnockCoolDown = 10 * time.Minute // after a refusal
	KnockTTL      = time.Hour        // for a knock that nobody answered
	MaxKnocks     = 10               // unanswered, per room
)

// Pending reports whether the knock still has no answer.
func (q Knock) Pending(now time.Time) bool { return q.RefusedAt.IsZero() && now.Sub(q.At) < KnockTTL }

// Stale reports whether the knock can be dropped.
func (q Knock) Stale(now time.Time) bool {
	if q.RefusedAt.IsZero() {
		return !q.Pending(now)
	}
	return now.Sub(q.RefusedAt) >= KnockCoolDown
}

// Knock returns the knock of a user, or nil.
func (r *Room) Knock(user snowflake.ID) *Knock {
	if i := slices.IndexFunc(r.Knocks, func(q Knock) bool { return q.UserID == user }); i >= 0 {
		return &r.Knocks[i]
	}
	return nil
}

// DropKnock removes the knock of a user.
func (r *Room) DropKnock(user snowflake.ID) {
	r.Knocks = slices.DeleteFunc(r.Knocks, func(q Knock) bool { return q.UserID == user })
}

// Knocking counts the pending knocks.
func (r *Room) Knocking() int {
	n := 0
	for _, q := range r.Knocks {
		if q.RefusedAt.IsZero() {
			n++
		}
	}
	return n
}
