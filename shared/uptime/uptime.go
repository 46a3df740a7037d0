// Package uptime records in which minutes Snug was up and down, and computes its availability over
// a period. It does no I/O and does not read the clock. Its values are plain data.
package uptime

import "time"

// Retention is how long days are stored.
const Retention = 100 * 24 * time.Hour

// Day is one UTC day, minute by minute.
type Day struct {
	Minutes []byte    `json:"minutes"` // 1440 entries: 0 not checked, 1 down, 2 up
	Until   time.Time `json:"until"`   // when the hub removes it
}

// The states of a minute.
const (
	unseen byte = iota
	down
	up
)

const minutes = 24 * 60

// ExpiresAt returns Until. It implements hub.Expiring.
func (d Day) ExpiresAt() time.Time { return d.Until }

// Key is the key of a day in its bucket, such as 20260131.
func Key(t time.Time) string { return t.UTC().Format("20060102") }

// Mark records one check. If several processes check in the same minute, one that is serving is
// enough.
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

// Share counts a period's minutes by state. Unchecked minutes count as down, because a process that
// is not running cannot record that. Minutes before the first check do not count.
type Share struct {
	Up, Down, Unseen int
	From             time.Time // the first check; zero if there was none
}

// Percent returns the availability in percent; 100 before the first check.
func (s Share) Percent() float64 {
	all := s.Up + s.Down + s.Unseen
	if all == 0 {
		return 100
	}
	return 100 * float64(s.Up) / float64(all)
}

// DayShare is the Share of one day.
type DayShare struct {
	Date string // format: 2026-01-31
	Share
}

// Daily returns the shares of the n days that end with the day of now, oldest first. The last day
// counts until now.
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
			// an earlier day had a check, so the minutes before this day's first check count too
			s.Unseen = all - s.Up - s.Down
		}
		seen = seen || !s.From.IsZero()
		out = append(out, DayShare{begin.Format(time.DateOnly), s})
	}
	return out
}

// Sum adds up the minutes from the given time to the last full minute before now.
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
