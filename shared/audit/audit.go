package audit

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// Kind names what an audit entry tells.
type Kind string

// The kinds of audit entries.
const (
	RoomOpened    Kind = "room_opened"
	RoomClosing   Kind = "room_closing"
	RoomKept      Kind = "room_kept"
	RoomClosed    Kind = "room_closed"
	InviteCreated Kind = "invite_created"
	InviteRevoked Kind = "invite_revoked"
	// Target followed an invite of By and cannot be let in yet; Detail is the room.Step
	OnTheWay Kind = "on_the_way"
	// Target was let in by By; Detail: ByLink if Target came by a link that By made
	GuestAdmitted   Kind = "guest_admitted"
	SeatRefused     Kind = "seat_refused" // somebody past the limit was moved back
	Repaired        Kind = "repaired"     // Snug fixed a difference between Discord and its data
	SettingsChanged Kind = "settings_changed"
	RoomRenamed     Kind = "room_renamed"
	ChannelGone     Kind = "channel_gone"
	SeatsChanged    Kind = "seats_changed" // Old and New: how many
	// Old and New: open, private, locked, hidden, or two of them joined by a comma
	PrivacyChanged Kind = "privacy_changed"
	StatusChanged  Kind = "status_changed" // Old and New
	Kicked         Kind = "kicked"         // Target was put out, and is no guest any more
	Banned         Kind = "banned"
	Unbanned       Kind = "unbanned"
	// Target is the owner now; Detail: transfer, claim, override or handover; Old and New: display names
	OwnerChanged         Kind = "owner_changed"
	Knocked              Kind = "knocked"                // By asks to be let in
	KnockDenied          Kind = "knock_denied"           // Target's knock was refused
	WaitingStarted       Kind = "waiting_started"        // By waits for a seat
	WaitingEnded         Kind = "waiting_ended"          // Target waits no longer; Detail: left, offered, seated
	SpectatorLinkChanged Kind = "spectator_link_changed" // New: on, renewed or off
	RenamePlanned        Kind = "rename_planned"         // New is applied when Discord's limit allows
	SeatHeld             Kind = "seat_held"              // a seat is kept for Target
	// Target's access is suspended until they pass the room's gates again; Detail: access.Why
	Suspended            Kind = "suspended"
	Restored             Kind = "restored" // Target, who was suspended, passes again
	PreferencesForgotten Kind = "preferences_forgotten"

	// What managers do on the web besides settings. Detail is the name of what it was done to.
	TokenCreated   Kind = "token_made" // an API token of the server
	TokenRevoked   Kind = "token_revoked"
	WebhookCreated Kind = "webhook_made"
	// New: what of it, of name, address, events, secret, on and off, joined by commas
	WebhookChanged Kind = "webhook_changed"
	WebhookRemoved Kind = "webhook_removed"
)

// ByLink is the Detail of a GuestAdmitted entry whose guest followed an invite link.
const ByLink = "link"

// Kinds lists the kinds, for who chooses from them.
func Kinds() []Kind {
	return []Kind{
		RoomOpened, RoomClosing, RoomKept, RoomClosed, InviteCreated, InviteRevoked, OnTheWay, GuestAdmitted,
		SeatRefused, Repaired,
		SettingsChanged, RoomRenamed, ChannelGone, SeatsChanged, PrivacyChanged, StatusChanged, Kicked, Banned,
		Unbanned,
		OwnerChanged, Knocked, KnockDenied, WaitingStarted, WaitingEnded, SpectatorLinkChanged, RenamePlanned, SeatHeld,
		Suspended, Restored, PreferencesForgotten,
		TokenCreated, TokenRevoked, WebhookCreated, WebhookChanged, WebhookRemoved,
	}
}

// Entry is one line of the audit log: what happened, who did it, from where.
// ID makes publishing it twice harmless.
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
