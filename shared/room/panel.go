package room

import (
	"slices"

	"github.com/disgoorg/snowflake/v2"
)

// Panel is what Snug has posted in a room's chat, so that Snug edits it instead of posting it
// again, even after a restart.
type Panel struct {
	MessageID snowflake.ID   `json:"message_id,omitempty"` // the control panel; 0: not posted
	Shown     string         `json:"shown,omitempty"`      // a checksum of its content
	Knocks    []KnockMessage `json:"knocks,omitempty"`
}

// KnockMessage is the message about a knock.
type KnockMessage struct {
	UserID    snowflake.ID `json:"user_id"`
	MessageID snowflake.ID `json:"message_id"`
}

// Clone returns a copy that shares nothing with p.
func (p Panel) Clone() Panel {
	p.Knocks = slices.Clone(p.Knocks)
	return p
}
