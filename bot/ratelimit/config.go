package ratelimit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"
)

// Config says how a Limiter behaves. The zero value of a field means the default named with it.
type Config struct {
	Global int // requests a second that are not exempt; default 50
	// invalid answers in ten minutes that Discord bans for; default 10,000. Snug stops at 80 % of it
	InvalidMax int
	MaxWait    time.Duration // the longest wait of a request without a deadline, each time it waits; default 60 s
	TryTimeout time.Duration // for one try, with its answer's body; default 15 s
	Retries    int           // repeats after a failure; default 5
	Backoff    time.Duration // first delay of a repeat, doubled each time up to 16 times; default 1 s
	// a 429 longer than this that its bucket does not explain delays only its own request; default 5 s
	HiddenLimit time.Duration
	PatchOnce   bool // never repeat a PATCH that may have been processed

	// asked right before each try: its error ends the request unsent; default: all may
	Allow   func(*http.Request) error
	Logger  *slog.Logger   // default slog.Default()
	Metrics *Metrics       // default none
	Rand    func() float64 // in [0,1), for jitter; default math/rand/v2
}

func (c *Config) fill() {
	orInt := func(n *int, standard int) {
		if *n <= 0 {
			*n = standard
		}
	}
	orDuration := func(d *time.Duration, standard time.Duration) {
		if *d <= 0 {
			*d = standard
		}
	}
	orInt(&c.Global, 50)
	orInt(&c.InvalidMax, 10_000)
	orInt(&c.Retries, 5)
	orDuration(&c.MaxWait, time.Minute)
	orDuration(&c.TryTimeout, 15*time.Second)
	orDuration(&c.Backoff, time.Second)
	orDuration(&c.HiddenLimit, 5*time.Second)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
}

// backoff returns the nth delay, from 1, within a fifth either way.
func (c *Config) backoff(n int) time.Duration {
	const doublings = 4 // 1, 2, 4, 8, 16
	d := c.Backoff << min(max(n-1, 0), doublings)
	return time.Duration(float64(d) * (0.8 + 0.4*c.Rand()))
}

// Priority says who goes first when requests have to wait. A higher one is a
// head start of two seconds a step, so nothing waits for ever.
type Priority int

// The priorities. Interaction callbacks are Interactive by themselves.
const (
	Background  Priority = -1 // sweeps and repairs
	Normal      Priority = 0
	Interactive Priority = 1 // a person is waiting for it
)

// headStart is what one step of priority is worth.
const headStart = 2 * time.Second

// String returns the priority as metrics show it.
func (p Priority) String() string {
	switch {
	case p < Normal:
		return "background"
	case p > Normal:
		return "interactive"
	}
	return "normal"
}

type priorityKey struct{}

type repeatKey struct{}

// WithPriority sets the priority of the requests made with the context.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

// WithRepeat reports whether the requests made with the context may be repeated
// even after they may have been processed, whatever their method is. Say yes
// for a POST that Discord takes twice without harm.
func WithRepeat(ctx context.Context, may bool) context.Context {
	return context.WithValue(ctx, repeatKey{}, may)
}

func priorityOf(ctx context.Context, exempt bool) Priority {
	if p, ok := ctx.Value(priorityKey{}).(Priority); ok {
		return min(max(p, Background), Interactive)
	}
	if exempt {
		return Interactive
	}
	return Normal
}

// repeatable reports whether a request may be repeated that may have been processed.
func (c *Config) repeatable(ctx context.Context, method string) bool {
	if may, ok := ctx.Value(repeatKey{}).(bool); ok {
		return may
	}
	switch method {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	case "PATCH":
		return !c.PatchOnce
	}
	return false
}
