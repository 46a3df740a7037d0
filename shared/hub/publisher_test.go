package hub

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/testkit"
)

func TestPublisherKeepsOrder(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	w := &watch{}
	must(h.Rosters.Follow(ctx, w.follower()))(t)
	testkit.Eventually(t, "caught up", w.see(func() bool { return w.caught == 1 }))
	p := must(h.Rosters.Publisher(0))(t)
	const n = 8_000
	var told []Rev
	last := make(chan struct{})
	for i := range n {
		if err := p.Put(guildKey(i%800, 1), room.Live{N: uint64(i)}, func(r Rev, err error) {
			if err != nil {
				t.Error(err)
			}
			if told = append(told, r); len(told) == n {
				close(last)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	<-last
	for i := 1; i < n; i++ {
		if told[i] <= told[i-1] {
			t.Fatal("answers out of order")
		}
	}
	testkit.Eventually(t, "all changes", w.see(func() bool { return len(w.changes) == n }))
	for i, c := range w.changes {
		if c.Value.N != uint64(i) || c.Rev != told[i] {
			t.Fatal("out of order at", i)
		}
	}
	gone := make(chan error)
	if err := p.Delete("1.1", func(_ Rev, err error) { gone <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-gone; err != nil {
		t.Fatal(err)
	}
	_, _, err := h.Rosters.Get(ctx, "1.1")
	wantCode(t, err, errs.NotFound)
	if err := p.Close(ctx); err != nil {
		t.Fatal(err)
	}
	wantCode(t, p.Put("1.1", room.Live{}, nil), errs.Unavailable)
	if p.Pending() != 0 {
		t.Error(p.Pending())
	}
}

func TestPublisherRefuses(t *testing.T) {
	t.Parallel()
	h := openHub(t, Options{})
	p := must(h.Rosters.Publisher(2))(t)
	wantCode(t, p.Put("a b", room.Live{}, nil), errs.Invalid)
	hold, held := make(chan struct{}), make(chan struct{})
	var once sync.Once
	if err := p.Put("1.1", room.Live{}, func(Rev, error) { once.Do(func() { close(held) }); <-hold }); err != nil {
		t.Fatal(err)
	}
	<-held
	if err := p.Put("1.1", room.Live{}, nil); err != nil {
		t.Fatal(err)
	}
	err := p.Put("1.1", room.Live{}, nil)
	wantCode(t, err, errs.RateLimited)
	if !strings.Contains(err.Error(), "pending") {
		t.Error(err)
	}
	close(hold)
}

// While the hub is unreachable puts wait, those in flight are reported as unknown, and afterwards
// everything continues in order.
func TestPublisherAcrossARestart(t *testing.T) {
	t.Parallel()
	s := startOutside(t, nil)
	h := openHub(t, Options{URL: s.url})
	p := must(h.Rosters.Publisher(0))(t)
	var mu sync.Mutex
	var next, failed uint64
	stored := map[uint64]bool{}
	put := func(i uint64) {
		if err := p.Put("1.1", room.Live{N: i}, func(_ Rev, err error) {
			mu.Lock()
			defer mu.Unlock()
			if next++; i != next {
				t.Errorf("answer to %d, want %d", i, next)
			}
			if err == nil {
				stored[i] = true
				return
			}
			wantCode(t, err, errs.Unavailable)
			failed++
		}); err != nil {
			t.Error(err)
		}
	}
	i := uint64(0)
	for ; i < 3000; i++ {
		put(i + 1)
	}
	s.stop()
	for ; i < 4500; i++ {
		put(i + 1)
	}
	testkit.Eventually(t, "lost", func() bool { return h.link.present().Err() != nil })
	for ; i < 6000; i++ { // what was sent before may have failed; this waits
		put(i + 1)
	}
	s.start()
	testkit.Eventually(t, "all answers", func() bool { mu.Lock(); defer mu.Unlock(); return next == 6000 })
	if !stored[6000] {
		t.Error("the last put, made while the hub was away, is not stored")
	}
	t.Logf("%d stored, %d failed", len(stored), failed)
	v, _, err := h.Rosters.Get(t.Context(), "1.1")
	if err != nil || v.N != 6000 {
		t.Fatal(v.N, err)
	}
}

func TestPublisherCutOff(t *testing.T) {
	t.Parallel()
	s := startOutside(t, nil)
	h := openHub(t, Options{URL: s.url})
	p := must(h.Rosters.Publisher(0))(t)
	s.stop()
	testkit.Eventually(t, "lost", func() bool { return h.link.present().Err() != nil })
	told := make(chan error, 1)
	if err := p.Put("1.1", room.Live{}, func(_ Rev, err error) { told <- err }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("Close says", err)
	}
	err := <-told
	wantCode(t, err, errs.Unavailable)
	if errors.Is(err, ErrUnknownOutcome) {
		t.Error("never sent, but:", err)
	}
}
