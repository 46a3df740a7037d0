package main

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"snug/shared/testkit/browsertest"
)

// watchSpeed notes, from the first moment of a page, what a person would feel of it.
const watchSpeed = `(() => {
	const felt = window.felt = { longest: 0, shift: 0, moved: [], largest: "", live: 0 };
	const called = (n) => n && (n.id || n.className || n.parentElement?.className || n.nodeName);
	const on = (type, see) =>
		new PerformanceObserver((l) => l.getEntries().forEach(see)).observe({ type, buffered: true });
	on("longtask", (e) => (felt.longest = Math.max(felt.longest, e.duration)));
	on("layout-shift", (e) => {
		felt.shift += e.value;
		felt.moved.push(...e.sources.map((s) => called(s.node)));
	});
	on("largest-contentful-paint", (e) => {
		const el = e.element;
		felt.largest = el?.closest(".room") ? "in the room" : (el?.outerHTML.slice(0, 80) ?? "gone");
		felt.at = e.startTime;
	});
	new MutationObserver(() => {
		if (document.body?.dataset.live === "live") felt.live ||= performance.now();
	}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-live"] });
})()`

// felt is what watchSpeed noted; times are in milliseconds.
type felt struct {
	Longest, Shift, Live, At float64
	Largest                  string
	Moved                    []string // what shifted
}

// TestRoomPageFeelsFast opens a room's page as a phone does. The goals are exact where SNUG_LIGHTHOUSE asks for them,
// on a machine that does nothing else; no other test runs beside it. They hold for the median of seven turns; a text
// file, opened in the same turns, shows what the browser and the machine take for any page.
func TestRoomPageFeelsFast(t *testing.T) {
	h := newHarness(t, unhurried)
	alice := h.browse(browsertest.Start(t), "alice")
	id := h.signIn("alice").open("Friday draft")
	for _, who := range []string{"alice", "bruno"} {
		_ = h.join(who, id) // whoever may
	}
	alice.goTo("/game/" + id)
	alice.live()
	alice.do("become a phone", chromedp.EmulateViewport(390, 844), chromedp.Func(phone))
	open := func(path, done string) felt {
		alice.do("leave", chromedp.Navigate("about:blank"))
		alice.do("open "+path, chromedp.Navigate(alice.at(path)))
		alice.sees("that it is there", done)
		alice.idle()
		return read[felt](alice, `window.felt`)
	}
	most := felt{Longest: 2_000, Shift: .05, Live: 15_000} // on whatever this runs, beside whatever else
	turns := 1
	if os.Getenv("SNUG_LIGHTHOUSE") != "" {
		most, turns = felt{Longest: 50, Shift: 0, Live: 1_000}, 7
	}
	var longest, live []float64
	for range turns {
		text := open("/robots.txt", `document.readyState === "complete"`)
		f := open("/game/"+id, `window.felt.live > 0 && window.felt.largest !== ""`)
		t.Logf("%+v; a text file: %+v", f, text)
		longest, live = append(longest, f.Longest), append(live, f.Live)
		if f.Shift > most.Shift {
			t.Errorf("it shifts by %f: %v", f.Shift, f.Moved)
		}
		if f.Largest != "in the room" {
			t.Errorf("its largest paint is %q, not the room", f.Largest)
		}
	}
	slices.Sort(longest)
	slices.Sort(live)
	if got := longest[turns/2]; got > most.Longest {
		t.Errorf("a task takes %.0f ms, want at most %.0f", got, most.Longest)
	}
	if got := live[turns/2]; got > most.Live {
		t.Errorf("it is live after %.0f ms, want at most %.0f", got, most.Live)
	}
}

// phone makes a tab as slow as a phone with a good connection, and has it note what a person would feel.
func phone(ctx context.Context, t *chromedp.Target) error {
	_, err := cdp.Call(ctx, t, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	if err != nil {
		return err
	}
	_, err = cdp.Call(ctx, t, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 4})
	if err != nil {
		return err
	}
	_, err = cdp.Call(ctx, t, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{
			Latency: 40, DownloadThroughput: 10 << 20 / 8, UploadThroughput: 5 << 20 / 8,
		}},
	})
	if err != nil {
		return err
	}
	_, err = cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument,
		page.AddScriptToEvaluateOnNewDocumentParams{Source: watchSpeed})
	return err
}
