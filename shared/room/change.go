package room

import (
	"strconv"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/schema"
)

// Action names one of [schema.Actions]: something that people can do to a room.
type Action string

// The actions, and what each does. A test holds them to the table.
const (
	DoRename   Action = "rename"   // beyond Discord's budget the name is applied later
	DoSeats    Action = "seats"    //
	DoStatus   Action = "status"   // of the voice channel; "" clears it
	DoCard     Action = "card"     // what the owner tells of it
	DoPrivate  Action = "private"  // guests alone see and enter it
	DoPublic   Action = "public"   // every member sees and enters it: neither private, locked nor hidden
	DoLock     Action = "lock"     // nobody new gets in, by invite neither; who is inside stays let in
	DoUnlock   Action = "unlock"   //
	DoHide     Action = "hide"     // members who are no guests do not see it
	DoShow     Action = "show"     //
	DoKick     Action = "kick"     // the user is put out of voice and is no guest any more
	DoBan      Action = "ban"      // the user is kicked and kept out, of the owner's later rooms too
	DoUnban    Action = "unban"    //
	DoTransfer Action = "transfer" // the user becomes the owner; the old owner stays a guest
	DoClaim    Action = "claim"    // the actor becomes the owner, once the owner is away for ClaimAfter
	DoShare    Action = "share"    // guests can make invite links too
	DoUnshare  Action = "unshare"  // they can't, and their links end
	DoWatch    Action = "watch"    // makes a new spectator link; the old one ends
	DoUnwatch  Action = "unwatch"  // ends it
)

// Row returns the action's row; false if there is no such action.
func (a Action) Row() (schema.Action, bool) { return schema.ActionNamed(string(a)) }

// Current returns what an action's input is now, as people type it; "" for actions without input.
func (s *Summary) Current(do Action) string {
	switch do {
	case DoRename:
		return s.Frame.Part(s.Name)
	case DoSeats:
		return strconv.Itoa(s.Seats)
	case DoStatus:
		return s.Status
	}
	return ""
}

// On reports whether what a switch turns on is on: whether the room is private after DoPrivate, locked after DoLock.
func (a Access) On(do Action) bool {
	switch do {
	case DoPrivate:
		return a.Private
	case DoLock:
		return a.Locked
	case DoHide:
		return a.Hidden
	case DoWatch:
		return a.WatchKey != ""
	case DoShare:
		return a.GuestsInvite
	}
	return false
}

// Limits of changes.
const (
	ClaimAfter = 5 * time.Minute // how long the owner has to be away from voice before others may take the room over
	MaxGuests  = 500             // of one room; Discord takes 1,000 overwrites a channel
	MaxBans    = 300             // of one room
	MaxWaiting = 50              // in one room's waiting list
)

// What is asked about one room beyond Request.
type (
	// ChangeRequest asks to change a room. The action's row says which of Text, Texts, Number and User it
	// reads.
	ChangeRequest struct {
		Actor  access.Actor `json:"actor"`
		RoomID snowflake.ID `json:"room_id"`
		Do     Action       `json:"do"`
		Text   string       `json:"text,omitempty"`
		Number int          `json:"number,omitempty"`
		User   snowflake.ID `json:"user,omitempty"`
		// Texts are by the names of the row's Fields.
		Texts map[string]string `json:"texts,omitempty"`
	}

	// ChangeDone is the room after a change.
	ChangeDone struct {
		Room Summary `json:"room"`
		// Later is when a new name will be applied; zero: it is. Summary has the name as it is now.
		Later time.Time `json:"later,omitzero"`
		// Name is the display name of the user it was done to, where it is known.
		Name string `json:"name,omitempty"`
		// Reached says how the user learned of it, where Snug tells them; "" where it does not.
		Delivery Delivery `json:"delivery,omitempty"`
		// WatchToken is the new link's, after DoWatch.
		WatchToken string `json:"watch_token,omitempty"`
	}

	// KnockRequest asks to be let into a room, or into whatever room Owner
	// has. A room that is not shown to the actor gets the knock too, but the
	// answer is the same as if there were none.
	KnockRequest struct {
		Actor  access.Actor `json:"actor"`
		RoomID snowflake.ID `json:"room_id,omitempty"`
		Owner  snowflake.ID `json:"owner,omitempty"`
	}

	// KnockDone tells how knocking went. It says nothing of a room that the actor may not see.
	KnockDone struct {
		// Room is the room, if the actor may see it.
		Room *Summary `json:"room,omitempty"`
		// Already is true if the actor had knocked before and nobody has answered yet.
		Already bool `json:"already,omitempty"`
	}

	// AnswerRequest answers a knock: let in, or not now.
	AnswerRequest struct {
		Actor  access.Actor `json:"actor"`
		RoomID snowflake.ID `json:"room_id"`
		User   snowflake.ID `json:"user"`
		LetIn  bool         `json:"let_in"`
	}

	// WaitRequest enters the waiting list of a full room, or leaves it.
	WaitRequest struct {
		Actor  access.Actor `json:"actor"`
		RoomID snowflake.ID `json:"room_id"`
		Leave  bool         `json:"leave,omitempty"`
	}

	// WaitDone is the actor's place in the waiting list, from 1; 0: they do
	// not wait. With HeldUntil a seat was free after all and is held for them.
	WaitDone struct {
		Room      Summary   `json:"room"`
		Place     int       `json:"place"`
		HeldUntil time.Time `json:"held_until,omitzero"`
	}

	// PreferencesRequest asks for what a member had remembered, or with Forget to forget it.
	PreferencesRequest struct {
		Actor  access.Actor `json:"actor"`
		Forget bool         `json:"forget,omitempty"`
	}

	// PreferencesDone is what is remembered of the actor now.
	PreferencesDone struct {
		Preferences Preferences `json:"preferences"`
	}
)
