package testkit_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"snug/shared/testkit"
)

// A clock that goes tells apart that time passes and that somebody sets it.
func TestClock(t *testing.T) {
	var c testkit.Clock
	began, before := time.Now(), c.Now()
	c.Forward(time.Hour)
	c.Jump(-3*time.Hour + time.Millisecond)
	after := c.Now()
	took := time.Since(began)
	for what, d := range map[string]time.Duration{
		"by the monotonic reading": after.Sub(before) - time.Hour,
		"by what it shows":         after.Round(0).Sub(before.Round(0)) - time.Hour + 3*time.Hour - time.Second,
	} {
		if d < 0 || d > took+time.Second {
			t.Errorf("%s %v too much passed within %v", what, d, took)
		}
	}
	if c.Ahead() != time.Hour {
		t.Errorf("ahead by %v", c.Ahead())
	}
}

// In a bubble of synctest, where times have no monotonic reading, it goes by the bubble's time.
func TestClockInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c testkit.Clock
		before := c.Now()
		time.Sleep(time.Minute)
		c.Forward(time.Hour)
		c.Jump(-3 * time.Hour)
		if d := c.Now().Sub(before); d != time.Minute+time.Hour-3*time.Hour {
			t.Errorf("%v passed", d)
		}
	})
}

func TestStoppedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := testkit.NewStoppedClock(began)
		time.Sleep(time.Minute)
		c.Forward(time.Second)
		c.Jump(time.Hour)
		if d := c.Now().Sub(began); d != time.Hour+time.Second {
			t.Errorf("%v passed", d)
		}
	})
}

// Writers and readers at the same time, which the race detector watches.
func TestLog(t *testing.T) {
	var l testkit.Log
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			l.Logger().Debug("counted", slog.Int("n", i))
			if l.Line("counted") == "" {
				t.Error("what was just written cannot be read")
			}
		})
	}
	wg.Wait()
	if line := l.Line("n=7"); line == "" || line[len(line)-1] != '\n' || l.Line("n=8") != "" {
		t.Errorf("line %q of\n%s", line, &l)
	}
}

// A wait ends as soon as the fact is one, and fails when it never is.
func TestEventually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		testkit.Eventually(t, "a second has passed", func() bool { return time.Since(began) >= time.Second })
		if d := time.Since(began); d > time.Second+10*time.Millisecond {
			t.Errorf("it took %v", d)
		}
		r := &recorder{TB: t}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			testkit.Eventually(r, "pigs fly", func() bool { return false })
		}()
		<-ended
		if r.said != "waited in vain: pigs fly" {
			t.Errorf("it said %q", r.said)
		}
	})
}

// recorder is a test that fails without failing the real one.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
