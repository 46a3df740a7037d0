// Package push defines notifications: which kinds there are, what a person chose (kinds, quiet hours, whom they
// trust), the browsers that they are sent to, and the messages on their way there (Web Push, RFC 8030).
//
// It does no I/O and reads no clock. Its values are plain data.
package push

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Kind is what a notification is about.
type Kind string

// The kinds that people switch on, and Test, which they ask for.
const (
	Knock   Kind = "knock"   // somebody knocks at your room
	Seat    Kind = "seat"    // a seat is held for you, or your knock was answered
	Trusted Kind = "trusted" // somebody you trust sat down
	Closing Kind = "closing" // a room of yours is about to close
	Test    Kind = "test"
)

// Kinds lists the kinds that can be switched on, as pages show them.
func Kinds() []Kind { return []Kind{Knock, Seat, Trusted, Closing} }

// Limits.
const (
	MaxDevices  = 10
	MaxTrusted  = 100
	MaxEndpoint = 1000 // bytes
	// Fresh is how long after an event its notification is still sent.
	Fresh = 10 * time.Minute
	// DeviceLife is how long a browser that doesn't open Snug is sent notifications.
	DeviceLife = 90 * 24 * time.Hour
)

// Person is what somebody chose about notifications. Everything is off in the zero value.
type Person struct {
	Kinds   []Kind   `json:"kinds,omitempty"`
	Quiet   Quiet    `json:"quiet,omitzero"`
	Trusted []Friend `json:"trusted,omitempty"`
	Devices []Device `json:"devices,omitempty"`
}

// Friend is somebody whom a person trusts, with their display name when they were added.
type Friend struct {
	UserID snowflake.ID `json:"user_id"`
	Name   string       `json:"name"`
}

// Trouble says why a device may not get notifications.
type Trouble string

// The troubles.
const (
	// TroubleRenew : it was made with a key that Snug no longer has, or the push service doesn't accept ours. The
	// browser renews it when Snug is opened there.
	TroubleRenew Trouble = "renew"
	// TroubleUnreachable : the last message didn't reach its push service.
	TroubleUnreachable Trouble = "unreachable"
)

// Device is a browser that notifications are sent to.
type Device struct {
	ID   string `json:"id"`
	Name string `json:"name"` // "Firefox, Linux"
	Lang string `json:"lang"` // the language of its notifications
	// Session is the key of the session that added it: they end together.
	Session string `json:"session"`
	KeyID   string `json:"key_id"` // of the ServerKey that it was made with
	// Sealed is its Subscription as JSON, encrypted, bound to SealContext.
	Sealed  []byte    `json:"sealed"`
	AddedAt time.Time `json:"added_at"`
	// RenewedAt is when Snug was last opened there.
	RenewedAt time.Time `json:"renewed_at"`
	Trouble   Trouble   `json:"trouble,omitempty"`
}

// SealContext is what the device's subscription is bound to when it is encrypted.
func (d Device) SealContext(user snowflake.ID) string { return "push " + user.String() + " " + d.ID }

// Wants reports whether a kind is switched on; a test always is.
func (p *Person) Wants(k Kind) bool { return k == Test || slices.Contains(p.Kinds, k) }

// Trusts reports whether the person trusts a user.
func (p *Person) Trusts(user snowflake.ID) bool {
	return slices.ContainsFunc(p.Trusted, func(f Friend) bool { return f.UserID == user })
}

// Device returns a device by its id, or nil.
func (p *Person) Device(id string) *Device {
	if i := slices.IndexFunc(p.Devices, func(d Device) bool { return d.ID == id }); i >= 0 {
		return &p.Devices[i]
	}
	return nil
}

// Empty reports whether nothing needs to be stored.
func (p *Person) Empty() bool {
	return len(p.Kinds)+len(p.Trusted)+len(p.Devices) == 0 && p.Quiet == Quiet{}
}

// Trust adds a user to those whom the person trusts, or updates their name. It fails with errs.Conflict if the list is
// full.
func (p *Person) Trust(f Friend) error {
	kept := slices.DeleteFunc(slices.Clone(p.Trusted), func(o Friend) bool { return o.UserID == f.UserID })
	if len(kept) >= MaxTrusted {
		return errs.E(errs.Conflict, "You already trust %d people, the maximum. Remove somebody first.", MaxTrusted)
	}
	p.Trusted = append(kept, f)
	return nil
}

// Distrust removes a user from those whom the person trusts.
func (p *Person) Distrust(user snowflake.ID) {
	p.Trusted = slices.DeleteFunc(slices.Clone(p.Trusted), func(f Friend) bool { return f.UserID == user })
}

// AddDevice adds a device or replaces the one with its id, keeping when it was added and its name. replaces names a
// device that the same browser had before. It fails with errs.Conflict if there are too many.
func (p *Person) AddDevice(d Device, replaces string) error {
	old := p.Device(d.ID)
	if old == nil {
		old = p.Device(replaces)
	}
	if old != nil {
		d.AddedAt, d.Name = old.AddedAt, cmp.Or(d.Name, old.Name)
	}
	kept := slices.DeleteFunc(slices.Clone(p.Devices), func(o Device) bool {
		return o.ID == d.ID || replaces != "" && o.ID == replaces || d.RenewedAt.Sub(o.RenewedAt) > DeviceLife
	})
	if len(kept) >= MaxDevices {
		return errs.E(errs.Conflict, "You already have %d browsers, the maximum. Remove one first.", MaxDevices)
	}
	p.Devices = append(kept, d)
	return nil
}

// RemoveDevices removes the devices for which gone returns true, and returns their ids.
func (p *Person) RemoveDevices(gone func(Device) bool) (ids []string) {
	p.Devices = slices.DeleteFunc(slices.Clone(p.Devices), func(d Device) bool {
		if gone(d) {
			ids = append(ids, d.ID)
			return true
		}
		return false
	})
	return ids
}

// SetKinds switches kinds on, in their own order, and all others off. It fails with errs.Invalid for what isn't one.
func (p *Person) SetKinds(list []Kind) error {
	for _, k := range list {
		if !slices.Contains(Kinds(), k) {
			return errs.Field("kinds", "There's no kind %.40q. Choose some of knock, seat, trusted and closing.",
				string(k))
		}
	}
	p.Kinds = nil
	for _, k := range Kinds() {
		if slices.Contains(list, k) {
			p.Kinds = append(p.Kinds, k)
		}
	}
	return nil
}

// State is the state of a message.
type State string

// The states.
const (
	Pending State = "pending"
	Over    State = "over" // sent, or no longer worth it
)

// Message is a notification on its way to one device. What it says is written when it is sent.
type Message struct {
	ID      string       `json:"id"` // the same each time it is made of the same event
	User    snowflake.ID `json:"user"`
	Device  string       `json:"device"`
	GuildID snowflake.ID `json:"guild_id,omitempty"` // 0: none, as in a test
	RoomID  snowflake.ID `json:"room_id,omitempty"`
	Kind    Kind         `json:"kind"`
	Who     snowflake.ID `json:"who,omitempty"` // who knocks or sat down
	LetIn   bool         `json:"let_in,omitempty"`
	At      time.Time    `json:"at"`
	Until   time.Time    `json:"until"` // when it is no longer worth sending
	State   State        `json:"state"`
	Tries   int          `json:"tries,omitempty"`
	NextAt  time.Time    `json:"next_at,omitzero"` // of the next try
	Short   bool         `json:"short,omitempty"`  // without names: it was too large for the push service
	Expires time.Time    `json:"expires"`          // when the hub removes it
}

// Key is the message's key in its bucket: user.device.id.
func (m Message) Key() string { return m.User.String() + "." + m.Device + "." + m.ID }

// ExpiresAt returns Expires. It implements hub.Expiring.
func (m Message) ExpiresAt() time.Time { return m.Expires }

// remember is how long a message stays in the hub after it is over, so that the same event makes no second one: longer
// than an event is looked at again after a restart.
const remember = 2 * Fresh

// NewMessage returns a message about an event at a time to each of a person's devices that had been added by then.
func (p *Person) NewMessages(m Message) (list []Message) {
	m.State, m.NextAt, m.Expires = Pending, m.At, m.Until.Add(remember)
	for _, d := range p.Devices {
		if d.AddedAt.After(m.At) {
			continue
		}
		m.Device = d.ID
		list = append(list, m)
	}
	return list
}

// End marks the message as over, and forgets whom it was about.
func (m *Message) End() { m.State, m.NextAt, m.Who = Over, time.Time{}, 0 }

// backoff lists the pauses after failed tries; the last one repeats.
var backoff = [...]time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}

// Later schedules another try, no sooner than after. It ends the message if that would be too late.
func (m *Message) Later(now time.Time, after time.Duration) {
	m.NextAt = now.Add(max(after, backoff[min(m.Tries, len(backoff)-1)]))
	if m.Tries++; !m.NextAt.Before(m.Until) {
		m.End()
	}
}

// Tag is the same for notifications that replace each other: a browser shows one of them, a push service keeps one.
func (m Message) Tag() string { return string(m.Kind) + "-" + m.RoomID.String() }

// NewID returns a random id for a message.
func NewID() string { return strings.ToLower(rand.Text()[:16]) }

// CleanName bounds a name that the hub stores or a notification shows.
func CleanName(s string, most int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}
	return s
}
