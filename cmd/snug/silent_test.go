package main

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"snug/shared/testkit/browsertest"
)

// noticedWithin is how long a page that is looked at may take a connection that carries nothing for a live one.
const noticedWithin = 25 * time.Second

// TestSilentPath: nothing passes between the pages and Snug any more, and no
// connection breaks, as behind a middlebox that forgot them. A page that is
// looked at notices within 25 s; one that is not, when it is looked at again.
func TestSilentPath(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried, func(p *plan) { p.proxy = true })
	chrome := browsertest.Start(t)
	id := h.signIn("alice").open("Friday")
	alice, bruno, watcher := h.browse(chrome,
		"alice"), h.browse(browsertest.Start(t), "bruno"), h.browse(chrome, "alice")
	alice.goTo("/game/" + id)
	watcher.goTo("/servers/" + h.world.guild.String())
	bruno.goTo("/servers/" + h.world.guild.String())
	for _, p := range []*browserUser{alice, bruno, watcher} {
		p.live()
	}
	bruno.shown(false)
	h.proxy.Freeze()
	frozen := time.Now()
	for _, p := range []*browserUser{alice, watcher} {
		p.within(time.Until(frozen.Add(noticedWithin)), "that nothing comes any more",
			`document.querySelector('#live').dataset.state !== 'live'`)
	}
	t.Logf("noticed after %v", time.Since(frozen).Round(100*time.Millisecond))
	bruno.shown(true)
	bruno.within(noticedWithin/3, "when it is looked at again that nothing comes any more",
		`document.querySelector('#live').dataset.state !== 'live'`)
	alice.sees("how old the picture is", `/^As of \d+ s ago$/.test(document.querySelector('#live-text').innerText)`)
	h.proxy.Thaw()
	for _, p := range []*browserUser{alice, bruno, watcher} {
		p.live()
	}
}

// shown has the user look at their browser's window, or at something else.
func (p *browserUser) shown(on bool) {
	p.Helper()
	state := browser.WindowStateMinimized
	if on {
		state = browser.WindowStateNormal
	}
	p.do("show or hide the window", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		w, err := cdp.Call(ctx, t, browser.GetWindowForTarget, browser.GetWindowForTargetParams{})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, browser.SetWindowBounds,
			browser.SetWindowBoundsParams{WindowID: w.WindowID, Bounds: &browser.Bounds{WindowState: state}})
		return err
	}))
	p.sees("that the page is hidden, or not", map[bool]string{true: "!document.hidden", false: "document.hidden"}[on])
}
