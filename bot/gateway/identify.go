package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
)

// IdentifyLimiter hands out turns to IDENTIFY. One is shared by all shards of
// a process. Implementations are safe for concurrent use.
type IdentifyLimiter interface {
	// Acquire waits for shard's turn and gives a function that ends it: with
	// true once IDENTIFY has been sent, with false if it was not. It must be
	// called exactly once. If there is a wait, waiting is told for how long
	// at least. The only error is the end of ctx.
	Acquire(ctx context.Context, shard int, waiting func(time.Duration)) (release func(sent bool), err error)
}

// identifyGap is the time Discord wants between two identifies of a group.
const identifyGap = 5 * time.Second

// Identifies is the IdentifyLimiter by Discord's rules: shards whose ids are
// equal modulo max_concurrency identify one after another, five seconds
// apart, and never more often than session_start_limit leaves.
//
// https://discord.com/developers/docs/events/gateway#session-start-limit-object
type Identifies struct {
	log *slog.Logger
	gap time.Duration

	mu        sync.Mutex
	known     bool // Discord has told its limit
	groups    int  // max_concurrency
	total     int
	remaining int
	resetAt   time.Time
	turns     map[int]*identifyTurn
}

// identifyTurn is one group's: the channel holds a token, next belongs to whoever took it.
type identifyTurn struct {
	token chan struct{}
	next  time.Time
}

// NewIdentifies gives a limiter that lets one shard identify every five
// seconds until Update tells more. A nil logger means slog.Default().
func NewIdentifies(log *slog.Logger) *Identifies {
	if log == nil {
		log = slog.Default()
	}
	return &Identifies{log: log, gap: identifyGap, groups: 1, turns: map[int]*identifyTurn{}}
}

// Update takes what GET /gateway/bot says about starting sessions.
func (l *Identifies) Update(s discord.SessionStartLimit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = true
	l.groups = max(1, s.MaxConcurrency)
	l.total, l.remaining = s.Total, s.Remaining
	l.resetAt = time.Now().Add(time.Duration(s.ResetAfter) * time.Millisecond)
}

// Remaining gives the session starts left until the limit resets, and whether Discord has told it.
func (l *Identifies) Remaining() (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refill()
	return l.remaining, l.known
}

// refill opens a new period once the old one is over. l.mu is held.
func (l *Identifies) refill() {
	if l.known && l.remaining <= 0 && !time.Now().Before(l.resetAt) {
		l.remaining = max(1, l.total)
		l.resetAt = time.Now().Add(24 * time.Hour)
	}
}

func (l *Identifies) turn(shard int) *identifyTurn {
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
func (l *Identifies) Acquire(ctx context.Context, shard int, waiting func(time.Duration)) (func(bool), error) {
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
			l.log.Error("no session starts are left; waiting until Discord gives new ones",
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

// due says how long the holder of t's token has to wait, or takes a session start.
func (l *Identifies) due(t *identifyTurn) time.Duration {
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

func (l *Identifies) giveBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remaining++
}
