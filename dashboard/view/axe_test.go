package view_test

import (
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"snug/dashboard/view/fixtures"
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

// violations gives what axe-core finds: all rules, or with colours those alone that another theme could break.
func (b *tab) violations(colours bool) []string {
	b.t.Helper()
	only := `{ type: "tag", values: ` + axeRules + ` }`
	if colours {
		only = `{ type: "rule", values: ["color-contrast", "link-in-text-block"] }`
	}
	return eval[[]string](b, `(async () => {
		const { violations } = await axe.run(document, { runOnly: `+only+`, resultTypes: ["violations"], reporter: "v2" });
		return violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.target.join(" ") + " " + n.html.slice(0, 120) + " " + (n.any[0]?.message ?? "")).join(" | "));
	})()`)
}

// axed loads axe-core into the page. It comes by way of the debugger, which no policy holds back.
func (b *tab) axed(source string) {
	b.t.Helper()
	if !eval[bool](b, `typeof axe === "object"`) {
		b.do(chromedp.Evaluate[chromedp.Void](source + "; void 0"))
	}
}

// tables are pages that differ from others in how many seats they have, and in nothing that axe-core looks at.
var tables = map[string]bool{
	"room-one": true, "room-two": true, "room-of-three": true, "room-five": true, "room-six": true, "room-seven": true, "room-eight": true,
	"room-three": true, // its dialogs are looked at
}

// TestAxe: axe-core finds nothing wrong with any page or dialog, dark or light.
func TestAxe(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	web, source := site(t, s.routes), axe(t)
	b := openTab(t, browser(t), web.URL+"/landing")
	b.do(chromedp.EmulateViewport(1280, 900))
	b.axed(source)
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("h1").insertAdjacentHTML("afterend", "<img src='/x.png'>"), document.querySelector(".lead code").style.color = "#776677"`))
	if found := strings.Join(b.violations(false), "\n"); !strings.Contains(found, "image-alt") || !strings.Contains(found, "color-contrast") {
		t.Fatalf("what is wrong on purpose is not found: %s", found)
	}
	check := func(t *testing.T) {
		b.t = t
		for i, name := range []string{"dark", "light"} {
			b.do(chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.theme = "` + name + `"; void 0`))
			for _, bad := range b.violations(i > 0) {
				t.Errorf("%s: %s", name, bad)
			}
		}
	}
	for _, f := range fixtures.All() {
		if tables[f.Name] {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			b.t = t
			b.do(chromedp.Navigate(web.URL + "/" + f.Name))
			b.axed(source)
			check(t)
		})
	}
	b.t = t
	b.do(chromedp.Navigate(web.URL + "/room-three"))
	b.axed(source)
	for _, id := range append(eval[[]string](b, `[...document.querySelectorAll("dialog")].map((d) => d.id)`), "toast-lost") {
		t.Run(id, func(t *testing.T) {
			b.t = t
			b.do(chromedp.Evaluate[chromedp.Void](openDialog + `("` + id + `")`))
			check(t)
		})
	}
}
