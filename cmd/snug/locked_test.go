package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"snug/shared/testkit/browsertest"
)

// TestLockedInvite: an invite to a locked room says so before anybody signs in; signed in one knocks and is let in.
func TestLockedInvite(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	owner := h.signIn("alice")
	id := owner.open("Friday")
	status, out := owner.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{"uses": 2})
	if status != http.StatusCreated {
		t.Fatalf("no invite: %d %v", status, out)
	}
	link := strings.TrimPrefix(out["url"].(string), h.url)
	browser := browsertest.Start(t)
	alice, chiyo := h.browse(browser, "alice"), h.browse(browser, "chiyo")
	alice.goTo("/game/" + id)
	alice.live()
	alice.do("lock the room", press(`[aria-describedby="k-lock-hint"]`))
	alice.switched("lock", true)
	alice.sees("that it is private and locked",
		`document.querySelector('#kind').textContent === 'private, locked'`)

	chiyo.do("open the invite", chromedp.Navigate(chiyo.at(link)))
	chiyo.sees("that it is locked, before signing in",
		`document.body.innerText.includes('The room is locked right now') &&
			!document.body.innerText.includes('come in')`)
	pictures := func(what string) {
		for _, width := range []int64{390, 1280} {
			for _, theme := range []string{"light", "dark"} {
				chiyo.do("look", chromedp.EmulateViewport(width, 844),
					chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.documentElement.dataset.theme = %q`, theme)))
				chiyo.picture(fmt.Sprintf("locked-%s-%d-%s", what, width, theme))
				if read[bool](chiyo, `document.documentElement.scrollWidth > innerWidth`) {
					t.Errorf("%s is too wide at %d", what, width)
				}
			}
		}
	}
	pictures("before")
	chiyo.do("sign in", press(`form.accept button`))
	chiyo.sees("Discord's consent", `location.pathname === '/oauth2/authorize'`)
	chiyo.consent()
	chiyo.sees("that it is locked, and that she can knock",
		`document.body.innerText.includes('The room is locked right now') &&
			document.querySelector('form[action$="/knock"]') && !document.body.innerText.includes('did not work')`)
	pictures("after")
	chiyo.do("knock", press(`form[action$="/knock"] button`))
	alice.sees("who knocks", `document.querySelector('#knocks [name="let_in"][value="true"]')`)
	alice.do("let her in", press(`#knocks [name="let_in"][value="true"]`))
	chiyo.sees("the room",
		`document.querySelector('#seats') !== null && document.querySelector('h1').textContent === 'Friday'`)
}
