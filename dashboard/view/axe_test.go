package view_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe gives axe-core, which looks for what keeps people out of a page.
func axe(t testing.TB) string {
	t.Helper()
	f, err := os.Open("testdata/axe/axe.min.js.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// axeRules are those of WCAG 2.2 AA and axe's own good practice.
const axeRules = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`

// finds gives what axe-core finds in a part of the page by some of its rules.
const finds = `(async (part, options) => {
	const { violations } = await axe.run(part, { resultTypes: ["violations"], reporter: "v2", ...options });
	const where = (n) => [n.target.join(" "), n.html.slice(0, 120), n.any[0]?.message ?? ""].join(" ");
	return violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.map(where).join(" | "));
})`

// violations gives what axe-core finds by all rules but those about colours.
func (b *tab) violations() []string {
	b.t.Helper()
	return eval[[]string](b,
		finds+`(document, { runOnly: { type: "tag", values: `+axeRules+
			` }, rules: { "color-contrast": { enabled: false }, "link-in-text-block": { enabled: false } } })`)
}

// colours remembers which texts were looked at for their colours: each as it is
// drawn, with the classes, colours and sizes of all that it lies in. Pages are
// made of the same parts, and a part that looks the same is as easy to read.
type colours struct {
	mu   sync.Mutex
	seen map[string]bool
}

// violations gives what is hard to read among the texts that no page before had.
func (c *colours) violations(b *tab) []string {
	b.t.Helper()
	c.mu.Lock()
	seen, err := json.Marshal(slices.Collect(maps.Keys(c.seen)))
	c.mu.Unlock()
	if err != nil {
		b.t.Fatal(err)
	}
	out := eval[struct{ Found, Fresh []string }](b, `(async (seen) => {
		const hash = (s) => {
			let a = 5381, b = 52711;
			for (let i = 0; i < s.length; i++) {
				const c = s.charCodeAt(i);
				a = Math.imul(a, 33) ^ c;
				b = Math.imul(b, 33) ^ (c + i);
			}
			return (a >>> 0).toString(36) + (b >>> 0).toString(36);
		};
		const looks = new Map();
		const look = (el) => {
			if (!el) return "";
			let l = looks.get(el);
			if (l === undefined) {
				const s = getComputedStyle(el);
				l = hash([
					look(el.parentElement), el.tagName, el.className.baseVal ?? el.className, s.color,
					s.backgroundColor, s.backgroundImage, s.opacity, s.fontSize, s.fontWeight, s.textDecorationLine,
				].join("|"));
				looks.set(el, l);
			}
			return l;
		};
		const fresh = new Map(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let n = walk.nextNode(); n; n = walk.nextNode()) {
			if (!n.data.trim() || !n.parentElement.checkVisibility({ visibilityProperty: true })) continue;
			const l = look(n.parentElement);
			if (!seen.has(l) && !fresh.has(l)) fresh.set(l, n.parentElement);
		}
		for (const el of document.querySelectorAll("input, select, textarea")) {
			const l = look(el);
			if (!seen.has(l) && !fresh.has(l)) fresh.set(l, el);
		}
		const found = fresh.size ? await `+finds+
		`({ include: [...fresh.values()] },
			{ runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } }) : [];
		return { Found: found, Fresh: [...fresh.keys()] };
	})(new Set(`+string(seen)+`))`)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range out.Fresh {
		c.seen[l] = true
	}
	return out.Found
}

// axed loads axe-core into the page, as a script of the site's: the browser keeps what it has compiled for
// the next page.
func (b *tab) axed() {
	b.t.Helper()
	eval[bool](b, `typeof axe === "object" || new Promise((ok, failed) => {
		const s = document.createElement("script");
		s.onload = () => { s.remove(); ok(true); };
		s.onerror = failed;
		s.src = "/axe.js";
		document.head.append(s);
	})`)
}

// tables are pages that differ from others in how many seats or how long names they have, and in nothing that
// axe-core looks at.
var tables = map[string]bool{
	"room-one": true, "room-two": true, "room-of-three": true, "room-five": true, "room-six": true, "room-seven": true,
	"room-eight": true,
	"room-three": true, // its dialogs are looked at
	"room-long":  true, "server-long": true,
}

// withAxe serves axe-core beside the pages' own scripts.
func withAxe(t testing.TB) func(*http.ServeMux) {
	source, pages := axe(t), newScript(t)
	return func(mux *http.ServeMux) {
		pages.routes(mux)
		mux.HandleFunc("GET /axe.js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			w.Header().Set("Cache-Control", "max-age=3600")
			_, _ = io.WriteString(w, source)
		})
	}
}

// check tells all that axe-core finds wrong, dark and light.
func (c *colours) check(b *tab) {
	b.t.Helper()
	b.axed()
	for _, bad := range b.violations() {
		b.t.Error(bad)
	}
	for _, name := range []string{"dark", "light"} {
		b.do(chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.theme = "` + name + `"; void 0`))
		for _, bad := range c.violations(b) {
			b.t.Errorf("%s: %s", name, bad)
		}
	}
}

// TestAxe: axe-core finds what is wrong, and nothing wrong with any dialog. TestLooks shows it the pages.
func TestAxe(t *testing.T) {
	t.Parallel()
	web, seen := site(t, withAxe(t)), &colours{seen: map[string]bool{}}
	b := openTab(t, browser(t), web.URL+"/landing")
	b.do(chromedp.EmulateViewport(1280, 900))
	seen.check(b)
	b.do(chromedp.Evaluate[chromedp.Void](`
		document.querySelector("h1").insertAdjacentHTML("afterend", "<img src='/x.png'>"),
		document.querySelector(".lead code").style.color = "#776677"`))
	if found := strings.Join(append(b.violations(), seen.violations(b)...),
		"\n"); !strings.Contains(found, "image-alt") ||
		!strings.Contains(found, "color-contrast") {
		t.Fatalf("what is wrong on purpose is not found: %s", found)
	}
	b.do(chromedp.Navigate(web.URL + "/room-three"))
	b.wait(drawn)
	for _, id := range append(eval[[]string](b, `[...document.querySelectorAll("dialog")].map((d) => d.id)`),
		"toast-lost") {
		t.Run(id, func(t *testing.T) {
			b.t = t
			b.do(chromedp.Evaluate[chromedp.Void](openDialog + `("` + id + `")`))
			seen.check(b)
		})
	}
}
