package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"snug/bot/shards/lease"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/hub/hubtest"
	"snug/shared/testkit"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	term     = 600 * time.Millisecond
	patience = testkit.Patience
)

// processes is the processes that share a bot's shards, and what each holds.
type processes struct {
	*testing.T
	hub *hub.Hub

	mu     sync.Mutex
	change chan struct{} // closed and replaced at each change
}

// process is one of them.
type process struct {
	crowd  *processes
	leases *lease.Holder
	stop   context.CancelFunc
	done   chan struct{}
	lost   chan error
	holds  map[int]bool  // guarded by crowd.mu
	stuck  chan struct{} // holds do not return before it is closed; nil: they do
}

func open(t *testing.T) *processes { return openOn(t, hub.Options{Dir: t.TempDir()}) }

func openOn(t *testing.T, o hub.Options) *processes {
	o.Log = slog.New(slog.DiscardHandler)
	h, err := hub.Open(t.Context(), o)
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
	return &processes{T: t, hub: h, change: make(chan struct{})}
}

func (c *processes) join(name string, shards int, takes ...int) *process {
	return c.joinAs(name, shards, nil, takes...)
}

// joinAs is join for a process whose holds may not return before stuck is closed.
func (c *processes) joinAs(name string, shards int, stuck chan struct{}, takes ...int) *process {
	ctx, stop := context.WithCancel(context.Background())
	p := &process{
		crowd: c, stop: stop, done: make(chan struct{}), lost: make(chan error, shards), holds: map[int]bool{},
		stuck: stuck,
	}
	p.leases = lease.New(lease.Options{
		Leases: c.hub.Leases, Shards: shards, Name: name, Takes: takes, Term: term,
		Log: slog.New(slog.DiscardHandler),
	})
	go func() {
		defer close(p.done)
		if err := p.leases.Run(ctx, p.hold); err != nil {
			c.Error(err)
		}
	}()
	return p
}

func (p *process) hold(ctx context.Context, shard int) {
	p.set(shard, true)
	<-ctx.Done()
	p.set(shard, false)
	if err := context.Cause(ctx); errors.Is(err, lease.ErrLost) {
		p.lost <- err
	}
	if p.stuck != nil {
		<-p.stuck
	}
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
func (c *processes) held(ps ...*process) ([]int, <-chan struct{}) {
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
func (c *processes) untilHeld(n int, ps ...*process) {
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
	list, err := c.hub.Leases.List(t.Context(), "")
	if err != nil || len(list) != shards+1 { // and the number of shards
		t.Errorf("%d leases after everybody ended, %v", len(list), err)
	}
	for _, e := range list {
		if _, _, ok := hub.ParseLeaseKey(e.Key); !ok {
			continue
		}
		if e.Value.Holder != "" || e.Value.Term == 0 {
			t.Errorf("after everybody ended, %s is held: %+v", e.Key, e.Value)
		}
	}
}

// TestStandbyTakesOver lets a process die without a word: the standby holds its
// shard after the term, and the dead one, should it come back, is told so and ends.
func TestStandbyTakesOver(t *testing.T) {
	c := open(t)
	h := c.hub
	dead := hub.Lease{Holder: "dead", Name: "dead"}
	rev, err := h.Leases.Put(t.Context(), "1.0", dead)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	standby := c.join("standby", 1)
	c.untilHeld(1, standby)
	if d := time.Since(begun); d < term {
		t.Errorf("taken over after %v, before the term of %v was over", d, term)
	}
	if !standby.leases.Held(0) {
		t.Error("the standby does not rely on the lease it took")
	}
	if _, err := h.Leases.Update(t.Context(), "1.0", dead, rev); !errs.Has(err, errs.Conflict) {
		t.Errorf("the dead process could renew its lease: %v", err)
	}
	// Somebody takes the lease over from the standby.
	if _, err := h.Leases.Put(t.Context(), "1.0", dead); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-standby.lost:
		if !errors.Is(err, lease.ErrLost) {
			t.Errorf("a process that lost its lease was told %v", err)
		}
	case <-time.After(patience):
		t.Fatal("a process that lost its lease went on")
	}
	if l, _ := c.held(standby); len(l) != 0 || standby.leases.Held(0) {
		t.Error("a process that lost its lease still holds the shard")
	}
	standby.end()
	if l, _, err := h.Leases.Get(t.Context(), "1.0"); err != nil || l.Holder != "dead" {
		t.Errorf("the other's lease was touched: %+v %v", l, err)
	}
}

// lease reads a lease.
func (c *processes) lease(key string) (hub.Lease, hub.Rev) {
	c.Helper()
	l, rev, err := c.hub.Leases.Latest(context.Background(), key)
	if err != nil {
		c.Fatal(err)
	}
	return l, rev
}

// TestALostShardHoldsNothingUp lets a process lose one of its shards while what
// it does with it hangs: it goes on renewing the other.
func TestALostShardHoldsNothingUp(t *testing.T) {
	c := open(t)
	stuck := make(chan struct{})
	p := c.joinAs("a", 2, stuck)
	c.untilHeld(2, p)
	first, rev := c.lease("2.1")
	if _, err := c.hub.Leases.Put(t.Context(), "2.0", hub.Lease{Holder: "other", Name: "other", Term: 99}); err != nil {
		t.Fatal(err)
	}
	<-p.lost
	for renewed := 0; renewed < 10; time.Sleep(5 * time.Millisecond) { // more than a term's worth
		now, at := c.lease("2.1")
		if p.leases.Held(0) || now != first {
			t.Fatalf("while a lost shard hangs: holds it %v, and of the other the lease is %+v", p.leases.Held(0), now)
		}
		if at != rev {
			renewed, rev = renewed+1, at
		}
	}
	testkit.Eventually(t, "it relies on the other shard's lease", func() bool { return p.leases.Held(1) })
	close(stuck)
	testkit.Eventually(t, "the shard is taken again once its new holder is gone",
		func() bool { return p.leases.Term(0) == 100 })
	p.end()
}

// TestAnOutageCostsNobodyALease stops the hub's server for longer than the
// term: nobody could renew, so everybody keeps what they held.
func TestAnOutageCostsNobodyALease(t *testing.T) {
	server := hubtest.Start(t)
	c := openOn(t, hub.Options{URL: server.URL()})
	other := openOn(t, hub.Options{URL: server.URL()})
	holder := c.join("holder", 1)
	c.untilHeld(1, holder)
	standby := other.join("standby", 1)
	testkit.Eventually(t, "the standby is there", func() bool {
		keys, err := c.hub.Leases.Keys(t.Context(), strings.TrimSuffix(hub.Attending, "."))
		return err == nil && len(keys) == 2
	})
	was, _ := c.lease("1.0")
	server.Down()
	testkit.Eventually(t, "the holder no longer relies on its lease", func() bool { return !holder.leases.Held(0) })
	time.Sleep(2 * term) // it is the length of the outage that counts
	server.Up()
	testkit.Eventually(t, "the holder relies on its lease again", func() bool { return holder.leases.Held(0) })
	for late := time.Now().Add(3 * term); time.Now().Before(late); time.Sleep(5 * time.Millisecond) {
		if now, _ := c.lease("1.0"); now != was {
			t.Fatalf("after the outage the lease is %+v, not %+v", now, was)
		}
	}
	holder.end()
	other.untilHeld(1, standby) // and it stands by all the same
	standby.end()
}

// TestShardsSpread lets a process come back: those who took its shards share with it again.
func TestShardsSpread(t *testing.T) {
	c := open(t)
	const shards = 4
	a := c.join("a", shards)
	c.untilHeld(shards, a)
	b := c.join("b", shards)
	begun := time.Now()
	even := func(ps ...*process) func() bool {
		return func() bool {
			for _, p := range ps {
				if l, _ := c.held(p); len(l) < shards/len(ps) || len(l) > (shards+len(ps)-1)/len(ps) {
					return false
				}
			}
			all, _ := c.held(ps...)
			return len(all) == shards && len(slices.Compact(all)) == shards
		}
	}
	testkit.Eventually(t, "two processes hold two shards each", even(a, b))
	t.Logf("even after %.1f terms", float64(time.Since(begun))/float64(term))
	d := c.join("d", shards)
	testkit.Eventually(t, "three processes hold one or two each", even(a, b, d))
	b.end()
	testkit.Eventually(t, "two processes hold two shards each again", even(a, d))
	leases := map[int]hub.Lease{}
	for s := range shards {
		leases[s], _ = c.lease(hub.LeaseKey(shards, s))
	}
	time.Sleep(4 * term) // what is even stays where it is
	for shard, was := range leases {
		if now, _ := c.lease(hub.LeaseKey(shards, shard)); now != was {
			t.Errorf("shard %d went on to another process though all hold as many: %+v, then %+v", shard, was, now)
		}
	}
	a.end()
	d.end()
}

// TestOnlyItsShards has processes that may take only some shards: each holds what only it may, what several may is
// spread among them, and what nobody may is left.
func TestOnlyItsShards(t *testing.T) {
	c := open(t)
	const shards = 6
	low, high := c.join("low", shards, 0, 1, 2), c.join("high", shards, 3)
	c.untilHeld(4, low, high)
	either := c.join("either", shards, 2, 4)
	testkit.Eventually(t, "each has its own", func() bool {
		a, _ := c.held(low)
		b, _ := c.held(high)
		d, _ := c.held(either)
		return slices.Equal(a, []int{0, 1}) && slices.Equal(b, []int{3}) && slices.Equal(d, []int{2, 4})
	})
	for range 20 { // nobody ever has shard 5
		if all, _ := c.held(low, high, either); slices.Contains(all, 5) {
			t.Fatalf("held: %v", all)
		}
		time.Sleep(term / 20)
	}
	for _, p := range []*process{low, high, either} {
		p.end()
	}
}

// TestAnotherNumberOfShards starts a process that counts the shards differently: it stands by while anybody of the
// others is there, and holds all of them afterwards.
func TestAnotherNumberOfShards(t *testing.T) {
	c := open(t)
	old := c.join("old", 2)
	c.untilHeld(2, old)
	if n, err := lease.Generation(t.Context(), c.hub.Leases); n != 2 || err != nil {
		t.Errorf("the bot has %d shards, %v", n, err)
	}
	grown := c.join("grown", 4)
	for late := time.Now().Add(3 * term); time.Now().Before(late); time.Sleep(5 * time.Millisecond) {
		if l, _ := c.held(grown); len(l) > 0 {
			t.Fatalf("it holds %v of 4 while another process holds 2 of 2", l)
		}
	}
	begun := time.Now()
	old.end()
	c.untilHeld(4, grown)
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("it waited %v after the others had gone", took)
	}
	before, _ := c.lease("2.0")
	if now, _ := c.lease("4.0"); now.Term <= before.Term {
		t.Errorf("the terms went from %d to %d", before.Term, now.Term)
	}
	grown.end()
	if n, err := lease.Generation(t.Context(), c.hub.Leases); n != 0 || err != nil {
		t.Errorf("nobody is there, and the bot has %d shards, %v", n, err)
	}
}

// TestADeadNumberOfShards takes the leases of processes that died away from them before it takes any of its own: should
// one come back, it can't renew its lease.
func TestADeadNumberOfShards(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	dead := hub.Lease{Holder: "dead", Name: "dead", Term: 7, Shards: 2}
	rev, err := c.hub.Leases.Put(ctx, "2.1", dead)
	testkit.NoError(t, err)
	_, err = c.hub.Leases.Put(ctx, hub.Generation, hub.Lease{Shards: 2})
	testkit.NoError(t, err)
	begun := time.Now()
	p := c.join("grown", 3)
	c.untilHeld(3, p)
	if took := time.Since(begun); took < term {
		t.Errorf("it took over after %v, before the dead one's term of %v was over", took, term)
	}
	if _, err := c.hub.Leases.Update(ctx, "2.1", dead, rev); !errs.Has(err, errs.Conflict) {
		t.Errorf("the dead process could renew its lease: %v", err)
	}
	if l, _ := c.lease("3.0"); l.Term <= dead.Term {
		t.Errorf("the new lease has term %d, not above %d", l.Term, dead.Term)
	}
	p.end()
}

// TestPartsAddUp shares what Discord counts: in proportion to the shards, never more than the whole.
func TestPartsAddUp(t *testing.T) {
	c := open(t)
	const shards = 4
	a := c.join("a", shards)
	c.untilHeld(shards, a)
	if n := a.leases.Part(50); n != 50 {
		t.Errorf("one process has %v of 50", n)
	}
	b := c.join("b", shards)
	testkit.Eventually(t, "each has half", func() bool {
		n, m := a.leases.Part(50), b.leases.Part(50)
		if n+m > 50 {
			t.Fatalf("together they have %v and %v of 50", n, m)
		}
		return n == 25 && m == 25
	})
	if n, m := a.leases.Part(1), b.leases.Part(1); n != 0.5 || m != 0.5 {
		t.Errorf("of one, they have %v and %v", n, m)
	}
	for _, p := range []*process{a, b} {
		testkit.Eventually(t, "each knows of both", func() bool { return p.leases.Present() == 2 })
	}
	a.end()
	b.end()
}

// TestRefusedElsewhere counts what Discord refused other processes, also of those that are gone.
func TestRefusedElsewhere(t *testing.T) {
	c := open(t)
	p := c.join("a", 1)
	c.untilHeld(1, p)
	for id, n := range map[string]int{"b": 30, "d": 12, "e": 0} {
		_, err := c.hub.Leases.Put(t.Context(), hub.Attending+id, hub.Lease{
			Holder: id, Shards: 1, Process: &hub.Process{Refused: n},
		})
		testkit.NoError(t, err)
	}
	testkit.NoError(t, c.hub.Leases.Delete(t.Context(), hub.Attending+"d"))
	testkit.Eventually(t, "42 were refused elsewhere", func() bool { return p.leases.RefusedElsewhere() == 42 })
	p.end()
}
