package hub

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"snug/shared/errs"
	"snug/shared/room"
)

func TestBucketWrites(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	b := h.Rosters
	_, _, err := b.Get(ctx, "1.2")
	wantCode(t, err, errs.NotFound)
	r1 := must(b.Create(ctx, "1.2", named("one")))(t)
	_, err = b.Create(ctx, "1.2", named("again"))
	wantCode(t, err, errs.Conflict)
	r2 := must(b.Update(ctx, "1.2", named("two"), r1))(t)
	_, err = b.Update(ctx, "1.2", named("late"), r1)
	wantCode(t, err, errs.Conflict)
	if v, rev, err := b.Get(ctx, "1.2"); err != nil || v.Room.Name != "two" || rev != r2 || r2 <= r1 {
		t.Fatal(v, rev, err)
	}
	wantCode(t, b.DeleteAt(ctx, "1.2", r1), errs.Conflict)
	if err := b.Delete(ctx, "1.2"); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(ctx, "never.there"); err != nil {
		t.Fatal(err)
	}
	_, _, err = b.Get(ctx, "1.2")
	wantCode(t, err, errs.NotFound)
	r3 := must(b.Create(ctx, "1.2", named("three")))(t) // after a deletion
	if err := b.DeleteAt(ctx, "1.2", r3); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	h := openHub(t, Options{})
	for _, key := range []string{
		"", ".", "a.", ".a", "a..b", "a b", "a*", "a.>", "=epoch", "é", strings.Repeat("x", 201),
	} {
		_, err := h.Rosters.Put(t.Context(), key, room.Live{})
		wantCode(t, err, errs.Invalid)
		_, _, err = h.Rosters.Get(t.Context(), key)
		wantCode(t, err, errs.Invalid)
	}
}

func TestEditNeverLosesAWrite(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	add := func(l *room.Live) error { l.N++; return nil }
	_, _, err := h.Rosters.Edit(ctx, "1.2", add)
	wantCode(t, err, errs.NotFound)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if _, _, err := h.Rosters.EditOrCreate(ctx, "1.2", add); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v, rev, err := h.Rosters.Get(ctx, "1.2")
	if err != nil || v.N != 200 {
		t.Fatal(v.N, err)
	}
	own := errs.E(errs.RoomFull, "Full.")
	if _, _, err := h.Rosters.Edit(ctx, "1.2", func(l *room.Live) error { l.N = 0; return own }); !errors.Is(err, own) {
		t.Error("the function's error is not returned as it is:", err)
	}
	if v, r, err := h.Rosters.Edit(ctx, "1.2", func(*room.Live) error { return Unchanged }); err != nil || r != rev ||
		v.N != 200 {
		t.Error(v.N, r, err)
	}
}

func TestTakeGivesToOne(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	must(h.Logins.Put(ctx, "s", Sealed{Data: []byte("x"), Expires: time.Now().Add(time.Minute)}))(t)
	var mu sync.Mutex
	got := map[errs.Code]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := h.Logins.Take(ctx, "s")
			mu.Lock()
			got[errs.CodeOf(err)]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if got[""] != 1 || got[errs.NotFound] != 7 {
		t.Fatal(got)
	}
}

func TestListKeysHistory(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	if list, err := h.Rosters.List(ctx, ""); err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
	for g := range 3 {
		for c := range 700 { // more than one pull
			must(h.Rosters.Put(ctx, guildKey(g, c), named(guildKey(g, c))))(t)
		}
	}
	if err := h.Rosters.Delete(ctx, "1.5"); err != nil {
		t.Fatal(err)
	}
	all := must(h.Rosters.List(ctx, ""))(t)
	one := must(h.Rosters.List(ctx, "1"))(t)
	keys := must(h.Rosters.Keys(ctx, "1"))(t)
	if len(all) != 2099 || len(one) != 699 || len(keys) != 699 || slices.Contains(keys, "1.5") {
		t.Fatal(len(all), len(one), len(keys))
	}
	for i, e := range one {
		if e.Value.Room.Name != e.Key || e.Key != keys[i] || e.At.IsZero() || e.Rev == 0 {
			t.Fatal(e, keys[i])
		}
	}
	for i := range 20 {
		must(h.Rosters.Put(ctx, "9.9", room.Live{N: uint64(i)}))(t)
	}
	past := must(h.Rosters.History(ctx, "9.9"))(t)
	if len(past) != 16 || past[0].Value.N != 4 || past[15].Value.N != 19 {
		t.Fatal(len(past), past)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	h, ctx := openHub(t, Options{Now: clock}), t.Context()
	s := Sealed{Data: []byte{0, 1, 0xff}, Expires: now.Add(time.Hour).Truncate(time.Millisecond)}
	must(h.Sessions.Create(ctx, "a", s))(t)
	got, rev, err := h.Sessions.Get(ctx, "a")
	if err != nil || !bytes.Equal(got.Data, s.Data) || !got.Expires.Equal(s.Expires) {
		t.Fatal(got, err)
	}
	must(h.Sessions.Put(ctx, "forever", Sealed{Data: []byte("x")}))(t)

	mu.Lock()
	now = now.Add(2 * time.Hour)
	mu.Unlock()
	_, _, err = h.Sessions.Get(ctx, "a") // the server still has it
	wantCode(t, err, errs.NotFound)
	if list := must(h.Sessions.List(ctx, ""))(t); len(list) != 1 || list[0].Key != "forever" {
		t.Fatal(list)
	}
	if _, err := h.Sessions.Create(ctx, "a", Sealed{Data: []byte("new")}); err != nil {
		t.Fatal("an expired key is in the way:", err)
	}
	_, err = h.Sessions.Update(ctx, "a", s, rev)
	wantCode(t, err, errs.Conflict)
}

func TestServerRemovesExpiredKeys(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	gone := make(chan string, 4)
	must(h.Logins.Follow(ctx, Follower[Sealed]{Change: func(c Change[Sealed]) {
		if c.Value == nil {
			gone <- c.Key
		}
	}}))(t)
	rev := must(h.Logins.Put(ctx, "updated", Sealed{Data: []byte("x"), Expires: time.Now().Add(time.Second)}))(t)
	must(h.Logins.Update(ctx, "updated", Sealed{Data: []byte("y"), Expires: time.Now().Add(time.Second)}, rev))(t)
	must(h.Logins.Put(ctx, "option", Sealed{Data: []byte("x")}, TTL(time.Second)))(t)
	got := []string{<-gone, <-gone}
	slices.Sort(got)
	if !slices.Equal(got, []string{"option", "updated"}) {
		t.Fatal(got)
	}
	_, _, err := h.Logins.Get(ctx, "option")
	wantCode(t, err, errs.NotFound)
}

func TestLargeValues(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	big := Sealed{Data: bytes.Repeat([]byte(`{"guild":123456789,"roster":[]},`), 1<<18)} // 8 MiB, compresses well
	must(h.Shards.Put(ctx, "0", big))(t)
	got, _, err := h.Shards.Get(ctx, "0")
	if err != nil || !bytes.Equal(got.Data, big.Data) {
		t.Fatal(len(got.Data), err)
	}
	noise := make([]byte, 9<<20)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	_, err = h.Shards.Put(ctx, "0", Sealed{Data: noise})
	wantCode(t, err, errs.Invalid)
	must(h.Shards.Put(ctx, "0", Sealed{Data: noise[:7<<20]}))(t)
}

func TestFullBucketRefusesAndKeeps(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{MaxBytes: map[string]int64{"members": 64 << 10}}), t.Context()
	var kept []string
	var err error
	for i := 0; err == nil; i++ {
		key := guildKey(1, i)
		if _, err = h.Members.Put(ctx, key, room.Preferences{Name: strings.Repeat("x", 80)}); err == nil {
			kept = append(kept, key)
		}
	}
	wantCode(t, err, errs.Unavailable)
	if errors.Is(err, ErrUnknownOutcome) || !strings.Contains(errs.Public(err).Message, "full") ||
		!strings.Contains(err.Error(), "members") {
		t.Error("not a clear error:", err)
	}
	wantCode(t, h.probe(ctx), errs.Unavailable)
	for _, key := range kept {
		if _, _, err := h.Members.Get(ctx, key); err != nil {
			t.Fatal(key, err)
		}
	}
	if err := h.Members.Delete(ctx, kept[0]); err != nil { // a deletion makes room
		t.Log("deleting in a full bucket:", err)
	}
}

func TestDamagedValueHidesNothing(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	must(h.Rosters.Put(ctx, "1.1", named("a")))(t)
	must(h.Rosters.s.write(ctx, "1.2", change{op: "put", data: []byte("{")}))(t)
	must(h.Rosters.s.write(ctx, "1.3", change{op: "put", data: append(zstdMagic, 1, 2, 3)}))(t)
	must(h.Rosters.Put(ctx, "1.4", named("d")))(t)
	if list := must(h.Rosters.List(ctx, "1"))(t); len(list) != 2 {
		t.Fatal(list)
	}
	for _, key := range []string{"1.2", "1.3"} {
		_, _, err := h.Rosters.Get(ctx, key)
		wantCode(t, err, errs.Internal)
	}
	table := must(h.Rosters.Table(ctx, Follower[room.Live]{}))(t)
	<-table.Caught()
	if table.Len() != 2 {
		t.Fatal(table.Len())
	}
}

// A write that the server stores but does not answer in time is unknown, not failed.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	s := startOutside(t, nil)
	h := openHub(t, Options{URL: s.url, WriteTimeout: 5 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Members.Put(ctx, "1.2", room.Preferences{})
	wantCode(t, err, errs.Unavailable)
	if !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var unsure, sure int
	for i := range 400 { // stop the server while writes are in flight
		if i == 200 {
			go s.s.Shutdown()
		}
		_, err := h.Members.Put(t.Context(), fmt.Sprint("1.", i), room.Preferences{})
		switch {
		case err == nil:
		case errors.Is(err, ErrUnknownOutcome):
			unsure++
		default:
			sure++
		}
		if err != nil {
			wantCode(t, err, errs.Unavailable)
		}
	}
	t.Logf("%d unknown, %d never sent", unsure, sure)
	s.s.WaitForShutdown()
}

func TestServersLimitOfValues(t *testing.T) {
	t.Parallel()
	s := startOutside(t, func(o *server.Options) { o.MaxPayload = 64 << 10 })
	h := openHub(t, Options{URL: s.url})
	_, err := h.Shards.Put(t.Context(), "0", Sealed{Data: make([]byte, 200<<10)}) // zeros: fits compressed
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 100<<10)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	_, err = h.Shards.Put(t.Context(), "0", Sealed{Data: noise})
	wantCode(t, err, errs.Invalid)
}

// TestListMissesNothing rewrites a key while the bucket is listed: the list has it once, and all
// others too.
func TestListMissesNothing(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	for i := range 20 {
		must(h.Rosters.Put(ctx, fmt.Sprintf("1.%d", i), named("quiet")))(t)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := h.Rosters.Put(ctx, fmt.Sprintf("1.%d", i*10), named("busy")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 100 {
		list, err := h.Rosters.List(ctx, "1")
		if err != nil {
			t.Fatal(err)
		}
		keys, err := h.Rosters.Keys(ctx, "1")
		if err != nil {
			t.Fatal(err)
		}
		once := map[string]bool{}
		for _, e := range list {
			once[e.Key] = true
		}
		slices.Sort(keys)
		if len(list) != 20 || len(once) != 20 || len(keys) != 20 || len(slices.Compact(keys)) != 20 {
			t.Fatalf("listed %d, %d of them different; %d keys", len(list), len(once), len(keys))
		}
	}
	close(stop)
	wg.Wait()
}
