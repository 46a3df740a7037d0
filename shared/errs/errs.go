// Package errs gives every failure that leaves a package a stable code, a
// sentence a person can act on, and a cause that only the log sees.
//
// Anybody in the project may import it; it imports the standard library alone.
// Errors are values without state and safe for concurrent use. One function
// each maps a code to HTTP (dashboard), to a WebSocket close code
// (dashboard/live) and to a Discord answer (bot/commands).
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Code names a kind of failure. Codes are part of the JSON API and never change their meaning.
type Code string

// The codes. What each means to the person who meets it is said by the error's message.
const (
	Invalid      Code = "INVALID"      // the input is wrong; Field says where
	Unauthorized Code = "UNAUTHORIZED" // nobody is signed in
	Forbidden    Code = "FORBIDDEN"    // signed in, but not allowed
	NotFound     Code = "NOT_FOUND"    // there is no such thing, or it is not shown to this person
	Conflict     Code = "CONFLICT"     // somebody else changed it meanwhile
	// the same request is still being done; RetryAfter says when to ask again
	InProgress         Code = "IN_PROGRESS"
	RoomNotFound       Code = "ROOM_NOT_FOUND"      // no such room, or not shown to this person
	RoomFull           Code = "ROOM_FULL"           // every seat is taken
	RoomLimit          Code = "ROOM_LIMIT"          // the member or the server has as many rooms as it may
	TokenInvalid       Code = "TOKEN_INVALID"       // not a token we made, or made for something else
	TokenExpired       Code = "TOKEN_EXPIRED"       // a token we made, too old
	TokenRevoked       Code = "TOKEN_REVOKED"       // an invite that was taken back
	TokenUsedUp        Code = "TOKEN_USED_UP"       // an invite whose uses are spent
	GuildJoinDenied    Code = "GUILD_JOIN_DENIED"   // the person is not in the server and could not be let in
	NotInVoice         Code = "NOT_IN_VOICE"        // the person must first be connected to a voice channel
	MissingPermission  Code = "MISSING_PERMISSION"  // the bot lacks a permission in the server
	RateLimited        Code = "RATE_LIMITED"        // too often; RetryAfter says when
	DiscordUnavailable Code = "DISCORD_UNAVAILABLE" // Discord did not answer, or answered 5xx
	Unavailable        Code = "UNAVAILABLE"         // a part of Snug is not ready
	Internal           Code = "INTERNAL"            // a defect or a broken disk; the log has the cause
)

// Error is a failure with a code. Message is shown to people, so it is a
// whole sentence or two that names the next step and holds no secret.
type Error struct {
	Code       Code
	Message    string        // in English
	Format     string        // what Message was made of, with Args: the key of its translations
	Args       []any         // texts, Terms, whole numbers, durations and times
	Field      string        // the input field that is wrong, with Invalid
	RetryAfter time.Duration // how long to wait, with RateLimited; 0 otherwise
	Err        error         // the cause, for the log; never shown and never sent over the hub
}

// Term is an argument that is itself words of ours, and is translated with
// the message: errs.E(errs.Forbidden, "Only the owner can %s.", errs.Term("close it")).
// What people typed is a plain string and stays as it is.
type Term string

// E makes an error with a code and a message for people, formatted as by
// fmt.Sprintf. Write the format as one constant: translations are found by it.
func E(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Format: format, Args: args}
}

// Field makes an Invalid error about one input field.
func Field(field, format string, args ...any) *Error {
	e := E(Invalid, format, args...)
	e.Field = field
	return e
}

// Because returns a copy of e with its cause set.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// After returns a copy of e with the time to wait set.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Error gives code, message and cause, for the log.
func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Message + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, &Error{Code: c}) true for any error of that code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Message == "" && t.Err == nil && t.Code == e.Code
}

// CodeOf gives the code of err: "" for nil, Internal for an error without one.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Has says whether err carries the code.
func Has(err error, code Code) bool { return CodeOf(err) == code }

// Public gives the part of err that people may see. An error without a code
// becomes Internal with a sentence that tells nothing of its cause.
func Public(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		c := *e
		c.Err = nil
		return &c
	}
	return E(Internal, "Something broke on our side. Please try again in a moment.")
}
