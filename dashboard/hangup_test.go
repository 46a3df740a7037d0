package dashboard

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/shared/room"
	"snug/shared/testkit"
)

// waiting is a bot that gives no answer as long as somebody waits for it.
type waiting struct {
	actions.Rooms
	asked chan struct{}
	ended chan error
}

func (w waiting) wait(ctx context.Context) error {
	w.asked <- struct{}{}
	<-ctx.Done()
	w.ended <- ctx.Err()
	return ctx.Err()
}

func (w waiting) JoinRoom(ctx context.Context, _ snowflake.ID, _ room.Request) (room.Joined, error) {
	return room.Joined{}, w.wait(ctx)
}

func (w waiting) RevokeInvite(ctx context.Context, _ snowflake.ID, _ room.RevokeRequest) (room.Invite, error) {
	return room.Invite{}, w.wait(ctx)
}

// TestWhoHangsUpIsNoticed: nothing is waited for when nobody waits for the answer, also where the handler does not
// look at what they sent.
func TestWhoHangsUpIsNoticed(t *testing.T) {
	t.Parallel()
	k := waiting{asked: make(chan struct{}), ended: make(chan error, 1)}
	log := &testkit.Log{}
	b := newBench(t, func(o *Options) {
		k.Rooms = actions.NewRooms(o.Hub)
		o.Rooms = k
		o.Log = log.Logger()
	})
	r := b.room()
	w := b.signedIn(owner)
	at := "/api/v1/rooms/" + r.ID.String()
	for i, c := range []struct{ method, path, kind, body string }{
		{"POST", at + "/join", "", ""},
		{"POST", at + "/join", "application/json", `{"a":1}`},
		{"POST", at + "/join", "text/plain", strings.Repeat("x", 10_000)},
		{"DELETE", at + "/invites/1", "application/json", `{}`},
		{"POST", "/game/" + r.ID.String() + "/join", "application/x-www-form-urlencoded", "a=b"},
	} {
		ctx, hangUp := context.WithCancel(t.Context())
		// of a length not told
		q, err := http.NewRequestWithContext(ctx, c.method, b.url+c.path, io.NopCloser(strings.NewReader(c.body)))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", c.kind)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			if res, err := w.Do(q); err == nil {
				t.Errorf("%s %s: answered %s", c.method, c.path, res.Status)
				res.Body.Close()
			}
		}()
		select {
		case <-k.asked:
		case <-gone:
			t.Fatalf("%s %s %q: the bot was not asked", c.method, c.path, c.body)
		}
		hangUp()
		<-gone
		select {
		case err := <-k.ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s %s: it ended by %v", c.method, c.path, err)
			}
		case <-time.After(10 * time.Second): // less than requestTime
			t.Errorf("%s %s %q: it was waited for with nobody there", c.method, c.path, c.body)
			<-k.ended
		}
		testkit.Eventually(t, "the log",
			func() bool { return strings.Count(log.String(), "a browser went away") == i+1 })
	}
	if strings.Contains(log.String(), "level=ERROR") || strings.Contains(log.String(), "level=WARN") {
		t.Errorf("who goes away is no fault of ours:\n%s", log)
	}
}
