// Package protocol implements the live WebSocket protocol, version 1: its messages, their encoding
// and decoding, and the meaning of its close codes. docs/protocol.md specifies it; golden files
// check this package against it.
//
// dashboard/live is the server; load and test clients use the client side. The package does no I/O,
// holds no state and does not read the clock; everything in it is safe for concurrent use.
package protocol

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Version is the protocol version, sent as v in every message.
const Version = 1

// The limits of the protocol.
const (
	MaxClientMessage = 4 << 10          // bytes in one client message
	AuthWithin       = 5 * time.Second  // how long a client may take to authenticate
	BeatEvery        = 10 * time.Second // interval of server.heartbeat
	PingEvery        = 2 * BeatEvery    // interval of the server's pings
	SilentFor        = 45 * time.Second // how long a client may send nothing, pongs included
	MaxQueued        = 1 << 20          // most bytes buffered for a client that does not read
	MessageBurst     = 20               // messages a client may send at once
	MessagesPerSec   = 5                // messages a client may send per second after that
	RenderedEvery    = 10 * time.Second // event.rendered counts at most once per person in this time
)

// Type is the type of a message.
type Type string

// The message types.
const (
	TypeAuth  Type = "auth"  // client: authenticate
	TypeAck   Type = "ack"   // server: success
	TypeEvent Type = "event" // both: an event
	TypeError Type = "error" // server: an error
)

// Name is the name of an event.
type Name string

// The events.
const (
	AuthOK             Name = "auth.ok"
	RoomSnapshot       Name = "room.snapshot"
	RoomCreated        Name = "room.created"
	RoomUpdated        Name = "room.updated"
	RoomClosing        Name = "room.closing"
	RoomKept           Name = "room.kept"
	RoomHidden         Name = "room.hidden"
	RoomDeleted        Name = "room.deleted"
	RoomHistoryUpdated Name = "room.history_updated"
	Beat               Name = "server.heartbeat"
	VoiceJoined        Name = "voice.joined"
	VoiceUpdated       Name = "voice.updated"
	VoiceLeft          Name = "voice.left"
	PageVisible        Name = "page.visible"   // sent by clients
	EventRendered      Name = "event.rendered" // sent by clients
)

// Rev is a room's revision. N counts the room's changes within an epoch.
type Rev struct {
	Epoch string `json:"epoch"`
	N     uint64 `json:"n"`
}

// Message is the envelope of every message. P is the payload type: one of this package's types for
// encoding, or json.RawMessage for decoding before the event is known.
type Message[P any] struct {
	V       int          `json:"v"`
	Type    Type         `json:"type"`
	Event   Name         `json:"event,omitempty"`
	Payload P            `json:"payload,omitzero"`
	Error   *Fault       `json:"error,omitempty"`
	GuildID snowflake.ID `json:"guildId,omitempty"`
	Token   string       `json:"token,omitempty"`
	Rev     *Rev         `json:"rev,omitempty"`
	TS      int64        `json:"ts"` // Unix milliseconds
}

// Fault is the content of an error message: a code for programs and a message for people.
type Fault struct {
	Code    errs.Code `json:"code"`
	Message string    `json:"message"`
	Field   string    `json:"field,omitempty"` // the wrong field of the client's message
}

// The payloads. Times are Unix milliseconds.
type (
	// Welcome is the payload of auth.ok: the authenticated user, and the rooms whose snapshots
	// follow.
	Welcome struct {
		GuildID snowflake.ID   `json:"guildId"`
		UserID  snowflake.ID   `json:"userId"`
		Rooms   []snowflake.ID `json:"rooms"`
	}

	// Person is a member in a room's voice channel.
	Person struct {
		UserID      snowflake.ID `json:"userId"`
		Username    string       `json:"username"`
		DisplayName string       `json:"displayName"`
		Avatar      *string      `json:"avatar"` // hash; null if there is none
		Bot         bool         `json:"bot"`
		Muted       bool         `json:"muted"`
		Deafened    bool         `json:"deafened"`
		Streaming   bool         `json:"streaming"`
		Video       bool         `json:"video"`
		Since       int64        `json:"since"`
		Seat        int          `json:"seat"`
	}

	// Voice is the payload of voice.joined and voice.updated.
	Voice struct {
		GuildID     snowflake.ID `json:"guildId"`
		ChannelID   snowflake.ID `json:"channelId"`
		UserID      snowflake.ID `json:"userId"`
		Username    string       `json:"username"`
		Avatar      *string      `json:"avatar"`
		DisplayName string       `json:"displayName"`
		Bot         bool         `json:"bot"`
		Muted       bool         `json:"muted"`
		Deafened    bool         `json:"deafened"`
		Streaming   bool         `json:"streaming"`
		Video       bool         `json:"video"`
		Since       int64        `json:"since"`
		Seat        int          `json:"seat"`
		Waiting     int          `json:"waiting"` // as in Room
		Held        []int64      `json:"held"`
	}

	// Heartbeat is the payload of server.heartbeat.
	Heartbeat struct {
		Discord string `json:"discord"` // "ok", or "unheard"
		HeardAt int64  `json:"heardAt"` // when Snug last received something from Discord
	}

	// Left is the payload of voice.left. ChannelID is always null.
	Left struct {
		GuildID   snowflake.ID  `json:"guildId"`
		ChannelID *snowflake.ID `json:"channelId"`
		UserID    snowflake.ID  `json:"userId"`
		RoomID    snowflake.ID  `json:"roomId"`
		Waiting   int           `json:"waiting"` // as in Room
		Held      []int64       `json:"held"`
	}

	// Room is the payload of room.updated, and the part of a Snapshot other than its people.
	Room struct {
		GuildID   snowflake.ID `json:"guildId"`
		ChannelID snowflake.ID `json:"channelId"`
		Name      string       `json:"name"`
		UserLimit int          `json:"userLimit"` // as Discord shows it: the seats, and one for each bot inside
		Seats     int          `json:"seats"`
		Taken     int          `json:"taken"` // humans in voice
		Private   bool         `json:"private"`
		Locked    bool         `json:"locked"`
		Hidden    bool         `json:"hidden"`
		OwnerID   snowflake.ID `json:"ownerId"`
		OpenedAt  int64        `json:"openedAt"`
		ClosingAt *int64       `json:"closingAt"` // null if no closing is announced
		Status    string       `json:"status"`    // the room's activity; "" if there is none
		Headline  string       `json:"headline"`  // of the room's card; "" if there is none
		Knocking  int          `json:"knocking"`  // how many people ask to be let in
		Waiting   int          `json:"waiting"`   // how many people wait for a seat
		Held      []int64      `json:"held"`      // when held seats expire, earliest first
	}

	// Snapshot is the payload of room.snapshot and room.created.
	Snapshot struct {
		Room
		Roster []Person `json:"roster"`
	}

	// Closing is the payload of room.closing.
	Closing struct {
		GuildID   snowflake.ID `json:"guildId"`
		ChannelID snowflake.ID `json:"channelId"`
		ClosingAt int64        `json:"closingAt"`
		Reason    string       `json:"reason"`
	}

	// Kept is the payload of room.kept. By is null if the room stays open because somebody came
	// back.
	Kept struct {
		GuildID   snowflake.ID  `json:"guildId"`
		ChannelID snowflake.ID  `json:"channelId"`
		By        *snowflake.ID `json:"by"`
	}

	// Deleted is the payload of room.deleted.
	Deleted struct {
		GuildID   snowflake.ID `json:"guildId"`
		ChannelID snowflake.ID `json:"channelId"`
		Reason    string       `json:"reason"`
	}

	// HistoryUpdated is the payload of room.history_updated.
	HistoryUpdated struct {
		GuildID   snowflake.ID `json:"guildId"`
		ChannelID snowflake.ID `json:"channelId"`
	}

	// Hidden is the payload of room.hidden.
	Hidden struct {
		GuildID   snowflake.ID `json:"guildId"`
		ChannelID snowflake.ID `json:"channelId"`
	}
)
