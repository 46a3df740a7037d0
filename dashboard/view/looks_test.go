package view_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/view"
	"snug/dashboard/view/fixtures"
)

// inspect finds, in a page as it is laid out, text that is hard to read, and
// things to press that are too small. Behind text that lies on the page itself
// counts the brightest that the lamp makes it; on wood, the wood's both ends.
const inspect = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
	const known = new Map();
	const rgba = (color) => known.get(color) ?? known.set(color, read(color)).get(color);
	const read = (color) => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255);
	};
	const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
	const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	const light = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
	const ratio = (a, b) => {
		const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
		return (x + 0.05) / (y + 0.05);
	};
	const root = getComputedStyle(document.documentElement), token = (name) => rgba(root.getPropertyValue(name));
	const grounds = [token("--ink"), over([...token("--glow").slice(0, 3), 0.2], token("--ink"))];
	const behind = (el) => {
		const tops = [];
		for (let e = el; e; e = e.parentElement) {
			if (e.matches(".board, .top-t, .plaque") &&
				el.getBoundingClientRect().top < e.getBoundingClientRect().bottom) {
				return [token("--wood"), token("--wood-2")].map((b) => tops.reduceRight((c, t) => over(t, c), b));
			}
			if (e.matches(".ending:not(.calm)")) {
				return [over([...token("--glow").slice(0, 3), 0.14], token("--ink-2"))];
			}
			const c = rgba(getComputedStyle(e).backgroundColor);
			if (c[3] === 1) return [tops.reduceRight((b, t) => over(t, b), c)];
			if (c[3] > 0) tops.push(c);
		}
		return grounds.map((b) => tops.reduceRight((c, t) => over(t, c), b));
	};
	const shown = (el) => el.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
		el.getClientRects().length > 0;
	const found = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		const el = n.parentElement, s = getComputedStyle(el);
		if (!n.data.trim() || !shown(el) || el.closest("noscript, script, template, .sr-only, .skip")) continue;
		const size = parseFloat(s.fontSize), large = size >= 24 || (size >= 18.66 && s.fontWeight >= 700);
		for (const b of behind(el)) {
			const r = ratio(over(rgba(s.color), b), b);
			if (r < (large ? 3 : 4.5)) {
				const text = JSON.stringify(n.data.trim().slice(0, 30));
				found.add("contrast " + r.toFixed(2) + " of " + text + " in " + el.className);
			}
		}
	}
	for (const el of document.querySelectorAll("button, .btn, input, select, summary, .room-card a, .server a")) {
		if (!shown(el) || el.type === "hidden" || el.closest(".sr-only")) continue;
		const target = el.type === "checkbox" || el.type === "radio" ? el.closest("label") : el;
		const { width, height } = target.getBoundingClientRect();
		if (height < 43.5 || width < 43.5) {
			const what = [el.tagName, el.className, el.textContent.trim().slice(0, 20)].join(" ");
			found.add("small: " + Math.round(width) + " by " + Math.round(height) + " " + what);
		}
	}
	for (const el of document.querySelectorAll("main *"))
		if (getComputedStyle(el).visibility === "hidden" && !el.closest("[hidden], .unsaid"))
			found.add("takes its room, and nobody sees it: " + el.tagName + " " + el.className);
	const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
	if (wide > 0) {
		const out = [...document.querySelectorAll("body *")].find(
			(e) => shown(e) && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
		found.add("wider than the screen by " + wide + " px: " + out?.className);
	}
	return [...found];
})()`

// redrawn lists what of the picture the scripts changed when they took over: nothing, or the page would flicker.
const redrawn = `(async () => {
	const fresh = new DOMParser().parseFromString(await (await fetch(location.pathname)).text(), "text/html");
	const look = (d, id) => d.getElementById(id).outerHTML.replace(/\s+/g, " ").replace(/\d:\d\d/g, "0:00");
	return ["seating", "bots", "room-list", "door-in", "door-join"].filter(
		(id) => document.getElementById(id) && look(document, id) !== look(fresh, id));
})()`

// TestLooks looks at every page, on a phone and on a desktop, dark and light, and shows it to axe-core.
func TestLooks(t *testing.T) {
	t.Parallel()
	web, seen := site(t, withAxe(t)), &colours{seen: map[string]bool{}}
	b := openTab(t, browser(t), web.URL+"/landing")
	if bad := eval[[]string](b,
		`document.querySelector(".lead").style.color = "#6b6078",
			document.querySelector(".hero-text .btn").style = "min-height: 0; padding: 0", `+
			inspect); !strings.Contains(strings.Join(bad, "; "), "contrast 3.06") ||
		!strings.Contains(strings.Join(bad, "; "), "small") {
		t.Fatalf("what is wrong on purpose is not found: %q", bad)
	}
	onTabs(t, web.URL+"/message-empty", fixtures.All(), func(b *tab, f fixtures.Fixture) {
		b.do(chromedp.EmulateViewport(360, 740), chromedp.Navigate(web.URL+"/"+f.Name))
		eval[bool](b, untilDrawn)
		if f.Name != "landing" { // whose example plays
			if changed := eval[[]string](b, redrawn); len(changed) > 0 {
				b.t.Errorf("the scripts drew anew: %v", changed)
			}
		}
		if strings.HasPrefix(f.Name, "admin") { // what is folded away has to fit, too
			b.do(chromedp.Evaluate[chromedp.Void](
				`for (const d of document.querySelectorAll("main details")) d.open = true; void 0`))
		}
		for _, width := range []int64{360, 1280} {
			b.do(chromedp.EmulateViewport(width, 740))
			for _, theme := range []string{"dark", "light"} {
				for _, bad := range eval[[]string](b,
					`document.documentElement.dataset.theme = "`+theme+`", `+inspect) {
					b.t.Errorf("%s at %d: %s", theme, width, bad)
				}
			}
		}
		if !tables[f.Name] {
			seen.check(b)
		}
	})
}

// openDialog opens one dialog in place of another; the toast counts as one.
const openDialog = `((id) => {
	for (const d of document.querySelectorAll("dialog[open]")) d.close();
	document.querySelector("#toast-lost").hidden = id !== "toast-lost";
	document.querySelector("#lost-text").textContent = "You see the room as it was 24 s ago. Snug keeps trying.";
	if (id !== "toast-lost") document.getElementById(id).showModal();
})`

func TestDialogsLook(t *testing.T) {
	t.Parallel()
	web := site(t, newScript(t).routes)
	b := openTab(t, browser(t), web.URL+"/room-three")
	b.do(chromedp.EmulateViewport(360, 740))
	b.wait(drawn)
	ids := eval[[]string](b, `[...document.querySelectorAll("dialog")].map((d) => d.id)`)
	if len(ids) < 7 {
		t.Fatalf("dialogs %v", ids)
	}
	for _, id := range append(ids, "toast-lost") {
		for _, theme := range []string{"dark", "light"} {
			for _, bad := range eval[[]string](b,
				openDialog+`("`+id+`"), document.documentElement.dataset.theme = "`+theme+`", `+inspect) {
				t.Errorf("%s, %s: %s", id, theme, bad)
			}
		}
		if id != "toast-lost" && !eval[bool](b,
			`document.querySelector("dialog[open]").contains(document.activeElement)`) {
			t.Errorf("%s does not take the focus", id)
		}
	}
}

// TestWordsAgree: lengths of time, initials and colours are the same in scripts and templates.
func TestWordsAgree(t *testing.T) {
	t.Parallel()
	web := site(t, newScript(t).routes)
	b := openTab(t, browser(t), web.URL+"/room-three")
	spans := []time.Duration{0, 400 * time.Millisecond, time.Second, 59500 * time.Millisecond, time.Minute,
		61 * time.Second, 59 * time.Minute, time.Hour,
		25*time.Hour + 59*time.Minute, 24 * time.Hour, 49 * time.Hour, 700 * time.Hour}
	names := []string{"Mara", "ødegård", "蓮", "  7up", "!!x", "!", "", "👑 King", "ßa"}
	ids := []snowflake.ID{0, 80351110224678912, 1 << 22, 18446744073709551615}
	var want, in struct {
		Spans   [][3]string
		Letters []string
		Tints   []int
		MS      []int64
		Names   []string
		IDs     []snowflake.ID
	}
	for _, d := range spans {
		in.MS, want.Spans = append(in.MS,
			d.Milliseconds()), append(want.Spans, view.Words(newEngine(t).Texts("en", ""), fixtures.Now, d))
	}
	for _, n := range names {
		in.Names, want.Letters = append(in.Names, n), append(want.Letters, view.Letter(n))
	}
	for _, id := range ids {
		in.IDs, want.Tints = append(in.IDs, id), append(want.Tints, view.Tint(id))
	}
	q, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	got := eval[struct {
		Spans   [][3]string
		Letters []string
		Tints   []int
	}](b, `(async (q) => {
		const ui = await import("`+asset(t, "js/ui.js")+`"), seats = await import("`+asset(t, "js/seats.js")+`");
		return {
			Spans: q.MS.map((d) => [ui.until(d), ui.clock(d), ui.ago(d)]),
			Letters: q.Names.map(seats.letter),
			Tints: q.IDs.map(seats.tint),
		};
	})(`+string(q)+`)`)
	if !slices.Equal(got.Spans, want.Spans) {
		t.Errorf("lengths of time:\n scripts   %q\n templates %q", got.Spans, want.Spans)
	}
	if !slices.Equal(got.Letters, want.Letters) || !slices.Equal(got.Tints, want.Tints) {
		t.Errorf("scripts %q %v, templates %q %v", got.Letters, got.Tints, want.Letters, want.Tints)
	}
}

// TestPicturesThatDoNotCome leaves the initial.
func TestPicturesThatDoNotCome(t *testing.T) {
	t.Parallel()
	web := site(t, newScript(t).routes)
	b := openTab(t, browser(t), web.URL+"/room-three")
	b.do(chromedp.Evaluate[chromedp.Void](`(() => {
		const img = new Image();
		img.src = "/no-such-picture";
		document.querySelector(".seat .a").append(img);
	})()`))
	b.wait(`!document.querySelector(".seat .a img") && document.querySelector(".seat .a").textContent === "M"`)
}
