package dashboard

import (
	"strings"
	"testing"

	"snug/shared/room"
	"snug/shared/testkit"
)

// TestWatchLinks: the link for spectators shows one room to anybody while it is the room's, and nothing otherwise.
func TestWatchLinks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	anybody, path := b.browser(""), "/watch/"+r.ID.String()
	nothing := func(when, path string) {
		t.Helper()
		got := anybody.get(path)
		if got.status != 404 || strings.Contains(got.body, "Friday &lt;draft") ||
			strings.Contains(got.header.Get("Content-Security-Policy"), "frame-ancestors *") {
			t.Errorf("%s: %d %s", when, got.status, got.header.Get("Content-Security-Policy"))
		}
		token, _ := strings.CutPrefix(path[strings.Index(path, "?")+1:], "t=")
		if got := anybody.send("POST", strings.Split(path, "?")[0]+"/token", "application/json", `{"t":"`+token+`"}`,
			"Accept", "application/json"); got.status != 404 {
			t.Errorf("%s: a token: %d %s", when, got.status, got.body)
		}
	}
	nothing("before it may be watched", path+"?t=")
	boss := b.signedIn(owner)
	boss.form("/game/"+r.ID.String()+"/change", map[string][]string{"do": {"watch"}})
	token := b.stored(r.ID).WatchToken
	if token == "" {
		t.Fatal("no link")
	}
	nothing("with another token", path+"?t=x"+token)
	nothing("another room", "/watch/155101607195836416?t="+token)
	testkit.Eventually(t, "the link is known", func() bool {
		l, ok := b.actions.Room(friends, r.ID)
		return ok && l.Room.Access.WatchKey == room.WatchKey(token)
	})
	got := anybody.get(path + "?t=" + token)
	if got.status != 200 || !strings.Contains(got.body, "Friday &lt;draft") ||
		!strings.Contains(got.header.Get("Content-Security-Policy"), "frame-ancestors *") ||
		got.header.Get("X-Frame-Options") != "" || got.header.Get("Set-Cookie") != "" ||
		got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the link: %d %v", got.status, got.header)
	}
	if strings.Contains(got.body, "<button") || strings.Contains(got.body, "<form") {
		t.Error("spectators have controls")
	}
	if got := anybody.send("POST", path+"/token", "application/json", `{"t":"`+token+`"}`, "Accept",
		"application/json"); got.status != 200 ||
		!strings.Contains(got.body, `"token":"ey`) {
		t.Errorf("a token: %d %s", got.status, got.body)
	}
	boss.form("/game/"+r.ID.String()+"/change", map[string][]string{"do": {"unwatch"}})
	testkit.Eventually(t, "the link is known to have ended", func() bool {
		l, ok := b.actions.Room(friends, r.ID)
		return ok && l.Room.Access.WatchKey == ""
	})
	nothing("afterwards", path+"?t="+token)
}
