package push

import (
	"fmt"
	"strings"
	"time"

	"snug/shared/errs"
)

// Quiet are the hours of each day in which a person gets no notifications. From and To are like "22:00"; To is the
// first minute that isn't quiet. From after To goes over midnight.
type Quiet struct {
	On   bool   `json:"on,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	Zone string `json:"zone,omitempty"` // the time zone's IANA name: "Europe/Berlin"
}

// Check normalizes what somebody typed. It fails with errs.Invalid and names the field.
func (q *Quiet) Check() error {
	q.From, q.To, q.Zone = strings.TrimSpace(q.From), strings.TrimSpace(q.To), strings.TrimSpace(q.Zone)
	if !q.On && q.From == "" && q.To == "" { // a zone alone is what the page proposes
		*q = Quiet{}
		return nil
	}
	for field, text := range map[string]*string{"from": &q.From, "to": &q.To} {
		minute, ok := minuteOf(*text)
		if !ok {
			return errs.Field(field, "%.20q isn't a time. Write it like 22:00.", *text)
		}
		*text = fmt.Sprintf("%02d:%02d", minute/60, minute%60)
	}
	if q.From == q.To {
		return errs.Field("to", "Quiet hours can't begin and end at the same time. Choose two times.")
	}
	if _, ok := zoneOf(q.Zone); !ok {
		return errs.Field("zone", "%.40q isn't a time zone. Write it like Europe/Berlin.", q.Zone)
	}
	return nil
}

// At reports whether it is quiet at a time. Hours that can't be read are never quiet.
func (q Quiet) At(now time.Time) bool {
	from, ok1 := minuteOf(q.From)
	to, ok2 := minuteOf(q.To)
	zone, ok3 := zoneOf(q.Zone)
	if !q.On || !ok1 || !ok2 || !ok3 {
		return false
	}
	now = now.In(zone)
	minute := now.Hour()*60 + now.Minute()
	if from < to {
		return from <= minute && minute < to
	}
	return minute >= from || minute < to
}

// minuteOf reads a time of day as minutes since midnight.
func minuteOf(text string) (int, bool) {
	at, err := time.Parse("15:04", text)
	return at.Hour()*60 + at.Minute(), err == nil
}

// zoneOf reads a time zone's name. "Local" would be that of the machine.
func zoneOf(name string) (*time.Location, bool) {
	if name == "" || name == "Local" || len(name) > 60 {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}
