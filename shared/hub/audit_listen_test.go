package hub

import (
	"snug/shared/testkit"
	"testing"
	"time"
)

func TestAuditListen(t *testing.T) {
	t.Parallel()
	h := openHub(t, Options{})
	heard := make(chan AuditEntry, 8)
	stop := must(h.Audit.Listen(t.Context(), func(e AuditEntry) { heard <- e }))(t)
	if err := h.Audit.Append(t.Context(), "one", 1, 10, "room_opened", map[string]int{"n": 1}); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-heard:
		if e.ID != "one" || e.Guild != 1 || e.Channel != 10 || e.Kind != "room_opened" || string(e.Data) != `{"n":1}` {
			t.Errorf("heard %+v", e)
		}
	case <-time.After(testkit.Patience):
		t.Fatal("nothing was heard")
	}
	stop()
	stop()
	if err := h.Audit.Append(t.Context(), "two", 1, 10, "room_opened", 2); err != nil {
		t.Fatal(err)
	}
	if len(heard) != 0 {
		t.Error("heard something after stopping")
	}
}
