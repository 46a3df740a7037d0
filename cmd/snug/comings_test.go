package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"

	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/testkit/browsertest"
)

// past gives what a room's page says of somebody's coming and going, oldest first: "in" and "out".
func (p *browserUser) past(who string) []string {
	p.Helper()
	var out []string
	for _, line := range read[[]string](p,
		`[...document.querySelectorAll('#log li span')].map(e => e.textContent).reverse()`) {
		switch line {
		case who + " sat down":
			out = append(out, "in")
		case who + " stood up":
			out = append(out, "out")
		}
	}
	return out
}

// says waits until the page's past says just this of somebody.
func (p *browserUser) says(what, who string, want ...string) {
	p.Helper()
	p.eventually(fmt.Sprintf("%s: the page says that %s is %v", what, who, want),
		func() bool { return slices.Equal(p.past(who), want) })
}

// TestComingsAndGoings is what a room's page says of who came and went: live, loaded again, over a stop, over
// a kill right after somebody came, and as long as it stands after the room was closed. People move about
// while Snug is down, too.
func TestComingsAndGoings(t *testing.T) {
	t.Parallel()
	limits := discordsim.NoRateLimits()
	world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 3, Limits: &limits, Wrap: openapitest.Wrap(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(t.Context()) })
	serve := serving(t, world)
	snug, h := serve()
	alice := h.signIn("alice")
	if status, out := alice.api(http.MethodPatch, "/guilds/"+world.guild.String()+"/settings",
		map[string]any{"settings": map[string]any{"private": false}}); status != http.StatusOK {
		t.Fatalf("settings: %d %v", status, out)
	}
	id := alice.open("Friday")
	page := &browserUser{h, "alice", browsertest.Start(t)}
	page.do("sign in", chromedp.Navigate(h.url+"/game/"+id))
	page.do("consent", browsertest.Click(`input[name=user_id][value="`+h.user("alice").ID.String()+`"]`),
		browsertest.Click(`button[value=authorize]`))
	page.live()
	loaded := func(what, who string, want ...string) { // it is written behind what pages hear
		t.Helper()
		h.eventually(fmt.Sprintf("%s: the page loaded again says that %s is %v", what, who, want), func() bool {
			page.do("load the page again", chromedp.Reload())
			page.live()
			return slices.Equal(page.past(who), want)
		})
	}
	both := func(what, who string, want ...string) {
		t.Helper()
		page.says(what, who, want...)
		loaded(what, who, want...)
	}
	h.must(h.join("bruno", id))
	both("he came", "Bruno", "in")
	h.leave("bruno")
	both("he went", "Bruno", "in", "out")
	h.must(h.join("bruno", id))
	h.must(h.join("chiyo", id))
	page.says("both came", "Chiyo", "in")
	if err := snug.stop(syscall.SIGTERM); err != nil {
		t.Fatalf("it ended with %v:\n%s", err, snug.log)
	}
	h.leave("chiyo")
	snug, _ = serve()
	page.live()
	page.seated("bruno")
	loaded("after a stop", "Bruno", "in", "out", "in")
	loaded("she left meanwhile", "Chiyo", "in", "out")

	want := []string{"in", "out"}
	for range 4 { // each time at another moment of the checkpoint
		h.must(h.join("chiyo", id))
		page.seated("bruno", "chiyo")
		_ = snug.stop(syscall.SIGKILL)
		snug, _ = serve()
		page.live()
		page.seated("bruno", "chiyo")
		want = append(want, "in")
		loaded("killed right after she came", "Chiyo", want...)
		h.leave("chiyo")
		page.seated("bruno")
		_ = snug.stop(syscall.SIGKILL)
		snug, _ = serve()
		page.live()
		want = append(want, "out")
		loaded("killed right after she left", "Chiyo", want...)
	}

	page.live()
	if status, out := alice.api(http.MethodPost, "/rooms/"+id+"/close", nil); status >= 300 {
		t.Fatalf("not closed: %d %v", status, out)
	}
	page.sees("that the room is closed", `document.querySelector('#dlg-gone').open`)
	page.says("after the room was closed", "Chiyo", want...)
	if status, text := alice.page("/game/" + id); status != http.StatusGone || strings.Contains(text, "sat down") {
		t.Errorf("the page of a closed room: %d", status)
	}
}
