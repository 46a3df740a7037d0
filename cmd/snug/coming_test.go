package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"snug/shared/discordsim"
	"snug/shared/testkit/browsertest"
)

// newcomers are in no server.
func newcomers(p *plan) {
	p.people = func(w *demoWorld) {
		for _, name := range []string{"nadia", "omar"} {
			w.users = append(w.users, w.discord.AddUser(name, strings.ToUpper(name[:1])+name[1:]))
		}
	}
}

// TestComing is the whole way of two people who are not in the server, one on a phone: Snug's link, Discord's
// invite for them alone, the server's rules, and the room, without their page being loaded again.
func TestComing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried, newcomers)
	discord := h.world.discord
	h.must(discord.SetScreening(h.world.guild, true))
	alice := h.signIn("alice")
	id := alice.open("Friday")
	status, out := alice.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{"uses": 2})
	if status != http.StatusCreated {
		t.Fatalf("no invite: %d %v", status, out)
	}
	link := strings.TrimPrefix(out["url"].(string), h.url)
	browser := browsertest.Start(t)
	for _, who := range []struct {
		name  string
		width int64
	}{{"nadia", 390}, {"omar", 1280}} {
		p := h.browse(browser, who.name)
		picture := func(step string) { p.picture(fmt.Sprintf("coming-%s-%d", step, who.width)) }
		p.do("follow the link", chromedp.EmulateViewport(who.width, 844), chromedp.Navigate(p.at(link)),
			press(`form.accept button`))
		p.sees("Discord's consent, which asks for nothing but who they are",
			`location.pathname === '/oauth2/authorize' &&
				new URLSearchParams(location.search).get('scope') === 'identify'`)
		p.consent()
		p.sees("Discord's invite", `document.querySelector('#coming[data-step=join] #coming-open')`)
		picture("join")
		if read[bool](p, `document.documentElement.scrollWidth > innerWidth || location.search !== ''`) {
			t.Errorf("at %d the page is too wide, or its address has the invite in it", who.width)
		}
		p.do("mark the page", chromedp.Evaluate[chromedp.Void](`window.same = true`))
		code := read[string](p, `document.querySelector('#coming-open').pathname.split('/').pop()`)
		if other := h.user("bruno"); other.ID != 0 {
			stranger := discord.AddUser("stranger"+who.name, "")
			if _, err := discord.UseInvite(stranger.ID, code); err == nil {
				t.Error("somebody else used the invite")
			}
		}

		// In another tab they are themselves in Discord, accept the invite there, and then the server's rules.
		theirs := h.browse(browser, who.name)
		theirs.do("open the invite", chromedp.EmulateViewport(who.width, 844),
			chromedp.Navigate(h.world.url+"/invite/"+code+"?as="+who.name))
		theirs.sees("the server", fmt.Sprintf(`document.body.dataset.ready === %q`, who.name))
		p.sees("that the rules are next, on the same page",
			`window.same && document.querySelector('#coming[data-step=rules]')`)
		picture("rules")
		theirs.sees("the rules", `document.querySelector('.screening button')`)
		theirs.picture(fmt.Sprintf("coming-discord-%d", who.width))
		theirs.do("accept the rules", press(".screening button"))
		p.sees("the room",
			`document.querySelector('#seats') !== null && document.querySelector('h1').textContent === 'Friday'`)
		p.live()
		picture("in")
		h.must(h.join(who.name, id))
		p.sees("themselves", fmt.Sprintf(`document.querySelector('#seats [data-user="%d"]')`, h.user(who.name).ID))
		h.leave(who.name)
	}
	for code, i := range discord.State().Invites {
		if i.Channel["id"] == discordsim.ID(0) || fmt.Sprint(i.Channel["id"]) == id {
			t.Errorf("the invite %s is left", code)
		}
	}
}
