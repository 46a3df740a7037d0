package lease_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"snug/bot/lease"
	"snug/shared/errs"
	"snug/shared/hub"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	term     = 400 * time.Millisecond
	patience = 30 * time.Second
)

// crowd is the processes that share a bot's shards, and what each holds.
type crowd struct {
	*testing.T
	hub *hub.Hub

	mu     sync.Mutex
	change chan struct{} // closed and made anew at each change
}

// process is one of them.
type process struct {
	crowd  *crowd
	keeper *lease.Keeper
	stop   context.CancelFunc
	done   chan struct{}
	lost   chan error
	holds  map[int]bool // guarded by crowd.mu
}

func open(t *testing.T) *crowd {
	h, err := hub.Open(t.Context(), hub.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &crowd{T: t, hub: h, change: make(chan struct{})}
}

func (c *crowd) join(name string, shards int) *process {
	ctx, stop := context.WithCancel(context.Background())
	p := &process{crowd: c, stop: stop, done: make(chan struct{}), lost: make(chan error, 1), holds: map[int]bool{}}
	p.keeper = lease.New(lease.Options{Leases: c.hub.Leases, Shards: shards, Name: name, Term: term, Log: slog.New(slog.DiscardHandler), Lost: func(_ int, err error) { p.lost <- err }})
	go func() { defer close(p.done); p.keeper.Run(ctx, p.hold) }()
	return p
}

func (p *process) hold(ctx context.Context, shard int) {
	p.set(shard, true)
	<-ctx.Done()
	p.set(shard, false)
}

func (p *process) set(shard int, held bool) {
	c := p.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if held {
		p.holds[shard] = true
	} else {
		delete(p.holds, shard)
	}
	close(c.change)
	c.change = make(chan struct{})
}

// held gives the shards the processes hold, each as often as it is held, and a channel closed at the next change.
func (c *crowd) held(ps ...*process) ([]int, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []int
	for _, p := range ps {
		all = slices.AppendSeq(all, maps.Keys(p.holds))
	}
	slices.Sort(all)
	return all, c.change
}

// untilHeld waits until the processes hold n shards together; none twice meanwhile.
func (c *crowd) untilHeld(n int, ps ...*process) {
	c.Helper()
	late := time.After(patience)
	for {
		held, change := c.held(ps...)
		if len(slices.Compact(slices.Clone(held))) != len(held) {
			c.Fatalf("a shard is held twice: %v", held)
		}
		if len(held) == n {
			return
		}
		select {
		case <-change:
		case <-late:
			c.Fatalf("held after %v: %v, not %d", patience, held, n)
		}
	}
}

func (p *process) end() {
	p.stop()
	<-p.done
}

// TestEachShardIsHeldOnce lets three processes start together, and one leave:
// every shard is held, by one of them, and what was left is taken without waiting for the term.
func TestEachShardIsHeldOnce(t *testing.T) {
	c := open(t)
	const shards = 6
	var all []*process
	for _, n := range []string{"a", "b", "c"} {
		all = append(all, c.join(n, shards))
	}
	c.untilHeld(shards, all...)
	all[0].end()
	c.untilHeld(shards, all[1:]...)
	for _, p := range all[1:] {
		p.end()
	}
	if keys, err := c.hub.Leases.Keys(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("leases left after everybody ended: %v, %v", keys, err)
	}
}

// TestStandbyTakesOver lets a process die without a word: the standby holds its
// shard after the term, and the dead one, should it come back, is told so and ends.
func TestStandbyTakesOver(t *testing.T) {
	c := open(t)
	h := c.hub
	dead := hub.Lease{Holder: "dead", Name: "dead"}
	rev, err := h.Leases.Put(t.Context(), "0", dead)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	standby := c.join("standby", 1)
	c.untilHeld(1, standby)
	if d := time.Since(begun); d < term {
		t.Errorf("taken over after %v, before the term of %v was over", d, term)
	}
	if !standby.keeper.Held(0) {
		t.Error("the standby does not rely on the lease it took")
	}
	if _, err := h.Leases.Update(t.Context(), "0", dead, rev); !errs.Has(err, errs.Conflict) {
		t.Errorf("the dead process could renew its lease: %v", err)
	}
	// Somebody takes the lease over from the standby.
	if _, err := h.Leases.Put(t.Context(), "0", dead); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-standby.lost:
		if !errs.Has(err, errs.Conflict) {
			t.Errorf("a process that lost its lease was told %v", err)
		}
	case <-time.After(patience):
		t.Fatal("a process that lost its lease went on")
	}
	if l, _ := c.held(standby); len(l) != 0 || standby.keeper.Held(0) {
		t.Error("a process that lost its lease still holds the shard")
	}
	standby.end()
	if l, _, err := h.Leases.Get(t.Context(), "0"); err != nil || l.Holder != "dead" {
		t.Errorf("the other's lease was touched: %+v %v", l, err)
	}
}

// TestNobodyNeedBeTold: a process that told nobody to be told of a lost lease goes on without it.
func TestNobodyNeedBeTold(t *testing.T) {
	c := open(t)
	ctx, stop := context.WithCancel(t.Context())
	k := lease.New(lease.Options{Leases: c.hub.Leases, Shards: 1, Term: term, Log: slog.New(slog.DiscardHandler)})
	holds, ended, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		k.Run(ctx, func(ctx context.Context, _ int) { close(holds); <-ctx.Done(); close(ended) })
	}()
	<-holds
	if _, err := c.hub.Leases.Put(t.Context(), "0", hub.Lease{Holder: "other"}); err != nil {
		t.Fatal(err)
	}
	<-ended
	stop()
	<-done
}
