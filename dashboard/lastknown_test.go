package dashboard

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"snug/dashboard/lastknown"
	"snug/shared/testkit"
)

// TestReadsWithoutAKeeper lets nobody answer for a server for a while: who was
// there lately goes on seeing it, with its age, and nobody else.
func TestReadsWithoutAKeeper(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	id := r.ID.String()
	w := b.signedIn(owner)
	pages := map[string]string{
		"/servers/100": "Friday", "/game/" + id: "Friday", "/api/v1/guilds/100/rooms": id, "/api/v1/rooms/" + id: id,
	}
	for path := range pages {
		if got := w.get(path); got.status != http.StatusOK || got.header.Get(lastknown.Header) != "" {
			t.Fatalf("%s: %d, as of %q", path, got.status, got.header.Get(lastknown.Header))
		}
	}
	back := b.away()
	testkit.Eventually(t, "what was known is recalled",
		func() bool { return w.get("/servers/100").status == http.StatusOK })
	for path, shows := range pages {
		got := w.get(path)
		at, err := time.Parse(time.RFC3339, got.header.Get(lastknown.Header))
		if got.status != http.StatusOK || err != nil || time.Since(at) > time.Minute ||
			!strings.Contains(got.body, shows) {
			t.Errorf("%s while nobody answers: %d, as of %q, %v", path, got.status, got.header.Get(lastknown.Header),
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
	back()
	if got := w.get("/servers/100"); got.status != http.StatusOK || got.header.Get(lastknown.Header) != "" ||
		strings.Contains(got.body, `id="as-of"`) {
		t.Errorf("when somebody answers again: %d, as of %q", got.status, got.header.Get(lastknown.Header))
	}
}

// Who manages a server sees its settings, and as much of its health as is known, while nobody answers for it.
func TestAdminPagesWithoutAKeeper(t *testing.T) {
	t.Parallel()
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
	b.away()
	testkit.Eventually(t, "what was known is recalled",
		func() bool { return w.get("/admin/100").status == http.StatusOK })
	for path, shows := range pages {
		got := w.get(path)
		if got.status != http.StatusOK || got.header.Get(lastknown.Header) == "" || !strings.Contains(got.body, shows) {
			t.Errorf("%s while nobody answers: %d, as of %q: %.300s", path, got.status,
				got.header.Get(lastknown.Header), got.body)
		}
	}
}

// TestWebhooksAndTokensWithoutAKeeper: while nobody answers for a server, who manages it sees its webhooks and tokens,
// with the age of what says that they manage it, and changes none, nor has anything sent.
func TestWebhooksAndTokensWithoutAKeeper(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(manager)
	const hooks = "/api/v1/guilds/100/webhooks"
	made := w.api("POST", hooks, `{"name":"Board","url":"https://example.com/hook","kinds":["room_opened"]}`)
	hook := between(t, made.body, `"id":"`, `"`)
	ping := w.api("POST", hooks+"/"+hook+"/ping", "")
	message := between(t, ping.body, `"id":"`, `"`)
	token := w.api("POST", "/api/v1/guilds/100/tokens", `{"name":"Robot","scopes":["rooms:read"]}`)
	tokenID := between(t, token.body, `"id":"`, `"`)
	if got := w.get("/admin/100/webhooks"); got.status != http.StatusOK {
		t.Fatalf("the webhooks: %d", got.status)
	}
	back := b.away()
	testkit.Eventually(t, "what was known is recalled",
		func() bool { return w.get("/admin/100/webhooks").status == http.StatusOK })
	for path, shows := range map[string]string{
		"/admin/100/webhooks": "Board", "/admin/100/tokens": "Robot", hooks: "Board",
		hooks + "/" + hook + "/deliveries": message, "/api/v1/guilds/100/tokens": "Robot",
	} {
		got := w.get(path)
		if got.status != http.StatusOK || got.header.Get(lastknown.Header) == "" || !strings.Contains(got.body, shows) {
			t.Errorf("%s: %d, as of %q, shows %q: %v", path, got.status, got.header.Get(lastknown.Header), shows,
				strings.Contains(got.body, shows))
		}
	}
	form := func(path string, values ...string) got {
		f := url.Values{}
		for i := 0; i < len(values); i += 2 {
			f.Set(values[i], values[i+1])
		}
		return w.form(path, f)
	}
	for name, got := range map[string]got{
		"make a webhook": form("/admin/100/webhooks", "do", "make", "name", "Other", "url", "https://example.com/other",
			"kinds", "room_opened"),
		"switch it off":    form("/admin/100/webhooks", "enabled", "false", "hook", hook),
		"renew its secret": form("/admin/100/webhooks", "renew_secret", "true", "hook", hook),
		"ping it":          form("/admin/100/webhooks", "do", "ping", "hook", hook),
		"replay":           form("/admin/100/webhooks", "do", "replay", "hook", hook, "message", message),
		"remove it":        form("/admin/100/webhooks", "do", "remove", "hook", hook),
		"make a token": form("/admin/100/tokens", "name", "Other", "scopes", "rooms:read",
			"expires_at", "2099-01-31T18:00:00Z"),
		"make a webhook by program": w.api("POST", hooks,
			`{"name":"Other","url":"https://example.com/other","kinds":["room_opened"]}`),
		"change it by program":      w.api("PATCH", hooks+"/"+hook, `{"name":"Else"}`),
		"change nothing by program": w.api("PATCH", hooks+"/"+hook, `{}`),
		"ping it by program":        w.api("POST", hooks+"/"+hook+"/ping", ""),
		"replay by program":         w.api("POST", hooks+"/"+hook+"/deliveries/"+message+"/replay", ""),
		"remove it by program":      w.api("DELETE", hooks+"/"+hook, ""),
		"revoke by program":         w.api("DELETE", "/api/v1/guilds/100/tokens/"+tokenID, ""),
	} {
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "UNAVAILABLE") {
			t.Errorf("%s while nobody answers: %d %.300s", name, got.status, got.text())
		}
	}
	back()
	if got := w.get(hooks); strings.Count(got.body, `"name"`) != 1 || !strings.Contains(got.body, `"Board"`) {
		t.Errorf("afterwards there are %s", got.body)
	}
	if got := w.get(hooks + "/" + hook + "/deliveries"); strings.Count(got.body, `"id":"ping-`) != 1 {
		t.Errorf("it was sent %s", got.body)
	}
}

// between gives what stands between two texts.
func between(t *testing.T, s, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s, from)
	in, _, ended := strings.Cut(rest, to)
	if !ok || !ended {
		t.Fatalf("nothing between %q and %q in %s", from, to, s)
	}
	return in
}
