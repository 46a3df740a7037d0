package view_test

import (
	"encoding/json"
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
	const rgba = (color) => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255);
	};
	const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
	const light = (c) => c.slice(0, 3).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
	const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
	const root = getComputedStyle(document.documentElement), token = (name) => rgba(root.getPropertyValue(name));
	const grounds = [token("--ink"), over([...token("--glow").slice(0, 3), 0.2], token("--ink"))];
	const behind = (el) => {
		const tops = [];
		for (let e = el; e; e = e.parentElement) {
			if (e.matches(".board, .top-t")) return [token("--wood"), token("--wood-2")].map((b) => tops.reduceRight((c, t) => over(t, c), b));
			if (e.matches(".ending:not(.calm)")) return [over([...token("--glow").slice(0, 3), 0.14], token("--ink-2"))];
			const c = rgba(getComputedStyle(e).backgroundColor);
			if (c[3] === 1) return [tops.reduceRight((b, t) => over(t, b), c)];
			if (c[3] > 0) tops.push(c);
		}
		return grounds.map((b) => tops.reduceRight((c, t) => over(t, c), b));
	};
	const shown = (el) => el.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && el.getClientRects().length > 0;
	const found = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		const el = n.parentElement, s = getComputedStyle(el);
		if (!n.data.trim() || !shown(el) || el.closest("noscript, script, template, .hush, .skip")) continue;
		const size = parseFloat(s.fontSize), large = size >= 24 || (size >= 18.66 && s.fontWeight >= 700);
		for (const b of behind(el)) {
			const r = ratio(over(rgba(s.color), b), b);
			if (r < (large ? 3 : 4.5)) found.add("contrast " + r.toFixed(2) + " of " + JSON.stringify(n.data.trim().slice(0, 30)) + " in " + el.className);
		}
	}
	for (const el of document.querySelectorAll("button, .btn, input, select, summary, .house a, .server a")) {
		if (!shown(el) || el.type === "hidden" || el.closest(".hush")) continue;
		const target = el.type === "checkbox" || el.type === "radio" ? el.closest("label") : el, { width, height } = target.getBoundingClientRect();
		if (height < 43.5 || width < 43.5) found.add("small: " + Math.round(width) + " by " + Math.round(height) + " " + el.tagName + " " + el.className + " " + el.textContent.trim().slice(0, 20));
	}
	const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
	if (wide > 0) {
		const out = [...document.querySelectorAll("main *")].find((e) => shown(e) && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
		found.add("wider than the screen by " + wide + " px: " + out?.className);
	}
	return [...found];
})()`

// TestLooks looks at every page, on a phone and on a desktop, dark and light.
func TestLooks(t *testing.T) {
	s := newScript(t)
	web := site(t, s.routes)
	b := openTab(t, browser(t), web.URL+"/landing")
	if bad := eval[[]string](b, `document.querySelector(".lead").style.color = "#6b6078", document.querySelector(".pitch .btn").style = "min-height: 0; padding: 0", `+inspect); !strings.Contains(strings.Join(bad, "; "), "contrast 3.06") || !strings.Contains(strings.Join(bad, "; "), "small") {
		t.Fatalf("what is wrong on purpose is not found: %q", bad)
	}
	for _, f := range fixtures.All() {
		t.Run(f.Name, func(t *testing.T) {
			b.t = t
			b.do(chromedp.EmulateViewport(360, 740), chromedp.Navigate(web.URL+"/"+f.Name))
			for _, width := range []int64{360, 1280} {
				b.do(chromedp.EmulateViewport(width, 740))
				for _, theme := range []string{"dark", "light"} {
					for _, bad := range eval[[]string](b, `document.documentElement.dataset.theme = "`+theme+`", `+inspect) {
						t.Errorf("%s at %d: %s", theme, width, bad)
					}
				}
			}
		})
	}
}

// TestScriptsAgreeWithTemplates: what a script draws anew is what the server drew.
func TestScriptsAgreeWithTemplates(t *testing.T) {
	s := newScript(t)
	s.take = true
	web := site(t, s.routes)
	b := openTab(t, browser(t), web.URL+"/room-over")
	same := `(async () => {
		const html = await (await fetch(location.pathname)).text(), fresh = new DOMParser().parseFromString(html, "text/html");
		const look = (d, id) => d.getElementById(id).outerHTML.replace(/\s+/g, " ").replace(/\d:\d\d/g, "0:00");
		return ["stage", "bots", "street", "door-in", "door-join"].filter((id) => document.getElementById(id) && look(document, id) !== look(fresh, id));
	})()`
	for _, f := range fixtures.All() {
		if !strings.HasPrefix(f.Name, "room-") && f.Name != "server" {
			continue
		}
		b.t = t
		b.do(chromedp.Navigate(web.URL + "/" + f.Name))
		if diff := eval[[]string](b, same); len(diff) > 0 {
			t.Errorf("%s: the scripts changed %v", f.Name, diff)
		}
	}
}

// TestWordsAgree: lengths of time, initials and colours are the same in scripts and templates.
func TestWordsAgree(t *testing.T) {
	web := site(t, newScript(t).routes)
	b := openTab(t, browser(t), web.URL+"/room-three")
	now := fixtures.Now
	for _, d := range []time.Duration{0, 400 * time.Millisecond, time.Second, 59500 * time.Millisecond, time.Minute, 61 * time.Second, 59 * time.Minute, time.Hour,
		25*time.Hour + 59*time.Minute, 24 * time.Hour, 49 * time.Hour, 700 * time.Hour} {
		got := eval[[]string](b, `import("`+asset(t, "js/ui.js")+`").then((m) => [m.until(`+ms(d)+`), m.clock(`+ms(d)+`), m.ago(`+ms(d)+`)])`)
		if want := view.Words(now, d); got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
			t.Errorf("%v: scripts say %q, templates %q", d, got, want)
		}
	}
	for _, name := range []string{"Mara", "ødegård", "蓮", "  7up", "!!x", "!", "", "👑 King", "ßa"} {
		q, _ := json.Marshal(name)
		if got := eval[string](b, `import("`+asset(t, "js/seats.js")+`").then((m) => m.letter(`+string(q)+`))`); got != view.Letter(name) {
			t.Errorf("%q: scripts write %q, templates %q", name, got, view.Letter(name))
		}
	}
	for _, id := range []snowflake.ID{0, 80351110224678912, 1 << 22, 18446744073709551615} {
		if got := eval[int](b, `import("`+asset(t, "js/seats.js")+`").then((m) => m.tint("`+id.String()+`"))`); got != view.Tint(id) {
			t.Errorf("%d: scripts tint %d, templates %d", id, got, view.Tint(id))
		}
	}
}

func ms(d time.Duration) string {
	b, _ := json.Marshal(d.Milliseconds())
	return string(b)
}

// TestPicturesThatDoNotCome leaves the initial.
func TestPicturesThatDoNotCome(t *testing.T) {
	web := site(t, newScript(t).routes)
	b := openTab(t, browser(t), web.URL+"/room-three")
	b.do(chromedp.Evaluate[chromedp.Void](`(() => {
		const img = new Image();
		img.src = "/no-such-picture";
		document.querySelector(".seat .a").append(img);
	})()`))
	b.wait(`!document.querySelector(".seat .a img") && document.querySelector(".seat .a").textContent === "M"`)
}
