package dashboard

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"snug/shared/errs"
)

// TestReadsWithoutAKeeper lets nobody answer for a server for a while: who was
// there lately goes on seeing it, with its age, and nobody else.
func TestReadsWithoutAKeeper(t *testing.T) {
	b := newBench(t)
	r := b.room()
	id := r.ID.String()
	w := b.signedIn(owner)
	pages := map[string]string{
		"/servers/100": "Friday", "/game/" + id: "Friday", "/api/v1/guilds/100/rooms": id, "/api/v1/rooms/" + id: id,
	}
	for path := range pages {
		if got := w.get(path); got.status != http.StatusOK || got.header.Get(asOfHeader) != "" {
			t.Fatalf("%s: %d, as of %q", path, got.status, got.header.Get(asOfHeader))
		}
	}
	b.keeper.mu.Lock()
	b.keeper.fail = errs.E(errs.Unavailable, "Nobody holds it.")
	b.keeper.mu.Unlock()
	b.wait("what was known is recalled", func() bool { return w.get("/servers/100").status == http.StatusOK })
	for path, shows := range pages {
		got := w.get(path)
		at, err := time.Parse(time.RFC3339, got.header.Get(asOfHeader))
		if got.status != http.StatusOK || err != nil || time.Since(at) > time.Minute ||
			!strings.Contains(got.body, shows) {
			t.Errorf("%s while nobody answers: %d, as of %q, %v", path, got.status, got.header.Get(asOfHeader),
				strings.Contains(got.body, shows))
		}
		if !strings.HasPrefix(path, "/api/") && !strings.Contains(got.body, `id="as-of"`) {
			t.Errorf("%s does not say how old it is", path)
		}
	}
	if got := w.send("POST", "/api/v1/rooms/"+id+"/close", "application/json",
		`{}`); got.status != http.StatusServiceUnavailable {
		t.Errorf("a change while nobody answers: %d %s", got.status, got.body)
	}
	if got := b.signedIn(member).get("/servers/100"); got.status != http.StatusServiceUnavailable {
		t.Errorf("somebody who was not there lately: %d", got.status)
	}
	b.keeper.mu.Lock()
	b.keeper.fail = nil
	b.keeper.mu.Unlock()
	if got := w.get("/servers/100"); got.status != http.StatusOK || got.header.Get(asOfHeader) != "" ||
		strings.Contains(got.body, `id="as-of"`) {
		t.Errorf("when somebody answers again: %d, as of %q", got.status, got.header.Get(asOfHeader))
	}
}

// Who manages a server sees its settings, and as much of its health as is known, while nobody answers for it.
func TestAdminPagesWithoutAKeeper(t *testing.T) {
	b := newBench(t)
	w := b.signedIn(manager)
	pages := map[string]string{
		"/admin/100": `name="seats"`, "/admin/100/health": "as-of", "/admin/100/history": "as-of",
		"/admin/100/activity":         "as-of",
		"/api/v1/guilds/100/settings": `"seats"`, "/api/v1/guilds/100/health": `"connected"`,
	}
	if got := w.get("/admin/100"); got.status != http.StatusOK {
		t.Fatalf("the settings: %d", got.status)
	}
	b.keeper.mu.Lock()
	b.keeper.fail = errs.E(errs.Unavailable, "Nobody holds it.")
	b.keeper.mu.Unlock()
	b.wait("what was known is recalled", func() bool { return w.get("/admin/100").status == http.StatusOK })
	for path, shows := range pages {
		got := w.get(path)
		if got.status != http.StatusOK || got.header.Get(asOfHeader) == "" || !strings.Contains(got.body, shows) {
			t.Errorf("%s while nobody answers: %d, as of %q: %.300s", path, got.status, got.header.Get(asOfHeader),
				got.body)
		}
	}
}
