// Package faults has what disturbs bots on purpose: which faults there are, which of them wait for what, and what an
// HTTP request gets because of them.
package faults

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// The kinds of faults. Those of the first group happen at once, when they are injected; the others wait for their
// target.
const (
	Drop           = "drop"          // cut the gateway's sockets without a close frame
	Close          = "close"         // close them with Code
	Reconnect      = "op7"           // ask to reconnect, then close
	InvalidSession = "op9"           // invalidate the session; Resumable says whether it may be resumed
	Heartbeat      = "op1"           // ask for a heartbeat
	HalfOpen       = "half_open"     // the sockets stay open, but nothing is received or sent on them
	Outage         = "outage"        // the guild becomes unavailable, until Duration is over or "restore"
	Restore        = "restore"       // the guild comes back
	ExpireTokens   = "expire_tokens" // every OAuth2 access token (of User, if set) expires now
	RevokeTokens   = "revoke_tokens" // the same, and refresh tokens too
	NoHello        = "no_hello"      // a connection gets no HELLO
	NoACK          = "no_ack"        // heartbeats are not acknowledged
	DropResume     = "drop_resume"   // the socket is cut when RESUME arrives
	Duplicate      = "duplicate"     // a dispatch is sent twice
	Unknown        = "unknown"       // a dispatch contains types, enums and fields that nobody knows yet
	Garbled        = "garbled"       // a dispatch can't be parsed
	Delay          = "delay"         // a dispatch, and all after it, is delayed by Delay
	Latency        = "latency"       // REST responses are delayed by Delay
	RateLimit      = "rate_limit"    // 429 with Scope and RetryAfter
	Error          = "error"         // a 5xx (Status); with After the request took effect
	Reset          = "reset"         // the connection breaks before the response; with After, after the effect
	// Status, Body and Headers replace the response; with After, those not given stay as they are
	Answer = "answer"
)

// Fault is one fault. Zero fields match everything: every application, shard, guild, event, route.
type Fault struct {
	ID          int          `json:"id,omitempty"`
	Kind        string       `json:"kind"`
	Application snowflake.ID `json:"application_id,omitempty"`
	Shard       *int         `json:"shard,omitempty"`
	Guild       snowflake.ID `json:"guild_id,omitempty"`
	User        snowflake.ID `json:"user_id,omitempty"`
	Event       string       `json:"event,omitempty"`       // VOICE_STATE_UPDATE
	Route       string       `json:"route,omitempty"`       // "POST /guilds/{guild}/channels", "PATCH *", "/channels/*"
	Skip        int          `json:"skip,omitempty"`        // how many matches to skip first
	Count       int          `json:"count,omitempty"`       // how many matches to disturb; default 1, -1: all
	Chance      float64      `json:"chance,omitempty"`      // probability, 0 < chance < 1, from the seed
	Duration    float64      `json:"duration,omitempty"`    // seconds until it ends on its own
	Code        int          `json:"code,omitempty"`        // close: the close code; default 4000
	Resumable   bool         `json:"resumable,omitempty"`   // op9
	Delay       float64      `json:"delay,omitempty"`       // seconds: delay, latency
	Scope       string       `json:"scope,omitempty"`       // rate_limit: user (default), shared, global or cloudflare
	RetryAfter  float64      `json:"retry_after,omitempty"` // rate_limit: seconds, may have a fraction; default 1
	NoBucket    bool         `json:"no_bucket,omitempty"`   // rate_limit: without X-RateLimit headers
	NoRetry     bool         `json:"no_retry,omitempty"`    // rate_limit: without Retry-After
	Status      int          `json:"status,omitempty"`      // error: default 502; answer: default 403
	After       bool         `json:"after,omitempty"`       // error, reset, answer: after the request took effect
	Body        string       `json:"body,omitempty"`        // answer
	// Headers are set in the response; those with "" are removed from it.
	Headers map[string]string `json:"headers,omitempty"`

	cleared chan struct{} // closed by ClearFaults; nil for what happens at once
}

// Pause returns Delay as a duration.
func (f *Fault) Pause() time.Duration { return Seconds(f.Delay) }

// Seconds returns a number of seconds as a duration.
func Seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }

// AtOnce are the kinds that happen when they are injected.
var AtOnce = []string{Drop, Close, Reconnect, InvalidSession, Heartbeat, HalfOpen,
	Outage, Restore, ExpireTokens, RevokeTokens}

// InWait are the kinds that wait for their target.
var InWait = []string{NoHello, NoACK, DropResume, Duplicate, Unknown, Garbled, Delay,
	Latency,
	RateLimit, Error, Reset, Answer}

// Target is what a waiting fault may disturb.
type Target struct {
	App      snowflake.ID
	Shard    int
	HasShard bool
	Guild    snowflake.ID
	Event    string
	Method   string
	Path     string // without the version
	Route    string
}

// Set holds the waiting faults. Safe for concurrent use.
type Set struct {
	now     func() time.Time
	stopped chan struct{} // closed by Stop

	mu   sync.Mutex
	rng  *rand.Rand
	last int
	list []pendingFault
}

type pendingFault struct {
	Fault
	until time.Time
}

// New makes an empty set.
func New(seed uint64, now func() time.Time) *Set {
	return &Set{now: now, stopped: make(chan struct{}),
		rng: rand.New(rand.NewPCG(seed^0xfa017, 0x736e7567))}
}

// Take returns the first fault of a kind that matches the target, and counts its use.
func (f *Set) Take(kind string, t Target) (Fault, bool) {
	return f.TakeIf(kind, t, func(*Fault) bool { return true })
}

// TakeIf is Take for faults that also meet a condition, which must not use the Set.
func (f *Set) TakeIf(kind string, t Target, also func(*Fault) bool) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 {
		return Fault{}, false
	}
	f.expire()
	for i := range f.list {
		p := &f.list[i]
		if p.Kind != kind || !p.Hits(t) || !also(&p.Fault) || p.Chance > 0 && f.rng.Float64() >= p.Chance {
			continue
		}
		if p.Skip > 0 {
			p.Skip--
			continue
		}
		found := p.Fault
		if p.Count > 0 {
			if p.Count--; p.Count == 0 {
				f.list = slices.Delete(f.list, i, i+1)
			}
		}
		return found, true
	}
	return Fault{}, false
}

func (f *Set) expire() {
	now := f.now()
	f.list = slices.DeleteFunc(f.list, func(p pendingFault) bool { return !p.until.IsZero() && now.After(p.until) })
}

// Hits reports whether the fault applies to a target.
func (f *Fault) Hits(t Target) bool {
	return (f.Application == 0 || f.Application == t.App) && (f.Shard == nil || t.HasShard && *f.Shard == t.Shard) &&
		(f.Guild == 0 || f.Guild == t.Guild) && (f.Event == "" || strings.EqualFold(f.Event, t.Event)) && f.hitsRoute(t)
}

func (f *Fault) hitsRoute(t Target) bool {
	if f.Route == "" {
		return true
	}
	method, pattern, ok := strings.Cut(f.Route, " ")
	if !ok {
		method, pattern = "*", f.Route
	}
	if method != "*" && !strings.EqualFold(method, t.Method) {
		return false
	}
	if pattern == "*" || pattern == t.Route ||
		strings.HasSuffix(pattern, "/*") && strings.HasPrefix(t.Path, pattern[:len(pattern)-1]) {
		return true
	}
	matched, err := path.Match(anyPart.ReplaceAllString(pattern, "*"), t.Path)
	return err == nil && matched
}

// anyPart is a placeholder in a route, whatever its name: libraries write {guild.id} where the table has {guild}.
var anyPart = regexp.MustCompile(`\{[^}/]*\}`)

// Add makes a fault wait for its target, and returns it with its id.
func (f *Set) Add(x Fault) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	x.ID = f.last
	x.cleared = make(chan struct{})
	p := pendingFault{Fault: x}
	if x.Duration > 0 {
		p.until = f.now().Add(Seconds(x.Duration))
	}
	f.list = append(f.list, p)
	return x
}

// Clear ends the fault with this id, or with 0 all. Requests that a latency fault delays go on at once.
func (f *Set) Clear(id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = slices.DeleteFunc(f.list, func(p pendingFault) bool {
		gone := id == 0 || p.ID == id
		if gone {
			close(p.cleared)
		}
		return gone
	})
}

// Stop ends the delays of requests, for good.
func (f *Set) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.stopped:
	default:
		close(f.stopped)
	}
}

// All lists the waiting faults.
func (f *Set) All() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	list := make([]Fault, len(f.list))
	for i, p := range f.list {
		list[i] = p.Fault
	}
	return list
}

var faultAliases = map[string]string{"disconnect": Drop, "reconnect": Reconnect, "op_7": Reconnect,
	"invalid_session": InvalidSession, "op_9": InvalidSession, "halfopen": HalfOpen,
	"no_acks": NoACK, "5xx": Error, "429": RateLimit, "ratelimit": RateLimit,
	"close_code": Close, "guild_outage": Outage, "heartbeat": Heartbeat}

// fromNumber accepts a close code or a status as the kind.
func (f *Fault) fromNumber(n int) {
	switch {
	case n >= 1000 && n < 5000:
		f.Kind, f.Code = Close, n
	case n >= 500 && n < 600:
		f.Kind, f.Status = Error, n
	}
}

// Read completes a fault as somebody described it, and reports whether it happens at once.
func (f *Fault) Read() (now bool, err error) {
	f.Kind = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(f.Kind), "-", "_"))
	if alias, ok := faultAliases[f.Kind]; ok {
		f.Kind = alias
	}
	if n, err := strconv.Atoi(f.Kind); err == nil {
		f.fromNumber(n)
	}
	switch {
	case slices.Contains(AtOnce, f.Kind):
		return true, f.completeClose()
	case !slices.Contains(InWait, f.Kind):
		return false, fmt.Errorf("discordsim: unknown kind of fault %q; choose one of %s", f.Kind,
			strings.Join(append(slices.Clone(AtOnce), InWait...), ", "))
	}
	return false, f.complete()
}

func (f *Fault) completeClose() error {
	if f.Kind != Close {
		return nil
	}
	f.Code = cmp.Or(f.Code, 4000)
	if f.Code < 1000 || f.Code > 4999 || f.Code == 1005 || f.Code == 1006 {
		return fmt.Errorf("discordsim: close code %d cannot be sent; use 1000 to 4999 without 1005 and 1006",
			f.Code)
	}
	return nil
}

func (f *Fault) complete() error {
	if f.Count == 0 {
		f.Count = 1
		if f.Duration > 0 || f.Chance > 0 || f.Kind == Latency {
			f.Count = -1
		}
	}
	switch f.Kind {
	case Delay, Latency:
		if f.Delay <= 0 {
			return fmt.Errorf("discordsim: %s needs delay, in seconds", f.Kind)
		}
	case RateLimit:
		f.Scope = cmp.Or(f.Scope, "user")
		f.RetryAfter = cmp.Or(f.RetryAfter, 1)
		if !slices.Contains([]string{"user", "shared", "global", "cloudflare"}, f.Scope) {
			return fmt.Errorf("discordsim: scope %q; it is user, shared, global or cloudflare", f.Scope)
		}
	case Error:
		f.Status = cmp.Or(f.Status, 502)
		if f.Status < 500 || f.Status > 599 {
			return fmt.Errorf("discordsim: status %d; an error fault answers 500 to 599", f.Status)
		}
	case Answer:
		if !f.After {
			f.Status = cmp.Or(f.Status, 403)
		}
		if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
			return fmt.Errorf("discordsim: status %d; an answer has 200 to 599", f.Status)
		}
	}
	if f.Chance < 0 || f.Chance > 1 {
		return errors.New("discordsim: chance must be between 0 and 1")
	}
	return nil
}

// Guess returns the kind of a fault implied by its other fields.
func (f *Fault) Guess(op int) string {
	switch {
	case op != 0:
		return "op" + strconv.Itoa(op)
	case f.Code != 0:
		return Close
	case f.Status == 429 || f.RetryAfter != 0 || f.Scope != "":
		return RateLimit
	case f.Status != 0:
		return Error
	case f.Delay != 0 && f.Event != "":
		return Delay
	case f.Delay != 0:
		return Latency
	}
	return ""
}
