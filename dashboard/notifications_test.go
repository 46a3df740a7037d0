package dashboard

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"snug/shared/push"
	"snug/shared/testkit"
	"snug/shared/testkit/pushtest"
)

// gotNotifications is what the API says of somebody's notifications.
type gotNotifications struct {
	Kinds   []push.Kind
	Quiet   bool
	From    string
	Trusted []struct {
		User string `json:"user_id"`
		Name string `json:"display_name"`
	}
	Devices []struct{ ID, Name, Language, Trouble string }
	Key     string `json:"public_key"`
}

func (w *browser) notifications() (n gotNotifications) {
	w.api("GET", "/api/v1/me/notifications", "").json(&n)
	return n
}

// subscribes adds a browser, and gives its id.
func (w *browser) subscribes(t *testing.T, name, more string) (id string) {
	t.Helper()
	key := w.notifications().Key
	of := pushtest.NewBrowser(t, key)
	got := w.api("POST", "/api/v1/me/notifications/devices", fmt.Sprintf(
		`{"endpoint": "https://push.example/secret-%s", "p256dh": %q, "auth": %q, "key": %q, "name": %q%s}`,
		name, of.P256DH(), of.Auth(), key, name, more))
	var d struct{ ID string }
	if got.json(&d); got.status != 201 || d.ID == "" || strings.Contains(got.body, "secret-") {
		t.Fatalf("no device: %d %s", got.status, got.body)
	}
	return d.ID
}

// TestChoosingNotifications: what people choose is theirs alone, and goes with their session or their data.
func TestChoosingNotifications(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	b.sit(r.ID, owner)
	w, other := b.signedIn(guest), b.signedIn(member)
	if n := w.notifications(); len(n.Kinds)+len(n.Trusted)+len(n.Devices) != 0 || n.Quiet || n.Key == "" {
		t.Errorf("something is on: %+v", n)
	}

	// By form, and by program.
	saved := w.form("/notifications", url.Values{
		"do": {"save"}, "kinds": {"knock", "closing"}, "quiet": {"true"}, "from": {"22:00"}, "to": {"7:00"},
		"zone": {"Europe/Berlin"},
	})
	if n := w.notifications(); saved.status != 303 || !n.Quiet || n.From != "22:00" ||
		!slices.Equal(n.Kinds, []push.Kind{push.Knock, push.Closing}) {
		t.Errorf("%d, %+v", saved.status, n)
	}
	wrong := w.form("/notifications", url.Values{"do": {"save"}, "quiet": {"true"}, "from": {"late"}})
	if wrong.status != 400 || !strings.Contains(wrong.body, "isn&#39;t a time") {
		t.Errorf("%d %s", wrong.status, wrong.text())
	}
	if got := w.api("PATCH", "/api/v1/me/notifications", `{"kinds": ["seat"]}`); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if n := w.notifications(); !n.Quiet || !slices.Equal(n.Kinds, []push.Kind{push.Seat}) {
		t.Errorf("what was left out changed: %+v", n)
	}

	// Whom somebody doesn't see they can't add.
	trust := func(w *browser, user string) int {
		return w.api("POST", "/api/v1/me/notifications/trusted", fmt.Sprintf(`{"user": %q}`, user)).status
	}
	if got := []int{trust(w, owner.String()), trust(w, member.String()), trust(other, owner.String())}; !slices.Equal(
		got, []int{204, 404, 404}) {
		t.Errorf("trusting: %v", got)
	}
	if n := w.notifications(); len(n.Trusted) != 1 || n.Trusted[0].User != owner.String() || n.Trusted[0].Name == "" {
		t.Errorf("trusted: %+v", n.Trusted)
	}

	// A browser can be renewed, tested and removed, and ends with its session.
	first := w.subscribes(t, "phone", `, "language": "de"`)
	if again := w.subscribes(t, "phone", `, "language": "fr"`); again != first || len(w.notifications().Devices) != 1 {
		t.Errorf("renewed as %s, %+v", again, w.notifications())
	}
	second := w.subscribes(t, "desk", `, "replaces": "https://push.example/secret-phone"`)
	if n := w.notifications(); len(n.Devices) != 1 || n.Devices[0].ID != second || n.Devices[0].Language != "en" {
		t.Errorf("replaced: %+v", n.Devices)
	}
	if got := w.form("/notifications", url.Values{"do": {"test"}}); got.status != 303 {
		t.Errorf("no test: %d %s", got.status, got.text())
	}
	pushes, err := b.hub.Pushes.List(t.Context(), guest.String())
	if err != nil || len(pushes) != 1 || pushes[0].Value.Kind != push.Test {
		t.Errorf("the test: %+v, %v", pushes, err)
	}
	if got := w.api("DELETE", "/api/v1/me/notifications/devices/"+second, ""); got.status != 204 {
		t.Errorf("not removed: %d %s", got.status, got.body)
	}
	if pushes, err := b.hub.Pushes.List(t.Context(), guest.String()); err != nil || len(pushes) != 0 {
		t.Errorf("what was on its way stays: %+v, %v", pushes, err)
	}
	elsewhere := b.signedIn(guest)
	kept := elsewhere.subscribes(t, "elsewhere", "")
	w.subscribes(t, "shared", "")
	testkit.Eventually(t, "both to be known here", func() bool {
		p, ok, err := b.hub.Notify.Get(context.Background(), guest.String())
		return err == nil && ok > 0 && len(p.Devices) == 2
	})
	w.form("/logout", nil)
	testkit.Eventually(t, "the browser that signed out to be forgotten", func() bool {
		n := elsewhere.notifications()
		return len(n.Devices) == 1 && n.Devices[0].ID == kept
	})

	// What is stored can be read and erased, also from others' lists.
	mine := b.signedIn(owner)
	if got := mine.get("/privacy/data.json"); !strings.Contains(got.body, `"trusted_by": 1`) {
		t.Errorf("the owner isn't told that somebody trusts them: %s", got.body)
	}
	export := elsewhere.get("/privacy/data.json").body
	if !strings.Contains(export, `"seat"`) || !strings.Contains(export, "elsewhere") ||
		strings.Contains(export, "secret-elsewhere") {
		t.Errorf("the export: %s", export)
	}
	if got := elsewhere.form("/privacy/erase", nil); got.status != 200 {
		t.Fatalf("not erased: %d %s", got.status, got.text())
	}
	if p, _, err := b.hub.Notify.Latest(t.Context(), guest.String()); err == nil {
		t.Errorf("it stays: %+v", p)
	}
}
