package room

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// Action names one thing that can be done to a room.
type Action string

// The actions. Beside each is what of a ChangeRequest it reads. The owner and
// the server's managers may do them, where nothing else is said.
const (
	DoRename   Action = "rename"   // Text: the name. Beyond Discord's budget it is applied later
	DoSeats    Action = "seats"    // Number: how many
	DoPrivate  Action = "private"  // guests alone see and enter it
	DoPublic   Action = "public"   // every member sees and enters it: neither private, locked nor hidden
	DoLock     Action = "lock"     // nobody new gets in, by invite neither; who is inside stays let in
	DoUnlock   Action = "unlock"   //
	DoHide     Action = "hide"     // members who are no guests do not see it
	DoShow     Action = "show"     //
	DoStatus   Action = "status"   // Text: the voice channel's status; "" clears it
	DoKick     Action = "kick"     // User is put out of voice and is no guest any more
	DoBan      Action = "ban"      // User is kicked and kept out, of the owner's later rooms too
	DoUnban    Action = "unban"    // User
	DoTransfer Action = "transfer" // User becomes the owner; the old owner stays a guest
	// the actor becomes the owner: anybody inside, once the owner is away for ClaimAfter; managers at any
	// time
	DoClaim   Action = "claim"
	DoWatch   Action = "watch"   // the room may be watched; done again, it makes a new link and the old one ends
	DoUnwatch Action = "unwatch" // spectators see it no more
)

// Actions lists the actions, for who chooses from them.
func Actions() []Action {
	return []Action{
		DoRename, DoSeats, DoPrivate, DoPublic, DoLock, DoUnlock, DoHide, DoShow, DoStatus, DoKick, DoBan, DoUnban,
		DoTransfer, DoClaim, DoWatch, DoUnwatch,
	}
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
	// ChangeRequest asks to change a room.
	ChangeRequest struct {
		Actor  access.Actor `json:"actor"`
		RoomID snowflake.ID `json:"room_id"`
		Do     Action       `json:"do"`
		Text   string       `json:"text,omitempty"`
		Number int          `json:"number,omitempty"`
		User   snowflake.ID `json:"user,omitempty"`
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
