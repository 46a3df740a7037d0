// Package testkit has what the tests of many packages need: a clock to put
// forward, a wait for a fact, a log to read while it is written.
//
// Tests alone import it; TestImportRules in cmd/snug sees to that. A Discord
// to test against is in testkit/world, a browser in testkit/browsertest, and
// NATS in shared/hub/hubtest.
package testkit

import (
	"log/slog"
	"os"
	"testing"
	"time"
)

// Patience bounds every wait for a fact. It is reached only when something is
// broken, so it is far longer than a loaded machine takes.
const Patience = 30 * time.Second

// Eventually waits until ok says true: for a fact, named what, that no channel
// tells of. It asks every 2 ms, on the caller's goroutine, and ends the test
// after Patience.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// NoError ends the test if there is an error.
func NoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Logger discards what it is told, unless the environment has SNUG_TEST_LOG:
// then everything goes to standard error.
func Logger() *slog.Logger {
	if os.Getenv("SNUG_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
