// Package trial makes the Discord calls that Snug relies on, on a server that the operator chose,
// and reports where Discord's answers differ from those of the simulator (package discordsim).
//
// It creates a category with two voice channels and deletes them. It changes no member; it lets two
// of them into a room for a moment, and sends one direct message, to the operator. A file lists
// what it creates before it is created, so that the next run can remove what a crash left behind. A
// Record of a run contains only what is on a list: see Shape.
//
// Call Run and Replay from one goroutine at a time; they wait for the goroutines they start.
package trial

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// Options of Run.
type Options struct {
	URL      string // Discord's address without a path: https://discord.com
	Token    string // the bot's token, without "Bot "
	Site     string // the bot's own address, for User-Agent
	Guild    snowflake.ID
	Operator snowflake.ID // receives the direct message; 0: the application's owner
	Member   snowflake.ID // a test member to check, who is timed out or hasn't passed screening; 0: none
	MemberIs string       // what the operator knows about them: IsTimedOut, IsPending, or "" for what Discord says
	Journal  string       // path of the file that lists what was created
	HTTP     *http.Client // default: one with a timeout of 15 s
	// Wait is how long an event may take to arrive; default 10 s.
	Wait time.Duration
}

// Outcome is what one step observed.
type Outcome struct {
	Step      string     `json:"step"`
	Exchanges []Exchange `json:"exchanges,omitempty"`
	Events    []Event    `json:"events,omitempty"`
	Member    *Member    `json:"member,omitempty"`
	// Untried is why the step could not be tried, one of this package's phrases; "" if it was.
	Untried string `json:"untried,omitempty"`

	err error // what failed; not recorded
}

// Exchange is a request and its response, as far as a record may contain it.
type Exchange struct {
	Method string `json:"method"`
	Route  string `json:"route"` // with placeholders
	Status int    `json:"status"`
	Code   int    `json:"code,omitempty"` // Discord's error code
	Limit  *Limit `json:"limit,omitempty"`
	Body   Shape  `json:"body,omitempty"` // only of what the trial created
}

// Limit is what a response's headers say about rate limits.
type Limit struct {
	Limit      float64 `json:"limit,omitempty"`
	Remaining  float64 `json:"remaining,omitempty"`
	ResetAfter float64 `json:"reset_after,omitempty"` // seconds
	RetryAfter float64 `json:"retry_after,omitempty"` // seconds
	Scope      string  `json:"scope,omitempty"`       // user, global or shared
}

// Event is a gateway event that the step waited for.
type Event struct {
	Name    string `json:"name"`
	Arrived bool   `json:"arrived"`
	Body    Shape  `json:"body,omitempty"`
}

// Record is a run of the trial, for Replay.
type Record struct {
	Version  int       `json:"version"`
	Bits     []int     `json:"bot_permissions"` // the bot's permissions in the server, as bit numbers
	Owns     bool      `json:"operator_owns_server"`
	MFA      int       `json:"mfa_level"`
	MemberIs string    `json:"member_is,omitempty"` // as in Options
	Outcomes []Outcome `json:"outcomes"`
}

// Run runs all steps against Discord and the simulator, and returns the record and the differences.
// When it returns, what it created is removed, or named in the error.
func Run(ctx context.Context, o Options) (Record, []Difference, error) {
	t, err := begin(ctx, o)
	if err != nil {
		return Record{}, nil, err
	}
	if err := t.removeLeftovers(ctx); err != nil {
		return Record{}, nil, fmt.Errorf("cannot remove what an earlier trial left behind: %w", err)
	}
	rec := Record{Version: 1, Bits: bitsOf(t.permissions), Owns: t.owns, MFA: t.mfa, MemberIs: o.MemberIs}
	rec.Outcomes = t.all(ctx)
	if err := t.cleanUp(ctx); err != nil {
		return rec, nil, err
	}
	if err := ctx.Err(); err != nil {
		return rec, nil, errors.New("the trial was interrupted; what it created is removed")
	}
	diff, err := Replay(ctx, rec)
	return rec, diff, err
}

// Replay repeats the steps of the record against the simulator, and returns the differences.
func Replay(ctx context.Context, rec Record) ([]Difference, error) {
	if rec.Version != 1 {
		return nil, fmt.Errorf("the record has version %d; this Snug reads version 1", rec.Version)
	}
	m, err := newMirror(rec)
	if err != nil {
		return nil, err
	}
	defer m.close()
	t, err := begin(ctx, m.options())
	if err != nil {
		return nil, fmt.Errorf("the Discord simulator: %w", err)
	}
	t.grants = m.grants
	want := t.all(ctx)
	if err := t.cleanUp(ctx); err != nil {
		return nil, fmt.Errorf("the Discord simulator: %w", err)
	}
	return compare(rec.Outcomes, want), nil
}
