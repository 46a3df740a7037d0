package main

import (
	"testing"

	"snug/shared/discordsim"
	"snug/shared/testkit/browsertest"
)

// TestDeaf: while Snug does not hear Discord no page says that it is live.
func TestDeaf(t *testing.T) {
	t.Parallel()
	h := newHouse(t, unhurried)
	browser := browsertest.Start(t)
	alice, bruno := h.browse(browser, "alice"), h.browse(browser, "bruno")
	id := h.signIn("alice").open("Friday")
	alice.goTo("/game/" + id)
	bruno.goTo("/servers/" + h.world.guild.String())
	alice.live()
	bruno.live()
	f, err := h.world.discord.Inject(discordsim.Fault{Kind: discordsim.FaultNoHello, Count: 99})
	h.must(err)
	_, err = h.world.discord.Inject(discordsim.Fault{Kind: discordsim.FaultDrop})
	h.must(err)
	for _, p := range []*player{alice, bruno} {
		p.sees("that Discord is not heard, and for how long", `/^Discord isn’t answering · as of \d+ s ago$/.test(document.querySelector('#live-text').innerText)`)
	}
	late := h.browse(browser, "chiyo")
	late.goTo("/servers/" + h.world.guild.String())
	late.sees("the same", `document.body.dataset.live === 'unheard'`)
	h.world.discord.ClearFaults(f.ID)
	h.ready()
	alice.live()
	bruno.live()
	late.live()
}
