package schedule

import (
	"context"
	"time"
)

// Pause waits for d, or until wake has a value or ctx ends. wake may be nil.
func Pause(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}
