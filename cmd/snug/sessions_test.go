package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"snug/shared/discordsim"
	"snug/shared/testkit/browsertest"
)

// shortLived lets Discord's tokens live for ten minutes, and counts how often they are renewed.
func shortLived(renewed *atomic.Int32) func(*plan) {
	return func(p *plan) {
		p.discord.AccessTokenLife = 10 * time.Minute
		p.discord.Around(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/oauth2/token") {
					b, err := io.ReadAll(r.Body)
					if form, bad := url.ParseQuery(string(b)); err == nil && bad == nil &&
						form.Get("grant_type") == "refresh_token" {
						renewed.Add(1)
					}
					r.Body = io.NopCloser(bytes.NewReader(b))
				}
				next.ServeHTTP(w, r)
			})
		})
	}
}

// undisturbed checks that the page is the one that was marked, live, and asks for nothing.
func (p *browserUser) undisturbed() {
	p.Helper()
	p.live()
	if !read[bool](p, `window.marked === true && !document.querySelector("dialog[open]")`) {
		p.Errorf("%s was disturbed", p.name)
	}
}

// TestTokensEnd: Discord's token of a person whose page is open ends. It is
// renewed without their noticing; if Discord refuses, they are told and come back to the same page.
func TestTokensEnd(t *testing.T) {
	t.Parallel()
	var renewed atomic.Int32
	h := newHarness(t, unhurried, shortLived(&renewed))
	browser := browsertest.Start(t)
	alice := h.browse(browser, "alice")
	id := h.signIn("alice").open("Friday draft")
	alice.goTo("/game/" + id)
	alice.live()
	alice.do("mark the page", chromedp.Evaluate[chromedp.Void](`window.marked = true; void 0`))

	// Silently, by what she does on the page.
	h.clock.Forward(11 * time.Minute)
	alice.do("rename the room", types("#k-name", "Saturday draft"))
	alice.sees("the new name", `document.querySelector('h1').textContent === 'Saturday draft'`)
	alice.idle()
	alice.undisturbed()
	if n := renewed.Load(); n != 1 {
		t.Errorf("the token was renewed %d times", n)
	}
	// Silently, by the page itself, which comes back after its connection was lost.
	h.clock.Forward(11 * time.Minute)
	h.wire.cut(true)
	alice.sees("that it lost the connection", `document.querySelector('#live').dataset.state !== 'live'`)
	h.wire.cut(false)
	alice.undisturbed()
	if n := renewed.Load(); n != 2 {
		t.Errorf("the token was renewed %d times", n)
	}

	// Discord refuses: the session is over, and the page says so.
	_, err := h.world.discord.Inject(discordsim.Fault{Kind: discordsim.FaultRevokeTokens, User: h.user("alice").ID})
	h.must(err)
	h.clock.Forward(11 * time.Minute)
	alice.do("rename the room", types("#k-name", "Sunday draft"))
	alice.sees("that the session ended", `document.querySelector('#dlg-session').open`)
	alice.do("sign in", press(`#dlg-session a`))
	alice.sees("Discord's consent", `location.pathname === '/oauth2/authorize'`)
	alice.consent()
	alice.sees("the same page",
		fmt.Sprintf(`location.pathname === %q && document.querySelector('h1').textContent === 'Saturday draft'`,
			"/game/"+id))
	alice.live()
	alice.do("rename the room again", types("#k-name", "Sunday draft"))
	alice.sees("what she wants to call it",
		`document.querySelector('#control').innerText.includes('Sunday draft') ||
			document.querySelector('h1').textContent === 'Sunday draft'`)

	// An invite that was taken back, before its link is opened and after.
	chiyo := h.browse(browser, "chiyo")
	links := `document.querySelectorAll('#invites .url').length`
	link := read[string](alice, `document.querySelector('#invites .url').value`)
	chiyo.do("open the invite", chromedp.Navigate(chiyo.at(strings.TrimPrefix(link, h.url))))
	chiyo.sees("what she is invited to, and by whom",
		`document.body.innerText.includes('Sunday draft') &&
			document.querySelector('.over').innerText.includes('Alice') &&
			document.querySelector('form.accept') !== null`)
	alice.do("take the invite back", press(`#invites [data-dialog^="dlg-revoke-"]`),
		press(`#invites dialog[open] form[action$="/revoke"] button`))
	alice.sees("no invite", links+` === 0`)
	why := `document.querySelector('form.accept') === null && document.body.innerText.includes('revoked') &&
		document.body.innerText.includes('Ask the person who sent it')`
	chiyo.do("come in", press(`form.accept button`))
	chiyo.sees("Discord's consent or why not", `location.pathname === '/oauth2/authorize' || `+why)
	if read[bool](chiyo, `location.pathname === '/oauth2/authorize'`) {
		chiyo.consent()
	}
	chiyo.sees("why not, and what to do", why)
	chiyo.do("open the link again", chromedp.Navigate(chiyo.at(strings.TrimPrefix(link, h.url))))
	chiyo.sees("why not, and what to do", why)
	chiyo.picture("revoked")
}

// reads waits for a fact of a page whose own scripts and timers do not run.
func (p *browserUser) reads(what, js string) {
	p.Helper()
	p.readsWithin(patience, what, js)
}

func (p *browserUser) readsWithin(d time.Duration, what, js string) {
	p.Helper()
	deadline := time.Now().Add(d)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](whole(js)))
		if ok && err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.fail("does not read "+what, err)
		}
		<-tick.C
	}
}

// scriptless leaves the page, since the browser fails the modules that a page still loads, and switches scripts off.
func (p *browserUser) scriptless() {
	p.Helper()
	p.do("leave the page", chromedp.Navigate("about:blank"))
	p.do("switch scripts off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// TestWithoutScripts: lists, forms, invites and languages need no script; what is live says that it does.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	browser := browsertest.Start(t)
	alice, bruno := h.browse(browser, "alice"), h.browse(browser, "bruno")
	for _, p := range []*browserUser{alice, bruno} {
		p.goTo("/servers/" + h.world.guild.String())
		p.scriptless()
	}
	note := `document.querySelector('#live').innerText.includes('JavaScript')`
	alice.do("open the server's page", chromedp.Navigate(alice.at("/servers/"+h.world.guild.String())))
	alice.reads("that live needs JavaScript", note)
	alice.do("create a room", chromedp.SetValue(chromedp.CSS("#c-name"), "Friday draft"),
		browsertest.Click("#create .primary"))
	alice.reads("the new room's page, and that live needs JavaScript",
		`location.pathname.startsWith('/game/') && document.querySelector('h1').textContent === 'Friday draft' && `+
			note)
	path := read[string](alice, `location.pathname`)
	link := `document.querySelector('#invites .url')?.value.includes('/i/')`
	alice.reads("the invite's link", link)
	before := read[string](alice, `document.querySelector('#invites .url').value`)
	alice.do("make another", browsertest.Click(`form[action$="/invites"] button`))
	alice.reads("two links",
		fmt.Sprintf(`document.querySelectorAll('#invites .url').length === 2 &&
			document.querySelector('#invites .url').value !== %q`,
			before))
	alice.do("lock the room", browsertest.Click(`[aria-describedby="k-lock-hint"]`))
	alice.reads("that it is locked",
		`document.querySelector('[aria-describedby="k-lock-hint"]')?.getAttribute('aria-checked') === 'true'`)
	alice.do("write the room's card", chromedp.SetValue(chromedp.CSS("#k-headline"), "Casual"),
		browsertest.Click("#panel .primary"))
	alice.reads("the card", `document.querySelector('#card .headline')?.textContent === 'Casual'`)
	alice.do("go to the list", chromedp.Navigate(alice.at("/servers/"+h.world.guild.String())))
	alice.reads("the room in the list",
		fmt.Sprintf(`document.querySelector('.room-card a[href="%s"]').innerText.includes('Friday draft')`, path))
	alice.do("sit down from the list", browsertest.Click(".room-card .act-join button"))
	alice.reads("the way through Discord",
		fmt.Sprintf(`location.pathname === %q && !document.querySelector('#open-discord').hidden &&
			document.querySelector('#progress').innerText.includes('held')`,
			path))
	alice.do("show the room to the server", browsertest.Click(`[aria-describedby="k-private-hint"]`))
	alice.reads("that it is open",
		`document.querySelector('[aria-describedby="k-private-hint"]')?.getAttribute('aria-checked') === 'false'`)
	alice.do("lock it again", browsertest.Click(`[aria-describedby="k-lock-hint"]`))
	alice.reads("that it is locked",
		`document.querySelector('[aria-describedby="k-lock-hint"]')?.getAttribute('aria-checked') === 'true'`)
	bruno.do("look at the list", chromedp.Navigate(bruno.at("/servers/"+h.world.guild.String())))
	bruno.do("knock from the list", browsertest.Click(".room-card .act-knock button"))
	bruno.reads("that he knocked",
		fmt.Sprintf(`location.pathname === %q && document.querySelector('#knocked') !== null`, path))
	bruno.do("look at the list again", chromedp.Navigate(bruno.at("/servers/"+h.world.guild.String())))
	bruno.reads("that he knocked, there too", `document.querySelector('.room-card .act-knocked') !== null`)
	alice.do("go back to the list", chromedp.Navigate(alice.at("/servers/"+h.world.guild.String())))
	alice.do("choose a language", chromedp.SetValue(chromedp.CSS("#lang"), "de"), browsertest.Click(".lang button"))
	alice.reads("the page in it",
		`document.documentElement.lang === 'de' && location.pathname.startsWith('/servers/') &&
			document.querySelector('#create-h').textContent.includes('Raum')`)
	if ran := read[bool](alice,
		`document.body.dataset.live !== undefined || !document.querySelector('#theme').hidden`); ran {
		t.Error("a script ran")
	}
}
