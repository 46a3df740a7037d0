package room

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
)

// Delivery says how a message reached its recipient.
type Delivery string

// The deliveries.
const (
	DeliveredDirect Delivery = "direct" // as a direct message
	DeliveredInChat Delivery = "chat"   // posted in the room's chat, because no direct message could be sent
	DMsClosed       Delivery = "closed" // not delivered: the user accepts no direct messages
	NotDelivered    Delivery = "not"    // not delivered: a budget was exhausted, or Discord did not answer
)

// Requests of the dashboard to the process that holds a guild, and the results.
// Every request names its actor; the bot checks with Discord what the actor may do.
type (
	// Member names a user in a guild.
	Member struct {
		GuildID snowflake.ID `json:"guild_id"`
		UserID  snowflake.ID `json:"user_id"`
	}

	// StandingRequest asks for a user's standing in the guild, no older than Within; 0 means 5 s.
	StandingRequest struct {
		UserID snowflake.ID  `json:"user_id"`
		Within time.Duration `json:"within,omitempty"`
	}

	// StandingsRequest asks for users' standings, and keeps them fresh for the next two minutes.
	StandingsRequest struct {
		UserIDs []snowflake.ID `json:"user_ids"`
	}
	// Standings are the known ones, each as old as its CheckedAt says;
	// missing ones are being fetched, or could not be for half an hour.
	Standings struct {
		Standings []access.Standing `json:"standings"`
	}

	// OpenRequest asks for a new room. Zero values mean the guild's settings.
	OpenRequest struct {
		Actor   access.Actor `json:"actor"`
		Name    string       `json:"name,omitempty"`
		Seats   int          `json:"seats,omitempty"`
		Private *bool        `json:"private,omitempty"`
		Game    string       `json:"game,omitempty"` // fills in {game}, where it is known
		// Plain ignores the member's preferences.
		Plain bool `json:"plain,omitempty"`
	}

	// Request asks something about one room: to see, join, keep or close it.
	Request struct {
		Actor  access.Actor `json:"actor"`
		RoomID snowflake.ID `json:"room_id"`
	}

	// InviteRequest asks for an invite. Zero values mean the guild's settings.
	InviteRequest struct {
		Actor    access.Actor  `json:"actor"`
		RoomID   snowflake.ID  `json:"room_id"`
		Lifetime time.Duration `json:"lifetime,omitempty"`
		Uses     int           `json:"uses,omitempty"`
		For      snowflake.ID  `json:"for,omitempty"`      // let this user in at once and send them the link
		ForName  string        `json:"for_name,omitempty"` // their display name, where it is known
		// of the invite: the same for each repetition; "" if there is none
		ID string `json:"id,omitempty"`
	}

	// RevokeRequest revokes an invite.
	RevokeRequest struct {
		Actor    access.Actor `json:"actor"`
		RoomID   snowflake.ID `json:"room_id"`
		InviteID string       `json:"invite_id"`
	}

	// PreviewRequest asks what an invite's landing page may show before login.
	PreviewRequest struct {
		Token string `json:"token"`
		// the viewer, if signed in: users banned from the room see nothing of it
		UserID snowflake.ID `json:"user_id,omitempty"`
	}

	// RedeemRequest follows an invite: the actor becomes a guest.
	RedeemRequest struct {
		Actor access.Actor `json:"actor"`
		Token string       `json:"token"`
		// AccessToken is the actor's Discord token, with scope guilds.join
		// where the guild lets invites bring people in; "" otherwise.
		AccessToken string `json:"access_token,omitempty"`
	}

	// ArriveRequest asks for the next step of the actor's Arrival. With
	// NewInvite their Discord invite is replaced, because it did not work.
	ArriveRequest struct {
		Actor     access.Actor `json:"actor"`
		RoomID    snowflake.ID `json:"room_id"`
		NewInvite bool         `json:"new_invite,omitempty"`
	}

	// SeenRequest reports the rooms of a guild that admitted members have visibly open.
	SeenRequest struct {
		RoomIDs []snowflake.ID `json:"room_ids"`
	}

	// SettingsRequest saves settings as JSON over what is there. Rev is the
	// revision the actor saw, 0 to skip the check.
	SettingsRequest struct {
		Actor access.Actor `json:"actor"`
		JSON  []byte       `json:"json"`
		Rev   uint64       `json:"rev,omitempty"`
	}
)

// The results.
type (
	// InviteLink is an invite and the token of its link.
	InviteLink struct {
		Invite Invite `json:"invite"`
		Token  string `json:"token"`
	}

	// OpenedRoom is a new room and its first invite.
	OpenedRoom struct {
		Room   Summary    `json:"room"`
		Invite InviteLink `json:"invite"`
	}

	// View is a room as one person may see it.
	View struct {
		Room       Summary         `json:"room"`
		Roster     []Person        `json:"roster"`
		Standing   access.Standing `json:"standing"`
		MayEnter   bool            `json:"may_enter"`
		MayControl bool            `json:"may_control"`
		// MayOverfill says that the person can enter though all seats
		// are taken: Discord and the server's settings let them.
		MayOverfill bool `json:"may_overfill,omitempty"`
		// KnowsSince is from when on the person may read the room's VisitLog; zero: from the start.
		KnowsSince time.Time `json:"knows_since,omitzero"`
		// Invites are the invites that still let somebody in: all of them
		// for who may control the room, their own for other guests.
		Invites []InviteLink `json:"invites,omitempty"`
		// IdleDeadline is when the room closes if nobody comes back; zero while somebody is in, or if it never does.
		IdleDeadline time.Time `json:"idle_deadline,omitzero"`
		Kept         bool      `json:"kept,omitempty"` // the room is empty, and somebody keeps it
		// Deadline says when the room closes at the latest, whoever is in: its maximum age; zero for none.
		Deadline time.Time `json:"deadline,omitzero"`
		// Control is what only those who control the room see; nil for others.
		Control *Control `json:"control,omitempty"`
		// MayClaim says whether the person may take the room over now; ClaimAt
		// from when on those inside may, zero while its owner is in voice.
		MayClaim bool      `json:"may_claim,omitempty"`
		ClaimAt  time.Time `json:"claim_at,omitzero"`
		// Place is the person's place in the waiting list, from 1; 0: they do not wait.
		Place int `json:"place,omitempty"`
		// HeldUntil is until when a seat is held for the person; zero for none.
		HeldUntil time.Time `json:"held_until,omitzero"`
		// Out says why the person's access is suspended, and what to do; nil if it is not.
		Suspended *errs.Error `json:"suspended,omitempty"`
		// VoiceIn is the voice channel of this guild the person is connected to; 0 for none.
		VoiceIn snowflake.ID `json:"voice_in,omitempty"`
	}

	// Control is what a View has in addition for those who control the room.
	Control struct {
		// why the owner's access is suspended; "" if it is not
		OwnerSuspended access.Barrier `json:"owner_suspended,omitempty"`
		Guests         []Guest        `json:"guests,omitempty"`
		Bans           []Ban          `json:"bans,omitempty"`
		Knocks         []Knock        `json:"knocks,omitempty"` // that nobody has answered
		Waiting        []Waiter       `json:"waiting,omitempty"`
		Holds          []Hold         `json:"holds,omitempty"`
		OnTheWay       []OnTheWay     `json:"on_the_way,omitempty"` // who followed an invite and is not let in yet
		// Lacks names, for those in Guests and OnTheWay and for the owner who lack a role, the roles each of
		// which would do.
		Lacks map[snowflake.ID]string `json:"lacks,omitempty"`
		// RenamesLeft is how often the room can be renamed at once, NextRename when the next time
		// is; WantedName is a name that will be applied then, "" for none.
		RenamesLeft int       `json:"renames_left"`
		NextRename  time.Time `json:"next_rename,omitzero"`
		WantedName  string    `json:"wanted_name,omitempty"`
		// WatchToken is for the link /watch/{channel}?t=…; "" while the room may not be watched.
		WatchToken string       `json:"watch_token,omitempty"`
		LobbyID    snowflake.ID `json:"lobby_id,omitempty"`
	}

	// OnTheWay is an Arrival, for those who control the room.
	OnTheWay struct {
		UserID   snowflake.ID   `json:"user_id"`
		Name     string         `json:"name,omitempty"` // display name, where it is known
		Avatar   string         `json:"avatar,omitempty"`
		InviteID string         `json:"invite_id"`
		Since    time.Time      `json:"since"`
		Until    time.Time      `json:"until"`         // when the arrival expires
		Step     Step           `json:"step"`          // what is next; "" while their standing is unknown
		Why      access.Barrier `json:"why,omitempty"` // with StepWait: what keeps them out; "" for a locked room
	}

	// Joined is the result of joining voice.
	Joined struct {
		// Moved is true if the bot moved the person into the room; otherwise
		// they are not in voice and have to open the channel in Discord.
		Moved bool `json:"moved"`
		// HeldUntil is until when a seat is kept for who was not moved.
		HeldUntil time.Time `json:"held_until,omitzero"`
	}

	// Preview is what an invite shows before login.
	Preview struct {
		GuildID   snowflake.ID `json:"guild_id"`
		GuildName string       `json:"guild_name"`
		RoomID    snowflake.ID `json:"room_id"`
		Name      string       `json:"name"`
		Seats     int          `json:"seats"`
		Roster    []Person     `json:"roster"`
		InvitedBy string       `json:"invited_by"` // display name; "" if unknown
		ExpiresAt time.Time    `json:"expires_at"`
		Left      int          `json:"left"` // uses left
		// Locked says that the invite lets nobody new in for now, MayKnock that who looks can ask to be let
		// in all the same.
		Locked   bool `json:"locked,omitempty"`
		MayKnock bool `json:"may_knock,omitempty"`
	}

	// Redeemed is the room the actor was let into; with OnTheWay
	// they have an Arrival, and ArriveRequest returns the next step.
	Redeemed struct {
		GuildID  snowflake.ID `json:"guild_id"`
		RoomID   snowflake.ID `json:"room_id"`
		OnTheWay bool         `json:"on_the_way,omitempty"`
	}

	// Arriving is the state of the actor's Arrival.
	Arriving struct {
		GuildID   snowflake.ID `json:"guild_id"`
		GuildName string       `json:"guild_name"`
		RoomID    snowflake.ID `json:"room_id"`
		Name      string       `json:"name"` // the room's
		Step      Step         `json:"step"`
		// Code is of the Discord invite for them alone, with
		// StepJoin; "" if there is none yet, and Why says why.
		Code  string      `json:"code,omitempty"`
		Why   *errs.Error `json:"why,omitempty"`
		Until time.Time   `json:"until,omitzero"` // when the arrival expires
	}

	// Saved is the result of saving settings.
	Saved struct {
		Rev uint64 `json:"rev"`
	}
)
