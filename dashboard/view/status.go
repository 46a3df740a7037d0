package view

import (
	"math"
	"strconv"

	"snug/shared/uptime"
)

// Latency is how long events took, in milliseconds; Events of 0: nothing was measured.
type Latency struct {
	Events   int
	P50, P95 int64
}

// Part is something that must work so that Snug does; the message status.part.{Name} names it.
type Part struct {
	Name string
	OK   bool
	Why  string // what does not work; in English
}

// Status is the page at /status, for everybody.
type Status struct {
	Layout
	Serving bool
	Parts   []Part
	Sent    Latency // from Discord to the connections of browsers
	Shown   Latency // until browsers' word came back
	Month   uptime.Share
	Days    []uptime.DayShare // the oldest first
}

func (*Status) name() string { return "status" }

// Percent writes a share with two places, never more than it is.
func (*Status) Percent(s uptime.Share) string {
	return strconv.FormatFloat(math.Floor(100*s.Percent())/100, 'f', 2, 64)
}

// Level is the class of a day: whether it was as good as promised.
func (*Status) Level(s uptime.Share) string {
	switch {
	case s.From.IsZero() && s.Unseen == 0:
		return "none"
	case s.Percent() >= 99.9:
		return "good"
	case s.Percent() >= 95:
		return "fair"
	}
	return "bad"
}
