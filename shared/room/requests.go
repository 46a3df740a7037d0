package room

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/preset"
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

// LookAge is how old a standing may be that decides what somebody sees, on pages as in the live view. Who may do
// something is asked of Discord when they do it.
const LookAge = time.Minute

// Requests of the dashboard to the process that holds a guild, and their results. Every request
// names its actor; the bot checks with Discord what the actor may do.
type (
	// Member names a user in a guild.
	Member struct {
		GuildID snowflake.ID `json:"guild_id"`
		UserID  snowflake.ID `json:"user_id"`
	}

	// StandingRequest requests a user's standing in the guild, no older than Within; 0 means 5 s. Follow keeps it up
	// to date for the next two minutes: the user is looking and will probably look again.
	StandingRequest struct {
		UserID snowflake.ID  `json:"user_id"`
		Within time.Duration `json:"within,omitempty"`
		Follow bool          `json:"follow,omitempty"`
	}

	// StandingsRequest requests users' standings, and keeps them up to date for the next two minutes.
	StandingsRequest struct {
		UserIDs []snowflake.ID `json:"user_ids"`
	}
	// Standings are the known ones, each as old as its CheckedAt says; missing ones are being fetched,
	// or could not be fetched for half an hour.
	Standings struct {
		Standings []access.Standing `json:"standings"`
	}

	// OpenRequest requests a new room. Zero values mean the guild's settings.
	OpenRequest struct {
		Actor   access.Actor `json:"actor"`
		Name    string       `json:"name,omitempty"`
		Seats   int          `json:"seats,omitempty"`
		Private *bool        `json:"private,omitempty"`
		Game    string       `json:"game,omitempty"` // replaces {game}, if known
		// Plain ignores the member's preferences.
		Plain bool `json:"plain,omitempty"`
		// Preset is what the room is to be like, where the fields above say nothing; "" for none.
		Preset preset.Ref `json:"preset,omitempty"`
	}

	// Request is about one room: to view, join, keep open or close it.
	Request struct {
		Actor  access.Actor `json:"actor"`
		RoomID snowflake.ID `json:"room_id"`
		// Look says that the actor only looks, so that a standing of up to LookAge will do.
		Look bool `json:"look,omitempty"`
	}

	// InviteRequest requests an invite. Zero values mean the guild's settings.
	InviteRequest struct {
		Actor    access.Actor  `json:"actor"`
		RoomID   snowflake.ID  `json:"room_id"`
		Lifetime time.Duration `json:"lifetime,omitempty"`
		Uses     int           `json:"uses,omitempty"`
		Label    string        `json:"label,omitempty"`
		For      snowflake.ID  `json:"for,omitempty"`      // let this user in at once and send them the link
		ForName  string        `json:"for_name,omitempty"` // their display name, if known
		// of the invite, the same in every repetition of the request; "" if there is none
		ID string `json:"id,omitempty"`
	}

	// RevokeRequest revokes an invite.
	RevokeRequest struct {
		Actor    access.Actor `json:"actor"`
		RoomID   snowflake.ID `json:"room_id"`
		InviteID string       `json:"invite_id"`
	}

	// PreviewRequest requests what an invite's landing page may show before sign-in.
	PreviewRequest struct {
		RoomID snowflake.ID `json:"room_id"`
		Code   string       `json:"code"`
		// the viewer, if signed in: users banned from the room see nothing of it
		UserID snowflake.ID `json:"user_id,omitempty"`
	}

	// RedeemRequest follows an invite: the actor becomes a guest.
	RedeemRequest struct {
		Actor  access.Actor `json:"actor"`
		RoomID snowflake.ID `json:"room_id"`
		Code   string       `json:"code"`
		// AccessToken is the actor's Discord access token, with scope guilds.join, if the guild lets
		// invites add members; "" otherwise.
		AccessToken string `json:"access_token,omitempty"`
	}

	// ArriveRequest requests the next step of the actor's Arrival. NewInvite replaces their Discord
	// invite, because it did not work.
	ArriveRequest struct {
		Actor     access.Actor `json:"actor"`
		RoomID    snowflake.ID `json:"room_id"`
		NewInvite bool         `json:"new_invite,omitempty"`
	}

	// SeenRequest reports the rooms of a guild that admitted members have visibly open.
	SeenRequest struct {
		RoomIDs []snowflake.ID `json:"room_ids"`
	}

	// SettingsRequest merges settings, as JSON, into the current ones. Rev is the revision the actor
	// saw, 0 to skip the check.
	SettingsRequest struct {
		Actor access.Actor `json:"actor"`
		JSON  []byte       `json:"json"`
		Rev   uint64       `json:"rev,omitempty"`
	}
)

// The results.
type (
	// InviteLink is an invite and the code of its link; "" if the keys that sealed it are gone.
	InviteLink struct {
		Invite Invite `json:"invite"`
		Code   string `json:"code,omitempty"`
	}

	// OpenedRoom is a new room and its first invite.
	OpenedRoom struct {
		Room   Summary    `json:"room"`
		Invite InviteLink `json:"invite"`
		// Cut is what of a preset or a closed room the server doesn't allow.
		Cut []Cut `json:"cut,omitempty"`
		// Joined means that the room was open already: somebody else had opened it again.
		Joined bool `json:"joined,omitempty"`
	}

	// View is a room as one user may see it.
	View struct {
		Room       Summary         `json:"room"`
		Roster     []Person        `json:"roster"`
		Standing   access.Standing `json:"standing"`
		MayEnter   bool            `json:"may_enter"`
		MayControl bool            `json:"may_control"`
		MayInvite  bool            `json:"may_invite,omitempty"` // make invite links
		// MayOverfill means that the user can enter although all seats are taken: Discord and the server's settings
		// allow it.
		MayOverfill bool `json:"may_overfill,omitempty"`
		// KnowsSince is the time from which the user may read the room's VisitLog; zero: from the start.
		KnowsSince time.Time `json:"knows_since,omitzero"`
		// IdleTimeout is the server's setting: after how long an empty room closes; negative: never.
		IdleTimeout time.Duration `json:"idle_timeout,omitempty"`
		// LastEntry is the id of the newest entry in the room's audit; "" if none was added since the process started.
		LastEntry string `json:"last_entry,omitempty"`
		// Invites are the invites that can still let somebody in: all of them for users who control the
		// room, their own for other guests.
		Invites []InviteLink `json:"invites,omitempty"`
		// IdleDeadline is when the room closes if nobody comes back; zero while somebody is in, or if it never closes.
		IdleDeadline time.Time `json:"idle_deadline,omitzero"`
		Kept         bool      `json:"kept,omitempty"` // the room is empty, and somebody keeps it open
		// Deadline is when the room reaches its maximum age and closes even if people are in; zero for none.
		Deadline time.Time `json:"deadline,omitzero"`
		// Control is only for users who control the room; nil for others.
		Control *Control `json:"control,omitempty"`
		// MayClaim means that the user may become the owner now; ClaimAt is when those inside may, zero
		// while the owner is in voice.
		MayClaim bool      `json:"may_claim,omitempty"`
		ClaimAt  time.Time `json:"claim_at,omitzero"`
		// PassesAt is when the room passes to somebody inside because its owner is away; zero while it won't.
		PassesAt time.Time `json:"passes_at,omitzero"`
		// Place is the user's place in the waiting list, from 1; 0: they are not on it.
		Place int `json:"place,omitempty"`
		// HeldUntil is when the seat held for the user is released; zero for none.
		HeldUntil time.Time `json:"held_until,omitzero"`
		// Holders are those for whom seats are held, who is released first at first. Those on their way who aren't let
		// in yet are only for users who control the room.
		Holders []Holder `json:"holders,omitempty"`
		// Suspended is why the user's access is suspended, and what to do; nil if it isn't.
		Suspended *errs.Error `json:"suspended,omitempty"`
		// VoiceIn is the voice channel of this guild that the user is in; 0 for none.
		VoiceIn snowflake.ID `json:"voice_in,omitempty"`
	}

	// Control is what a View contains in addition for users who control the room.
	Control struct {
		// why the owner's access is suspended; "" if it is not
		OwnerSuspended access.Barrier `json:"owner_suspended,omitempty"`
		Guests         []Guest        `json:"guests,omitempty"`
		Bans           []Ban          `json:"bans,omitempty"`
		Knocks         []Knock        `json:"knocks,omitempty"` // pending ones
		Waiting        []Waiter       `json:"waiting,omitempty"`
		Holds          []Hold         `json:"holds,omitempty"`
		OnTheWay       []OnTheWay     `json:"on_the_way,omitempty"` // who followed an invite and isn't let in yet
		// Lacks names, for users in Guests and OnTheWay and for the owner, the roles of which any one would
		// let them in, if they have none of them.
		Lacks map[snowflake.ID]string `json:"lacks,omitempty"`
		// RenamesLeft is how often the room can be renamed now, NextRename when it next can; WantedName is
		// a name that will be applied then, "" for none.
		RenamesLeft int       `json:"renames_left"`
		NextRename  time.Time `json:"next_rename,omitzero"`
		WantedName  string    `json:"wanted_name,omitempty"`
		// WatchToken is for the spectator link /watch/{channel}?t=…; "" while the room has none.
		WatchToken string       `json:"watch_token,omitempty"`
		LobbyID    snowflake.ID `json:"lobby_id,omitempty"`
	}

	// OnTheWay is an Arrival, for users who control the room.
	OnTheWay struct {
		UserID   snowflake.ID   `json:"user_id"`
		Name     string         `json:"name,omitempty"` // display name, if known
		Avatar   string         `json:"avatar,omitempty"`
		InviteID string         `json:"invite_id"`
		Since    time.Time      `json:"since"`
		Until    time.Time      `json:"until"`         // when the arrival expires
		Step     Step           `json:"step"`          // the next one; "" while their standing is unknown
		Why      access.Barrier `json:"why,omitempty"` // of StepWait: what keeps them out; "" for a locked room
	}

	// Joined is the result of joining voice.
	Joined struct {
		// Moved is true if the bot moved the user into the room; otherwise they aren't in voice and have to
		// join the channel in Discord.
		Moved bool `json:"moved"`
		// HeldUntil is when the seat held for a user who wasn't moved is released.
		HeldUntil time.Time `json:"held_until,omitzero"`
	}

	// Preview is what an invite shows before sign-in.
	Preview struct {
		GuildID   snowflake.ID `json:"guild_id"`
		GuildName string       `json:"guild_name"`
		RoomID    snowflake.ID `json:"room_id"`
		Name      string       `json:"name"`
		Seats     int          `json:"seats"`
		Roster    []Person     `json:"roster"`
		Public    bool         `json:"public,omitempty"` // every member of the server sees it, as in Access.Public
		InvitedBy string       `json:"invited_by"`       // display name; "" if unknown
		ExpiresAt time.Time    `json:"expires_at"`
		Left      int          `json:"left"` // uses left
		// Locked means that the invite currently lets nobody new in, MayKnock that the viewer can still knock.
		Locked   bool `json:"locked,omitempty"`
		MayKnock bool `json:"may_knock,omitempty"`
	}

	// Redeemed is the room the actor was let into. With OnTheWay they have an Arrival, and
	// ArriveRequest returns the next step.
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
		// Code, with StepJoin, is the code of the Discord invite for this user; "" if there is none yet: see Why.
		Code  string      `json:"code,omitempty"`
		Why   *errs.Error `json:"why,omitempty"`
		Until time.Time   `json:"until,omitzero"` // when the arrival expires
	}

	// Saved is the result of saving settings.
	Saved struct {
		Rev uint64 `json:"rev"`
	}
)
