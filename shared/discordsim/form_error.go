package discordsim

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// APIError is an error response in Discord's form: an HTTP status, one of the documented JSON error codes,
// and for 50035 a tree of errors. Methods that act as a member return it if Discord would refuse the member.
type APIError struct {
	Status     int     `json:"-"`
	Code       int     `json:"code"`
	Message    string  `json:"message"`
	Errors     any     `json:"errors,omitempty"`
	RetryAfter float64 `json:"-"` // seconds; with status 429
	Scope      string  `json:"-"` // user, shared or global, with status 429
}

// Error returns status, code and message.
func (e *APIError) Error() string {
	return fmt.Sprintf("%d: %s (code %d)", e.Status, e.Message, e.Code)
}

// MarshalJSON encodes the body as Discord does: a rate limited request has retry_after and global instead of errors.
func (e *APIError) MarshalJSON() ([]byte, error) {
	if e.Status == 429 {
		return marshal(struct {
			Message    string  `json:"message"`
			RetryAfter float64 `json:"retry_after"`
			Global     bool    `json:"global"`
			Code       int     `json:"code"`
		}{e.Message, e.RetryAfter, e.Scope == "global", e.Code}), nil
	}
	type plain APIError
	return marshal((*plain)(e)), nil
}

// fail makes an error with a status, a JSON error code and a message.
func fail(status, code int, message string) *APIError {
	return &APIError{Status: status, Code: code, Message: message}
}

// The errors that many resources share. Each call returns a new value.

// errUnauthorized is a missing, invalid or unfit authorization.
func errUnauthorized() *APIError { return fail(401, 0, "401: Unauthorized") }

// errUnknownApplication is Discord's 10002.
func errUnknownApplication() *APIError { return fail(404, 10002, "Unknown Application") }

// errUnknownChannel is Discord's 10003.
func errUnknownChannel() *APIError { return fail(404, 10003, "Unknown Channel") }

// errUnknownGuild is Discord's 10004.
func errUnknownGuild() *APIError { return fail(404, 10004, "Unknown Guild") }

// errUnknownInvite is Discord's 10006.
func errUnknownInvite() *APIError { return fail(404, 10006, "Unknown Invite") }

// errUnknownMember is Discord's 10007.
func errUnknownMember() *APIError { return fail(404, 10007, "Unknown Member") }

// errUnknownMessage is Discord's 10008.
func errUnknownMessage() *APIError { return fail(404, 10008, "Unknown Message") }

// errUnknownOverwrite is Discord's 10009.
func errUnknownOverwrite() *APIError { return fail(404, 10009, "Unknown Overwrite") }

// errUnknownRole is Discord's 10011.
func errUnknownRole() *APIError { return fail(404, 10011, "Unknown Role") }

// errUnknownUser is Discord's 10013.
func errUnknownUser() *APIError { return fail(404, 10013, "Unknown User") }

// errUnknownWebhook is Discord's 10015.
func errUnknownWebhook() *APIError { return fail(404, 10015, "Unknown Webhook") }

// errUnknownBan is Discord's 10026.
func errUnknownBan() *APIError { return fail(404, 10026, "Unknown Ban") }

// errUnknownInteraction is Discord's 10062.
func errUnknownInteraction() *APIError { return fail(404, 10062, "Unknown interaction") }

// errUnknownCommand is Discord's 10063.
func errUnknownCommand() *APIError { return fail(404, 10063, "Unknown application command") }

// errUnknownVoice is Discord's 10065.
func errUnknownVoice() *APIError { return fail(404, 10065, "Unknown Voice State") }

// errMissingAccess is Discord's 50001.
func errMissingAccess() *APIError { return fail(403, 50001, "Missing Access") }

// errMissingPermissions is Discord's 50013.
func errMissingPermissions() *APIError { return fail(403, 50013, "Missing Permissions") }

// errNotInVoice is Discord's 40032.
func errNotInVoice() *APIError { return fail(400, 40032, "Target user is not connected to voice.") }

// errWrongChannelType is Discord's 50024.
func errWrongChannelType() *APIError {
	return fail(400, 50024, "Cannot execute action on this channel type")
}

// tree collects the errors in a request, for a 50035.
type tree struct {
	own      []fieldError
	children map[string]*tree
}

type fieldError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// add adds an error here.
func (t *tree) add(code, format string, args ...any) {
	t.own = append(t.own, fieldError{code, fmt.Sprintf(format, args...)})
}

// at returns the part of the tree for a field, or for an element of a list.
func (t *tree) at(key string) *tree {
	if t.children == nil {
		t.children = map[string]*tree{}
	}
	c := t.children[key]
	if c == nil {
		c = &tree{}
		t.children[key] = c
	}
	return c
}

// bad reports whether there are errors.
func (t *tree) bad() bool {
	if len(t.own) > 0 {
		return true
	}
	for _, c := range t.children {
		if c.bad() {
			return true
		}
	}
	return false
}

// MarshalJSON encodes {"field":{"_errors":[…]}} without valid fields. If a field itself is wrong,
// the errors inside it are left out.
func (t *tree) MarshalJSON() ([]byte, error) {
	m := map[string]any{}
	if len(t.own) > 0 {
		m["_errors"] = t.own
		return json.Marshal(m)
	}
	for k, c := range t.children {
		if c.bad() {
			m[k] = c
		}
	}
	return json.Marshal(m)
}

// err returns the 50035 with the collected errors, or nil.
func (t *tree) err() error {
	if !t.bad() {
		return nil
	}
	return &APIError{Status: 400, Code: 50035, Message: "Invalid Form Body", Errors: t}
}

// invalid returns a 50035 with one error.
func invalid(field, code, message string) error {
	t := &tree{}
	t.at(field).add(code, "%s", message)
	return t.err()
}

// marshal encodes JSON without escaping HTML, as Discord does. It is only used for the simulator's
// own types, which can always be encoded.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("discordsim: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
