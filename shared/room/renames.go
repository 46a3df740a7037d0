package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// Renames tracks Discord's limit on renaming one channel: RenameBudget changes in RenameWindow, by anybody.
type Renames struct {
	At []time.Time `json:"at,omitempty"` // the last changes, oldest first
	// Wanted is a name to be applied later; "" for none. By is who chose it.
	Wanted string       `json:"wanted,omitempty"`
	By     snowflake.ID `json:"by,omitempty"`
	Via    access.Via   `json:"via,omitempty"`
	// NotBefore is when Discord said to try again, if later than our own count says.
	NotBefore time.Time `json:"not_before,omitzero"`
}

// Discord's limit on renames.
const (
	RenameBudget = 2
	RenameWindow = 10 * time.Minute
)

// Next returns when the next rename is possible: now or later.
func (n Renames) Next(now time.Time) time.Time {
	at := later(now, n.NotBefore)
	if i := len(n.At) - RenameBudget; i >= 0 {
		at = later(at, n.At[i].Add(RenameWindow))
	}
	return at
}

// Left counts the renames that are possible now.
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

// Record records a rename.
func (n *Renames) Record(now time.Time) {
	n.At = append(slices.Clone(n.At[max(0, len(n.At)-RenameBudget+1):]), now)
}
