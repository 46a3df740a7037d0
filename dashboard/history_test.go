package dashboard

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/room"
)

// together is a bot that tells of some people only once all of them are asked about.
type together struct {
	actions.Rooms
	mu    sync.Mutex
	who   map[snowflake.ID]bool
	asked int
	all   chan struct{}
}

func (k *together) Standing(ctx context.Context, g snowflake.ID, q room.StandingRequest) (access.Standing, error) {
	k.mu.Lock()
	one := k.who[q.UserID]
	if one {
		if k.asked++; k.asked == len(k.who) {
			close(k.all)
		}
	}
	k.mu.Unlock()
	if one {
		select {
		case <-k.all:
		case <-ctx.Done():
			return access.Standing{}, ctx.Err()
		}
	}
	return k.Rooms.Standing(ctx, g, q)
}

// TestNamesAreAskedForTogether: a page with many people's names waits once, not once for each, and the next
// one not at all.
func TestNamesAreAskedForTogether(t *testing.T) {
	t.Parallel()
	k := &together{who: map[snowflake.ID]bool{}, all: make(chan struct{})}
	b := newBench(t, func(o *Options) { k.Rooms = actions.NewRooms(o.Hub); o.Rooms = k })
	var entries []audit.Entry
	for id := snowflake.ID(31); id < 39; id++ {
		k.who[id] = true
		b.join(friends, id)
		entries = append(entries, audit.Entry{Kind: audit.RoomOpened, RoomID: 7, By: id})
	}
	b.happened(friends, entries...)
	w := b.signedIn(manager)
	for range 2 {
		if got := w.get("/admin/100/activity"); got.status != 200 || !strings.Contains(got.body, "User 31") ||
			!strings.Contains(got.body, "User 38") {
			t.Errorf("%d: %s", got.status, got.text())
		}
	}
	if k.asked != len(k.who) {
		t.Errorf("asked %d times about %d people", k.asked, len(k.who))
	}
}
