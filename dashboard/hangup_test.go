package dashboard

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"snug/shared/hub"
	"snug/shared/testkit"
)

// TestWhoHangsUpIsNoticed: nothing is waited for when nobody waits for the answer, also where the handler does not
// look at what they sent.
func TestWhoHangsUpIsNoticed(t *testing.T) {
	t.Parallel()
	log := &testkit.Log{}
	b := newBench(t, func(o *Options) { o.Log = log.Logger() })
	r := b.room()
	w := b.signedIn(owner)
	at := "/api/v1/rooms/" + r.ID.String()
	asked := make(chan struct{})
	answer := make(chan struct{})
	b.whenAsked(func(ctx context.Context, method string) error {
		if method == hub.JoinRoom.Name || method == hub.RevokeInvite.Name {
			asked <- struct{}{}
			<-answer // a bot that gives none as long as the test runs
		}
		return nil
	})
	defer close(answer)
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
		case <-asked:
		case <-gone:
			t.Fatalf("%s %s %q: the bot was not asked", c.method, c.path, c.body)
		}
		hangUp()
		<-gone
		testkit.Eventually(t, "the dashboard to notice",
			func() bool { return strings.Count(log.String(), "a browser went away") == i+1 })
	}
	if strings.Contains(log.String(), "level=ERROR") || strings.Contains(log.String(), "level=WARN") {
		t.Errorf("who goes away is no fault of ours:\n%s", log)
	}
}
