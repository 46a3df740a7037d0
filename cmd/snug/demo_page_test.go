package main

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"snug/shared/discordsim"
	"snug/shared/testkit/browsertest"
)

// TestWelcome does what the demo's first words say, in a browser alone: choose
// who you are in the simulated Discord, open a room by command, follow its
// page from the answer, join its voice channel, and see oneself there.
func TestWelcome(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.world.discord.GiveOwnHosts(strings.TrimPrefix(h.url, "http://"))
	browser := browsertest.Start(t)
	discord := h.browse(browser, "alice")
	discord.do("open the simulated Discord", chromedp.Navigate(h.world.url))
	discord.do("choose who she is", browsertest.Click("[data-as=alice]"))
	discord.sees("the server", `document.body.dataset.ready === 'alice'`)
	discord.do("go to the message box", browsertest.Click("#composer"))
	discord.sees("that she is there", `document.activeElement?.id === 'composer'`)
	discord.do("type the command", chromedp.KeyEvent("/create-room name:Friday"+kb.Enter))
	discord.sees("the answer that she alone sees",
		`document.querySelector('.message.ephemeral a.button[href*="/game/"]')`)
	discord.picture("simulator")

	// The link opens a tab of its own; here the test's tab goes where it leads.
	link := read[string](discord, `(() => {
		const a = document.querySelector('.message a.button[href*="/game/"]')
		addEventListener('click', (e) => e.preventDefault(), { once: true })
		a.click()
		return a.target === '_blank' ? a.href : 'it leaves this tab: ' + a.href
	})()`)
	page := h.browse(browser, "alice")
	page.do("open the room's page", chromedp.Navigate(link))
	page.sees("the consent, with herself chosen",
		`document.querySelector('input[name=user_id]:checked')?.closest('label').innerText.includes('Alice')`)
	page.do("agree", browsertest.Click("button.go"))
	page.sees("the room on a host name of her own",
		`location.hostname === 'alice.localhost' && document.querySelector('h1')?.textContent === 'Friday'`)
	page.live()

	discord.do("join voice", browsertest.Click(".channel .join"))
	discord.sees("that she is in voice", `document.querySelector('.voice-wrap').innerText.includes('Friday')`)
	page.seated("alice")
}

// TestDemoHosts: everybody has an address of their own, whichever loopback address the demo listens on.
func TestDemoHosts(t *testing.T) {
	t.Parallel()
	d := demoWorld{users: []discordsim.User{{Username: "alice"}, {Username: "bruno"}}}
	for _, addr := range []string{"127.0.0.1:8080", "[::1]:8080"} {
		a := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))
		if got := d.hosts(a); !slices.Equal(got,
			[]string{"localhost:8080", "alice.localhost:8080", "bruno.localhost:8080"}) {
			t.Errorf("%s: %q", addr, got)
		}
		var said strings.Builder
		d.welcome(&said, "http://"+addr)
		if !strings.Contains(said.String(), "http://bruno.localhost:8080,") {
			t.Errorf("%s: %s", addr, &said)
		}
	}
}
