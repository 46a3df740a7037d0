package hub

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// A start is attempted once with an embedded server, however slow its disk, and repeatedly, with
// short timeouts, with a server that may not answer.
func TestPersist(t *testing.T) {
	for name, c := range map[string]struct {
		wait, try, answers time.Duration // time to retry, limit of one attempt, time of an answer
		tries              int
		works              bool
		took               time.Duration
	}{
		"embedded":                      {0, embeddedTry, time.Millisecond, 1, true, time.Millisecond},
		"embedded, on a slow disk":      {0, embeddedTry, 20 * time.Second, 1, true, 20 * time.Second},
		"embedded, and it does not end": {0, embeddedTry, time.Hour, 1, false, embeddedTry},
		"external":                      {30 * time.Second, clusterTry, time.Millisecond, 1, true, time.Millisecond},
		"external, without a leader": {
			4 * time.Second, clusterTry, time.Hour, 2, false, 2*clusterTry + 100*time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLink(slog.New(slog.DiscardHandler), func() {})
				l.try = c.try
				began, tries := time.Now(), 0
				err := l.persist(t.Context(), c.wait, "an answer", func(ctx context.Context) error {
					tries++
					if !sleep(ctx, c.answers) {
						return ctx.Err()
					}
					return nil
				})
				if (err == nil) != c.works || err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("it says %v", err)
				}
				if took := time.Since(began); tries != c.tries || took != c.took {
					t.Errorf("%d tries in %v, want %d in %v", tries, took, c.tries, c.took)
				}
			})
		})
	}
}
