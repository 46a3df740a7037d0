package lastknown

import (
	"context"
	"net/http"
	"sync"
	"time"
)

type ageKey struct{}

// age is how old what an answer shows may be.
type age struct {
	header http.Header

	mu sync.Mutex
	at time.Time
}

// WithAsOf has an answer, whose headers these are, say how old what it shows is.
func WithAsOf(ctx context.Context, header http.Header) context.Context {
	return context.WithValue(ctx, ageKey{}, &age{header: header})
}

// oldest notes in the answer how old a part of it is; the oldest counts.
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

// AsOf returns the time that an answer's contents are of; zero: they are of now.
func AsOf(ctx context.Context) time.Time {
	a, ok := ctx.Value(ageKey{}).(*age)
	if !ok {
		return time.Time{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at
}
