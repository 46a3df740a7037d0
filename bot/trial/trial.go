// Package trial runs, on a server that an operator chose, the calls and rules
// of Discord that Snug relies on, and tells where Discord's answers are others
// than those of the simulated Discord (package discordsim).
//
// It makes a category with two voice channels, and removes them; it changes no
// member, lets two into a room for a moment, and sends one direct message, to the operator. What it makes is
// noted in a file before it is made, so that the next run removes what a crash
// left. A Record of a run holds nothing but what is on a list: see Shape.
//
// Run and Replay are meant for one caller at a time; they start goroutines of
// their own and wait for them.
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
	URL      string // Discord, without a path: https://discord.com
	Token    string // the bot's
	Site     string // the bot's own address, for User-Agent
	Guild    snowflake.ID
	Operator snowflake.ID // who gets the direct message; 0: the application's owner
	Member   snowflake.ID // a test member, timed out or not verified, to look at; 0: none
	MemberIs string       // what the operator knows of them: IsTimedOut, IsPending, or "" for what Discord says
	Journal  string       // the file that notes what was made
	HTTP     *http.Client // default: one with a time limit of 15 s
	// Wait is how long an event may take; default 10 s.
	Wait time.Duration
}

// Outcome is what one step met.
type Outcome struct {
	Step      string     `json:"step"`
	Exchanges []Exchange `json:"exchanges,omitempty"`
	Events    []Event    `json:"events,omitempty"`
	Member    *Member    `json:"member,omitempty"`
	// Untried says why the step could not be tried, in words of this package; "" if it was.
	Untried string `json:"untried,omitempty"`

	err error // what went wrong on the way; not recorded
}

// Exchange is one request with its answer, as far as a record may hold it.
type Exchange struct {
	Method string `json:"method"`
	Route  string `json:"route"` // with placeholders
	Status int    `json:"status"`
	Code   int    `json:"code,omitempty"` // Discord's error code
	Limit  *Limit `json:"limit,omitempty"`
	Body   Shape  `json:"body,omitempty"` // of what the trial made; nothing of what was there before
}

// Limit is what an answer says of rate limits.
type Limit struct {
	Limit      float64 `json:"limit,omitempty"`
	Remaining  float64 `json:"remaining,omitempty"`
	ResetAfter float64 `json:"reset_after,omitempty"` // seconds
	RetryAfter float64 `json:"retry_after,omitempty"` // seconds
	Scope      string  `json:"scope,omitempty"`       // user, global or shared
}

// Event is a gateway event that was waited for.
type Event struct {
	Name    string `json:"name"`
	Arrived bool   `json:"arrived"`
	Body    Shape  `json:"body,omitempty"`
}

// Record is a run, for Replay.
type Record struct {
	Version  int       `json:"version"`
	Bits     []int     `json:"bot_permissions"` // the bot's in the server, by the numbers of their bits
	Owns     bool      `json:"operator_owns_server"`
	MFA      int       `json:"mfa_level"`
	MemberIs string    `json:"member_is,omitempty"` // as in Options
	Outcomes []Outcome `json:"outcomes"`
}

// Run tries everything at Discord and at the simulated one, and gives the record and what differs. What it made is gone
// when it returns, or named in the error.
func Run(ctx context.Context, o Options) (Record, []Difference, error) {
	t, err := begin(ctx, o)
	if err != nil {
		return Record{}, nil, err
	}
	if err := t.removeLeft(ctx); err != nil {
		return Record{}, nil, fmt.Errorf("what an earlier trial left could not be removed: %w", err)
	}
	rec := Record{Version: 1, Bits: bitsOf(t.permissions), Owns: t.owns, MFA: t.mfa, MemberIs: o.MemberIs}
	rec.Outcomes = t.all(ctx)
	if err := t.tidy(ctx); err != nil {
		return rec, nil, err
	}
	if err := ctx.Err(); err != nil {
		return rec, nil, errors.New("it was broken off; what it made is removed")
	}
	diff, err := Replay(ctx, rec)
	return rec, diff, err
}

// Replay does at a simulated Discord what was done for the record, and says where the answers differ.
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
		return nil, fmt.Errorf("the simulated Discord: %w", err)
	}
	t.grants = m.grants
	want := t.all(ctx)
	if err := t.tidy(ctx); err != nil {
		return nil, fmt.Errorf("the simulated Discord: %w", err)
	}
	return compare(rec.Outcomes, want), nil
}
