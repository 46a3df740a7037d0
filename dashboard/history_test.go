package dashboard

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/hub"
)

// TestNamesAreAskedForTogether: a page with many people's names waits once, not once for each, and the next
// one not at all.
func TestNamesAreAskedForTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var entries []audit.Entry
	for id := snowflake.ID(31); id < 39; id++ {
		b.join(friends, id)
		entries = append(entries, audit.Entry{Kind: audit.RoomOpened, RoomID: 7, By: id})
	}
	b.happened(friends, entries...)
	w := b.signedIn(manager)
	var asked atomic.Int32
	all := make(chan struct{})
	const before = 1 // the page asks what the manager may do
	b.whenAsked(func(ctx context.Context, method string) error {
		if method != hub.StandingOf.Name {
			return nil
		}
		n := int(asked.Add(1))
		if n == before+len(entries) {
			close(all)
		}
		if n <= before {
			return nil
		}
		select { // nobody is told of before all are asked about
		case <-all:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	for range 2 {
		if got := w.get("/admin/100/activity"); got.status != 200 || !strings.Contains(got.body, "User 31") ||
			!strings.Contains(got.body, "User 38") {
			t.Errorf("%d: %s", got.status, got.text())
		}
	}
	if n := int(asked.Load()); n != 2*before+len(entries) {
		t.Errorf("two pages asked %d times about %d people", n, len(entries))
	}
}
