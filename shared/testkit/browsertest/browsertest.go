// Package browsertest starts a real, headless Chrome or Chromium for tests.
//
// It is for tests alone. Each browser has an empty profile of its own and
// ends with its test. Several tabs of one browser share its cookies; host
// names such as alice.localhost keep people apart within it.
package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Start starts a browser and gives the context of its first tab. It fails the
// test if there is none: tests that need a browser are not skipped.
func Start(t testing.TB, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	o, err := Options()
	if err != nil {
		t.Fatal(err)
	}
	o = append(append(o, chromedp.UserDataDir(t.TempDir())), options...)
	alloc, stop := chromedp.NewExecAllocator(context.Background(), o...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("the browser did not close well: %v", err)
		}
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("the browser did not start: %v", err)
	}
	return ctx
}

// Options are those that every test's browser has, whatever the machine: it
// speaks English, and has no sandbox, which root, containers and some systems
// do not allow, and which pages of our own do not need. It fails if there is no browser.
func Options() ([]chromedp.ExecAllocatorOption, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	return []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.NoSandbox,
		chromedp.Headless, chromedp.DisableGPU, chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("accept-lang", "en-US"),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.WindowSize(1280, 900),
	}, nil
}

// Tab opens a further tab of the browser of ctx; it closes with the test.
func Tab(t testing.TB, ctx context.Context) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("no further tab: %v", err)
	}
	return tab
}

// names are what browsers are called; .ci/needs looks for the same.
var names = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

// Path gives the browser's program, for what starts it by itself.
func Path() (string, error) { return find() }

func find() (string, error) {
	if own := os.Getenv("SNUG_BROWSER"); own != "" {
		path, err := exec.LookPath(own)
		if err != nil {
			return "", fmt.Errorf("SNUG_BROWSER %q isn't a browser: %w", own, err)
		}
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "",
		errors.New("no Chrome or Chromium found. Install one (make test does, as root on Debian), or set " +
			"SNUG_BROWSER to it")
}
