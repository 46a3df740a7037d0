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
	for i := range 20 { // across midnight
		if i != 15 { // not checked
			mark(i, i != 3)
		}
	}
	mark(4, false) // another process was down, but one was up
	s := Sum(days, start.AddDate(0, 0, -30), start.Add(20*time.Minute))
	if s.Up != 18 || s.Down != 1 || s.Unseen != 1 || s.Percent() != 90 || !s.From.Equal(start) {
		t.Errorf("got %+v, %v %%", s, s.Percent())
	}
	if len(days) != 2 || days[Key(start)].Until.Before(start) {
		t.Errorf("%d days", len(days))
	}
	if s := Sum(nil, start, start.Add(time.Hour)); s.Percent() != 100 || s.Up+s.Down+s.Unseen != 0 {
		t.Errorf("without a look: %+v", s)
	}
}

func TestDaily(t *testing.T) {
	now := time.Date(2026, 2, 3, 0, 30, 0, 0, time.UTC)
	days := map[string]Day{}
	mark := func(at time.Time, minutes int, serving bool) {
		for i := range minutes {
			d := days[Key(at)]
			d.Mark(at.Add(time.Duration(i)*time.Minute), serving)
			days[Key(at)] = d
		}
	}
	mark(time.Date(2026, 2, 1, 23, 0, 0, 0, time.UTC), 60, true)  // the first check
	mark(time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC), 720, true)  // not checked after noon
	mark(time.Date(2026, 2, 3, 0, 10, 0, 0, time.UTC), 20, false) // not checked before 0:10
	got := Daily(days, 4, now)
	if len(got) != 4 || got[0].Date != "2026-01-31" || got[3].Date != "2026-02-03" {
		t.Fatalf("got %+v", got)
	}
	for i, want := range []Share{{}, {Up: 60}, {Up: 720, Unseen: 720}, {Down: 20, Unseen: 10}} {
		if s := got[i].Share; s.Up != want.Up || s.Down != want.Down || s.Unseen != want.Unseen {
			t.Errorf("%s: %+v, want %+v", got[i].Date, s, want)
		}
	}
	sum := Sum(days, now.AddDate(0, 0, -30), now)
	if sum.Up != 780 || sum.Down != 20 || sum.Unseen != 730 {
		t.Errorf("the days do not add up to %+v", sum)
	}
}
