// Package testkit has what the tests of many packages need: a clock to put
// forward, a wait for a fact, a log to read while it is written.
//
// Tests alone import it; TestImportRules in cmd/snug sees to that. A Discord
// to test against is in testkit/world, a browser in testkit/browsertest, and
// NATS in shared/hub/hubtest.
package testkit

import (
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"snug/shared/testkit/walk"
	"snug/shared/text"
)

// Patience bounds every wait for a fact. It is reached only when something is
// broken, so it is far longer than a loaded machine takes.
const Patience = time.Minute

// HTTP is the client of tests. It keeps no connection between requests: closing any httptest.Server closes the idle
// connections of http.DefaultClient, which fails requests of other tests that just got an answer without a body.
var HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

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

// Update is the environment variable that has Generated write files (make generate).
const Update = "SNUG_UPDATE"

// Generated fails the test unless a file, given by its path from the working directory, has this text. With Update
// set it writes the text.
func Generated(t testing.TB, file, text string) {
	t.Helper()
	at := walk.Path(t, file)
	if os.Getenv(Update) != "" {
		NoError(t, os.WriteFile(at, []byte(text), 0o644)) //nolint:gosec // it's part of the repository
	}
	have, err := os.ReadFile(at)
	NoError(t, err)
	if string(have) == text {
		return
	}
	want, line := strings.Split(text, "\n"), 0
	for _, is := range strings.Split(string(have), "\n") {
		if line == len(want)-1 || is != want[line] {
			break
		}
		line++
	}
	t.Errorf("%s is older than the code. Run: make generate\nIts line %d should be: %s", file, line+1, want[line])
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

// Catalog returns the messages that are built in.
func Catalog(t testing.TB) *text.Catalog {
	t.Helper()
	c, err := text.New()
	NoError(t, err)
	return c
}
