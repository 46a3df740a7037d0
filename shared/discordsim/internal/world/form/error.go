package form

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Error is an error response in Discord's form: an HTTP status, one of the documented JSON error codes,
// and for 50035 a tree of errors. Methods that act as a member return it if Discord would refuse the member.
type Error struct {
	Status     int     `json:"-"`
	Code       int     `json:"code"`
	Message    string  `json:"message"`
	Errors     any     `json:"errors,omitempty"`
	RetryAfter float64 `json:"-"` // seconds; with status 429
	Scope      string  `json:"-"` // user, shared or global, with status 429
}

// Error returns status, code and message.
func (e *Error) Error() string {
	return fmt.Sprintf("%d: %s (code %d)", e.Status, e.Message, e.Code)
}

// MarshalJSON encodes the body as Discord does: a rate limited request has retry_after and global instead of errors.
func (e *Error) MarshalJSON() ([]byte, error) {
	if e.Status == 429 {
		return Marshal(struct {
			Message    string  `json:"message"`
			RetryAfter float64 `json:"retry_after"`
			Global     bool    `json:"global"`
			Code       int     `json:"code"`
		}{e.Message, e.RetryAfter, e.Scope == "global", e.Code}), nil
	}
	type plain Error
	return Marshal((*plain)(e)), nil
}

// Fail makes an error with a status, a JSON error code and a message.
func Fail(status, code int, message string) *Error {
	return &Error{Status: status, Code: code, Message: message}
}

// The errors that many resources share. Each call returns a new value.

// Unauthorized is a missing, invalid or unfit authorization.
func Unauthorized() *Error { return Fail(401, 0, "401: Unauthorized") }

// UnknownApplication is Discord's 10002.
func UnknownApplication() *Error { return Fail(404, 10002, "Unknown Application") }

// UnknownChannel is Discord's 10003.
func UnknownChannel() *Error { return Fail(404, 10003, "Unknown Channel") }

// UnknownGuild is Discord's 10004.
func UnknownGuild() *Error { return Fail(404, 10004, "Unknown Guild") }

// UnknownInvite is Discord's 10006.
func UnknownInvite() *Error { return Fail(404, 10006, "Unknown Invite") }

// UnknownMember is Discord's 10007.
func UnknownMember() *Error { return Fail(404, 10007, "Unknown Member") }

// UnknownMessage is Discord's 10008.
func UnknownMessage() *Error { return Fail(404, 10008, "Unknown Message") }

// UnknownOverwrite is Discord's 10009.
func UnknownOverwrite() *Error { return Fail(404, 10009, "Unknown Overwrite") }

// UnknownRole is Discord's 10011.
func UnknownRole() *Error { return Fail(404, 10011, "Unknown Role") }

// UnknownUser is Discord's 10013.
func UnknownUser() *Error { return Fail(404, 10013, "Unknown User") }

// UnknownEmoji is Discord's 10014.
func UnknownEmoji() *Error { return Fail(404, 10014, "Unknown Emoji") }

// UnknownWebhook is Discord's 10015.
func UnknownWebhook() *Error { return Fail(404, 10015, "Unknown Webhook") }

// UnknownBan is Discord's 10026.
func UnknownBan() *Error { return Fail(404, 10026, "Unknown Ban") }

// UnknownInteraction is Discord's 10062.
func UnknownInteraction() *Error { return Fail(404, 10062, "Unknown interaction") }

// AlreadyAcknowledged is Discord's 40060.
func AlreadyAcknowledged() *Error {
	return Fail(400, 40060, "Interaction has already been acknowledged.")
}

// UnknownCommand is Discord's 10063.
func UnknownCommand() *Error { return Fail(404, 10063, "Unknown application command") }

// UnknownVoice is Discord's 10065.
func UnknownVoice() *Error { return Fail(404, 10065, "Unknown Voice State") }

// MissingAccess is Discord's 50001.
func MissingAccess() *Error { return Fail(403, 50001, "Missing Access") }

// MissingPermissions is Discord's 50013.
func MissingPermissions() *Error { return Fail(403, 50013, "Missing Permissions") }

// NotInVoice is Discord's 40032.
func NotInVoice() *Error { return Fail(400, 40032, "Target user is not connected to voice.") }

// WrongChannelType is Discord's 50024.
func WrongChannelType() *Error {
	return Fail(400, 50024, "Cannot execute action on this channel type")
}

// Tree collects the errors in a request, for a 50035.
type Tree struct {
	Own      []fieldError
	children map[string]*Tree
}

type fieldError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Add adds an error here.
func (t *Tree) Add(code, format string, args ...any) {
	t.Own = append(t.Own, fieldError{code, fmt.Sprintf(format, args...)})
}

// At returns the part of the tree for a field, or for an element of a list.
func (t *Tree) At(key string) *Tree {
	if t.children == nil {
		t.children = map[string]*Tree{}
	}
	c := t.children[key]
	if c == nil {
		c = &Tree{}
		t.children[key] = c
	}
	return c
}

// Bad reports whether there are errors.
func (t *Tree) Bad() bool {
	if len(t.Own) > 0 {
		return true
	}
	for _, c := range t.children {
		if c.Bad() {
			return true
		}
	}
	return false
}

// MarshalJSON encodes {"field":{"_errors":[…]}} without valid fields. If a field itself is wrong,
// the errors inside it are left out.
func (t *Tree) MarshalJSON() ([]byte, error) {
	m := map[string]any{}
	if len(t.Own) > 0 {
		m["_errors"] = t.Own
		return json.Marshal(m)
	}
	for k, c := range t.children {
		if c.Bad() {
			m[k] = c
		}
	}
	return json.Marshal(m)
}

// Err returns the 50035 with the collected errors, or nil.
func (t *Tree) Err() error {
	if !t.Bad() {
		return nil
	}
	return &Error{Status: 400, Code: 50035, Message: "Invalid Form Body", Errors: t}
}

// Invalid returns a 50035 with one error.
func Invalid(field, code, message string) error {
	t := &Tree{}
	t.At(field).Add(code, "%s", message)
	return t.Err()
}

// Marshal encodes JSON without escaping HTML, as Discord does. It is only used for the simulator's
// own types, which can always be encoded.
func Marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("discordsim: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
