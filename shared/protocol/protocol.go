// Package protocol is the live WebSocket protocol, version 1: its messages,
// how they are written and read, and what its close codes mean. The contract
// is docs/protocol.md; golden files hold this package to it.
//
// dashboard/live speaks the server's side of it, and measuring and testing
// clients the other. The package does no I/O, keeps no state and reads no
// clock; everything in it is safe for concurrent use.
package protocol

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Version is the protocol's version, the envelope's v.
const Version = 1

// What the protocol allows.
const (
	MaxClientMessage = 4 << 10          // bytes of one message from a client
	AuthWithin       = 5 * time.Second  // how long a client may take to authenticate
	PingEvery        = 15 * time.Second // how often the server pings
	BeatEvery        = 10 * time.Second // how often server.heartbeat comes
	SilentFor        = 45 * time.Second // how long a client may be silent, pongs included
	MaxQueued        = 1 << 20          // the most bytes ever held for a client that does not read
	MessageBurst     = 20               // messages a client may send at once
	MessagesPerSec   = 5                // and how many a second after that
	RenderedEvery    = 10 * time.Second // how often one person's event.rendered counts at most
)

// Type is what kind of message an envelope holds.
type Type string

// The types.
const (
	TypeAuth  Type = "auth"  // client: who I am
	TypeAck   Type = "ack"   // server: done
	TypeEvent Type = "event" // both: something happened
	TypeError Type = "error" // server: something is wrong
)

// Name names an event.
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
	PageVisible        Name = "page.visible"   // from clients
	EventRendered      Name = "event.rendered" // from clients
)

// Rev is a room's revision. N counts its changes within the epoch.
type Rev struct {
	Epoch string `json:"epoch"`
	N     uint64 `json:"n"`
}

// Message is the envelope. P is the payload's type: one of this package's to
// write it, json.RawMessage to read a message before its event is known.
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

// Fault is what an error message says: a code for programs, a sentence for people.
type Fault struct {
	Code    errs.Code `json:"code"`
	Message string    `json:"message"`
	Field   string    `json:"field,omitempty"` // which field of the client's message is wrong
}

// The payloads. Times are Unix milliseconds.
type (
	// Welcome is the payload of auth.ok: who authenticated, and the rooms whose snapshots follow.
	Welcome struct {
		GuildID snowflake.ID   `json:"guildId"`
		UserID  snowflake.ID   `json:"userId"`
		Rooms   []snowflake.ID `json:"rooms"`
	}

	// Person is somebody in a room's voice channel.
	Person struct {
		UserID      snowflake.ID `json:"userId"`
		Username    string       `json:"username"`
		DisplayName string       `json:"displayName"`
		Avatar      *string      `json:"avatar"` // hash; null for none
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
	}

	// Heartbeat is the payload of server.heartbeat.
	Heartbeat struct {
		Discord string `json:"discord"` // "ok", or "unheard"
		HeardAt int64  `json:"heardAt"` // when Discord was heard last
	}

	// Left is the payload of voice.left. ChannelID is always null.
	Left struct {
		GuildID   snowflake.ID  `json:"guildId"`
		ChannelID *snowflake.ID `json:"channelId"`
		UserID    snowflake.ID  `json:"userId"`
		RoomID    snowflake.ID  `json:"roomId"`
	}

	// Room is the payload of room.updated, and the part without people of a Snapshot.
	Room struct {
		GuildID   snowflake.ID `json:"guildId"`
		ChannelID snowflake.ID `json:"channelId"`
		Name      string       `json:"name"`
		UserLimit int          `json:"userLimit"` // as Discord shows it: seats, and one for each bot inside
		Seats     int          `json:"seats"`
		Taken     int          `json:"taken"` // humans in voice
		Private   bool         `json:"private"`
		Locked    bool         `json:"locked"`
		Hidden    bool         `json:"hidden"`
		OwnerID   snowflake.ID `json:"ownerId"`
		OpenedAt  int64        `json:"openedAt"`
		ClosingAt *int64       `json:"closingAt"` // null: no end announced
		Status    string       `json:"status"`    // what they are up to; "" for nothing
		Knocking  int          `json:"knocking"`  // how many ask to be let in
		Waiting   int          `json:"waiting"`   // how many wait for a seat
		Held      []int64      `json:"held"`      // until when seats are held, the first to end first
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

	// Kept is the payload of room.kept. By is null when somebody came back.
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
