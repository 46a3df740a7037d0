package ratelimit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"
)

// Global is how many requests a second Discord allows a bot in all, unless it has raised that.
// https://discord.com/developers/docs/topics/rate-limits#global-rate-limit
const Global = 50

// Config configures a Limiter. A field's zero value means the default given with it.
type Config struct {
	Global int // requests a second that count towards the global limit; default 50
	// invalid responses in ten minutes after which Discord bans the address; default 10,000. Snug stops at 80 %
	InvalidMax int
	// Share is how many of Global this process may start a second at present; the rest is for other processes of the
	// bot. Half a one is one every two seconds. It and OthersInvalid are called often, with a lock held. Default: all
	// of Global.
	Share func() float64
	// OthersInvalid is how many invalid responses other processes had in the last ten minutes. Default: none.
	OthersInvalid func() int
	MaxWait       time.Duration // the longest time a request without a deadline waits, each time it waits; default 60 s
	TryTimeout    time.Duration // for one try, including the response's body; default 15 s
	Retries       int           // repeats after failures; default 5
	Backoff       time.Duration // delay of the first repeat, doubled each time up to 16 times; default 1 s
	// a 429 longer than this that the bucket's headers don't explain delays only its own request; default 5 s
	HiddenLimit time.Duration
	PatchOnce   bool // never repeat a PATCH that may have been processed

	// called right before each try; an error ends the request unsent. Default: all are allowed
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
	orInt(&c.Global, Global)
	orInt(&c.InvalidMax, 10_000)
	if c.Share == nil {
		c.Share = func() float64 { return float64(c.Global) }
	}
	if c.OthersInvalid == nil {
		c.OthersInvalid = func() int { return 0 }
	}
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

// backoff returns the nth delay, counted from 1, ± a fifth.
func (c *Config) backoff(n int) time.Duration {
	const doublings = 4 // 1, 2, 4, 8, 16
	d := c.Backoff << min(max(n-1, 0), doublings)
	return time.Duration(float64(d) * (0.8 + 0.4*c.Rand()))
}

// Priority decides which request goes first. Each step is a head start of two seconds, so nothing waits forever.
type Priority int

// The priorities. Interaction callbacks are Interactive by default.
const (
	Background  Priority = -1 // sweeps and repairs
	Normal      Priority = 0
	Interactive Priority = 1 // somebody is waiting for it
)

// headStart is the value of one step of priority.
const headStart = 2 * time.Second

// String returns the priority's label in metrics.
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

// WithRepeat sets whether requests made with the context may be repeated after Discord may have
// processed them, whatever their method. Use true for a POST that may safely arrive twice.
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

// repeatable reports whether a request may be repeated after Discord may have processed it.
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
