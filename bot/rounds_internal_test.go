package bot

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"
)

// Cron does what is to be done again and again; when it does not, the watchdog does, two periods later at most.
func TestRounds(t *testing.T) {
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
				r := rounds{cron: cron.New()}
				var gaps []time.Duration
				last := time.Now()
				if err := r.add(5*time.Second, func() {
					gaps = append(gaps, time.Since(last))
					last = time.Now()
				}); err != nil {
					t.Fatal(err)
				}
				if !x.stuck {
					r.cron.Start()
					defer r.cron.Stop()
				}
				ctx, stop := context.WithCancel(t.Context())
				go r.watch(ctx)
				time.Sleep(time.Minute + time.Second)
				stop()
				synctest.Wait()
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
func TestRoundsDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rounds{cron: cron.New()}
		running, most := 0, 0
		if err := r.add(5*time.Second, func() {
			running++
			most = max(most, running)
			time.Sleep(23 * time.Second)
			running--
		}); err != nil {
			t.Fatal(err)
		}
		r.cron.Start()
		ctx, stop := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() { r.watch(ctx) })
		time.Sleep(2 * time.Minute)
		stop()
		<-r.cron.Stop().Done()
		began := time.Now()
		if watching.Wait(); time.Since(began) > 23*time.Second {
			t.Errorf("it went on for %v once it was to end", time.Since(began))
		}
		if most != 1 {
			t.Errorf("it was done %d times at once", most)
		}
	})
}
