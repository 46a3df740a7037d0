package audit

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
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
	EntryOnTheWay    EntryKind = "on_the_way"     // Target follows an invite of By, and cannot be let in yet: Detail says why, as Step does
	EntryAdmitted    EntryKind = "guest_admitted" // Target was let in by By; Detail: ByLink if Target came by a link that By made
	EntryRefused     EntryKind = "seat_refused"   // somebody past the limit was moved back
	EntryRepaired    EntryKind = "repaired"       // Snug put right what it found wrong
	EntrySettings    EntryKind = "settings_changed"
	EntryRenamed     EntryKind = "room_renamed"
	EntryChannelGone EntryKind = "channel_gone"
	EntrySeats       EntryKind = "seats_changed"   // Old and New: how many
	EntryPrivacy     EntryKind = "privacy_changed" // Old and New: open, private, locked, hidden, or two of them joined by a comma
	EntryStatus      EntryKind = "status_changed"  // Old and New
	EntryKicked      EntryKind = "kicked"          // Target was put out, and is no guest any more
	EntryBanned      EntryKind = "banned"
	EntryUnbanned    EntryKind = "unbanned"
	EntryOwner       EntryKind = "owner_changed"  // Target is the owner now; Detail: transfer, claim, override or handover; Old and New: display names
	EntryKnocked     EntryKind = "knocked"        // By asks to be let in
	EntryKnockDenied EntryKind = "knock_denied"   // Target was told "not now"
	EntryWaiting     EntryKind = "seat_awaited"   // By waits for a seat
	EntryWaitEnded   EntryKind = "wait_ended"     // Target waits no longer; Detail: left, offered, seated
	EntryWatch       EntryKind = "watch_changed"  // New: on, renewed or off
	EntryRenamePlan  EntryKind = "rename_planned" // New is applied when Discord's limit allows
	EntryHeld        EntryKind = "seat_held"      // a seat is kept for Target
	EntrySuspended   EntryKind = "suspended"      // Target has no place in the room until they pass its gate again; Detail: access.Why
	EntryRestored    EntryKind = "restored"       // Target, who was suspended, passes again
	EntryForgotten   EntryKind = "preferences_forgotten"

	// What managers do on the web besides settings. Detail is the name of what it was done to.
	EntryTokenMade      EntryKind = "token_made" // an API token of the server
	EntryTokenRevoked   EntryKind = "token_revoked"
	EntryWebhookMade    EntryKind = "webhook_made"
	EntryWebhookChanged EntryKind = "webhook_changed" // New: what of it, of name, address, events, secret, on and off, joined by commas
	EntryWebhookRemoved EntryKind = "webhook_removed"
)

// ByLink is the Detail of an admission that nobody did by hand: the guest followed an invite link.
const ByLink = "link"

// EntryKinds lists the kinds, for who chooses from them.
func EntryKinds() []EntryKind {
	return []EntryKind{
		EntryOpened, EntryClosing, EntryKept, EntryClosed, EntryInvited, EntryRevoked, EntryOnTheWay, EntryAdmitted, EntryRefused, EntryRepaired,
		EntrySettings, EntryRenamed, EntryChannelGone, EntrySeats, EntryPrivacy, EntryStatus, EntryKicked, EntryBanned, EntryUnbanned,
		EntryOwner, EntryKnocked, EntryKnockDenied, EntryWaiting, EntryWaitEnded, EntryWatch, EntryRenamePlan, EntryHeld,
		EntrySuspended, EntryRestored, EntryForgotten,
		EntryTokenMade, EntryTokenRevoked, EntryWebhookMade, EntryWebhookChanged, EntryWebhookRemoved,
	}
}

// Entry is one line of the audit log: what happened, who did it, from where.
// ID makes publishing it twice harmless.
type Entry struct {
	ID      string       `json:"id"`
	Kind    EntryKind    `json:"kind"`
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

// About says whether the entry is by a user or about them.
func (e *Entry) About(user snowflake.ID) bool { return user != 0 && (e.By == user || e.Target == user) }

// Accounts says whether the entry is the server's own record of how it was run, which its people cannot have erased.
func (e *Entry) Accounts() bool { return e.RoomID == 0 && e.Kind != EntryForgotten }
