package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"snug/shared/testkit/browsertest"
)

// TestInviteLinks: Alice gives a link a label, a lifetime and a number of people, and lets guests invite. Bruno comes
// in by her link and sees only his own, which ends when Alice takes the right back.
func TestInviteLinks(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	browser := browsertest.Start(t)
	alice, bruno, chiyo := h.browse(browser, "alice"), h.browse(browser, "bruno"), h.browse(browser, "chiyo")
	room := "/game/" + h.signIn("alice").open("Friday draft")
	const newest = `document.querySelector('#invites .links li')`
	const links = `document.querySelectorAll('#invites .links li').length`
	make := press(`form[action$="/invites"] button`)
	alice.goTo(room)
	alice.live()
	alice.sees("the link the room came with", links+` === 1 && `+newest+`.innerText.includes('Your link') && `+
		newest+`.innerText.includes('4 of 4 left')`)
	alice.do("choose what the link is for", press("#invites .invite-options summary"),
		chromedp.SetValue(chromedp.CSS(`#invites [name="hours"]`), "6"),
		chromedp.SendKeys(chromedp.CSS(`#invites [name="uses"]`), "2"),
		chromedp.SendKeys(chromedp.CSS(`#invites [name="label"]`), "Board games"), make)
	alice.sees("the link as she described it", links+` === 2 && `+newest+`.innerText.includes('Board games') && `+
		newest+`.innerText.includes('2 of 2 left') && `+newest+`.innerText.includes('5 h 59 min')`)
	alice.do("look at its QR code", press("#invites .qr-box summary"))
	alice.sees("a code of 37 modules or fewer", newest+`.querySelector('svg.qr').viewBox.baseVal.width <= 45 && `+
		newest+`.querySelector('svg.qr').clientWidth >= 120`)
	link := strings.TrimPrefix(read[string](alice, newest+`.querySelector('.url').value`), h.url)

	bruno.do("open the link in capitals", chromedp.Navigate(bruno.at("/i/"+strings.ToUpper(link[3:]))))
	bruno.sees("what it leads to", `document.querySelector('form.accept') !== null`)
	bruno.do("come in", press("form.accept button"))
	bruno.sees("Discord's consent", `location.pathname === '/oauth2/authorize'`)
	bruno.consent()
	bruno.sees("the room, and nothing to invite with",
		`location.pathname === '`+room+`' && document.querySelector('#seats') !== null &&
			!document.querySelector('#invites')`)
	bruno.live()
	alice.sees("that one person followed it", newest+`.innerText.includes('1 of 2 left')`)
	alice.do("let guests invite", press(`[aria-describedby="k-share-hint"]`))
	bruno.sees("that he can invite now", `document.querySelector('#invites') !== null && `+links+` === 0`)
	bruno.do("make a link", make)
	bruno.sees("his own link alone", links+` === 1 && `+newest+`.innerText.includes('Your link')`)
	his := strings.TrimPrefix(read[string](bruno, newest+`.querySelector('.url').value`), h.url)
	alice.sees("whose link that is", links+` === 3 && `+newest+`.innerText.includes('Bruno’s link')`)

	if status, text := h.signIn("chiyo").page(his); status != http.StatusOK || !strings.Contains(text, "Bruno") {
		t.Errorf("Bruno's link: %d", status)
	}
	alice.do("end that", press(`[aria-describedby="k-share-hint"]`))
	bruno.sees("that he can't any more", `!document.querySelector('#invites')`)
	chiyo.do("open his link", chromedp.Navigate(chiyo.at(his)))
	chiyo.sees("that it ended", `document.body.innerText.includes('revoked')`)

	h.clock.Forward(6*time.Hour + time.Minute)
	chiyo.do("open Alice's link too late", chromedp.Navigate(chiyo.at(link)))
	chiyo.sees("that it expired", `document.body.innerText.includes('expired')`)
}
