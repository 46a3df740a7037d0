package hub

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"snug/shared/errs"
)

// TestAround surrounds writes with a hook that refuses some and loses the answers of others.
func TestAround(t *testing.T) {
	t.Parallel()
	refusal, loss := errors.New("refused"), errors.New("lost")
	var mu sync.Mutex
	var seen []Write
	h := openHub(t, Options{Around: func(w Write, do func() error) error {
		if strings.HasPrefix(w.Key, reserved) {
			return do()
		}
		mu.Lock()
		seen = append(seen, w)
		mu.Unlock()
		switch {
		case strings.Contains(w.Key, "2"):
			return refusal
		case strings.Contains(w.Key, "3"):
			return errors.Join(loss, do())
		}
		return do()
	}})
	ctx, b := t.Context(), h.Rosters
	must(b.Put(ctx, "1.1", named("done")))(t)
	if _, err := b.Create(ctx, "1.2", named("not done")); !errors.Is(err, refusal) {
		t.Error(err)
	}
	if _, err := b.Create(ctx, "1.3", named("done, unheard")); !errors.Is(err, loss) {
		t.Error(err)
	}
	if err := h.Audit.Append(ctx, "id", 1, 4, "room_opened", 5); err != nil {
		t.Error(err)
	}
	for key, want := range map[string]errs.Code{"1.1": "", "1.2": errs.NotFound, "1.3": ""} {
		_, _, err := b.Latest(ctx, key)
		wantCode(t, err, want)
	}
	want := []Write{
		{"put", "rosters", "1.1"}, {"create", "rosters", "1.2"}, {"create", "rosters", "1.3"},
		{"append", auditName, "1.4.room_opened"},
	}
	if !slices.Equal(seen, want) {
		t.Errorf("the hook saw %v", seen)
	}
}
