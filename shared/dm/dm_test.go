package dm_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/dm"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func held(err error) dm.Reason {
	if h, ok := errors.AsType[*dm.Held](err); ok {
		return h.Why
	}
	return ""
}

// Each step is somebody's wish at a minute, and why it is held back ("" if it is not).
func TestBudgets(t *testing.T) {
	type step struct {
		minute float64
		by     snowflake.ID
		want   dm.Reason
	}
	many := func(n int, from, every float64) (list []step) {
		for i := range n {
			list = append(list, step{from + every*float64(i), snowflake.ID(100 + i), ""})
		}
		return list
	}
	for name, steps := range map[string][]step{
		"a sender gets three in ten minutes": {
			{0, 1, ""}, {1, 1, ""}, {2, 1, ""}, {3, 1, dm.HeldSender}, {3, 2, ""}, {9.9, 1, dm.HeldSender}, {10, 1, ""},
			{10.5, 1, dm.HeldSender},
		},
		"the bot gets ten": append(many(10, 0, .1), step{1, 7, dm.HeldBot}, step{9.9, 7, dm.HeldBot},
			step{10, 7, ""}, step{10, 8, dm.HeldBot}),
		"the bot gets 200 a day": append(many(200, 0, 2), step{420, 7, dm.HeldBot}, step{1439, 7, dm.HeldBot},
			step{1440, 7, ""}),
		"a sender gets 15 a day": func() (list []step) {
			for i := range 15 {
				list = append(list, step{float64(11 * i), 1, ""})
			}
			return append(list, step{400, 1, dm.HeldSender}, step{400, 2, ""}, step{1440, 1, ""})
		}(),
		"what is refused is not counted": {
			{0, 1, ""}, {0, 1, ""}, {0, 1, ""}, {1, 1, dm.HeldSender}, {2, 1, dm.HeldSender}, {10, 1, ""}, {10, 1, ""},
			{10, 1, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var a dm.Account
			for i, s := range steps {
				now := noon.Add(time.Duration(s.minute * float64(time.Minute)))
				err := a.Open(dm.Defaults(), s.by, now)
				if held(err) != s.want || (err == nil) != (s.want == "") {
					t.Fatalf("step %d, %+v: %v", i, s, err)
				}
				if h, ok := errors.AsType[*dm.Held](err); ok {
					again := a
					if e := again.Open(dm.Defaults(), s.by, h.Until.Add(-time.Second)); e == nil {
						t.Errorf("step %d could be done before %s", i, h.Until)
					}
				}
			}
		})
	}
}

func TestRecipients(t *testing.T) {
	var a dm.Account
	for i, c := range []struct {
		minute int
		want   dm.Reason
	}{
		{0, ""}, {1, ""}, {2, ""}, {3, dm.HeldRecipient}, {59, dm.HeldRecipient}, {60, ""}, {61, ""}, {62, ""},
		{120, ""}, {121, ""}, {122, ""}, {180, ""}, {200, dm.HeldRecipient}, {1439, dm.HeldRecipient}, {1440, ""},
	} {
		if err := a.Write(dm.Defaults(), noon.Add(time.Duration(c.minute)*time.Minute)); held(err) != c.want {
			t.Fatalf("step %d, minute %d: %v", i, c.minute, err)
		}
	}
	if len(a.Sent) > 10 {
		t.Errorf("%d times are kept", len(a.Sent))
	}
}

func TestPausesDouble(t *testing.T) {
	var a dm.Account
	l, now := dm.Defaults(), noon
	for _, want := range []time.Duration{10, 20, 40, 80, 160, 320, 360, 360} {
		a.TooFast(l, now, now, false)
		if got := a.PausedUntil.Sub(now); got != want*time.Minute {
			t.Fatalf("pause %s, want %s", got, want*time.Minute)
		}
		a.TooFast(l, now.Add(-time.Second), now.Add(time.Second), false) // was on its way
		if got := a.PausedUntil.Sub(now); got != want*time.Minute {
			t.Fatalf("one occasion counted twice: %s", got)
		}
		if err := a.Open(l, 1, a.PausedUntil.Add(-time.Second)); held(err) != dm.HeldPaused {
			t.Fatalf("in a pause: %v", err)
		}
		now = a.PausedUntil.Add(time.Minute)
	}
	now = a.PausedUntil.Add(24 * time.Hour)
	if a.TooFast(l, now, now, false); a.PausedUntil.Sub(now) != 10*time.Minute {
		t.Errorf("a day later: %s", a.PausedUntil.Sub(now))
	}
	if a.TooFast(l, now, now, true); a.PausedUntil.Sub(now) != 6*time.Hour {
		t.Errorf("in quarantine: %s", a.PausedUntil.Sub(now))
	}
}

func TestRatesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"10/10m,200/24h": "10/10m,200/24h", " 3/1h , 10/24h": "3/1h,10/24h", "0/1h": "0/1h", "5/90s": "5/1m30s",
		"": "", "3": "", "x/1h": "", "3/x": "", "-1/1h": "", "3/1ms": "", "3/8000h": "", "9999/1h": "", "3/1h,": "",
	} {
		var r dm.Rates
		err := r.UnmarshalText([]byte(text))
		if (err != nil) != (want == "") || r.String() != want {
			t.Errorf("%q: %s, %v", text, r, err)
		}
	}
	l := dm.Defaults()
	if fmt.Sprint(l.Bot, l.Sender, l.Recipient) != "10/10m,200/24h 3/10m,15/24h 3/1h,10/24h" || l.Check() != nil {
		t.Errorf("%v, %v", l, l.Check())
	}
	for name, bad := range map[string]func(*dm.Limits){
		"no rates": func(l *dm.Limits) { l.Bot = nil }, "no pause": func(l *dm.Limits) { l.Pause = 0 },
		"the longest is shorter": func(l *dm.Limits) { l.Longest = time.Minute },
	} {
		l := dm.Defaults()
		if bad(&l); l.Check() == nil {
			t.Error(name, "is taken")
		}
	}
}
