package hub

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/testkit"
)

var (
	readMethod  = Method[int, int]{Name: "test.read", Reads: true}
	writeMethod = Method[int, int]{Name: "test.write"}
)

// TestAHungHolderGetsNoCalls lets a process hang while it holds a guild, and another one take over:
// from then on every call is answered, including reads that were in flight. The caller of a change
// gets an unknown outcome immediately.
func TestAHungHolderGetsNoCalls(t *testing.T) {
	t.Parallel()
	const guild = snowflake.ID(7 << 22)
	server := startOutside(t, nil)
	caller, hung, next := openHub(t,
		Options{URL: server.url}), openHub(t, Options{URL: server.url}), openHub(t, Options{URL: server.url})
	ctx := t.Context()
	holder := func(h *Hub, term uint64, answer func(context.Context, snowflake.ID, int) (int, error)) {
		c := must(h.Calls(0))(t)
		readMethod.Serve(c, answer)
		writeMethod.Serve(c, answer)
		if err := c.HoldFor(ctx, term, guild); err != nil {
			t.Fatal(err)
		}
		must(h.Leases.Put(ctx, "1.0", Lease{Holder: "a", Name: "a", Term: term, Shards: 1}))(t)
	}
	arrived, over := make(chan struct{}, 2), make(chan struct{})
	t.Cleanup(func() { close(over) })
	holder(hung, 1, func(context.Context, snowflake.ID, int) (int, error) {
		arrived <- struct{}{}
		<-over
		return 0, nil
	})
	testkit.Eventually(t, "the caller knows the holder",
		func() bool { to, _, _ := caller.routes.to(guild); return to != nil && to.term == 1 })
	type answer struct {
		n   int
		err error
	}
	reads, writes := make(chan answer, 1), make(chan answer, 1)
	begun := time.Now()
	go func() { n, err := readMethod.Call(ctx, caller, guild, 1); reads <- answer{n, err} }()
	go func() { n, err := writeMethod.Call(ctx, caller, guild, 1); writes <- answer{n, err} }()
	<-arrived
	<-arrived
	holder(next, 2, func(_ context.Context, _ snowflake.ID, n int) (int, error) { return 10 * n, nil })
	if a := <-reads; a.n != 10 || a.err != nil {
		t.Errorf("a question that was on its way: %+v", a)
	}
	if a := <-writes; !errs.Has(a.err, errs.Unavailable) || !errors.Is(a.err, ErrUnknownOutcome) {
		t.Errorf("a change that was on its way: %+v", a)
	}
	if took := time.Since(begun); took > callTime/2 {
		t.Errorf("both were told only after %v", took)
	}
	for i := range 40 {
		if n, err := writeMethod.Call(ctx, caller, guild, i); err != nil || n != 10*i {
			t.Fatalf("call %d after the take-over: %d, %v", i, n, err)
		}
	}
	// The holder has released the shard; calls wait a moment for the next one.
	must(next.Leases.Put(ctx, "1.0", Lease{Name: "a", Term: 2, Shards: 1}))(t)
	testkit.Eventually(t, "the caller knows that nobody holds it",
		func() bool { to, _, _ := caller.routes.to(guild); return to.free })
	go func() { n, err := writeMethod.Call(ctx, caller, guild, 3); writes <- answer{n, err} }()
	holder(next, 3, func(_ context.Context, _ snowflake.ID, n int) (int, error) { return 100 * n, nil })
	if a := <-writes; a.n != 300 || a.err != nil {
		t.Errorf("a call while the shard changed hands: %+v", a)
	}
}

// TestWritesAreFenced lets a process lose its guild while its writes are waiting: none is sent.
func TestWritesAreFenced(t *testing.T) {
	t.Parallel()
	h := openHub(t, Options{})
	ctx := t.Context()
	refused := errs.E(errs.Unavailable, "not mine")
	h.SetFence(Fence{
		Guild: func(id snowflake.ID) error {
			if id == 2 {
				return refused
			}
			return nil
		},
		Shard: func(shards, shard int) error {
			if shards == 2 || shard == 2 {
				return refused
			}
			return nil
		},
	})
	p := must(h.Shards.Publisher(0))(t)
	for key, want := range map[string]error{"1.3": nil, "2.3": refused} {
		if err := h.Rooms.Delete(ctx, key); !errors.Is(err, want) {
			t.Errorf("delete %s: %v", key, err)
		}
	}
	for key, want := range map[string]error{"4.1.head": nil, "4.2.head": refused, "2.1.head": refused} {
		if _, err := h.Shards.Put(ctx, key, Sealed{Data: []byte("x")}); !errors.Is(err, want) {
			t.Errorf("put %s: %v", key, err)
		}
		done := make(chan error, 1)
		if err := p.Put(key, Sealed{Data: []byte("y")}, func(_ Rev, err error) { done <- err }); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, want) {
			t.Errorf("publish %s: %v", key, err)
		}
	}
	if _, err := h.Sessions.Put(ctx, "2", Sealed{Data: []byte("x")}); err != nil {
		t.Errorf("what dashboards write is fenced: %v", err)
	}
	if keys, err := h.Shards.Keys(ctx, ""); err != nil || len(keys) != 1 {
		t.Errorf("stored: %v, %v", keys, err)
	}
}

// TestAnotherNumberOfShards gives the bot more shards: from then on calls follow the new leases, and old ones, however
// late they are heard of, mean nothing.
func TestAnotherNumberOfShards(t *testing.T) {
	t.Parallel()
	const guild = snowflake.ID(7 << 22) // shard 1 of 2, shard 3 of 4
	r := newRoutes()
	term := func() uint64 {
		to, _, _ := r.to(guild)
		if to == nil || to.free {
			return 0
		}
		return to.term
	}
	for _, x := range []struct {
		key  string
		l    Lease
		want uint64
	}{
		{"2.1", Lease{Holder: "a", Term: 2}, 2},
		{"process.b", Lease{Holder: "b", Term: 9}, 2},
		{Generation, Lease{Shards: 4, Term: 9}, 2},
		{"4.0", Lease{Holder: "b", Term: 3}, 0}, // nobody has shard 3 of 4 yet
		{"2.1", Lease{Holder: "a", Term: 2}, 0},
		{"4.3", Lease{Holder: "b", Term: 4}, 4},
		{"2.1", Lease{Term: 2}, 4},
		{"4.3", Lease{Term: 4}, 0},
	} {
		if r.learn(x.key, x.l); term() != x.want {
			t.Errorf("after %s %+v calls go to term %d, want %d", x.key, x.l, term(), x.want)
		}
	}
	if _, shard, _ := r.to(guild); shard != 3 {
		t.Errorf("the server is on shard %d", shard)
	}
}
