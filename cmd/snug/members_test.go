package main

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/standin"
)

// TestMembersIntent: where Snug may know members, who is put out of the server
// loses the live view at once, and not when they are next asked after.
func TestMembersIntent(t *testing.T) {
	h := newHouse(t, unhurried, func(p *plan) { p.serve.MembersIntent = true })
	alice, bruno := h.signIn("alice"), h.signIn("bruno")
	status, out := alice.api("POST", "/guilds/"+h.world.guild.String()+"/rooms", map[string]any{"name": "Friday", "private": false})
	if status >= 300 {
		t.Fatalf("no room: %d %v", status, out)
	}
	conn := watch(h, bruno, h.world.guild.String(), out["channelId"].(string))
	defer conn.Close()
	h.must(conn.SetReadDeadline(time.Now().Add(patience)))
	h.must(h.world.discord.RemoveMember(standin.ID(h.world.guild), h.user("bruno").ID))
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
