package ratelimit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"snug/shared/errs"
)

// ErrOutcomeUnknown is in the error's tree if the request may have taken effect although no proper response arrived.
var ErrOutcomeUnknown = errors.New("the request may have taken effect")

// ErrOldEdit is in the error's tree if Discord's limit on edits of messages older than an hour is
// reached. Each retry would count as an invalid request, so callers post a new message instead.
// https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
var ErrOldEdit = errors.New("no more edits of messages older than an hour")

const codeOldEdit = 30046

// oldEdit reports whether a 429 is about edits of old messages.
func oldEdit(body []byte) bool {
	var said struct {
		Code int `json:"code"`
	}
	return json.Unmarshal(body, &said) == nil && said.Code == codeOldEdit
}

var (
	errTooLong    = errors.New("the request reached its maximum waiting time")
	errTryTimeout = errors.New("no response within the timeout")
	errShutdown   = errors.New("the limiter was closed during the request")
)

// StatusError is the cause of an errs.DiscordUnavailable if Discord did respond.
type StatusError struct{ Status int }

func (e *StatusError) Error() string { return fmt.Sprintf("Discord answered HTTP %d", e.Status) }

func closedError() error {
	return errs.E(errs.Unavailable, "Snug is restarting. Try again in a moment.")
}

// limitedError returns an errs.RateLimited with the time to wait.
func limitedError(after time.Duration, cause error) error {
	after = max(after, 0)
	e := errs.E(errs.RateLimited, "Discord asked Snug to slow down. Try again in %s.",
		spoken(after)).After(after)
	if cause != nil {
		e = e.Because(cause)
	}
	return e
}

func unavailableError(cause error, unknown bool) error {
	if unknown {
		cause = errors.Join(cause, ErrOutcomeUnknown)
	}
	return errs.E(errs.DiscordUnavailable,
		"Discord isn't answering properly. Try again in a moment.").Because(cause)
}

// spoken formats a time to wait in words, rounded up.
func spoken(d time.Duration) string {
	up := func(unit time.Duration) int { return int((d + unit - 1) / unit) }
	switch {
	case d <= time.Second:
		return "a second"
	case d <= 90*time.Second:
		return fmt.Sprintf("%d seconds", up(time.Second))
	case d <= 90*time.Minute:
		return fmt.Sprintf("%d minutes", up(time.Minute))
	}
	return fmt.Sprintf("%d hours", up(time.Hour))
}

// Clean removes what net/http and disgo wrap around a request's error, because their text quotes the URL,
// which may contain an interaction token. It returns the coded error or the cause inside, or else err.
func Clean(err error) error {
	var coded *errs.Error
	if errors.As(err, &coded) {
		return coded
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
