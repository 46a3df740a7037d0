package room

import (
	"github.com/disgoorg/snowflake/v2"
)

// Preferences are what a member last chose for their own room, per guild. Their next room starts
// with them, until the member deletes them.
type Preferences struct {
	Name         string         `json:"name,omitempty"`
	Seats        int            `json:"seats,omitempty"`
	Private      *bool          `json:"private,omitempty"`
	Locked       bool           `json:"locked,omitempty"`
	Hidden       bool           `json:"hidden,omitempty"`
	GuestsInvite bool           `json:"guests_invite,omitempty"`
	Guests       []snowflake.ID `json:"guests,omitempty"` // let in by name, not by link
	Banned       []snowflake.ID `json:"banned,omitempty"`
}

// Empty reports whether there is nothing to remember.
func (p Preferences) Empty() bool {
	return p.Name == "" && p.Seats == 0 && p.Private == nil && !p.Locked && !p.Hidden &&
		!p.GuestsInvite && len(p.Guests) == 0 && len(p.Banned) == 0
}
