package audit

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// Entry is one line of the audit log: what happened, who did it, from where.
// ID makes publishing it twice harmless. What Target, Detail, Old and New are depends on the kind: see Row.
type Entry struct {
	ID      string       `json:"id"`
	Kind    Kind         `json:"kind"`
	GuildID snowflake.ID `json:"guild_id"`
	RoomID  snowflake.ID `json:"room_id,omitempty"`
	By      snowflake.ID `json:"by,omitempty"` // 0: Snug itself
	Via     access.Via   `json:"via"`
	Target  snowflake.ID `json:"target,omitempty"` // the user it was done to
	Detail  string       `json:"detail,omitempty"`
	Old     string       `json:"old,omitempty"`
	New     string       `json:"new,omitempty"`
	At      time.Time    `json:"at"`
}

// About reports whether the entry is by a user or about them.
func (e *Entry) About(user snowflake.ID) bool { return user != 0 && (e.By == user || e.Target == user) }

// Accounts reports whether the entry is the server's own record
// of its administration, which users cannot have erased.
func (e *Entry) Accounts() bool { return e.RoomID == 0 && e.Kind != PreferencesForgotten }
