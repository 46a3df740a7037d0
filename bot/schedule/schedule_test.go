package schedule

import (
	"testing"
	"testing/synctest"
	"time"
)

// Cron runs periodic functions; if it fails to, the watchdog does, at most two periods later.
func TestSchedule(t *testing.T) {
	for name, x := range map[string]struct {
		stuck bool
		min   int
		max   int
	}{
		"cron goes": {false, 11, 13},
		"cron waits for the wall clock, which went back": {true, 5, 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New()
				var gaps []time.Duration
				last := time.Now()
				if err := s.Every(5*time.Second, func() {
					gaps = append(gaps, time.Since(last))
					last = time.Now()
				}); err != nil {
					t.Fatal(err)
				}
				if x.stuck {
					s.watch()
				} else {
					s.Start()
				}
				time.Sleep(time.Minute + time.Second)
				s.Stop()
				if len(gaps) < x.min || len(gaps) > x.max {
					t.Errorf("in a minute it was done %d times", len(gaps))
				}
				for _, gap := range gaps {
					if gap > 11*time.Second {
						t.Errorf("%v passed between two", gap)
					}
				}
			})
		})
	}
}

// What takes longer than a period is not begun twice, by whomever.
func TestTasksDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		running, most := 0, 0
		if err := s.Every(5*time.Second, func() {
			running++
			most = max(most, running)
			time.Sleep(23 * time.Second)
			running--
		}); err != nil {
			t.Fatal(err)
		}
		s.Start()
		time.Sleep(2 * time.Minute)
		began := time.Now()
		if s.Stop(); time.Since(began) > 23*time.Second {
			t.Errorf("it went on for %v once it was to end", time.Since(began))
		}
		if most != 1 {
			t.Errorf("it was done %d times at once", most)
		}
	})
}
