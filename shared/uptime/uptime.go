// Package uptime counts minutes in which Snug served and minutes in which it
// did not, and says what share of a month it was up. It does no I/O and reads
// no clock. Its values are plain data.
package uptime

import "time"

// Retention is how long days are kept.
const Retention = 100 * 24 * time.Hour

// Day is one day, minute by minute (UTC).
type Day struct {
	Minutes []byte    `json:"minutes"` // 1440: 0 nobody looked, 1 down, 2 up
	Until   time.Time `json:"until"`   // when the hub forgets it
}

// What was seen in a minute.
const (
	unseen byte = iota
	down
	up
)

const minutes = 24 * 60

// ExpiresAt gives Until, to the hub.
func (d Day) ExpiresAt() time.Time { return d.Until }

// Key is where a day is kept.
func Key(t time.Time) string { return t.UTC().Format("20060102") }

// Mark notes one look. Of several processes that look in a minute one that serves is enough.
func (d *Day) Mark(t time.Time, serving bool) {
	if len(d.Minutes) != minutes {
		d.Minutes = make([]byte, minutes)
	}
	t = t.UTC()
	saw := down
	if serving {
		saw = up
	}
	i := t.Hour()*60 + t.Minute()
	d.Minutes[i] = max(d.Minutes[i], saw)
	d.Until = t.Truncate(24 * time.Hour).Add(Retention)
}

// Share is what of a time Snug was up. Minutes in which nobody looked count as
// down: a process that does not run cannot say so. Minutes before the first look do not count.
type Share struct {
	Up, Down, Unseen int
	From             time.Time // the first look; zero: there was none
}

// Percent is the availability; 100 before the first look.
func (s Share) Percent() float64 {
	all := s.Up + s.Down + s.Unseen
	if all == 0 {
		return 100
	}
	return 100 * float64(s.Up) / float64(all)
}

// DayShare is what of one day Snug was up, as far as it counts.
type DayShare struct {
	Date string // 2026-01-31
	Share
}

// Daily gives the share of each day that ends with that of now, the oldest first: of now's the minutes until now.
func Daily(days map[string]Day, n int, now time.Time) []DayShare {
	var out []DayShare
	first, seen := now.UTC().AddDate(0, 0, 1-n).Truncate(24*time.Hour), false
	for i := range n {
		begin := first.AddDate(0, 0, i)
		end := begin.AddDate(0, 0, 1)
		if end.After(now) {
			end = now
		}
		s := Sum(map[string]Day{Key(begin): days[Key(begin)]}, begin, end)
		if all := int(end.Sub(begin).Minutes()); seen {
			// minutes before the first look of the day count, for there was one on a day before
			s.Unseen = all - s.Up - s.Down
		}
		seen = seen || !s.From.IsZero()
		out = append(out, DayShare{begin.Format(time.DateOnly), s})
	}
	return out
}

// Sum adds up the minutes from a time on to the last whole minute before now.
func Sum(days map[string]Day, from, now time.Time) (s Share) {
	for t := from.UTC().Truncate(time.Minute); t.Before(now.UTC().Truncate(time.Minute)); t = t.Add(time.Minute) {
		saw := unseen
		if m := days[Key(t)].Minutes; len(m) == minutes {
			saw = m[t.Hour()*60+t.Minute()]
		}
		if saw == unseen && s.From.IsZero() {
			continue
		}
		if s.From.IsZero() {
			s.From = t
		}
		switch saw {
		case up:
			s.Up++
		case down:
			s.Down++
		default:
			s.Unseen++
		}
	}
	return s
}
