package wire

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
)

// Entry is an entry of the audit log.
type Entry struct {
	ID     string        `json:"id"`
	Kind   audit.Kind    `json:"kind"`
	At     time.Time     `json:"at"`
	RoomID *snowflake.ID `json:"room_id"`
	By     *snowflake.ID `json:"by" doc:"Who did it. null: Snug itself."`
	Via    access.Via    `json:"via"`
	Target *snowflake.ID `json:"target" doc:"Who it was done to."`
	Detail string        `json:"detail,omitempty"`
	Old    string        `json:"old,omitempty"`
	New    string        `json:"new,omitempty"`
}

// NewEntry gives an entry as JSON has it.
func NewEntry(e audit.Entry) Entry {
	return Entry{
		ID: e.ID, Kind: e.Kind, At: e.At, RoomID: IDOrNull(e.RoomID), By: IDOrNull(e.By), Via: e.Via,
		Target: IDOrNull(e.Target), Detail: e.Detail, Old: e.Old, New: e.New,
	}
}
