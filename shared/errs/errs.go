// Package errs gives every failure that leaves a package a stable code, a message that tells the
// user what to do, and a cause that only appears in the log.
//
// Every package may import it; it imports only the standard library. Errors hold no mutable state
// and are safe for concurrent use. One function each maps a code to an HTTP status (dashboard), to
// a WebSocket close code (dashboard/live) and to a reply in Discord (bot/commands).
package errs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code identifies a kind of failure. Codes are part of the JSON API and never change their meaning.
type Code string

// The codes. The message of each Error explains the failure to the user.
const (
	Invalid      Code = "INVALID"      // the input is wrong; Field names the wrong field
	Unauthorized Code = "UNAUTHORIZED" // nobody is signed in
	Forbidden    Code = "FORBIDDEN"    // signed in, but not allowed
	NotFound     Code = "NOT_FOUND"    // it does not exist, or is not shown to this person
	Conflict     Code = "CONFLICT"     // somebody else changed it in the meantime
	// the same request is still running; RetryAfter tells when to ask again
	InProgress         Code = "IN_PROGRESS"
	RoomNotFound       Code = "ROOM_NOT_FOUND"      // the room does not exist, or is not shown to this person
	RoomFull           Code = "ROOM_FULL"           // every seat is taken
	RoomLimit          Code = "ROOM_LIMIT"          // the member or the server has reached its limit of rooms
	TokenInvalid       Code = "TOKEN_INVALID"       // not a token issued by Snug, or issued for another purpose
	TokenExpired       Code = "TOKEN_EXPIRED"       // a token issued by Snug that has expired
	TokenRevoked       Code = "TOKEN_REVOKED"       // a revoked invite
	TokenUsedUp        Code = "TOKEN_USED_UP"       // an invite with no uses left
	GuildJoinDenied    Code = "GUILD_JOIN_DENIED"   // the person is not in the server and could not be added
	NotInVoice         Code = "NOT_IN_VOICE"        // the person must first be connected to a voice channel
	MissingPermission  Code = "MISSING_PERMISSION"  // the bot does not have a permission it needs in the server
	RateLimited        Code = "RATE_LIMITED"        // too many requests; RetryAfter tells when to try again
	DiscordUnavailable Code = "DISCORD_UNAVAILABLE" // Discord did not answer, or answered 5xx
	Unavailable        Code = "UNAVAILABLE"         // a part of Snug is not ready
	Internal           Code = "INTERNAL"            // a bug or a broken disk; the log has the cause
)

// Error is a failure with a code. Users see Message, so it is one or two full sentences that name
// the next step, and it contains no secrets.
type Error struct {
	Code       Code
	Message    string        // in English
	Format     string        // the format string of Message and, with Args, the key of its translations
	Args       []any         // strings, Terms, Labels, integers, durations and times
	Field      string        // the wrong input field; set with Invalid
	RetryAfter time.Duration // how long to wait, with RateLimited; 0 otherwise
	Err        error         // the cause, for the log; never shown to users and never sent over the hub
}

// Term is an argument that is one of Snug's own phrases, so it is translated together with the
// message: errs.E(errs.Forbidden, "Only the owner can %s.", errs.Term("close it")). Text typed by
// users is a plain string and is not translated.
type Term string

// Label is an argument that is the id of a message in package text, such as "setting.idle_timeout": people read the
// message, in their language. In Message it is in plain English what the id says.
type Label string

// String returns the last part of the id in words: "idle timeout".
func (l Label) String() string {
	words := string(l[strings.LastIndexByte(string(l), '.')+1:])
	return strings.ReplaceAll(strings.TrimSuffix(words, "_id"), "_", " ")
}

// E returns an error with a code and a message for users, formatted with fmt.Sprintf. Pass the
// format as a string literal, or as several joined by +: it is the key of the translations.
func E(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Format: format, Args: args}
}

// Field returns an Invalid error about one input field.
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

// Error returns code, message and cause, for the log.
func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is a bare &Error{Code: c} with the code of e, so that errors.Is can
// test for a code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Message == "" && t.Err == nil && t.Code == e.Code
}

// CodeOf returns the code of err: "" for nil, Internal for an error without a code.
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

// Has reports whether err has the code.
func Has(err error, code Code) bool { return CodeOf(err) == code }

// Public returns the part of err that users may see. An error without a code becomes Internal with
// a message that reveals nothing about the cause.
func Public(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		c := *e
		c.Err = nil
		return &c
	}
	return E(Internal, "Something went wrong on Snug's side. Try again in a moment.")
}
