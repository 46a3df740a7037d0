// Package room defines rooms: what a room is, who may see, enter and control it, when it closes,
// and the events published about it.
//
// It does no I/O and reads no clock: times are arguments. Its values are plain data; Clone them
// before passing them to another goroutine. Ids are Discord snowflakes, as disgo types them.
package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/schema"
)

// State is a room's stage. A room whose channel does not exist yet is a PendingCreate.
type State string

const (
	// Open is a room whose channel exists.
	Open State = "open"
	// Closing is a room whose channel is being deleted: nobody is let in any more, and a restart finishes the deletion.
	Closing State = "closing"
)

// CloseReason says why a room ended.
type CloseReason string

// The reasons.
const (
	ClosedIdle    CloseReason = "idle"            // empty for longer than the idle timeout
	ClosedAge     CloseReason = "age"             // reached the server's maximum age
	ClosedByOwner CloseReason = "owner"           // its owner closed it
	ClosedByAdmin CloseReason = "manager"         // a manager of the server closed it
	ClosedAlone   CloseReason = "abandoned"       // the user who opened it through a lobby left before it existed
	ClosedChannel CloseReason = "channel_deleted" // its channel was deleted in Discord
	// Snug lost sight of it: the bot was removed, or the channel vanished unseen
	ClosedLost CloseReason = "lost"
)

// Room is everything Snug stores about a room, in one document, so that every change is one
// transaction. Only the bot (bot/rooms) writes it.
type Room struct {
	ID             snowflake.ID   `json:"id"` // the voice channel's id
	GuildID        snowflake.ID   `json:"guild_id"`
	CategoryID     snowflake.ID   `json:"category_id,omitempty"`
	Name           string         `json:"name"`
	Frame          schema.Frame   `json:"frame,omitempty"` // of its names, while it's open
	OwnerID        snowflake.ID   `json:"owner_id"`
	OwnerName      string         `json:"owner_name"`                // display name when they became the owner
	OwnerSuspended access.Barrier `json:"owner_suspended,omitempty"` // the owner's Suspended; see Guest
	// OpenedBy is the user who opened the room, whoever owns it now; 0: no longer known. OpenedName is
	// their display name at that time.
	OpenedBy   snowflake.ID `json:"opened_by,omitempty"`
	OpenedName string       `json:"opened_name,omitempty"`
	Seats      int          `json:"seats"`
	// the channel's user limit as Snug or somebody in Discord
	// last set it: the seats plus one for each bot; 0: Seats
	Limit   int          `json:"limit,omitempty"`
	Private bool         `json:"private"`
	Locked  bool         `json:"locked,omitempty"`
	Hidden  bool         `json:"hidden,omitempty"`
	LobbyID snowflake.ID `json:"lobby_id,omitempty"` // the lobby it was opened through; 0: none
	Number  int          `json:"number,omitempty"`   // {n} in its name: the lowest free number
	Status  string       `json:"status,omitempty"`   // the voice channel's status
	Card    Card         `json:"card,omitzero"`
	// WatchToken lets spectators see who is in, at /watch/{channel}?t=…; "" while the room has no spectator link.
	WatchToken string `json:"watch_token,omitempty"`
	// GuestsInvite means that guests can make invite links too.
	GuestsInvite bool     `json:"guests_invite,omitempty"`
	Guests       []Guest  `json:"guests,omitempty"`
	Bans         []Ban    `json:"bans,omitempty"`
	Invites      []Invite `json:"invites,omitempty"`
	// Arrivals followed an invite but aren't let in yet. SpentInvites are codes of Discord invites that have to be
	// deleted.
	Arrivals     []Arrival `json:"arrivals,omitempty"`
	SpentInvites []string  `json:"spent,omitempty"`
	State        State     `json:"state"`
	OpenedAt     time.Time `json:"opened_at"`
	// ShownAt is when the room last became visible to members; zero: it always was, or never.
	ShownAt time.Time `json:"shown_at,omitzero"`

	// PendingCreateID is the id of the PendingCreate that this room completed, so that a restart recognizes it.
	PendingCreateID string `json:"pending_create_id,omitempty"`
	// AgainOf is the closed room that this one was opened again from; 0: none.
	AgainOf snowflake.ID `json:"again_of,omitempty"`

	// Renames counts renames towards Discord's limit, and has a name that waits for it.
	Renames Renames `json:"renames,omitzero"`
	// Pending marks the calls to Discord that may not have succeeded; a sweep repeats them.
	Pending Pending `json:"pending,omitzero"`
	// OwnerLeftAt is when the owner left the room's voice channel; zero while they are in it.
	OwnerLeftAt time.Time `json:"owner_left_at,omitzero"`
	// Knocks are users who ask to be let in, and those refused less than KnockCoolDown ago.
	Knocks []Knock `json:"knocks,omitempty"`
	// Waiting is the waiting list, in order.
	Waiting []Waiter `json:"waiting,omitempty"`
	// Holds are seats held for users.
	Holds []Hold `json:"holds,omitempty"`

	// Panel is what Snug has posted in the room's chat.
	Panel Panel `json:"panel,omitzero"`

	Idle Idle `json:"idle"`

	// ClosingAt is the announced time at which the room will close; zero if none was announced.
	ClosingAt   time.Time   `json:"closing_at,omitzero"`
	CloseReason CloseReason `json:"close_reason,omitempty"`

	// Shifted is the total by which Shift has moved the room's times.
	Shifted time.Duration `json:"shifted,omitempty"`

	// Outbox holds audit entries that belong to this document's last writes and may not be in the audit stream yet.
	Outbox []audit.Entry `json:"outbox,omitempty"`
}

// Pending marks what may be different in Discord because a call failed or was interrupted. A mark
// is cleared only after its call has succeeded.
type Pending struct {
	Access bool           `json:"access,omitempty"` // overwrites
	Limit  bool           `json:"limit,omitempty"`
	Status bool           `json:"status,omitempty"`
	Eject  []snowflake.ID `json:"eject,omitempty"` // users to disconnect from voice, unless they leave on their own
	// Unban are lifted bans whose overwrite has to be removed. Other denials on the channel aren't Snug's.
	Unban []PendingUnban `json:"unban,omitempty"`
}

// AddUnban marks the overwrite of a lifted ban for removal.
func (d *Pending) AddUnban(b Ban) {
	d.UnbanDone(b.UserID)
	d.Unban = append(d.Unban, PendingUnban{b.UserID, b.DeniedBefore})
}

// UnbanDone clears AddUnban's mark.
func (d *Pending) UnbanDone(user snowflake.ID) {
	d.Unban = slices.DeleteFunc(d.Unban, func(l PendingUnban) bool { return l.UserID == user })
}

// AccessSynced clears the marks for overwrites, after all were sent to Discord.
func (d *Pending) AccessSynced() { d.Access, d.Unban = false, nil }

// Any reports whether any call is pending.
func (d Pending) Any() bool { return d.Access || d.Limit || d.Status || len(d.Eject)+len(d.Unban) > 0 }

// AddEject marks a user to be disconnected from voice.
func (d *Pending) AddEject(user snowflake.ID) {
	if !slices.Contains(d.Eject, user) {
		d.Eject = append(d.Eject, user)
	}
}

// EjectDone clears AddEject's mark.
func (d *Pending) EjectDone(user snowflake.ID) {
	d.Eject = slices.DeleteFunc(d.Eject, func(u snowflake.ID) bool { return u == user })
}

// Guest is a user let into the room.
type Guest struct {
	UserID   snowflake.ID `json:"user_id"`
	Name     string       `json:"name,omitempty"`      // display name, if known
	Avatar   string       `json:"avatar,omitempty"`    // hash, if known
	By       snowflake.ID `json:"by"`                  // who let them in
	InviteID string       `json:"invite_id,omitempty"` // the invite they followed, if any
	Since    time.Time    `json:"since"`
	Bot      bool         `json:"bot,omitempty"` // it takes no seat: the user limit is raised for it
	// Suspended is why they don't pass the room's gates: their access is suspended until they do. "" while they pass.
	Suspended access.Barrier `json:"suspended,omitempty"`
}

// SetAppearance updates name and avatar from a standing.
func (g *Guest) SetAppearance(s access.Standing) { setAppearance(&g.Name, &g.Avatar, s) }

func setAppearance(name, avatar *string, s access.Standing) {
	if s.Member && s.DisplayName != "" {
		*name, *avatar = s.DisplayName, s.Avatar
	}
}

// NotChecked is the Suspended of a guest whose standing has not been fetched yet.
const NotChecked access.Barrier = "unasked"

// Ban keeps a user out of the room until it is lifted.
type Ban struct {
	UserID snowflake.ID `json:"user_id"`
	Name   string       `json:"name,omitempty"`   // display name, if known
	Avatar string       `json:"avatar,omitempty"` // hash, if known
	By     snowflake.ID `json:"by"`
	At     time.Time    `json:"at"`
	// DeniedBefore is what a member overwrite that isn't Snug's denied them when they were banned; it
	// stays when the ban is lifted.
	DeniedBefore access.Permissions `json:"stood,omitempty"`
}

// SetAppearance updates name and avatar from a standing.
func (b *Ban) SetAppearance(s access.Standing) { setAppearance(&b.Name, &b.Avatar, s) }

// PendingUnban is a lifted ban whose overwrite may still be in Discord.
type PendingUnban struct {
	UserID       snowflake.ID       `json:"user_id"`
	DeniedBefore access.Permissions `json:"stood,omitempty"` // see Ban
}

// PendingCreate is stored before a room's channel is created, so that a restart can finish or clean up after a crash.
type PendingCreate struct {
	ID           string       `json:"id"`
	GuildID      snowflake.ID `json:"guild_id"`
	CategoryID   snowflake.ID `json:"category_id,omitempty"`
	OwnerID      snowflake.ID `json:"owner_id"`
	OwnerName    string       `json:"owner_name"`
	Name         string       `json:"name"`
	Frame        schema.Frame `json:"frame,omitempty"` // see Room
	Seats        int          `json:"seats"`
	Private      bool         `json:"private"`
	Locked       bool         `json:"locked,omitempty"`
	Hidden       bool         `json:"hidden,omitempty"`
	GuestsInvite bool         `json:"guests_invite,omitempty"`
	LobbyID      snowflake.ID `json:"lobby_id,omitempty"`
	Number       int          `json:"number,omitempty"`
	// Guests are let in and Banned kept out from the start, according to the owner's preferences.
	Guests []snowflake.ID `json:"guests,omitempty"`
	Banned []snowflake.ID `json:"banned,omitempty"`
	// Unasked are guests whose standing isn't known yet.
	Unasked []snowflake.ID `json:"unasked,omitempty"`
	AgainOf snowflake.ID   `json:"again_of,omitempty"` // see Room
	Preset  string         `json:"preset,omitempty"`   // the server's preset that it was opened with
	Via     access.Via     `json:"via"`
	At      time.Time      `json:"at"`
}

// Guest returns the guest entry of a user, or nil.
func (r *Room) Guest(user snowflake.ID) *Guest {
	if i := slices.IndexFunc(r.Guests, func(g Guest) bool { return g.UserID == user }); i >= 0 {
		return &r.Guests[i]
	}
	return nil
}

// SuspendedFor returns why the access of the owner or a guest is suspended; has is false for other users.
func (r *Room) SuspendedFor(user snowflake.ID) (why access.Barrier, has bool) {
	if r.OwnerID == user {
		return r.OwnerSuspended, true
	}
	if g := r.Guest(user); g != nil {
		return g.Suspended, true
	}
	return "", false
}

// SetSuspended suspends the access of the owner or a guest, or restores it with access.Passes.
func (r *Room) SetSuspended(user snowflake.ID, why access.Barrier) {
	if r.OwnerID == user {
		r.OwnerSuspended = why
	}
	if g := r.Guest(user); g != nil {
		g.Suspended = why
	}
}

// RevokeAccess removes a user's guest entry, arrival, knock, place in the waiting list and held seat.
func (r *Room) RevokeAccess(user snowflake.ID, now time.Time) {
	r.Guests = slices.DeleteFunc(r.Guests, func(g Guest) bool { return g.UserID == user })
	r.DropArrivals(true, func(a Arrival) bool { return a.UserID == user })
	r.DropWaiter(user)
	r.DropKnock(user)
	r.DropHold(user, now)
	r.RevokeInvites(now, func(v Invite) bool { return v.ByGuest && v.By == user })
}

// RevokeInvites ends the invites that match, and drops the arrivals that followed them.
func (r *Room) RevokeInvites(now time.Time, match func(Invite) bool) {
	for i := range r.Invites {
		v := &r.Invites[i]
		if v.RevokedAt.IsZero() && match(*v) {
			v.RevokedAt = now
			r.DropArrivals(false, func(a Arrival) bool { return a.InviteID == v.ID })
		}
	}
}

// Banned reports whether a user is banned.
func (r *Room) Banned(user snowflake.ID) bool {
	return slices.ContainsFunc(r.Bans, func(b Ban) bool { return b.UserID == user })
}

// InviteOf returns the invite with a code's key, or nil.
func (r *Room) InviteOf(key string) *Invite {
	if i := slices.IndexFunc(r.Invites, func(v Invite) bool { return v.Key == key }); i >= 0 {
		return &r.Invites[i]
	}
	return nil
}

// Invite returns the invite with an id, or nil.
func (r *Room) Invite(id string) *Invite {
	if i := slices.IndexFunc(r.Invites, func(v Invite) bool { return v.ID == id }); i >= 0 {
		return &r.Invites[i]
	}
	return nil
}

// Clone returns a deep copy.
func (r *Room) Clone() *Room {
	c := *r
	c.Guests = slices.Clone(r.Guests)
	c.Bans = slices.Clone(r.Bans)
	c.Outbox = slices.Clone(r.Outbox)
	c.Knocks = slices.Clone(r.Knocks)
	c.Waiting = slices.Clone(r.Waiting)
	c.Holds = slices.Clone(r.Holds)
	c.Renames.At = slices.Clone(r.Renames.At)
	c.Pending.Eject, c.Pending.Unban = slices.Clone(r.Pending.Eject), slices.Clone(r.Pending.Unban)
	c.Panel = r.Panel.Clone()
	c.Arrivals, c.SpentInvites = slices.Clone(r.Arrivals), slices.Clone(r.SpentInvites)
	c.Invites = slices.Clone(r.Invites)
	for i := range c.Invites {
		c.Invites[i].Redeemers = slices.Clone(c.Invites[i].Redeemers)
	}
	return &c
}

// Summary returns what spectators and members see of the room, with the rules for who may see it.
func (r *Room) Summary(managersSee bool) Summary {
	s := Summary{
		ID: r.ID, GuildID: r.GuildID, Name: r.Name, OwnerName: r.OwnerName, Seats: r.Seats,
		OpenedAt: r.OpenedAt, OpenedBy: r.OpenedBy, OpenedName: r.OpenedName, ClosingAt: r.ClosingAt, Status: r.Status,
		Card: r.Card, Frame: r.Frame,
		Knocking: r.Knocking(), Waiting: len(r.Waiting),
		Access: Access{
			OwnerID: r.OwnerID, Private: r.Private, Locked: r.Locked, Hidden: r.Hidden, ManagersSee: managersSee,
			WatchKey: WatchKey(r.WatchToken), GuestsInvite: r.GuestsInvite,
			OwnerSuspended: r.OwnerSuspended != access.Passes,
		},
	}
	s.Held = r.HeldUntil()
	for _, g := range r.Guests {
		if g.Suspended == access.Passes {
			s.Access.Guests = append(s.Access.Guests, g.UserID)
		}
	}
	for _, b := range r.Bans {
		s.Access.Banned = append(s.Access.Banned, b.UserID)
	}
	return s
}
