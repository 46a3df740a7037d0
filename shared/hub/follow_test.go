package hub

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/testkit"
)

// watch records the calls of a follower.
type watch struct {
	mu      sync.Mutex
	resets  []string
	caught  int
	changes []Change[room.Live]
	state   map[string]uint64 // last N by key
	faults  []string
}

func (w *watch) follower() Follower[room.Live] {
	return Follower[room.Live]{
		Reset: func(epoch string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.resets, w.state = append(w.resets, epoch), map[string]uint64{}
		},
		Change: func(c Change[room.Live]) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.resets) == 0 {
				w.faults = append(w.faults, "a change before Reset")
			} else if c.Epoch != w.resets[len(w.resets)-1] {
				w.faults = append(w.faults, "a change of another epoch")
			}
			if i := len(w.changes) - 1; i >= 0 && w.changes[i].Epoch == c.Epoch && w.changes[i].Rev >= c.Rev {
				w.faults = append(w.faults, fmt.Sprintf("revision %d after %d", c.Rev, w.changes[i].Rev))
			}
			w.changes = append(w.changes, c)
			if c.Value == nil {
				delete(w.state, c.Key)
			} else {
				w.state[c.Key] = c.Value.N
			}
		},
		Caught: func() { w.mu.Lock(); defer w.mu.Unlock(); w.caught++ },
	}
}

// see evaluates ok under the lock, for eventually.
func (w *watch) see(ok func() bool) func() bool {
	return func() bool { w.mu.Lock(); defer w.mu.Unlock(); return ok() }
}

func (w *watch) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		t.Error(f)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	for i := range 1500 {
		must(h.Rosters.Put(ctx, guildKey(i%300, 1), room.Live{N: uint64(i)}))(t)
	}
	if err := h.Rosters.Delete(ctx, "7.1"); err != nil {
		t.Fatal(err)
	}
	w := &watch{}
	follow, stop := context.WithCancel(ctx)
	wait := must(h.Rosters.Follow(follow, w.follower()))(t)
	testkit.Eventually(t, "caught up", w.see(func() bool { return w.caught == 1 }))
	w.mu.Lock()
	if len(w.changes) != 299 || !w.changes[0].Old || w.changes[0].At.IsZero() || len(w.resets) != 1 {
		t.Error(len(w.changes), w.resets)
	}
	w.mu.Unlock()
	if epoch := must(h.Rosters.Epoch(ctx))(t); epoch == "" || epoch != w.resets[0] {
		t.Error("epoch", epoch, w.resets)
	}
	for i := range 1000 { // every change, in order
		must(h.Rosters.Put(ctx, "8.1", room.Live{N: uint64(5000 + i)}))(t)
		if i%10 == 9 { // the bucket keeps 16 of a key
			testkit.Eventually(t, "the changes", w.see(func() bool { return w.state["8.1"] == uint64(5000+i) }))
		}
	}
	if err := h.Rosters.Delete(ctx, "8.1"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the deletion",
		w.see(func() bool { _, ok := w.state["8.1"]; return !ok && len(w.changes) >= 299+1001 }))
	for i, c := range w.changes[299:1299] {
		if c.Value.N != uint64(5000+i) || c.Old {
			t.Fatal("out of order", i, c.Value.N)
		}
	}
	w.check(t)
	stop()
	wait()
	must(h.Rosters.Put(ctx, "8.1", room.Live{}))(t)

	// Other buckets, empty ones, and parts of one.
	none := make(chan struct{})
	must(h.Guilds.Follow(ctx, Follower[room.GuildInfo]{Caught: func() { close(none) }}))(t)
	<-none
	part := &watch{}
	f := part.follower()
	f.Prefix = "8"
	must(h.Rosters.Follow(ctx, f))(t)
	testkit.Eventually(t, "one guild", part.see(func() bool { return part.caught == 1 && len(part.changes) == 1 }))
	f.Prefix = "a b"
	_, err := h.Rosters.Follow(ctx, f)
	wantCode(t, err, errs.Invalid)
}

// A server that restarts during Follow: file buckets continue, memory buckets start a new epoch,
// nothing is lost and nothing is delivered twice.
func TestFollowAcrossRestarts(t *testing.T) {
	t.Parallel()
	s := startOutside(t, nil)
	writer := openHub(t, Options{URL: s.url, WriteTimeout: time.Second})
	reader := openHub(t, Options{URL: s.url})
	ctx := t.Context()
	disk, memory := &watch{}, &watch{}
	diskBucket := &Bucket[room.Live]{s: reader.Members.s} // a file bucket, with values this test can count
	must(diskBucket.Follow(ctx, disk.follower()))(t)
	must(reader.Rosters.Follow(ctx, memory.follower()))(t)
	epochs := make(chan string, 8)
	must(reader.Rosters.Epochs(ctx, func(e string) { epochs <- e }))(t)
	first := <-epochs

	out := &Bucket[room.Live]{s: writer.Members.s}
	acked := map[string]uint64{}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := uint64(1); ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			key := "1." + strconv.FormatUint(i%500, 10)
			if _, err := out.Put(ctx, key, room.Live{N: i}); err == nil {
				acked[key] = i
			} else {
				delete(acked, key) // may or may not exist
				time.Sleep(time.Millisecond)
			}
			_, _ = writer.Rosters.Put(ctx, key, room.Live{N: i})
		}
	}()
	for round := range 2 {
		disk.mu.Lock()
		n := len(disk.changes)
		disk.mu.Unlock()
		testkit.Eventually(t, "changes", disk.see(func() bool { return len(disk.changes) > n+100 }))
		s.stop()
		s.start()
		begun := time.Now()
		disk.mu.Lock()
		n = len(disk.changes)
		disk.mu.Unlock()
		testkit.Eventually(t, "changes after the restart", disk.see(func() bool { return len(disk.changes) > n }))
		t.Logf("round %d: first change %v after the server was up", round, time.Since(begun).Round(time.Millisecond))
		testkit.Eventually(t, "a new epoch", memory.see(func() bool { return len(memory.resets) == round+2 }))
		if e := <-epochs; e == first {
			t.Error("the epoch is the same after the memory was lost")
		}
	}
	close(stop)
	<-ended
	testkit.Eventually(t, "all acknowledged values", disk.see(func() bool {
		for key, n := range acked {
			if disk.state[key] != n {
				return false
			}
		}
		return true
	}))
	if len(disk.resets) != 1 {
		t.Error("the file bucket began anew:", disk.resets)
	}
	var want []Entry[room.Live]
	testkit.Eventually(t, "the writer has all its connections again", func() bool {
		var err error
		want, err = writer.Rosters.List(ctx, "")
		return err == nil
	})
	testkit.Eventually(t, "the memory bucket's contents", memory.see(func() bool {
		for _, e := range want {
			if memory.state[e.Key] != e.Value.N {
				return false
			}
		}
		return len(memory.state) == len(want)
	}))
	disk.check(t)
	memory.check(t)
}

// A follower that was away for longer than deletions are remembered still receives them.
func TestFollowHearsOfForgottenDeletions(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	for i := range 10 {
		must(h.Rosters.Put(ctx, guildKey(i, 1), room.Live{N: 1}))(t)
	}
	w := &watch{}
	fl := &follower[room.Live]{
		b: h.Rosters, h: h, f: w.follower(), filter: h.Rosters.s.prefix + ">", seen: map[string]Rev{},
	}
	part, end := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- fl.read(part) }()
	testkit.Eventually(t, "caught up", w.see(func() bool { return w.caught == 1 }))
	end()
	<-done
	st := must(h.link.js.Stream(ctx, h.Rosters.s.stream))(t)
	if err := st.Purge(ctx, jetstream.WithPurgeSubject(h.Rosters.s.prefix+"3.1")); err != nil { // leaves no trace
		t.Fatal(err)
	}
	must(h.Rosters.Put(ctx, "4.1", room.Live{N: 2}))(t)
	fl.contact = time.Now().Add(-2 * longAway)
	part, end = context.WithCancel(ctx)
	go func() { done <- fl.read(part) }()
	testkit.Eventually(t, "the change and the deletion", w.see(func() bool {
		_, there := w.state["3.1"]
		return !there && w.state["4.1"] == 2 && len(w.state) == 9
	}))
	end()
	<-done
	if len(w.changes) != 12 || len(w.resets) != 1 || w.caught != 1 {
		t.Error(len(w.changes), w.resets, w.caught)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	for i := range 30 {
		must(h.Rosters.Put(ctx, guildKey(i%3, i), named(fmt.Sprint(i))))(t)
	}
	told := make(chan string, 64)
	var table *Table[room.Live]
	ready := make(chan struct{})
	table = must(h.Rosters.Table(ctx, Follower[room.Live]{Change: func(c Change[room.Live]) {
		<-ready
		if _, ok := table.Get(c.Key); ok != (c.Value != nil) {
			t.Error("the table is behind what it tells")
		}
		told <- c.Key
	}}))(t)
	close(ready)
	<-table.Caught()
	if v, ok := table.Get("1.4"); !ok || v.Room.Name != "4" || table.Len() != 30 || len(table.Group("2")) != 10 ||
		table.Epoch() == "" {
		t.Fatal(v, ok, table.Len(), len(table.Group("2")))
	}
	for range 30 {
		<-told
	}
	if err := h.Rosters.Delete(ctx, "1.4"); err != nil {
		t.Fatal(err)
	}
	<-told
	if _, ok := table.Entry("1.4"); ok || table.Len() != 29 {
		t.Fatal("still there")
	}
	n := 0
	table.Range(func(e Entry[room.Live]) bool { n++; return n < 7 })
	if n != 7 {
		t.Fatal(n)
	}
	closeHub(t, h)
	table.Wait()
}
