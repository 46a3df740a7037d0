package hub

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"snug/shared/hub/hubtest"
	"snug/shared/room"
	"snug/shared/testkit"
)

// TestStartTogether starts three processes at once on an empty cluster that has not elected a
// leader yet: each finds or creates what it needs.
func TestStartTogether(t *testing.T) {
	t.Parallel()
	c := hubtest.StartCluster(t)
	begun := time.Now()
	var all sync.WaitGroup
	var hubs [3]*Hub
	var failed [3]error
	for i := range hubs {
		all.Go(func() { hubs[i], failed[i] = Open(t.Context(), Options{URL: c.URL(i), Log: logTo(t)}) })
	}
	all.Wait()
	t.Logf("opened after %v", time.Since(begun).Round(time.Millisecond))
	for i, err := range failed {
		if err != nil {
			t.Errorf("process %d: %v", i, err)
		} else {
			t.Cleanup(func() { closeHub(t, hubs[i]) })
		}
	}
	if t.Failed() {
		return
	}
	b := &Bucket[room.Live]{s: hubs[0].Members.s}
	for i := range 30 {
		if _, err := b.Put(t.Context(), fmt.Sprint("1.", i), room.Live{N: 1}); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a server hangs", func(t *testing.T) { hungServer(t, c, b) })
	t.Run("a copy lags", func(t *testing.T) { laggingCopy(t, c, b) })
}

// hungServer hangs, one after the other, the servers that the bucket's hub is not connected to: no
// read fails.
func hungServer(t *testing.T, c *hubtest.Cluster, b *Bucket[room.Live]) {
	for hung := 1; hung < 3; hung++ {
		c.Hang(hung)
		var worst time.Duration
		for i := range 60 {
			at := time.Now()
			if _, _, err := b.Get(t.Context(), fmt.Sprint("1.", i%30)); err != nil {
				t.Errorf("read %d while server %d hangs: %v after %v", i, hung, err, time.Since(at))
			}
			worst = max(worst, time.Since(at))
		}
		t.Logf("server %d hangs: the slowest of 60 reads took %v", hung, worst.Round(time.Millisecond))
		at := time.Now()
		if list, err := b.List(t.Context(), "1"); err != nil || len(list) != 30 {
			t.Errorf("list while server %d hangs: %d of 30, %v after %v", hung, len(list), err, time.Since(at))
		}
		t.Logf("list took %v", time.Since(at).Round(time.Millisecond))
		c.Wake(hung)
	}
}

// laggingCopy lets a copy miss writes and reads immediately after its return: exact reads include
// every acknowledged write.
func laggingCopy(t *testing.T, c *hubtest.Cluster, b *Bucket[room.Live]) {
	old := 0
	for lag := range 2 {
		lag++
		c.Hang(lag)
		n := uint64(lag + 1)
		testkit.Eventually(t, "writes go on", func() bool {
			_, err := b.Put(t.Context(), "1.29", room.Live{N: n})
			return err == nil
		})
		for i := range 30 {
			if _, err := b.Put(t.Context(), fmt.Sprint("1.", i), room.Live{N: n}); err != nil {
				t.Fatal(err)
			}
		}
		c.Wake(lag)
		list, err := b.List(t.Context(), "1")
		for _, e := range list {
			if e.Value.N != n {
				t.Errorf("a list gave %d instead of %d for %s", e.Value.N, n, e.Key)
			}
		}
		if err != nil || len(list) != 30 {
			t.Errorf("a list of %d, %v", len(list), err)
		}
		for i := range 90 {
			key := fmt.Sprint("1.", i%30)
			if v, _, err := b.Latest(t.Context(), key); err != nil || v.N != n {
				t.Errorf("an exact read gave %d instead of %d, %v", v.N, n, err)
			}
			v, err := b.s.getAny(t.Context(), key)
			if l, err2 := b.live(v); err == nil && err2 == nil && l.N != n {
				old++
			}
		}
	}
	t.Logf("%d of 180 reads of any copy were old", old)
}
