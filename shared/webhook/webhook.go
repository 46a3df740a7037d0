// Package webhook defines webhooks: where a server wants its events sent, the deliveries, how a
// message is signed (Standard Webhooks, https://www.standardwebhooks.com), when a delivery is
// retried, and which addresses are never called.
//
// It does no I/O and does not read the clock. Its values are plain data.
package webhook

import (
	"crypto/rand"
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
)

// Limits.
const (
	MaxPerGuild   = 10
	MaxDeliveries = 50    // deliveries stored per webhook, in addition to the pending ones
	MaxPending    = 5_000 // pending deliveries of one webhook before it is switched off
	KeepDelivery  = 7 * 24 * time.Hour
	SecretBytes   = 32
)

// Hook is an address that a server wants its events sent to.
type Hook struct {
	ID        string       `json:"id"`
	GuildID   snowflake.ID `json:"guild_id"`
	URL       string       `json:"url"`
	Name      string       `json:"name"`
	Kinds     []audit.Kind `json:"kinds,omitempty"` // the kinds to send; empty: all
	Secret    []byte       `json:"secret"`          // encrypted, bound to the hook's key
	Enabled   bool         `json:"enabled"`
	Stopped   string       `json:"stopped,omitempty"` // why Snug switched the hook off; "" if it did not
	By        snowflake.ID `json:"by"`
	CreatedAt time.Time    `json:"created_at"`
	// Cursor is the audit log position up to which deliveries were created.
	Cursor uint64 `json:"cursor"`
}

// Key is the hook's key in its bucket: guild.id.
func (h Hook) Key() string { return h.GuildID.String() + "." + h.ID }

// Wants reports whether the hook receives events of kind k.
func (h Hook) Wants(k audit.Kind) bool {
	return h.Enabled && (len(h.Kinds) == 0 || slices.Contains(h.Kinds, k))
}

// State is the state of a delivery.
type State string

// The states.
const (
	Pending State = "pending"
	Done    State = "done"
	Failed  State = "failed" // all retries were used up
)

// Delivery is one message to one hook.
type Delivery struct {
	ID      string          `json:"id"` // the message id; the same in every try
	HookID  string          `json:"hook_id"`
	GuildID snowflake.ID    `json:"guild_id"`
	Kind    string          `json:"kind"`
	Body    json.RawMessage `json:"body"`
	At      time.Time       `json:"at"`
	State   State           `json:"state"`
	Tries   []Try           `json:"tries,omitempty"`
	NextAt  time.Time       `json:"next_at,omitzero"` // set while Pending
	Until   time.Time       `json:"until"`            // when the hub removes it
}

// Try is one attempt to deliver a message.
type Try struct {
	At      time.Time     `json:"at"`
	Status  int           `json:"status,omitempty"`  // 0 if there was no response
	Failure string        `json:"failure,omitempty"` // why the try failed; "" if it did not
	Took    time.Duration `json:"took"`
}

// ExpiresAt returns Until. It implements hub.Expiring.
func (d Delivery) ExpiresAt() time.Time { return d.Until }

// Key is the delivery's key in its bucket: guild.hook.id.
func (d Delivery) Key() string { return d.GuildID.String() + "." + d.HookID + "." + d.ID }

// Message is the body sent to a hook.
type Message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

// Ping is the kind of a message that only tests whether a hook works.
const Ping = "ping"

// NewDelivery returns a delivery that is due immediately.
func NewDelivery(h Hook, id, kind string, at time.Time, data any, now time.Time) (Delivery, error) {
	body, err := json.Marshal(Message{kind, at.UTC(), data})
	return Delivery{
		ID: id, HookID: h.ID, GuildID: h.GuildID, Kind: kind, Body: body, At: at, State: Pending, NextAt: now,
		Until: now.Add(KeepDelivery),
	}, err
}

// backoff lists the pauses between a failed try and the next one, as recommended by Standard
// Webhooks.
var backoff = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
	14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// maxTries limits how many tries a delivery records, including those after a replay.
const maxTries = 24

// Tried records a try and updates the state and the time of the next try.
func (d *Delivery) Tried(t Try) {
	d.Tries = append(slices.Clone(d.Tries), t)
	if len(d.Tries) > maxTries {
		d.Tries = d.Tries[len(d.Tries)-maxTries:]
	}
	failed := 0
	for _, x := range d.Tries {
		if x.Failure != "" {
			failed++
		}
	}
	switch {
	case t.Failure == "":
		d.State, d.NextAt = Done, time.Time{}
	case failed > len(backoff):
		d.State, d.NextAt = Failed, time.Time{}
	default:
		d.NextAt = t.At.Add(backoff[failed-1])
		d.Until = d.NextAt.Add(KeepDelivery)
	}
}

// Again schedules a delivery to be sent once more, immediately.
func (d *Delivery) Again(now time.Time) {
	d.State, d.NextAt, d.Until = Pending, now, now.Add(KeepDelivery)
}

// NewID returns a new id for a hook or a ping.
func NewID() string { return strings.ToLower(rand.Text()[:16]) }

// Check normalizes user input. It fails with errs.Invalid and names the field. Whether the address
// may be called is only checked before each call.
func (h *Hook) Check() error {
	h.Name = strings.Join(strings.Fields(h.Name), " ")
	if n := utf8.RuneCountInString(h.Name); n < 1 || n > 60 || !utf8.ValidString(h.Name) {
		return errs.Field("name", "A webhook needs a name of 1 to 60 characters.")
	}
	h.URL = strings.TrimSpace(h.URL)
	u, err := url.Parse(h.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || len(h.URL) > 500 {
		return errs.Field("url", "Snug can't send to that address. Write it like https://example.org/snug.")
	}
	for _, k := range h.Kinds {
		if !slices.Contains(audit.Kinds(), k) {
			return errs.Field("kinds", "There's no event %.40q. Choose one from the list.", string(k))
		}
	}
	return nil
}

// reserved lists networks that are not part of the public internet, in addition to those that netip
// recognizes: IANA's special-purpose registries, and ranges that embed another address (6to4,
// Teredo), which could be private.
var reserved = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

// global is the only IPv6 range that IANA has allocated for the internet.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// Public reports whether an address is on the public internet. For IPv6 this means the allocated
// range only, so that ranges allocated in the future are not called either.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !global.Contains(a) {
		return false
	}
	return !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(a) })
}
