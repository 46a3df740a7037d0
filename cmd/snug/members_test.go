package main

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
	"snug/shared/testkit/browsertest"
)

// TestMembersIntent: where Snug may know members, who is put out of the server
// loses the live view at once, and not when they are next asked after.
func TestMembersIntent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried, func(p *plan) { p.serve.MembersIntent = true })
	alice, bruno := h.signIn("alice"), h.signIn("bruno")
	status, out := alice.api("POST", "/guilds/"+h.world.guild.String()+"/rooms",
		map[string]any{"name": "Friday", "private": false})
	if status >= 300 {
		t.Fatalf("no room: %d %v", status, out)
	}
	conn := watch(h, bruno, h.world.guild.String(), out["channel_id"].(string))
	defer conn.Close()
	h.must(conn.SetReadDeadline(time.Now().Add(patience)))
	h.must(h.world.discord.RemoveMember(discordsim.ID(h.world.guild), h.user("bruno").ID))
	for {
		var m struct{ Event string }
		err := conn.ReadJSON(&m)
		if e, ok := err.(*websocket.CloseError); ok { //nolint:errorlint // ReadJSON gives it as it is
			if e.Code != 4004 {
				t.Errorf("closed with %d, not 4004", e.Code)
			}
			return
		}
		h.must(err)
		if m.Event == "room.hidden" {
			return
		}
	}
}

// TestPutOut: two people watch, one a room and one the server's rooms, and are
// put out of the server. Their pages say so and lead on, and show nothing more.
func TestPutOut(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried, func(p *plan) { p.serve.MembersIntent = true })
	browser := browsertest.Start(t)
	bruno, chiyo := h.browse(browser, "bruno"), h.browse(browser, "chiyo")
	alice := h.signIn("alice")
	guild := h.world.guild.String()
	status, out := alice.api("POST", "/guilds/"+guild+"/rooms", map[string]any{"name": "Friday", "private": false})
	if status >= 300 {
		t.Fatalf("no room: %d %v", status, out)
	}
	id := out["channel_id"].(string)
	bruno.goTo("/game/" + id)
	bruno.live()
	chiyo.goTo("/servers/" + guild)
	chiyo.live()
	chiyo.door(id, ".act-join")
	for _, p := range []*browserUser{bruno, chiyo} {
		h.must(h.world.discord.RemoveMember(discordsim.ID(h.world.guild), h.user(p.name).ID))
		p.sees("that the page is closed to them, and where to go",
			`[...document.querySelectorAll("#dlg-hidden, #dlg-denied")].some(
				(d) => d.open && d.querySelector("a[href]"))`)
	}
	h.must(h.join("alice", id))
	alice.api("POST", "/rooms/"+id+"/change", map[string]any{"do": "rename", "name": "Saturday"})
	for _, p := range []*browserUser{bruno, chiyo} {
		p.goTo("/servers/" + guild)
		p.sees("no room of that server",
			`document.querySelector("#room-list, #seats") === null &&
				document.querySelector("main a[href='/']") !== null`)
	}
}
