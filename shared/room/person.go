package room

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// PersonRequest requests what is stored about a user in a guild (which they may have left), or
// deletes it if Erase is set.
type PersonRequest struct {
	UserID snowflake.ID `json:"user_id"`
	Erase  bool         `json:"erase,omitempty"`
}

// PersonData is what is stored about a user in a guild. After Erase it is what was stored before,
// with Stays for what could not be deleted.
type PersonData struct {
	Preferences  Preferences  `json:"preferences"`   // what they chose for their last room
	RememberedBy int          `json:"remembered_by"` // members whose preferences name them as a guest
	Rooms        []PersonRoom `json:"rooms"`
	// Closed are rooms that can be opened again, and what of each was about the user.
	Closed []PersonRoom `json:"closed_rooms,omitempty"`
}

// PersonRoom is what an open room stores about a user.
type PersonRoom struct {
	ID    snowflake.ID `json:"id"`
	Name  string       `json:"name"`
	As    []Part       `json:"as"`
	Stays []Part       `json:"stays,omitempty"` // what is left after erasing
}

// Part is a user's relation to a room.
type Part string

// The parts.
const (
	PartOwner   Part = "owner"
	PartInside  Part = "inside" // in its voice channel now
	PartGuest   Part = "guest"
	PartBanned  Part = "banned"
	PartKnock   Part = "knocking"
	PartWaiting Part = "waiting"
	PartHeld    Part = "seat_held"
	PartInvited Part = "followed_invite"
	PartActed   Part = "let_in_or_banned_others"
	PartOpened  Part = "opened"
)

// Parts lists a user's relations to the room; here means that they are in its voice channel.
func (r *Room) Parts(user snowflake.ID, here bool) (as []Part) {
	for _, p := range []struct {
		part Part
		is   bool
	}{
		{PartOwner, r.OwnerID == user}, {PartOpened, r.OpenedBy == user}, {PartInside, here},
		{PartGuest, r.Guest(user) != nil}, {PartBanned, r.Banned(user)},
		{PartKnock, slices.ContainsFunc(r.Knocks, func(k Knock) bool { return k.UserID == user })},
		{PartWaiting, r.Place(user) > 0},
		{PartHeld, slices.ContainsFunc(r.Holds, func(h Hold) bool { return h.UserID == user })},
		{
			PartInvited,
			slices.ContainsFunc(r.Invites, func(v Invite) bool { return slices.Contains(v.Redeemers, user) }),
		},
		{PartActed, slices.ContainsFunc(r.Guests, func(g Guest) bool { return g.By == user }) ||
			slices.ContainsFunc(r.Bans, func(b Ban) bool { return b.By == user }) ||
			slices.ContainsFunc(r.Knocks, func(k Knock) bool { return k.RefusedBy == user }) ||
			slices.ContainsFunc(r.Invites, func(v Invite) bool { return v.By == user })},
	} {
		if p.is {
			as = append(as, p.part)
		}
	}
	return as
}

// Forget removes a user's data from the room, unless they own it or are inside. A ban
// stays without their name, so that erasing does not lift it. Counts stay the same.
func (r *Room) Forget(user snowflake.ID, here bool, now time.Time) {
	if r.OwnerID == user || here {
		return
	}
	r.RevokeAccess(user, now)
	r.Knocks = slices.DeleteFunc(r.Knocks, func(k Knock) bool { return k.UserID == user })
	if r.OpenedBy == user {
		r.OpenedBy, r.OpenedName = 0, ""
	}
	nobody := func(id *snowflake.ID) {
		if *id == user {
			*id = 0
		}
	}
	for i := range r.Bans {
		if r.Bans[i].UserID == user {
			r.Bans[i].Name = ""
		}
		nobody(&r.Bans[i].By)
	}
	for i := range r.Guests {
		nobody(&r.Guests[i].By)
	}
	for i := range r.Knocks {
		nobody(&r.Knocks[i].RefusedBy)
	}
	for i := range r.Invites {
		v := &r.Invites[i]
		if nobody(&v.By); v.By == 0 {
			v.ByName = ""
		}
	}
	r.DetachUses(user)
}
