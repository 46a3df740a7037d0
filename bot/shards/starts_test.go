package shards

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"

	"snug/shared/hub"
	"snug/shared/testkit"
)

// starters are processes that start sessions of one bot.
type starters struct {
	*testing.T
	hub *hub.Hub
	all []*sharedStarts
}

func newStarters(t *testing.T, n int, limit discord.SessionStartLimit) *starters {
	h, err := hub.Open(t.Context(), hub.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	testkit.NoError(t, err)
	s := &starters{T: t, hub: h}
	for range n {
		one := newSharedStarts(h.Starts, time.Now, slog.New(slog.DiscardHandler))
		one.gap = time.Second
		one.Update(limit)
		s.all = append(s.all, one)
	}
	t.Cleanup(func() {
		for _, one := range s.all {
			one.close()
		}
		testkit.NoError(t, h.Close(context.Background()))
	})
	return s
}

// left is how many starts the hub says are left.
func (s *starters) left() int {
	s.Helper()
	d, _, err := s.hub.Starts.Latest(s.Context(), startsKey)
	testkit.NoError(s, err)
	return d.Left
}

func (s *starters) acquire(i, shard int) func(bool) {
	s.Helper()
	release, err := s.all[i].Acquire(s.Context(), shard, func(time.Duration) {})
	testkit.NoError(s, err)
	return release
}

// TestProcessesTakeTurns has three processes identify shards of one group together: one after another, a gap apart, and
// each is counted once. Shards of another group don't wait for them.
func TestProcessesTakeTurns(t *testing.T) {
	s := newStarters(t, 3, discord.SessionStartLimit{
		Total: 1000, Remaining: 901, ResetAfter: 3600_000, MaxConcurrency: 2,
	})
	var mu sync.Mutex
	var at []time.Time
	var wg sync.WaitGroup
	for i := range s.all {
		wg.Go(func() {
			release, err := s.all[i].Acquire(t.Context(), 2*i, func(time.Duration) {})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			at = append(at, time.Now())
			mu.Unlock()
			release(true)
		})
	}
	begun := time.Now()
	s.acquire(0, 1)(true)
	other := time.Since(begun)
	wg.Wait()
	if other > 2*time.Second { // the first group takes at least that
		t.Errorf("the other group's turn came after %v", other)
	}
	slices.SortFunc(at, time.Time.Compare)
	for i := range at[1:] {
		if gap := at[i+1].Sub(at[i]); gap < time.Second {
			t.Errorf("two turns are %v apart", gap)
		}
	}
	// 901, without one that another group may be starting as Discord answers, as each process told it
	if n := s.left(); n > 900-1 || n < 900-4 {
		t.Errorf("%d starts are left", n)
	}
}

// TestNoStartsLeft waits until Discord gives new ones, and takes none for what wasn't sent.
func TestNoStartsLeft(t *testing.T) {
	s := newStarters(t, 2, discord.SessionStartLimit{Total: 5, Remaining: 1, ResetAfter: 2000, MaxConcurrency: 1})
	s.acquire(0, 0)(false)
	testkit.Eventually(t, "a start that wasn't used is given back", func() bool { return s.left() == 1 })
	s.all[1].told = false // else it would say what Discord said before
	s.acquire(0, 0)(true)
	if n := s.left(); n != 0 {
		t.Fatalf("%d starts are left, want none", n)
	}
	waited := time.Duration(0)
	begun := time.Now()
	release, err := s.all[1].Acquire(t.Context(), 0, func(d time.Duration) { waited = max(waited, d) })
	testkit.NoError(t, err)
	release(true)
	if time.Since(begun) < time.Second/2 || waited == 0 {
		t.Errorf("it waited %v, and said %v", time.Since(begun), waited)
	}
	if n := s.left(); n != 4 {
		t.Errorf("after the reset %d starts are left, want 4", n)
	}
}

// TestNobodyIdentifiesWithoutTheHub waits until its context ends, and begins nothing.
func TestNobodyIdentifiesWithoutTheHub(t *testing.T) {
	s := newStarters(t, 1, discord.SessionStartLimit{Total: 5, Remaining: 5, MaxConcurrency: 1})
	testkit.NoError(t, s.hub.Close(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.all[0].Acquire(ctx, 0, func(time.Duration) {}); err == nil {
		t.Error("it has a turn")
	}
}
