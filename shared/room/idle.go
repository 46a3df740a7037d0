package room

import "time"

// KeepTime is how long an empty room stays open at least after
// somebody pressed "keep", before its closing is announced again.
const KeepTime = 2 * time.Minute

// MaxPageExtension bounds how long an open page alone keeps an empty room open.
const MaxPageExtension = 4 * time.Hour

// Idle is what decides when an empty room closes.
type Idle struct {
	// EmptySince is when the last human left voice, or when the room was opened; zero while somebody is in.
	EmptySince time.Time `json:"empty_since,omitzero"`
	// SeenAt is when an admitted member's visible page was last reported.
	SeenAt time.Time `json:"seen_at,omitzero"`
	// KeptAt is when somebody last said "keep it".
	KeptAt time.Time `json:"kept_at,omitzero"`
}

// Since returns when the room became idle, or zero while somebody is in voice. A page
// extends an empty room by at most PageExtends from the moment it became empty or was kept.
func (i Idle) Since() time.Time {
	if i.EmptySince.IsZero() {
		return time.Time{}
	}
	start := later(i.EmptySince, i.KeptAt)
	if i.SeenAt.After(start) {
		start = earlier(i.SeenAt, start.Add(MaxPageExtension))
	}
	return start
}

// Kept reports whether somebody pressed "keep" since the room is empty.
func (i Idle) Kept() bool { return !i.EmptySince.IsZero() && i.KeptAt.After(i.EmptySince) }

// Deadline returns when the room closes if nobody comes back: timeout after it
// became idle, and where somebody keeps it no sooner than KeepsFor and its notice.
// It is zero while somebody is in voice and with a negative timeout (never).
func (i Idle) Deadline(timeout, notice time.Duration) time.Time {
	since := i.Since()
	if since.IsZero() || timeout < 0 {
		return time.Time{}
	}
	at := since.Add(timeout)
	if i.Kept() {
		at = later(at, i.KeptAt.Add(KeepTime+max(0, notice)))
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
