package guild

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Health is the state of the process that holds a guild, as far as it concerns the guild. The
// guild's managers may read all of it. The only request to Discord it takes checks the actor.
type Health struct {
	Now     time.Time     `json:"now"`
	Gateway GatewayHealth `json:"gateway"`
	Queue   QueueHealth   `json:"queue"`
	DMs     DMHealth      `json:"dms"`
	// Opens is how many rooms can be opened at once, of the guild's budget of
	// OpensMax in OpensWindow; NextOpen is when one more can, zero while Opens is not 0.
	Opens       int           `json:"opens"`
	OpensMax    int           `json:"opens_max"`
	OpensWindow time.Duration `json:"opens_window"`
	NextOpen    time.Time     `json:"next_open,omitzero"`
	// Rooms are the rename budgets of the open rooms.
	Rooms []RoomRenames `json:"rooms"`
	// Errors are the last warnings and errors about the guild, newest first.
	Errors []RecentError `json:"errors"`
}

// GatewayHealth is the gateway connection that the guild's events come from.
type GatewayHealth struct {
	Shard    int           `json:"shard"`
	Shards   int           `json:"shards"`
	Phase    string        `json:"phase"` // as gateway.Phase says it; "ready": events flow
	Since    time.Time     `json:"since"`
	Latency  time.Duration `json:"latency"`            // of the last heartbeat; 0: none yet
	Resumes  int           `json:"resumes"`            // since the process began
	Sessions int           `json:"sessions"`           // new sessions, since the process started
	Failed   time.Time     `json:"failed,omitzero"`    // when a connection ended last, or could not be made
	Reason   string        `json:"reason,omitempty"`   // why: a word such as "reconnect_asked" or "close_4000"
	Failures int           `json:"failures,omitempty"` // attempts in a row that came to nothing
}

// QueueHealth are the requests of the process to Discord, for all its guilds.
type QueueHealth struct {
	Waiting int           `json:"waiting"` // requests that wait to be sent
	Longest time.Duration `json:"longest"` // how long the one waits that waits longest
	OnWay   int           `json:"on_way"`  // requests that were sent, or are just being
	Limited int           `json:"limited"` // 429 answers since the process began
	// LastLimited is when the last of them came; zero: there was none.
	LastLimited time.Time `json:"last_limited,omitzero"`
	// Blocked is until when Discord lets nothing through, zero or past if it does.
	Blocked time.Time `json:"blocked,omitzero"`
}

// DMHealth is what is left of the budgets for direct messages, for all servers of the bot.
type DMHealth struct {
	Known   bool       `json:"known"` // false: the hub cannot be reached, and nothing is sent
	Budgets []DMBudget `json:"budgets,omitempty"`
	// Paused is until when none are opened, because Discord said that there are too many; zero if it did not.
	Paused   time.Time `json:"paused,omitzero"`
	Held     int       `json:"held"` // messages not sent because a budget was exhausted, since the process started
	LastHeld time.Time `json:"last_held,omitzero"`
}

// DMBudget is how many more direct messages can be opened now, of Max in Window.
type DMBudget struct {
	Left   int           `json:"left"`
	Max    int           `json:"max"`
	Window time.Duration `json:"window"`
}

// HeldBack reports whether direct messages are delayed or dropped at present.
func (d DMHealth) HeldBack(now time.Time) bool {
	return !d.Known || d.Paused.After(now) ||
		slices.ContainsFunc(d.Budgets, func(b DMBudget) bool { return b.Left == 0 })
}

// RoomRenames is how often a room can be renamed, of Discord's two times in ten minutes.
type RoomRenames struct {
	ID     snowflake.ID `json:"id"`
	Name   string       `json:"name"`
	Left   int          `json:"left"`
	Next   time.Time    `json:"next"`             // when the next time is: now or later
	Wanted string       `json:"wanted,omitempty"` // a name that will be applied then
}

// RecentError is a warning or an error that was logged about a guild.
type RecentError struct {
	At            time.Time   `json:"at"` // the last time
	Serious       bool        `json:"serious,omitempty"`
	Text          string      `json:"text"` // in English, without ids
	Code          errs.Code   `json:"code,omitempty"`
	Why           *errs.Error `json:"why,omitempty"` // nil where managers may not read it
	InteractionID string      `json:"interaction_id,omitempty"`
	Times         int         `json:"times"` // in a row
}
