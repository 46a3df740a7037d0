package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"snug/shared/testkit"
	"snug/shared/testkit/browsertest"
)

// press is a click that finds its target at the moment it happens: parts of these pages are made anew under it.
func press(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).click()`, selector))
}

// types puts a text in place of what is in a field and sends its form.
func types(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const input = document.querySelector(%q);
		input.value = %q;
		input.dispatchEvent(new Event("change", { bubbles: true }));
	})()`, selector, text))
}

// choose opens what can be done about somebody and does it.
func (p *browserUser) choose(whom, do string) {
	p.Helper()
	id := p.user(whom).ID.String()
	p.do("choose "+do+" for "+whom, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const form = document.querySelector('#control .people-list input[value="%[1]s"]').form;
		form.closest("details").open = true;
		form.querySelector('[value="%[2]s"], [data-ask="%[2]s"]').click();
	})()`, id, do)))
}

// happened waits until the room's page tells of something under "Activity".
func (p *browserUser) happened(what string) {
	p.Helper()
	p.sees(what+" in what happened", fmt.Sprintf(`document.querySelector('#log').innerText.includes(%q)`, what))
}

// idle waits until nothing that was pressed is still being done.
func (p *browserUser) idle() {
	p.Helper()
	p.sees("that all is done", `!document.querySelector('[aria-busy="true"]')`)
}

func (p *browserUser) switched(do string, on bool) {
	p.Helper()
	p.sees(fmt.Sprintf("%s switched to %v", do, on),
		fmt.Sprintf(`document.querySelector('[aria-describedby="k-%s-hint"]').getAttribute("aria-checked") === "%v"`,
			do, on))
}

// admit lets somebody in and opens the room's page for them.
func (h *harness) admit(p *browserUser, s *script, id string) {
	h.Helper()
	status, out := s.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{})
	if status != http.StatusCreated {
		h.Fatalf("no invite: %d %v", status, out)
	}
	p.do("follow the invite", chromedp.Navigate(p.at(strings.TrimPrefix(out["url"].(string), h.url))),
		press(`form.accept button`))
	p.sees("Discord's consent", `location.pathname === '/oauth2/authorize'`)
	p.consent()
	p.sees("the room", `document.querySelector('#seats') !== null`)
	p.live()
}

// TestEvening is a room run from its page, seen by everybody at once: its name,
// table and locks, somebody at the door, a full table with a waiting list, and its end.
func TestEvening(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	browser := browsertest.Start(t)
	alice, bruno, chiyo := h.browse(browser, "alice"), h.browse(browser, "bruno"), h.browse(browser, "chiyo")
	api := h.signIn("alice")
	id := api.open("Friday draft")
	alice.goTo("/game/" + id)
	alice.live()
	h.admit(bruno, api, id)
	alice.happened("Bruno came by Alice’s invite link")

	// Names, status and seats.
	alice.do("rename the room", types("#k-name", "Saturday draft"))
	for _, p := range []*browserUser{alice, bruno} {
		p.sees("the new name", `document.querySelector('h1').textContent === 'Saturday draft'`)
		p.happened("Alice renamed the room from “Friday draft” to “Saturday draft”")
	}
	alice.sees("what is left of the budget", `document.querySelector('#k-name-hint').textContent.includes('1 more')`)
	alice.do("say what they are up to", types("#k-status", "Round 2"))
	bruno.sees("the status on the table", `document.querySelector('#status').textContent === 'Round 2'`)
	alice.do("change the seats", types("#k-seats", "1"))
	bruno.sees("one seat",
		`document.querySelector('#total').textContent === '1' && document.querySelectorAll('#seats > li').length === 1`)
	alice.idle()
	alice.do("change them to what cannot be", types("#k-seats", "200"))
	alice.sees("why not", `document.querySelector('#k-seats-error').textContent.includes('1 to 99')`)

	// A full table and its waiting list.
	h.must(h.join("alice", id))
	bruno.seated("alice")
	bruno.sees("that he can wait",
		`!document.querySelector('#door-full').hidden && document.querySelector('#door-join').hidden`)
	bruno.do("wait for a seat", press("#door-full button"))
	bruno.sees("his place", `document.querySelector('#waiting').innerText.includes('number 1')`)
	alice.sees("who waits", `document.querySelector('#control .line')?.innerText.includes('Bruno')`)
	h.leave("alice")
	bruno.sees("his seat", `document.querySelector('.seat.held .who')?.textContent === 'Your seat'`)
	alice.sees("the way back", `document.querySelector('#dlg-out').open`)
	h.must(h.join("bruno", id))
	alice.seated("bruno")
	bruno.sees("that he sits here", `!document.querySelector('#door-in').hidden`)
	alice.do("change the seats", types("#k-seats", "4"), press("#dlg-out [data-meant]"))
	bruno.sees("four seats", `document.querySelector('#total').textContent === '4'`)

	// Somebody at the door.
	chiyo.goTo("/game/" + id)
	chiyo.sees("that there is nothing for her", `document.body.innerText.includes("aren't invited")`)
	chiyo.do("knock", press(`form[action$="/knock"] button`))
	chiyo.sees("that she knocked", `document.body.innerText.includes('You knocked')`)
	alice.sees("who is at the door", `document.querySelector('#knocks').innerText.includes('Chiyo')`)
	alice.do("let her in", press(`#knocks button[value="true"]`))
	alice.sees("nobody at the door", `document.querySelector('#knocks').innerText === ''`)
	chiyo.sees("the room, without asking again", `document.querySelector('#seats') !== null`)
	chiyo.live()
	alice.happened("Alice let Chiyo in")
	if text := read[string](bruno, `document.querySelector('#log').innerText`); strings.Contains(text, "Chiyo") {
		t.Errorf("a guest reads who else was let in: %s", text)
	}

	// Locked, hidden, open.
	alice.do("lock it", press(`[aria-describedby="k-lock-hint"]`))
	alice.switched("lock", true)
	alice.idle()
	alice.do("open it to the server", press(`[aria-describedby="k-private-hint"]`))
	alice.switched("private", false)
	alice.switched("lock", false) // open is open
	bruno.sees("what kind of room it is", `document.querySelector('#kind').textContent === 'open'`)

	// Put out while watching.
	alice.idle()
	alice.do("make it private",
		chromedp.Evaluate[chromedp.Void](
			`document.querySelector('[aria-describedby="k-private-hint"][aria-checked="false"]')?.click()`))
	alice.switched("private", true)
	alice.idle()
	alice.choose("chiyo", "ban")
	alice.sees("the offer to allow her again", `document.querySelector('#banned button[value="unban"]')`)
	alice.picture("banned")
	chiyo.sees("that she sees it no longer", `document.querySelector('#dlg-hidden').open`)
	alice.sees("whom she keeps out",
		`[...document.querySelectorAll('#control h3')].some(h => h.textContent === 'Banned')`)
	alice.idle()
	alice.choose("bruno", "transfer")
	alice.sees("that it asks first",
		fmt.Sprintf(`document.querySelector('#dlg-transfer-%d').matches(':modal')`, h.user("bruno").ID))
	alice.picture("hand-over")
	alice.do("transfer it", press(fmt.Sprintf(`#dlg-transfer-%d form button`, h.user("bruno").ID)))
	bruno.sees("that the room is his", `document.querySelector('#control') !== null`)
	alice.sees("that it is hers no more, though she manages the server",
		`document.querySelector('#control-h').textContent === 'This room’s settings'`)
	bruno.do("close the room", press(`[data-dialog="dlg-close"]`), press(`#dlg-close form button`))
	alice.sees("that it is closed", `document.querySelector('#dlg-gone').open`)
}

// TestSpectators: a link shows who is in to somebody nobody knows, until it ends.
func TestSpectators(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	browser := browsertest.Start(t)
	alice, stream := h.browse(browser, "alice"), h.browse(browser, "chiyo")
	id := h.signIn("alice").open("Friday draft")
	alice.goTo("/game/" + id)
	alice.live()
	alice.do("let spectators watch", press(`[aria-describedby="k-watch-hint"]`))
	alice.sees("the link", `document.querySelector('#k-watch')?.value.includes('/watch/')`)
	link := strings.TrimPrefix(read[string](alice, `document.querySelector('#k-watch').value`), h.url)
	stream.do("open the link", chromedp.Navigate(stream.at(link)))
	stream.sees("a page of its own", `document.body.dataset.live === 'live' &&
		getComputedStyle(document.body).backgroundColor !== 'rgba(0, 0, 0, 0)' &&
		document.querySelector('#watch-live').textContent === 'Live' &&
		document.querySelectorAll('.seat.empty').length === 4`)
	stream.do("open the overlay", chromedp.Navigate(stream.at(link+"&overlay=1")))
	stream.sees("that it is live", `document.body.dataset.live === 'live'`)
	if got := read[string](stream,
		`document.cookie + getComputedStyle(document.body).backgroundColor`); got != "rgba(0, 0, 0, 0)" {
		t.Errorf("the page has a cookie or a ground: %s", got)
	}
	h.must(h.join("alice", id))
	stream.seated("alice")
	h.must(h.join("alice", h.world.lounge.String()))
	stream.seated()
	alice.do("make a new link", press(`#dlg-out [data-meant]`), press(`.watch form button`))
	stream.sees("nothing any more", `document.querySelector('#overlay').hidden`)
	res, err := testkit.HTTP.Get(h.url + link)
	h.must(err)
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound ||
		strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors *") {
		t.Errorf("the old link: %s, %s", res.Status, res.Header.Get("Content-Security-Policy"))
	}
	alice.sees("the new link", fmt.Sprintf(`!document.querySelector('#k-watch').value.endsWith(%q)`, link))
	link = strings.TrimPrefix(read[string](alice, `document.querySelector('#k-watch').value`), h.url)
	res, err = testkit.HTTP.Get(h.url + link)
	h.must(err)
	res.Body.Close()
	if csp := res.Header.Get("Content-Security-Policy"); res.StatusCode != http.StatusOK ||
		!strings.Contains(csp, "frame-ancestors *") || res.Header.Get("X-Frame-Options") != "" ||
		len(res.Cookies()) > 0 {
		t.Errorf("the new link: %s, %s, %v", res.Status, csp, res.Cookies())
	}
}

// TestSessionsOnPages: a session that ends under an open page is told, and a page that is opened again signs
// in silently.
func TestSessionsOnPages(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	browser := browsertest.Start(t)
	alice := h.browse(browser, "alice")
	id := h.signIn("alice").open("Friday draft")
	alice.goTo("/game/" + id)
	alice.live()
	second := h.browse(browser, "alice")
	second.goTo("/game/" + id)
	second.live()
	// Signed out in one tab, the other says so and leads back to the very page.
	second.do("sign out",
		chromedp.Evaluate[chromedp.Void](`document.querySelector('form[action="/logout"]').requestSubmit()`))
	alice.sees("that she is signed out", `document.querySelector('#dlg-session').open`)
	if got := read[string](alice,
		`document.querySelector('#dlg-session a').getAttribute('href')`); got != "/login?return_to=%2Fgame%2F"+id {
		t.Errorf("signing in leads to %s", got)
	}
	alice.do("sign in and come back", press(`#dlg-session a`))
	alice.sees("Discord's consent", `location.pathname === '/oauth2/authorize'`)
	alice.consent()
	alice.sees("the room again",
		fmt.Sprintf(`location.pathname === %q && document.querySelector('#seats') !== null`, "/game/"+id))
	alice.live()
}

// TestFirstLoad measures a room's page as the browser saw it come.
func TestFirstLoad(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	alice := h.browse(browsertest.Start(t), "alice")
	id := h.signIn("alice").open("Friday draft")
	alice.goTo("/")
	alice.do("forget what was loaded", chromedp.Navigate("about:blank"))
	alice.goTo("/game/" + id)
	alice.live()
	var loads []struct {
		Name  string
		Bytes int
		Kind  string
		Start float64
	}
	text := read[string](alice,
		`JSON.stringify(["navigation", "resource"].flatMap(t => performance.getEntriesByType(t)).map(e => ({
			Name: new URL(e.name).pathname, Bytes: e.encodedBodySize + 300, Kind: e.initiatorType,
			Start: e.startTime,
		})))`)
	if err := json.Unmarshal([]byte(text), &loads); err != nil {
		t.Fatal(err)
	}
	total, calls := 0, []string{}
	for _, l := range loads {
		total += l.Bytes
		if l.Kind == "fetch" || l.Kind == "xmlhttprequest" {
			calls = append(calls, l.Name)
		}
	}
	t.Logf("%d bytes on the wire in %d answers", total, len(loads))
	if total > 60_000 || total < 10_000 {
		t.Errorf("a room's page is %d bytes on the wire, want at most 60,000: %v", total, loads)
	}
	if want := "/api/v1/live-token"; strings.Join(calls, " ") != want {
		t.Errorf("the page asks for %v by itself, want %s alone", calls, want)
	}
	if shift := read[float64](alice,
		`performance.getEntriesByType("layout-shift").reduce((sum, e) => sum + e.value, 0)`); shift > 0.01 {
		t.Errorf("the page shifts by %f while it loads", shift)
	}
	ms := read[float64](alice, `performance.getEntriesByType("navigation")[0].domInteractive`)
	if time.Duration(ms)*time.Millisecond > 5*time.Second {
		t.Errorf("interactive after %f ms", ms)
	}
}
