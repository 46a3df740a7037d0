package uptime

import (
	"testing"
	"time"
)

func TestOver(t *testing.T) {
	start := time.Date(2026, 1, 31, 23, 50, 0, 0, time.UTC)
	days := map[string]Day{}
	mark := func(i int, serving bool) {
		at := start.Add(time.Duration(i) * time.Minute)
		d := days[Key(at)]
		d.Mark(at, serving)
		days[Key(at)] = d
	}
	for i := range 20 { // over midnight
		if i != 15 { // nobody looked
			mark(i, i != 3)
		}
	}
	mark(4, false) // another process did not serve, but one did
	s := Over(days, start.AddDate(0, 0, -30), start.Add(20*time.Minute))
	if s.Up != 18 || s.Down != 1 || s.Unseen != 1 || s.Percent() != 90 || !s.From.Equal(start) {
		t.Errorf("got %+v, %v %%", s, s.Percent())
	}
	if len(days) != 2 || days[Key(start)].Until.Before(start) {
		t.Errorf("%d days", len(days))
	}
	if s := Over(nil, start, start.Add(time.Hour)); s.Percent() != 100 || s.Up+s.Down+s.Unseen != 0 {
		t.Errorf("without a look: %+v", s)
	}
}
