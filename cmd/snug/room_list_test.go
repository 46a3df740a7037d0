package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"snug/shared/room"
	"snug/shared/testkit/browsertest"
)

// door waits until a part of a room's card on the server's page is there, and shown.
func (p *browserUser) door(id, part string) {
	p.Helper()
	p.sees(part+" at the door",
		fmt.Sprintf(`(e => e && !e.hidden && e.checkVisibility())(document.querySelector('[data-room="%s"] %s'))`,
			id, part))
}

// said waits until a room's card says something.
func (p *browserUser) said(id, what string) {
	p.Helper()
	p.sees(what, fmt.Sprintf(`document.querySelector('[data-room="%s"] .said')?.innerText.includes(%q)`, id, what))
}

// TestRoomList is the server's page as two people use it: one opens, locks and
// answers; the other joins and knocks without leaving the list.
func TestRoomList(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	browser := browsertest.Start(t)
	alice, bruno := h.browse(browser, "alice"), h.browse(browser, "bruno")
	guild := h.world.guild.String()
	bruno.goTo("/servers/" + guild)
	bruno.live()

	// A room that is opened while he looks has a door he can use.
	api := h.signIn("alice")
	status, out := api.api(http.MethodPost, "/guilds/"+guild+"/rooms",
		map[string]any{"name": "Friday draft", "private": false})
	if status != http.StatusCreated {
		t.Fatalf("no room: %d %v", status, out)
	}
	id := out["channel_id"].(string)
	alice.goTo("/game/" + id)
	alice.live()
	card := fmt.Sprintf(`[data-room="%s"] `, id)
	join, knock := press(card+".act-join button"), press(card+".act-knock button")
	bruno.door(id, ".act-join")

	// Not in voice: a seat is held, and Discord is one press away.
	bruno.do("join", join)
	bruno.door(id, ".act-deep")
	bruno.said(id, "your seat is held until")
	bruno.sees("the held seat", `document.querySelectorAll('`+card+`.dot.held').length === 1`)
	h.must(h.join("bruno", id))
	alice.seated("bruno")
	bruno.door(id, ".act-in")
	bruno.sees("nothing left of the way in",
		`document.querySelector('`+card+`.act-deep') === null && document.querySelector('`+card+
			`.said').hidden && document.querySelector('`+card+`.dot.held') === null`)

	// In voice elsewhere: moved.
	h.must(h.join("bruno", h.world.lounge.String()))
	bruno.door(id, ".act-join")
	h.eventually("Snug knows where Bruno is", func() bool { return h.voiceIn("bruno", id) == h.world.lounge })
	bruno.do("join", join)
	bruno.door(id, ".act-in")
	alice.seated("bruno")

	// The last seat is held for somebody else: the picture is put back, and why is said.
	h.must(h.join("bruno", h.world.lounge.String()))
	if status, out := api.api(http.MethodPost, "/rooms/"+id+"/change",
		map[string]any{"do": "seats", "seats": 1}); status != http.StatusOK {
		t.Fatalf("one seat: %d %v", status, out)
	}
	if status, out := h.signIn("chiyo").api(http.MethodPost, "/rooms/"+id+"/join", nil); status != http.StatusOK ||
		out["moved"] != false {
		t.Fatalf("Chiyo's seat: %d %v", status, out)
	}
	bruno.door(id, ".act-join")
	bruno.do("join", join)
	bruno.sees("why not", `document.querySelector('`+card+`.said.bad')?.innerText.includes('held for somebody else')`)
	bruno.sees("the picture as it was",
		`document.querySelector('`+card+`.dot.held') === null && !document.querySelector('`+card+
			`.act-join').hidden && !document.querySelector('[aria-busy="true"]')`)
	h.must(h.join("chiyo", id))

	// Full: there is a line to stand in.
	bruno.door(id, ".act-full")
	h.leave("chiyo")
	bruno.door(id, ".act-join")

	// Locked: he knocks, and still stands there after a reload.
	alice.do("lock the room", press(`[aria-describedby="k-lock-hint"]`))
	bruno.door(id, ".act-knock")
	bruno.do("knock", knock)
	bruno.door(id, ".act-knocked")
	alice.sees("who is at the door", `document.querySelector('#knocks').innerText.includes('Bruno')`)
	bruno.goTo("/servers/" + guild)
	bruno.live()
	bruno.door(id, ".act-knocked")
	bruno.goTo("/game/" + id)
	bruno.sees("that he knocked, in the room's page too", `document.querySelector('#knocked') !== null`)
	bruno.goTo("/servers/" + guild)
	bruno.live()
	alice.do("not now", press(`#knocks button[value="false"]`))
	bruno.said(id, "not now")
	bruno.do("knock again", knock)
	bruno.said(id, "You can knock again in")
	alice.idle()

	// Let in, the door opens under his eyes.
	h.clock.Forward(room.KnockCoolDown + time.Second)
	bruno.do("knock once more", knock)
	bruno.door(id, ".act-knocked")
	alice.sees("who is at the door", `document.querySelector('#knocks').innerText.includes('Bruno')`)
	alice.do("let him in", press(`#knocks button[value="true"]`))
	bruno.said(id, "You can come in")
	bruno.do("join", join)
	bruno.door(id, ".act-in")
	alice.seated("bruno")
	bruno.picture("room-list")

	// Closed, it is gone from the list at once.
	alice.do("close the room", press(`[data-dialog="dlg-close"]`), press(`#dlg-close form button`))
	bruno.sees("an empty list",
		fmt.Sprintf(`document.querySelector('[data-room="%s"]') === null && !document.querySelector('#nobody').hidden`,
			id))
}
