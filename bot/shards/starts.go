package shards

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mrand "math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/gateway"
	"snug/shared/errs"
	"snug/shared/hub"
)

// sharedStarts is the gateway.IdentifyLimiter of processes that share a bot. Discord counts for all of them: shards
// whose ids are equal modulo max_concurrency identify five seconds apart, and never more often than
// session_start_limit allows.
//
// A turn is a key in the hub that expires, by the server's clock, five seconds after the IDENTIFY; whoever creates it
// has the turn. How many starts are left is one document, changed by compare-and-set before each IDENTIFY. While the
// hub can't be reached, nobody identifies: nobody certainly holds a shard then, either.
//
// https://discord.com/developers/docs/events/gateway#session-start-limit-object
type sharedStarts struct {
	bucket *hub.Bucket[hub.SessionStarts]
	log    *slog.Logger
	now    func() time.Time
	me     string
	gap    time.Duration
	wg     sync.WaitGroup // releases that are being stored

	mu     sync.Mutex
	groups int // max_concurrency
	limit  discord.SessionStartLimit
	told   bool // limit isn't stored yet
}

func newSharedStarts(b *hub.Bucket[hub.SessionStarts], now func() time.Time, log *slog.Logger) *sharedStarts {
	return &sharedStarts{bucket: b, log: log, now: now, me: rand.Text(), gap: gateway.IdentifyGap, groups: 1}
}

const (
	turnFor    = 30 * time.Second // how long a turn lasts if its process dies before it identifies
	turnPoll   = 500 * time.Millisecond
	startsKey  = "left"
	startsTime = 5 * time.Second // for a write that nobody waits for
)

func turnKey(group int) string { return "turn." + strconv.Itoa(group) }

// Update implements gateway.IdentifyLimiter. The limit is stored with the next IDENTIFY.
func (s *sharedStarts) Update(limit discord.SessionStartLimit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups, s.limit, s.told = max(1, limit.MaxConcurrency), limit, true
}

// Acquire implements gateway.IdentifyLimiter.
func (s *sharedStarts) Acquire(ctx context.Context, shard int, waiting func(time.Duration)) (func(bool), error) {
	s.mu.Lock()
	key := turnKey(shard % s.groups)
	s.mu.Unlock()
	for failed := false; ; {
		rev, err := s.bucket.Create(ctx, key, hub.SessionStarts{Holder: s.me}, hub.TTL(turnFor))
		if errors.Is(err, hub.ErrUnknownOutcome) {
			rev, err = s.mine(ctx, key)
		}
		wait := turnPoll
		if err == nil {
			if wait, err = s.take(ctx); err == nil && wait <= 0 {
				return func(sent bool) { s.wg.Go(func() { s.release(key, rev, sent) }) }, nil
			}
			s.end(ctx, key, rev, false)
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil && !errs.Has(err, errs.Conflict) && !failed:
			failed = true
			s.log.Warn("waiting for the hub before a session with Discord can start", "shard", shard, "err", err)
		case err == nil && wait > s.gap:
			s.log.Error("no session starts left: waiting until Discord resets the limit", "shard", shard, "delay", wait)
		}
		waiting(max(wait, turnPoll))
		if err := s.pause(ctx, max(turnPoll, min(wait, time.Minute))); err != nil {
			return nil, err
		}
	}
}

func (s *sharedStarts) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d + mrand.N(turnPoll))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// mine returns the revision of a turn whose creation had no answer, or Conflict if it is another's.
func (s *sharedStarts) mine(ctx context.Context, key string) (hub.Rev, error) {
	turn, rev, err := s.bucket.Latest(ctx, key)
	if err == nil && turn.Holder != s.me {
		err = errs.E(errs.Conflict, "Another process starts a session.")
	}
	return rev, err
}

var errNoneLeft = errors.New("shards: no session starts left")

// take takes one session start; wait is how long there is none.
func (s *sharedStarts) take(ctx context.Context) (wait time.Duration, err error) {
	s.mu.Lock()
	limit, told, groups := s.limit, s.told, s.groups
	s.mu.Unlock()
	now := s.now()
	_, _, err = s.bucket.EditOrCreate(ctx, startsKey, func(d *hub.SessionStarts) error {
		if told {
			// What Discord said doesn't count the IDENTIFYs of other processes that are on their way: one a group.
			d.Total, d.Left = limit.Total, limit.Remaining-min(groups-1, limit.Remaining)
			d.Reset = now.Add(time.Duration(limit.ResetAfter) * time.Millisecond)
		}
		if d.Left <= 0 && !now.Before(d.Reset) {
			d.Left, d.Reset = max(1, d.Total), now.Add(24*time.Hour)
		}
		if wait = d.Reset.Sub(now); d.Left <= 0 {
			return errNoneLeft
		}
		wait = 0
		d.Left--
		return nil
	})
	if errors.Is(err, errNoneLeft) {
		return max(wait, turnPoll), nil
	}
	if err == nil {
		s.mu.Lock()
		if s.limit == limit {
			s.told = false
		}
		s.mu.Unlock()
	}
	return 0, err
}

// release ends a turn in which an IDENTIFY was sent, or couldn't be.
func (s *sharedStarts) release(key string, rev hub.Rev, sent bool) {
	ctx, cancel := context.WithTimeout(context.Background(), startsTime)
	defer cancel()
	if !sent {
		if err := s.giveBack(ctx); err != nil {
			s.log.Warn("cannot give back a session start that wasn't used; one less is left today", "err", err)
		}
	}
	s.end(ctx, key, rev, sent)
}

// end ends a turn: five seconds after an IDENTIFY, or at once if none was sent.
func (s *sharedStarts) end(ctx context.Context, key string, rev hub.Rev, sent bool) {
	var err error
	if sent {
		_, err = s.bucket.Update(ctx, key, hub.SessionStarts{Holder: s.me}, rev, hub.TTL(s.gap))
	} else {
		err = s.bucket.DeleteAt(ctx, key, rev)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("cannot end this process's turn to start a session; it ends by itself", "after", turnFor, "err", err)
	}
}

func (s *sharedStarts) giveBack(ctx context.Context) error {
	_, _, err := s.bucket.EditOrCreate(ctx, startsKey, func(d *hub.SessionStarts) error {
		d.Left++
		return nil
	})
	return err
}

// close waits until every turn is stored.
func (s *sharedStarts) close() { s.wg.Wait() }
