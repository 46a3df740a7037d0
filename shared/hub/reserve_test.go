package hub

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"snug/shared/errs"
	"snug/shared/room"
)

// New keys are refused while there is a reserve; existing ones can be changed, and can be removed
// even if no space is left.
func TestReserve(t *testing.T) {
	o := Options{Dir: t.TempDir(), MaxBytes: map[string]int64{"members": 64 << 10}}
	h, ctx := openHub(t, o), t.Context()
	value := func(n int) room.Preferences { return room.Preferences{Name: strings.Repeat("x", n)} }
	var keys []string
	fills := func() (err error) {
		for err == nil {
			key := fmt.Sprintf("1.%d", len(keys))
			if _, err = h.Members.Create(ctx, key, value(1000)); err == nil {
				keys = append(keys, key)
			}
		}
		return err
	}
	if err := fills(); !errors.Is(err, ErrFull) || !errs.Has(err, errs.Unavailable) {
		t.Fatal(err)
	}
	if _, _, err := h.Members.Edit(ctx, keys[0],
		func(p *room.Preferences) error { *p = value(1200); return nil }); err != nil {
		t.Errorf("changing what is there: %v", err)
	}
	if err := h.Ready(ctx); !errors.Is(err, ErrFull) {
		t.Errorf("ready: %v", err)
	}
	n := 1200
	for ; ; n += 100 { // use up the reserve
		_, _, err := h.Members.Edit(ctx, keys[1], func(p *room.Preferences) error { *p = value(n); return nil })
		if errors.Is(err, ErrFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for n = 1; n > 0; n-- { // and the last bytes
		_, _, _ = h.Members.Edit(ctx, keys[2], func(p *room.Preferences) error { *p = value(1000 + n); return nil })
	}
	for _, key := range keys {
		if err := h.Members.Delete(ctx, key); err != nil {
			t.Fatalf("removing %s: %v", key, err)
		}
		if _, _, err := h.Members.Get(ctx, key); !errs.Has(err, errs.NotFound) {
			t.Fatalf("%s is still there: %v", key, err)
		}
	}
	if _, err := h.Members.Create(ctx, "1.again", value(1000)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
