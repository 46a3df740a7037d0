package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"snug/shared/testkit/browsertest"
)

// form is what somebody looks at Snug with.
type form struct {
	width, height int64
	theme         string
}

// as gives the user's tab a form.
func (p *browserUser) as(f form) {
	p.Helper()
	p.do("use "+f.theme, chromedp.EmulateViewport(f.width, f.height),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: f.theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
				}})
			return err
		}))
}

// finds waits until all that selectors find is whole on the screen, once scrolled to, with nothing over it, and until
// the page isn't wider than the screen.
func (p *browserUser) finds(selectors ...string) {
	p.Helper()
	for _, s := range selectors {
		p.sees(s+", whole and with nothing over it", fmt.Sprintf(`document.querySelector(%q) && (() => {
			const e = document.querySelector(%[1]q);
			if (!e.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return false;
			e.scrollIntoView({ block: "center", behavior: "instant" });
			const r = e.getBoundingClientRect();
			const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
			return r.width > 0 && r.left >= 0 && r.right <= innerWidth && top && (e.contains(top) || top.contains(e)) &&
				document.documentElement.scrollWidth <= innerWidth;
		})()`, s))
	}
}

// opensTo opens a page and waits until what a selector finds is on the screen before anybody scrolls.
func (p *browserUser) opensTo(path, selector string) {
	p.Helper()
	p.goTo(path)
	p.sees(selector+" without scrolling", fmt.Sprintf(`(() => {
		const r = document.querySelector(%q)?.getBoundingClientRect();
		return r && scrollY === 0 && r.height > 0 && r.top >= 0 && r.bottom <= innerHeight;
	})()`, selector))
	p.finds(selector)
}

// TestForms goes the ways through Snug that three people go together, on a desktop and on a phone, light and dark: what
// they need is there to be seen and pressed. What each way does is in the other tests.
func TestForms(t *testing.T) {
	t.Parallel()
	forms := map[string]form{"desktop, light": {1280, 900, "light"}, "phone, dark": {390, 844, "dark"}}
	if os.Getenv("SNUG_SOAK") != "" {
		forms["desktop, dark"], forms["phone, light"] = form{1280, 900, "dark"}, form{390, 844, "light"}
	}
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, unhurried)
			browser := browsertest.Start(t)
			w := ways{
				harness: h, phone: f.width < 600,
				alice: h.browse(browser, "alice"), bruno: h.browse(browser, "bruno"), chiyo: h.browse(browser, "chiyo"),
			}
			for _, p := range []*browserUser{w.alice, w.bruno, w.chiyo} {
				p.as(f)
			}
			w.presets()
			id := w.invite()
			w.knock(id)
			w.panel(id)
			w.seat(id)
			w.spectate(id)
			w.again(id)
			w.manage()
		})
	}
}

// ways are people and how they look at Snug.
type ways struct {
	*harness
	alice, bruno, chiyo *browserUser
	phone               bool
}

// presets: Alice saves a preset, and opens a room with it from home.
func (w ways) presets() {
	w.Helper()
	alice := w.alice
	alice.goTo("/presets")
	alice.do("save a preset", browsertest.Click("#p-name--1"), chromedp.KeyEvent("Commander"),
		browsertest.Click("#p-seats--1"), chromedp.KeyEvent("4"), browsertest.Click("#new button.primary"))
	alice.finds(".preset summary", ".notice")
	alice.opensTo("/", "#open-bar .primary")
	alice.finds("#open-bar .chip")
}

// invite: Alice opens a room and gives Bruno the link, which she finds again. It returns the room.
func (w ways) invite() string {
	w.Helper()
	alice, bruno := w.alice, w.bruno
	alice.do("open a room with the preset", browsertest.Click("#open-bar .chip"))
	alice.sees("the room", `location.pathname.startsWith('/game/')`)
	alice.live()
	id := strings.TrimPrefix(read[string](alice, "location.pathname"), "/game/")
	alice.opensTo("/game/"+id, "#join")
	alice.finds("#room-h", "#seating", "#invites .url", "#invites [data-copy]", "#k-headline")
	if w.phone {
		alice.sees("the invite under the table, and the panel under that", `["#seating", "#invites", "#control"].every(
			(s, i, all) => !i || document.querySelector(s).getBoundingClientRect().top >=
				document.querySelector(all[i - 1]).getBoundingClientRect().bottom)`)
	}
	alice.do("show the QR code", browsertest.Click("#invites .qr-box summary"))
	alice.finds("#invites .qr")
	alice.do("copy the link", browsertest.Click("#invites [data-copy]"))
	if read[bool](alice, `window.Notification?.permission === 'default'`) {
		alice.finds("#bell-yes")
		alice.do("want no notifications", browsertest.Click("#bell-no"))
	}
	link := strings.TrimPrefix(read[string](alice, `document.querySelector('#invites .url').value`), w.url)
	bruno.goTo("/notifications") // signs him in
	bruno.opensTo(link, "form.accept button")
	bruno.do("come in", browsertest.Click("form.accept button"))
	bruno.sees("the room", `location.pathname === '/game/`+id+`' && document.querySelector('#seats')`)
	bruno.live()
	bruno.finds("#room-h", "#seating", "#join", "#log")
	return id
}

// knock: Chiyo, who has no link, knocks, and Alice lets her in.
func (w ways) knock(id string) {
	w.Helper()
	w.chiyo.goTo("/game/" + id)
	w.chiyo.do("knock", browsertest.Click(`form[action$="/knock"] button`))
	w.chiyo.sees("that she knocked", `document.body.innerText.includes('You knocked')`)
	w.alice.finds("#knocks b", `#knocks button[value="false"]`)
	w.alice.do("let her in", browsertest.Click(`#knocks button[value="true"]`))
	w.chiyo.sees("the room", `document.querySelector('#seats')`)
	w.chiyo.live()
	w.chiyo.finds("#seating", "#join")
}

// panel: what Alice writes on the room's card is saved by itself and seen by everybody at once, also in lists, and can
// be taken back.
func (w ways) panel(id string) {
	w.Helper()
	alice, bruno := w.alice, w.bruno
	says := func(text string) {
		w.Helper()
		alice.do("write "+text, browsertest.Click("#k-headline"),
			chromedp.Evaluate[chromedp.Void](`document.activeElement.select()`), chromedp.KeyEvent(text+"\r"))
		bruno.sees(text, fmt.Sprintf(`document.querySelector('#card .headline')?.innerText === %q`, text))
	}
	says("Casual, deck check at 8")
	bruno.finds("#card .headline")
	alice.finds("#toast-saved", "#saved-text")
	alice.do("take it back", browsertest.Click("#saved-undo"))
	bruno.sees("no card", `!document.querySelector('#card').checkVisibility()`)
	alice.idle()
	says("Newcomers are welcome")
	guild := "/servers/" + w.world.guild.String()
	card := fmt.Sprintf(`.room-card[data-room="%s"] `, id)
	bruno.goTo(guild)
	bruno.live()
	bruno.finds(card+".headline", card+".name", card+".act-join button")
	alice.idle()
	alice.do("write", types("#k-headline", "Everybody is welcome"))
	bruno.sees("it in the list", fmt.Sprintf(`document.querySelector(%q).innerText === 'Everybody is welcome'`,
		card+".headline"))
	w.must(w.join("alice", id))
	bruno.goTo("/")
	bruno.live()
	row := fmt.Sprintf(`#now [data-room="%s"] `, id)
	bruno.finds(row+"b", row+".headline", row+".act-join button")
}

// seat: Bruno waits for the only seat; it's held for him, and he and the others see for how long.
func (w ways) seat(id string) {
	w.Helper()
	alice, bruno, chiyo := w.alice, w.bruno, w.chiyo
	alice.idle()
	alice.do("leave one seat", types("#k-seats", "1"))
	bruno.goTo("/game/" + id)
	bruno.live()
	bruno.do("wait", browsertest.Click("#door-full button"))
	bruno.sees("his place", `document.querySelector('#waiting').innerText.includes('number 1')`)
	bruno.finds("#waiting", `#door-full button`)
	w.leave("alice")
	alice.sees("whether she meant to", `document.querySelector('#dlg-out').open`)
	alice.finds("#dlg-out [data-rejoin]")
	alice.do("say so", browsertest.Click("#dlg-out [data-meant]"))
	for p, who := range map[*browserUser]string{bruno: "Your seat", chiyo: ""} {
		p.sees("the held seat", fmt.Sprintf(`document.querySelector('.seat.held .who')?.innerText.includes(%q) &&
			/\d:\d\d/.test(document.querySelector('.seat.held .notes').innerText)`, who))
		p.finds(".seat.held .who")
	}
	w.must(w.join("bruno", id))
	alice.seated("bruno")
	alice.do("have four seats again", types("#k-seats", "4"))
	bruno.sees("four seats", `document.querySelector('#total').innerText === '4'`)
	bruno.finds("#door-in .seated")
}

// spectate: Alice makes a link for spectators, whose page has all on one screen.
func (w ways) spectate(id string) {
	w.Helper()
	w.alice.idle()
	w.alice.do("let spectators watch", browsertest.Click(`.toggle[data-do="watch"]`))
	w.alice.finds("#k-watch", "#k-overlay")
	link := strings.TrimPrefix(read[string](w.alice, `document.querySelector('#k-watch').value`), w.url)
	w.chiyo.opensTo(link, ".seat.on .who")
	w.chiyo.sees("all on one screen", `document.documentElement.scrollHeight <= innerHeight &&
		document.querySelector('#watch-h').checkVisibility() && document.querySelectorAll('.seat').length === 4`)
}

// again: the room closes, and Bruno opens it again from its page.
func (w ways) again(id string) {
	w.Helper()
	alice, bruno := w.alice, w.bruno
	alice.do("close it", browsertest.Click(`[data-dialog="dlg-close"]`), browsertest.Click("#dlg-close form button"))
	bruno.sees("that it is closed", `document.querySelector('#dlg-gone').open`)
	bruno.finds("#dlg-gone-h", "#dlg-gone form button")
	bruno.opensTo("/game/"+id, "#closed-room form button")
	bruno.do("open it again", browsertest.Click("#closed-room form button"))
	bruno.sees("another room", `location.pathname.startsWith('/game/') && !location.pathname.includes('`+id+`')`)
	bruno.live()
	bruno.finds("#room-h", "#seating", "#join")
	next := strings.TrimPrefix(read[string](bruno, "location.pathname"), "/game/")
	if status, out := w.signIn("bruno").api(http.MethodPost, "/rooms/"+next+"/close", nil); status != http.StatusOK {
		w.Fatalf("not closed: %d %v", status, out)
	}
}

// manage: the bar that saves a server's settings is there once something changed, and only then.
func (w ways) manage() {
	w.Helper()
	alice := w.alice
	admin := "/admin/" + w.world.guild.String()
	alice.opensTo(admin, "h1")
	alice.sees("no bar", `!document.querySelector('.save').checkVisibility({ visibilityProperty: true })`)
	alice.types("seats", "6")
	alice.finds(".save .primary", "#drop", "#unsaved")
	alice.do("save", browsertest.Click(".save .primary"))
	alice.sees("that it is saved", `document.querySelector('[data-saved]')`)
	for _, tab := range []string{"presets", "history", "activity", "health", "webhooks", "tokens"} {
		alice.goTo(admin + "/" + tab)
		alice.finds("h1", ".tabs [aria-current]")
	}
}
