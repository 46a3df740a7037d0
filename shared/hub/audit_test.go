package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	h, ctx := openHub(t, Options{}), t.Context()
	if page, err := h.Audit.Page(ctx, 1, 0, 0, 10); err != nil || len(page) != 0 {
		t.Fatal(page, err)
	}
	// A busy guild, a quiet one whose entries are far back, and repetitions.
	add := func(id string, g, c snowflake.ID, kind string, n int) {
		t.Helper()
		if err := h.Audit.Append(ctx, id, g, c, kind, map[string]int{"n": n}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		add(fmt.Sprint("quiet", n), 2, 20, "room.opened", n)
	}
	for n := range 600 {
		add(fmt.Sprint("busy", n), 1, snowflake.ID(10+n%3), "room.opened", n)
		if n%50 == 0 {
			add(fmt.Sprint("busy", n), 1, snowflake.ID(10+n%3), "room.opened", n)
		}
	}
	n := func(e AuditEntry) (v struct{ N int }) {
		if err := json.Unmarshal(e.Data, &v); err != nil {
			t.Error(err)
		}
		return v
	}
	var before uint64
	for want := 599; want >= 0; want -= 50 {
		page := must(h.Audit.Page(ctx, 1, 0, before, 50))(t)
		if len(page) != 50 {
			t.Fatal(len(page))
		}
		for i, e := range page {
			if n(e).N != want-i || e.Guild != 1 || e.Kind != "room.opened" || e.ID != fmt.Sprint("busy", want-i) ||
				e.At.IsZero() {
				t.Fatalf("want %d: %+v", want-i, e)
			}
		}
		before = page[49].Seq
	}
	if page := must(h.Audit.Page(ctx, 1, 0, before, 50))(t); len(page) != 0 {
		t.Fatal(page)
	}
	if page := must(h.Audit.Page(ctx, 2, 0, 0, 3))(t); len(page) != 3 || n(page[0]).N != 4 {
		t.Fatal(page)
	}
	if page := must(h.Audit.Page(ctx, 1, 11, 0, 2))(t); len(page) != 2 || n(page[0]).N != 598 || n(page[1]).N != 595 {
		t.Fatal(page)
	}

	middle := must(h.Audit.Page(ctx, 1, 0, 0, 300))(t)[299]
	count := 0
	if err := h.Audit.Since(ctx, 1, 0, middle.At, func(e AuditEntry) error { count++; return nil }); err != nil ||
		count != 300 {
		t.Fatal(count, err)
	}
	own := errors.New("own")
	if err := h.Audit.Since(ctx, 1, 0, time.Time{}, func(AuditEntry) error { return own }); !errors.Is(err, own) {
		t.Error(err)
	}
	if gone := must(h.Audit.Trim(ctx, 1, middle.At))(t); gone != 300 {
		t.Error(gone)
	}
	if gone := must(h.Audit.Trim(ctx, 1, time.Time{}))(t); gone != 0 {
		t.Error(gone)
	}
	if gone := must(h.Audit.Trim(ctx, 1, time.Now().Add(time.Hour)))(t); gone != 300 {
		t.Error(gone)
	}
	if page := must(h.Audit.Page(ctx, 2, 0, 0, 10))(t); len(page) != 5 {
		t.Error("another guild's entries are gone:", page)
	}
	wantCode(t, h.Audit.Append(ctx, "", 1, 0, "x", nil), errs.Internal)
	wantCode(t, h.Audit.Append(ctx, "id", 1, 0, "a b", nil), errs.Internal)
	short, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := h.Audit.Page(short, 2, 0, 0, 3); !errs.Has(err, errs.Unavailable) {
		t.Error(err)
	}
}

// An entry that was appended before a crash is not stored twice after it.
func TestAuditRepeatsAcrossARestart(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Log: logTo(t)}
	for range 2 {
		h := must(Open(t.Context(), o))(t)
		if err := h.Audit.Append(t.Context(), "same", 1, 0, "room.opened", nil); err != nil {
			t.Fatal(err)
		}
		if page := must(h.Audit.Page(t.Context(), 1, 0, 0, 10))(t); len(page) != 1 {
			t.Error(len(page))
		}
		closeHub(t, h)
	}
}
