package room

import (
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// EntryKind names what an audit entry tells.
type EntryKind string

// The kinds of audit entries.
const (
	EntryOpened      EntryKind = "room_opened"
	EntryClosing     EntryKind = "room_closing"
	EntryKept        EntryKind = "room_kept"
	EntryClosed      EntryKind = "room_closed"
	EntryInvited     EntryKind = "invite_created"
	EntryRevoked     EntryKind = "invite_revoked"
	EntryAdmitted    EntryKind = "guest_admitted"
	EntryRefused     EntryKind = "seat_refused" // somebody past the limit was moved back
	EntryRepaired    EntryKind = "repaired"     // Snug put right what it found wrong
	EntrySettings    EntryKind = "settings_changed"
	EntryRenamed     EntryKind = "room_renamed"
	EntryChannelGone EntryKind = "channel_gone"
)

// Entry is one line of the audit log: what happened, who did it, from where.
// ID makes publishing it twice harmless.
type Entry struct {
	ID      string       `json:"id"`
	Kind    EntryKind    `json:"kind"`
	GuildID snowflake.ID `json:"guild_id"`
	RoomID  snowflake.ID `json:"room_id,omitempty"`
	By      snowflake.ID `json:"by,omitempty"` // 0: Snug itself
	Via     Via          `json:"via"`
	Target  snowflake.ID `json:"target,omitempty"` // the user it was done to
	Detail  string       `json:"detail,omitempty"`
	Old     string       `json:"old,omitempty"`
	New     string       `json:"new,omitempty"`
	At      time.Time    `json:"at"`
}

// Preferences are what a member last chose for a room of theirs, per guild.
type Preferences struct {
	Name    string `json:"name,omitempty"`
	Seats   int    `json:"seats,omitempty"`
	Private *bool  `json:"private,omitempty"`
}
