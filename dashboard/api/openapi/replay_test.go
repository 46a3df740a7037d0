package openapi

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/keyring"
)

// TestReplays claims a key that another request has claimed: one whose process
// has ended is done at once, and one that is being done is waited for.
func TestReplays(t *testing.T) {
	h, err := hub.Open(t.Context(), hub.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	s := &Replays{Hub: h, Bucket: h.Replays, Keys: keys, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	ctx, request := t.Context(), []byte("what was asked")
	claim := func(key, by string) {
		doc, err := s.seal(key, answered{Request: request, Since: time.Now(), By: by})
		if err == nil {
			_, err = h.Replays.Put(ctx, key, doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	claim("dead", "a process that was")
	begun := time.Now()
	if old, err := s.begin(ctx, "dead", request); old != nil || err != nil || time.Since(begun) > time.Second {
		t.Errorf("a dead process's claim: %v, %v after %v", old, err, time.Since(begun))
	}
	claim("busy", h.Self())
	go func() { _ = s.end(ctx, "busy", answered{Request: request, Status: 201, Response: []byte("made")}) }()
	if old, err := s.begin(ctx, "busy", request); err != nil || old == nil || string(old.Response) != "made" {
		t.Errorf("a request that is being done: %v, %v", old, err)
	}
	claim("long", h.Self())
	if _, err := s.begin(ctx, "long", request); !errs.Has(err, errs.InProgress) || errs.Public(err).RetryAfter == 0 {
		t.Errorf("a request that takes long: %v", err)
	}
	if _, err := s.begin(ctx, "long", []byte("something else")); !errs.Has(err, errs.Conflict) {
		t.Errorf("another request under the key: %v", err)
	}
}
