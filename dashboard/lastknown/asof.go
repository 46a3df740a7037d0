package lastknown

import (
	"context"
	"net/http"
	"sync"
	"time"
)

type ageKey struct{}

// age is how old the contents of a response may be.
type age struct {
	header http.Header

	mu sync.Mutex
	at time.Time
}

// WithAsOf makes the response with these headers say how old its contents are.
func WithAsOf(ctx context.Context, header http.Header) context.Context {
	return context.WithValue(ctx, ageKey{}, &age{header: header})
}

// oldest records how old a part of the response is; the oldest part counts.
func oldest(ctx context.Context, at time.Time) {
	a, ok := ctx.Value(ageKey{}).(*age)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at.IsZero() || at.Before(a.at) {
		a.at = at
		a.header.Set(Header, at.UTC().Format(time.RFC3339))
	}
}

// AsOf returns the time from which a response's contents are; zero: they are current.
func AsOf(ctx context.Context) time.Time {
	a, ok := ctx.Value(ageKey{}).(*age)
	if !ok {
		return time.Time{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at
}
