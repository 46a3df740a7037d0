package bot_test

import (
	"fmt"
	"sync"
	"testing"

	"snug/shared/discordsim"
	"snug/shared/room"
)

// TestLeakyBuckets: where Discord's buckets empty little by little, Snug keeps within them as well, though
// their headers tell otherwise, and though a refusal names another bucket.
func TestLeakyBuckets(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { l.Leaky = true })
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 2 {
				if _, err := h.change("jonas", id, room.DoStatus, text(fmt.Sprint(i, j))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	h.requests.Lock()
	defer h.requests.Unlock()
	if h.requests.refused > 1 { // one may be needed to learn of a bucket
		t.Errorf("Discord refused %d of %d requests", h.requests.refused, len(h.requests.list))
	}
}
