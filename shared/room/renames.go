package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

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

// Next returns when the next change of the name is possible: now or later.
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
