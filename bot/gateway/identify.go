package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
)

// IdentifyLimiter limits how often shards IDENTIFY. All shards of a process share one.
// Implementations are safe for concurrent use.
type IdentifyLimiter interface {
	// Acquire waits for the shard's turn and returns a function that ends it, to be called exactly
	// once: with true after IDENTIFY was sent, with false if it wasn't. If Acquire has to wait, it
	// calls waiting with the least time that takes. Its only error is ctx's.
	Acquire(ctx context.Context, shard int, waiting func(time.Duration)) (release func(sent bool), err error)
	// Update sets the limits that GET /gateway/bot returned.
	Update(s discord.SessionStartLimit)
}

// IdentifyGap is the time Discord requires between two IDENTIFYs with the same rate limit key.
const IdentifyGap = 5 * time.Second

// SessionStarts is the IdentifyLimiter that follows Discord's rules: shards whose ids are equal modulo
// max_concurrency identify one after another, five seconds apart, and never more often than
// session_start_limit allows.
//
// https://discord.com/developers/docs/events/gateway#session-start-limit-object
type SessionStarts struct {
	log *slog.Logger
	gap time.Duration

	mu        sync.Mutex
	known     bool // Update was called
	groups    int  // max_concurrency
	total     int
	remaining int
	resetAt   time.Time
	turns     map[int]*identifyTurn
}

// identifyTurn belongs to one group: the channel holds a token, and next belongs to the token's holder.
type identifyTurn struct {
	token chan struct{}
	next  time.Time
}

// NewSessionStarts returns a limiter that lets one shard identify every five seconds until Update sets
// Discord's limits. A nil logger means slog.Default().
func NewSessionStarts(log *slog.Logger) *SessionStarts {
	if log == nil {
		log = slog.Default()
	}
	return &SessionStarts{log: log, gap: IdentifyGap, groups: 1, turns: map[int]*identifyTurn{}}
}

// Update implements IdentifyLimiter.
func (l *SessionStarts) Update(s discord.SessionStartLimit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = true
	l.groups = max(1, s.MaxConcurrency)
	l.total, l.remaining = s.Total, s.Remaining
	l.resetAt = time.Now().Add(time.Duration(s.ResetAfter) * time.Millisecond)
}

// Remaining returns the session starts left until the limit resets, and false if Discord's limit isn't known yet.
func (l *SessionStarts) Remaining() (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refill()
	return l.remaining, l.known
}

// refill starts a new period when the old one is over. The caller holds l.mu.
func (l *SessionStarts) refill() {
	if l.known && l.remaining <= 0 && !time.Now().Before(l.resetAt) {
		l.remaining = max(1, l.total)
		l.resetAt = time.Now().Add(24 * time.Hour)
	}
}

func (l *SessionStarts) turn(shard int) *identifyTurn {
	l.mu.Lock()
	defer l.mu.Unlock()
	group := shard % l.groups
	t := l.turns[group]
	if t == nil {
		t = &identifyTurn{token: make(chan struct{}, 1)}
		t.token <- struct{}{}
		l.turns[group] = t
	}
	return t
}

// Acquire implements IdentifyLimiter.
func (l *SessionStarts) Acquire(ctx context.Context, shard int, waiting func(time.Duration)) (func(bool), error) {
	t := l.turn(shard)
	select {
	case <-t.token:
	default:
		waiting(l.gap)
		select {
		case <-t.token:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	for {
		d := l.due(t)
		if d <= 0 {
			break
		}
		waiting(d)
		if d > l.gap {
			l.log.Error("no session starts left: waiting until Discord resets the limit",
				slog.Int("shard", shard), slog.Duration("delay", d))
		}
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			t.token <- struct{}{}
			return nil, context.Cause(ctx)
		}
	}
	return func(sent bool) {
		if sent {
			t.next = time.Now().Add(l.gap)
		} else {
			l.giveBack()
		}
		t.token <- struct{}{}
	}, nil
}

// due returns how long the holder of t's token has to wait; if that is 0 it takes a session start.
func (l *SessionStarts) due(t *identifyTurn) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := time.Until(t.next)
	l.refill()
	if l.known && l.remaining <= 0 {
		d = max(d, time.Until(l.resetAt))
	}
	if d <= 0 {
		l.remaining--
	}
	return d
}

func (l *SessionStarts) giveBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remaining++
}
