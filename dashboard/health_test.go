package dashboard

import (
	"strings"
	"testing"
	"time"

	"snug/shared/uptime"
)

// What the status page says is what was noted each minute.
func TestStatus(t *testing.T) {
	b := newBench(t)
	b.markUptime(t.Context())
	b.pass(2 * time.Minute)
	b.markUptime(t.Context())
	b.pass(time.Minute)
	d, _, err := b.hub.Uptime.Get(t.Context(), uptime.Key(b.clock()))
	if err != nil || d.Until.IsZero() {
		t.Fatal(d, err)
	}
	got := b.browser("").get("/status")
	for _, want := range []string{"Snug works.", "66.67 %", "2 minutes up", "1 in which nobody looked"} {
		if got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%d without %q: %s", got.status, want, got.text())
		}
	}
}

func TestReference(t *testing.T) {
	b := newBench(t)
	got := b.browser("").get("/api")
	for _, op := range b.api.Operations() {
		if !strings.Contains(got.body, `id="`+op.ID+`"`) {
			t.Errorf("%s is not explained", op.ID)
		}
	}
	if got.status != 200 || strings.Contains(got.body, "http://cdn") {
		t.Errorf("got %d", got.status)
	}
}
