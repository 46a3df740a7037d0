package view_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"snug/dashboard/view"
	"snug/dashboard/view/fixtures"
	"snug/shared/testkit/browsertest"
	"snug/shared/text"
	"snug/static"
	"snug/templates"
)

// theEngine and theTexts are read once: nothing changes them.
var (
	theTexts  = sync.OnceValues(text.New)
	theEngine = sync.OnceValues(func() (*view.Engine, error) {
		words, err := theTexts()
		if err != nil {
			return nil, err
		}
		return view.New(view.Config{Templates: templates.FS, Static: static.FS, Version: "1.0.0", Text: words})
	})
)

func newEngine(t testing.TB) *view.Engine {
	t.Helper()
	e, err := theEngine()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// onTabs does something with each page, in two tabs: one loads while the other is looked at.
func onTabs(t *testing.T, url string, pages []fixtures.Fixture, do func(*tab, fixtures.Fixture)) {
	t.Helper()
	work := make(chan fixtures.Fixture, len(pages))
	for _, f := range pages {
		work <- f
	}
	close(work)
	for i := range 2 {
		t.Run(fmt.Sprintf("tab %d", i+1), func(t *testing.T) {
			t.Parallel()
			b := openTab(t, browser(t), url)
			for f := range work {
				t.Run(f.Name, func(t *testing.T) {
					b.t = t
					do(b, f)
				})
			}
		})
	}
}

// site serves every fixture at /{name}, the static files, and what api adds.
func site(t testing.TB, api func(*http.ServeMux)) *httptest.Server {
	t.Helper()
	e := newEngine(t)
	mux := http.NewServeMux()
	mux.Handle("GET "+view.StaticPrefix, e.StaticHandler())
	for _, f := range fixtures.All() {
		mux.HandleFunc("GET /"+f.Name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			if err := e.Render(w, http.StatusOK, f.Page); err != nil && r.Context().Err() == nil {
				// else the browser went elsewhere
				t.Errorf("%s: %v", f.Name, err)
			}
		})
	}
	if api != nil {
		api(mux)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// policy is the Content-Security-Policy that pages have to live with.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// chrome is the one Chromium of these tests, started by whichever asks first.
var chrome struct {
	once   sync.Once
	ctx    context.Context
	cancel []context.CancelFunc
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chrome.ctx != nil {
		if err := chromedp.Cancel(chrome.ctx); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, "the browser did not stop:", err)
			code = 1
		}
	}
	for _, cancel := range chrome.cancel {
		cancel()
	}
	os.Exit(code)
}

// browser gives a context in which openTab makes tabs.
func browser(t testing.TB) context.Context {
	t.Helper()
	chrome.once.Do(startChrome)
	if chrome.err != nil {
		t.Fatal(chrome.err)
	}
	return chrome.ctx
}

func startChrome() {
	opts, err := browsertest.Options()
	if err != nil {
		chrome.err = err
		return
	}
	opts = append(opts, chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-features",
			"BackForwardCache,SpareRendererForSitePerProcess,Translate,OptimizationHints"))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, stop := chromedp.NewContext(alloc)
	chrome.ctx, chrome.cancel = ctx, []context.CancelFunc{stop, stopAlloc}
	chrome.err = chromedp.Do(ctx) // the first call starts the browser, which lives as long as its context
}

// media asks for a theme, and for no motion, so that pictures are the same each time.
func media(theme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}})
		return err
	})
}

// drawn says whether all of a page is drawn: its steps, and what its scripts put in its place later.
const drawn = `!document.getAnimations().some((a) => a.animationName === "not-yet") &&
	!document.querySelector("noscript.later")`

// untilDrawn waits for it and, unlike Poll, doesn't pass for somebody's doing, after which a page with unsaved changes
// asks whether to leave it.
const untilDrawn = `(async () => {
	while (!(` + drawn + `)) await new Promise((go) => setTimeout(go, 20));
	return true;
})()`

// TestScreenshots writes a picture of every fixture to the folder
// SNUG_SCREENSHOTS, on desktop and phone, dark and light. SNUG_ONLY picks
// fixtures by the beginning of their names.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SNUG_SCREENSHOTS")
	if dir == "" {
		t.Skip("SNUG_SCREENSHOTS names no folder")
	}
	s, ctx := site(t, newScript(t).routes), browser(t)
	for _, f := range fixtures.All() {
		if !strings.HasPrefix(f.Name, os.Getenv("SNUG_ONLY")) {
			continue
		}
		for _, width := range []int64{1280, 390} {
			for _, theme := range []string{"dark", "light"} {
				err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 844), media(theme),
					chromedp.Navigate(s.URL+"/"+f.Name))
				if err != nil {
					t.Fatal(f.Name, err)
				}
				if strings.HasPrefix(f.Name, "room-") || strings.HasPrefix(f.Name, "server") ||
					strings.HasPrefix(f.Name, "watch") {
					if _, err := chromedp.Run(ctx,
						chromedp.Poll[bool](`document.body.dataset.live === "live"`)); err != nil {
						t.Fatal(f.Name, err)
					}
				}
				if _, err := chromedp.Run(ctx, chromedp.Poll[bool](drawn)); err != nil {
					t.Fatal(f.Name, err)
				}
				name := dir + "/" + f.Name + "-" + theme + "-" + map[int64]string{1280: "desk", 390: "phone"}[width]
				save(t, ctx, name, chromedp.FullScreenshot(100))
				if f.Name != "room-three" {
					continue
				}
				ids, err := chromedp.Run(ctx,
					chromedp.Evaluate[[]string](`[...document.querySelectorAll("dialog")].map((d) => d.id)`))
				if err != nil {
					t.Fatal(err)
				}
				for _, id := range append(ids, "toast-lost") {
					if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](openDialog+`("`+id+`")`)); err != nil {
						t.Fatal(err)
					}
					save(t, ctx, strings.Replace(name, "room-three", id, 1), chromedp.CaptureScreenshot())
				}
			}
		}
	}
}

func save(t *testing.T, ctx context.Context, name string, shot chromedp.Action[[]byte]) {
	t.Helper()
	png, err := chromedp.Run(ctx, shot)
	if err != nil {
		t.Fatal(name, err)
	}
	if err := os.WriteFile(name+".png", png, 0o600); err != nil {
		t.Fatal(err)
	}
}
