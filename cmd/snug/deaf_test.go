package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"snug/shared/discordsim"
	"snug/shared/testkit/browsertest"
)

// TestDeaf: while Snug does not hear Discord no page says that it is live.
func TestDeaf(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	browser := browsertest.Start(t)
	alice, bruno := h.browse(browser, "alice"), h.browse(browser, "bruno")
	id := h.signIn("alice").open("Friday")
	alice.goTo("/game/" + id)
	bruno.goTo("/servers/" + h.world.guild.String())
	alice.live()
	bruno.live()
	status, out := h.signIn("alice").api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{"uses": 2})
	if status != http.StatusCreated {
		t.Fatalf("no invite: %d %v", status, out)
	}
	// Pages without a live connection say it too: at once when they are opened, and soon when they are open.
	still := map[string]*browserUser{
		"landing": h.browse(browser, "chiyo"), "settings": h.browse(browser, "alice"),
		"home": h.browse(browser, "bruno"),
	}
	still["landing"].do("open the invite",
		chromedp.Navigate(still["landing"].at(strings.TrimPrefix(out["url"].(string), h.url))))
	still["settings"].goTo("/admin/" + h.world.guild.String())
	still["home"].goTo("/")
	for name, p := range still {
		p.sees("no notice on "+name, `document.querySelector('#unheard').hidden`)
	}
	const told = `(box => !box.hidden && /^Discord isn’t answering · as of \d+ s ago/.test(box.innerText))(
		document.querySelector('#unheard'))`
	f, err := h.world.discord.Inject(discordsim.Fault{Kind: discordsim.FaultNoHello, Count: 99})
	h.must(err)
	_, err = h.world.discord.Inject(discordsim.Fault{Kind: discordsim.FaultDrop})
	h.must(err)
	for _, p := range []*browserUser{alice, bruno} {
		p.sees("that Discord is not heard, and for how long",
			`/^Discord isn’t answering · as of \d+ s ago$/.test(document.querySelector('#live-text').innerText)`)
	}
	for name, p := range still {
		p.sees("on "+name+" that Discord is not heard", told)
		if read[bool](p, `document.documentElement.scrollWidth > innerWidth`) {
			t.Errorf("%s is too wide", name)
		}
	}
	still["landing"].picture("deaf-landing")
	reader := h.browse(browser, "alice")
	reader.scriptless()
	for _, path := range []string{
		"/admin/" + h.world.guild.String(), "/admin/" + h.world.guild.String() + "/health", "/",
	} {
		reader.do("open "+path, chromedp.Navigate(reader.at(path)))
		reader.reads("that Discord is not heard on "+path, told)
	}
	for _, path := range []string{"/game/" + id, "/servers/" + h.world.guild.String()} {
		reader.do("open "+path, chromedp.Navigate(reader.at(path)))
		reader.reads("it in the sign at the top of "+path,
			`/^Discord isn’t answering · as of \d+ s ago$/.test(document.querySelector('#live-text').innerText)`)
	}
	late := h.browse(browser, "chiyo")
	late.goTo("/servers/" + h.world.guild.String())
	late.sees("the same", `document.body.dataset.live === 'unheard'`)
	h.world.discord.ClearFaults(f.ID)
	h.ready()
	alice.live()
	bruno.live()
	late.live()
	for name, p := range still {
		p.sees("on "+name+" no more that Discord is not heard", `document.querySelector('#unheard').hidden`)
	}
}
