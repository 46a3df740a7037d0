package dmbudget_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/dmbudget"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func held(err error) dmbudget.Reason {
	if h, ok := errors.AsType[*dmbudget.ExceededError](err); ok {
		return h.Why
	}
	return ""
}

// Each step is somebody's wish at a minute, and why it is held back ("" if it is not).
func TestBudgets(t *testing.T) {
	type step struct {
		minute float64
		by     snowflake.ID
		want   dmbudget.Reason
	}
	many := func(n int, from, every float64) (list []step) {
		for i := range n {
			list = append(list, step{from + every*float64(i), snowflake.ID(100 + i), ""})
		}
		return list
	}
	for name, steps := range map[string][]step{
		"a sender gets three in ten minutes": {
			{0, 1, ""}, {1, 1, ""}, {2, 1, ""}, {3, 1, dmbudget.ReasonSender}, {3, 2, ""},
			{9.9, 1, dmbudget.ReasonSender}, {10, 1, ""},
			{10.5, 1, dmbudget.ReasonSender},
		},
		"the bot gets ten": append(many(10, 0, .1), step{1, 7, dmbudget.ReasonBot}, step{9.9, 7, dmbudget.ReasonBot},
			step{10, 7, ""}, step{10, 8, dmbudget.ReasonBot}),
		"the bot gets 200 a day": append(many(200, 0, 2), step{420, 7, dmbudget.ReasonBot},
			step{1439, 7, dmbudget.ReasonBot},
			step{1440, 7, ""}),
		"a sender gets 15 a day": func() (list []step) {
			for i := range 15 {
				list = append(list, step{float64(11 * i), 1, ""})
			}
			return append(list, step{400, 1, dmbudget.ReasonSender}, step{400, 2, ""}, step{1440, 1, ""})
		}(),
		"what is refused is not counted": {
			{0, 1, ""}, {0, 1, ""}, {0, 1, ""}, {1, 1, dmbudget.ReasonSender}, {2, 1, dmbudget.ReasonSender},
			{10, 1, ""}, {10, 1, ""},
			{10, 1, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var a dmbudget.Usage
			for i, s := range steps {
				now := noon.Add(time.Duration(s.minute * float64(time.Minute)))
				err := a.ReserveOpen(dmbudget.Defaults(), s.by, now)
				if held(err) != s.want || (err == nil) != (s.want == "") {
					t.Fatalf("step %d, %+v: %v", i, s, err)
				}
				if h, ok := errors.AsType[*dmbudget.ExceededError](err); ok {
					again := a
					if e := again.ReserveOpen(dmbudget.Defaults(), s.by, h.Until.Add(-time.Second)); e == nil {
						t.Errorf("step %d could be done before %s", i, h.Until)
					}
				}
			}
		})
	}
}

func TestRecipients(t *testing.T) {
	var a dmbudget.Usage
	for i, c := range []struct {
		minute int
		want   dmbudget.Reason
	}{
		{0, ""}, {1, ""}, {2, ""}, {3, dmbudget.ReasonRecipient}, {59, dmbudget.ReasonRecipient}, {60, ""}, {61, ""},
		{62, ""},
		{120, ""}, {121, ""}, {122, ""}, {180, ""}, {200, dmbudget.ReasonRecipient}, {1439, dmbudget.ReasonRecipient},
		{1440, ""},
	} {
		if err := a.ReserveSend(dmbudget.Defaults(),
			noon.Add(time.Duration(c.minute)*time.Minute)); held(err) != c.want {
			t.Fatalf("step %d, minute %d: %v", i, c.minute, err)
		}
	}
	if len(a.Sent) > 10 {
		t.Errorf("%d times are kept", len(a.Sent))
	}
}

func TestPausesDouble(t *testing.T) {
	var a dmbudget.Usage
	l, now := dmbudget.Defaults(), noon
	for _, want := range []time.Duration{10, 20, 40, 80, 160, 320, 360, 360} {
		a.RecordTooFast(l, now, now, false)
		if got := a.PausedUntil.Sub(now); got != want*time.Minute {
			t.Fatalf("pause %s, want %s", got, want*time.Minute)
		}
		a.RecordTooFast(l, now.Add(-time.Second), now.Add(time.Second), false) // was on its way
		if got := a.PausedUntil.Sub(now); got != want*time.Minute {
			t.Fatalf("one occasion counted twice: %s", got)
		}
		if err := a.ReserveOpen(l, 1, a.PausedUntil.Add(-time.Second)); held(err) != dmbudget.ReasonPaused {
			t.Fatalf("in a pause: %v", err)
		}
		now = a.PausedUntil.Add(time.Minute)
	}
	now = a.PausedUntil.Add(24 * time.Hour)
	if a.RecordTooFast(l, now, now, false); a.PausedUntil.Sub(now) != 10*time.Minute {
		t.Errorf("a day later: %s", a.PausedUntil.Sub(now))
	}
	if a.RecordTooFast(l, now, now, true); a.PausedUntil.Sub(now) != 6*time.Hour {
		t.Errorf("in quarantine: %s", a.PausedUntil.Sub(now))
	}
}

func TestRatesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"10/10m,200/24h": "10/10m,200/24h", " 3/1h , 10/24h": "3/1h,10/24h", "0/1h": "0/1h", "5/90s": "5/1m30s",
		"": "", "3": "", "x/1h": "", "3/x": "", "-1/1h": "", "3/1ms": "", "3/8000h": "", "9999/1h": "", "3/1h,": "",
	} {
		var r dmbudget.Rates
		err := r.UnmarshalText([]byte(text))
		if (err != nil) != (want == "") || r.String() != want {
			t.Errorf("%q: %s, %v", text, r, err)
		}
	}
	l := dmbudget.Defaults()
	if fmt.Sprint(l.Bot, l.Sender, l.Recipient) != "10/10m,200/24h 3/10m,15/24h 3/1h,10/24h" || l.Check() != nil {
		t.Errorf("%v, %v", l, l.Check())
	}
	for name, bad := range map[string]func(*dmbudget.Limits){
		"no rates": func(l *dmbudget.Limits) { l.Bot = nil }, "no pause": func(l *dmbudget.Limits) { l.Pause = 0 },
		"the longest is shorter": func(l *dmbudget.Limits) { l.MaxPause = time.Minute },
	} {
		l := dmbudget.Defaults()
		if bad(&l); l.Check() == nil {
			t.Error(name, "is taken")
		}
	}
}
