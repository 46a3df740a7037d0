package view_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"snug/dashboard/view/fixtures"
	"snug/shared/testkit"
	"snug/shared/testkit/browsertest"
)

// TestRoomPanelSaves: what somebody changes on the panel is saved by itself and can be taken back; a refusal stays
// beside what they typed.
func TestRoomPanelSaves(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	b := openTab(t, browser(t), site(t, s.routes).URL+"/room-three")
	b.wait(`document.body.dataset.live === "live" && ` + drawn)
	change := "POST /rooms/" + fixtures.Room.String() + "/change"
	set := func(id, value string) {
		b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
			const input = document.getElementById(%q);
			input.value = %q;
			input.dispatchEvent(new Event("change", { bubbles: true }));
		})()`, id, value)))
	}
	sent := 0
	sends := func(body string) {
		t.Helper()
		sent++
		testkit.Eventually(t, body+" is sent", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.bodies) == sent && s.bodies[sent-1] == body && s.calls[sent-1] == change
		})
	}
	says := func(text string) {
		t.Helper()
		b.wait(fmt.Sprintf(`!document.querySelector("#toast-saved").hidden &&
			document.querySelector("#saved-text").textContent === %q`, text))
	}
	set("k-name", "Saturday")
	sends(`{"do":"rename","name":"Saturday"}`)
	says("Saved: The room’s name")
	b.do(browsertest.Click("#saved-undo"))
	sends(`{"do":"rename","name":"Friday draft"}`)
	says("Undone: The room’s name")

	for range 2 { // pressed twice, saved once
		b.do(browsertest.Click(`.step[data-step="1"]`))
	}
	sends(`{"do":"seats","seats":6}`)
	says("Saved: How many seats")

	b.do(browsertest.Click(`.toggle[data-do="private"]`))
	sends(`{"do":"public"}`)
	says("Saved: Private")
	b.do(browsertest.Click("#saved-undo"))
	sends(`{"do":"private"}`)
	says("Undone: Private")

	s.set(func() {
		s.answer[change] = answer{400, `{"code":"INVALID","field":"link","detail":"A link must begin with https://."}`}
	})
	set("k-link", "ftp://example.com")
	sends(`{"do":"card","link":"ftp://example.com"}`)
	b.wait(`document.querySelector("#k-link-error").textContent === "A link must begin with https://." &&
		document.querySelector("#k-link").value === "ftp://example.com"`)
}

// TestRoomPanelComesLater: the panel isn't part of the page's first picture where there are scripts, and a link to it
// leads there all the same.
func TestRoomPanelComesLater(t *testing.T) {
	t.Parallel()
	b := openTab(t, browser(t), site(t, newScript(t).routes).URL+"/room-three#control")
	b.wait(`document.querySelector("#control")?.matches(":target")`)
	b.wait(drawn)
	if lost := eval[[]string](b, `(async () => {
		const fresh = new DOMParser().parseFromString(await (await fetch(location.pathname)).text(), "text/html");
		return [...fresh.querySelectorAll("noscript.later [id]")].map((el) => el.id).filter(
			(id) => !document.getElementById(id));
	})()`); len(lost) > 0 {
		t.Errorf("without scripts there is more: %v", lost)
	}
}

// TestRenewingDisturbsNobody: a press that has begun goes on, and a question stays, while the page's parts are renewed.
func TestRenewingDisturbsNobody(t *testing.T) {
	t.Parallel()
	b := openTab(t, browser(t), site(t, newScript(t).routes).URL+"/room-three")
	b.wait(`document.body.dataset.live === "live" && ` + drawn)
	const part = `document.querySelector("#yours")`
	renew := `import("` + asset(t, "js/ui.js") + `").then((ui) => ui.refresh("yours"))`
	b.do(chromedp.Evaluate[chromedp.Void](`void (async () => {
		const html = await (await fetch(location.href)).text();
		window.before = ` + part + `;
		window.renew = () => {
			window.fetch = async () => new Response(html);
			window.renewed = ` + renew + `;
		};
	})()`))
	b.wait(`typeof window.renew === "function"`)

	closing := eval[[]float64](b, `(() => {
		const button = document.querySelector("[data-dialog=dlg-close]");
		button.scrollIntoView({ block: "center", behavior: "instant" });
		const { x, y, width, height } = button.getBoundingClientRect();
		return [x + width / 2, y + height / 2];
	})()`)
	at := func(kind input.DispatchMouseEventType) chromedp.Action[chromedp.Void] {
		return chromedp.MouseEvent(kind, closing[0], closing[1], chromedp.ButtonLeft, chromedp.ClickCount(1))
	}
	b.do(chromedp.MouseEvent(chromedp.MouseMoved, closing[0], closing[1]), at(chromedp.MousePressed))
	if !eval[bool](b, `(async () => {
		renew();
		for (let i = 0; i < 20; i++) await new Promise((go) => setTimeout(go));
		return `+part+` === before;
	})()`) {
		t.Error("what is pressed was replaced")
	}
	b.do(at(chromedp.MouseReleased))
	b.wait(part + ` !== before`)
	b.wait(`document.querySelector("#dlg-close").matches(":modal")`)

	// Before the page's script has run, the question opens as a popover.
	b.do(chromedp.Evaluate[chromedp.Void](`(() => {
		const d = document.querySelector("#dlg-close");
		d.close();
		d.showPopover();
		window.before = `+part+`;
	})()`), chromedp.Evaluate[chromedp.Void](`void `+strings.Replace(renew, ".js", ".js?again", 1)))
	b.wait(part + ` !== before && document.querySelector("#dlg-close").matches(":modal")`)
}

// TestRenewedPartsAreWhole: what needs scripts is shown in a part from the moment that it comes in.
func TestRenewedPartsAreWhole(t *testing.T) {
	t.Parallel()
	b := openTab(t, browser(t), site(t, newScript(t).routes).URL+"/room-three")
	b.wait(`document.body.dataset.live === "live" && ` + drawn)
	b.do(chromedp.Evaluate[chromedp.Void](`void (() => {
		const before = new Set(["actions", "links", "yours"].map((id) => document.getElementById(id)));
		window.lost = [];
		new MutationObserver(() => { // once a part is replaced, and before anything else happens
			for (const old of before) {
				if (old.isConnected) continue;
				before.delete(old);
				const part = document.getElementById(old.id);
				const hidden = part.querySelectorAll(":is([data-copy], [data-dialog], [data-step])[hidden]");
				lost.push(...[...hidden].map((el) => el.outerHTML), old.id);
			}
		}).observe(document.body, { childList: true, subtree: true });
		import("` + asset(t, "js/ui.js") + `").then((ui) => ui.refresh(...[...before].map((el) => el.id)));
	})()`))
	b.wait(`lost.length >= 3`)
	if lost := eval[[]string](b, `lost.sort()`); !slices.Equal(lost, []string{"actions", "links", "yours"}) {
		t.Errorf("what came in hides: %v", lost)
	}
}

// TestRoomPageKeys: a key does what its button does, unless somebody types, a dialog asks, or keys are off.
func TestRoomPageKeys(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	b := openTab(t, browser(t), site(t, s.routes).URL+"/room-empty")
	b.wait(`document.body.dataset.live === "live" && ` + drawn)
	press := func(key string) { b.do(chromedp.KeyEvent(key)) }
	done := func(want ...string) {
		t.Helper()
		testkit.Eventually(t, fmt.Sprint(want), func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return slices.Equal(s.bodies, want)
		})
	}
	press("l")
	done(`{"do":"lock"}`)
	press("j")
	done(`{"do":"lock"}`, "")
	run := func(script string) { b.do(chromedp.Evaluate[chromedp.Void](script)) }
	run(`void (navigator.clipboard.writeText = async (text) => { window.copied = text; })`)
	press("c")
	b.wait(`window.copied?.includes("/i/")`)
	press("?")
	b.wait(`document.querySelector("#dlg-keys").open`)
	press("l")
	b.do(browsertest.Click("#keys-on"), browsertest.Click("#dlg-keys [data-close]"))
	b.wait(`!document.querySelector("#dlg-keys").open`)
	press("l")
	run(`document.querySelector('[data-dialog="dlg-keys"]').click()`) // which touch screens don't show
	b.do(browsertest.Click("#keys-on"), browsertest.Click("#dlg-keys [data-close]"))
	run(`document.querySelector("#k-name").focus()`)
	press("l")
	b.wait(`document.querySelector("#k-name").value.length === "Friday draft".length + 1`)
	done(`{"do":"lock"}`, "")
}
