package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
	"snug/shared/room"
)

// until reads what a live view is told until ok says that it was that.
func (h *harness) until(conn *websocket.Conn, what string, ok func(event, channel string, closed int) bool) {
	h.Helper()
	h.must(conn.SetReadDeadline(time.Now().Add(patience)))
	for {
		var m struct {
			Event   string
			Payload struct{ ChannelID string }
		}
		err := conn.ReadJSON(&m)
		if e, shut := err.(*websocket.CloseError); shut { //nolint:errorlint // ReadJSON gives it as it is
			if !ok("", "", e.Code) {
				h.Fatalf("the live view closed with %d before %s", e.Code, what)
			}
			return
		}
		if err != nil {
			h.Fatalf("waited in vain until %s: %v", what, err)
		}
		if ok(m.Event, m.Payload.ChannelID, 0) {
			return
		}
	}
}

// TestWhoLeftReadsNoMore: without the members intent Discord tells nobody of who leaves a server. What they do is
// refused at once; lists and pages show them nothing a minute later, and a live view that they left open has ended.
func TestWhoLeftReadsNoMore(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	alice, bruno, chiyo := h.signIn("alice"), h.signIn("bruno"), h.signIn("chiyo")
	guild := h.world.guild.String()
	status, out := alice.api(http.MethodPost, "/guilds/"+guild+"/rooms",
		map[string]any{"name": "Friday", "private": false})
	if status != http.StatusCreated {
		t.Fatalf("no room: %d %v", status, out)
	}
	id := out["channel_id"].(string)
	conn := watch(h, bruno, guild, id)
	defer conn.Close()
	reads := []string{"/rooms/" + id, "/guilds/" + guild + "/rooms", "/guilds/" + guild}
	for _, path := range reads {
		if status, _ := chiyo.api(http.MethodGet, path, nil); status != http.StatusOK {
			t.Fatalf("%s: %d", path, status)
		}
	}
	for _, name := range []string{"bruno", "chiyo"} {
		h.must(h.world.discord.RemoveMember(h.world.guild, h.user(name).ID))
	}
	left := h.clock.Now()
	if status, _ := chiyo.api(http.MethodPost, reads[0]+"/join", map[string]any{}); status != http.StatusNotFound {
		t.Errorf("joining at once: %d", status)
	}
	h.clock.Forward(45 * time.Second)
	h.until(conn, "the live view ends", func(event, channel string, closed int) bool {
		return closed == 4004 || event == "room.hidden" && channel == id
	})
	if took := h.clock.Now().Sub(left); took > time.Minute {
		t.Errorf("the live view ended after %v", took)
	}
	h.clock.Forward(left.Add(room.LookAge + time.Second).Sub(h.clock.Now()))
	for _, path := range reads {
		if status, _ := chiyo.api(http.MethodGet, path, nil); status != http.StatusNotFound {
			t.Errorf("%s, a minute later: %d", path, status)
		}
	}
}

// TestRoleTakenWhileInside: a guest who sits in a room and watches it loses the role that its category asks for, and
// has it back: Discord's event, their place, their page and their live view agree.
func TestRoleTakenWhileInside(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried, func(p *plan) { p.serve.MembersIntent = true })
	d, guild := h.world.discord, h.world.guild
	role, err := d.AddRole(guild, "Verified", 0)
	h.must(err)
	const enter = discordsim.PermViewChannel | discordsim.PermConnect
	category, err := d.AddChannel(guild,
		discordsim.ChannelOptions{Name: "Members", Type: discordsim.ChannelCategory, Overwrites: []discordsim.Overwrite{
			{ID: guild, Deny: enter}, {ID: role, Allow: enter},
			{
				ID: h.world.app.ID, Member: true,
				Allow: enter | discordsim.PermManageChannels | discordsim.PermMoveMembers,
			},
		}})
	h.must(err)
	alice, bruno, chiyo := h.signIn("alice"), h.signIn("bruno"), h.signIn("chiyo")
	for _, name := range []string{"bruno", "chiyo"} {
		h.must(d.SetRoles(guild, h.user(name).ID, role))
	}
	if status, out := alice.api(http.MethodPatch, "/guilds/"+guild.String()+"/settings",
		map[string]any{"settings": map[string]any{"category_id": category.ID.String()}}); status != http.StatusOK {
		t.Fatalf("settings: %d %v", status, out)
	}
	id := chiyo.open("Friday")
	channel, err := snowflake.Parse(id)
	h.must(err)
	status, out := chiyo.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{})
	if status != http.StatusCreated {
		t.Fatalf("no invite: %d %v", status, out)
	}
	_, token, _ := strings.Cut(out["url"].(string), "/i/")
	status, out = bruno.api(http.MethodPost, "/invites/redeem", map[string]any{"code": token})
	if status != http.StatusOK {
		t.Fatalf("not let in: %d %v", status, out)
	}
	h.must(h.join("bruno", id))
	conn := watch(h, bruno, guild.String(), "")
	defer conn.Close()
	agree := func(in bool) {
		t.Helper()
		want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[in]
		h.eventually("page, API and Discord agree", func() bool {
			page, _ := bruno.page("/game/" + id)
			api, _ := bruno.api(http.MethodGet, "/rooms/"+id, nil)
			return page == want && api == want && (d.MayJoin(h.user("bruno").ID, channel) == nil) == in
		})
		_, control := chiyo.api(http.MethodGet, "/rooms/"+id+"/control", nil)
		guests, _ := control["guests"].([]any)
		if len(guests) != 1 {
			t.Fatalf("the guests are %v", control)
		}
		if out, _ := guests[0].(map[string]any)["suspended"].(string); (out == "missing_role") == in {
			t.Errorf("the owner is told %q, in: %v", out, in)
		}
	}
	agree(true)
	h.must(d.SetRoles(guild, h.user("bruno").ID))
	h.until(conn, "the room is hidden",
		func(event, channel string, _ int) bool { return event == "room.hidden" && channel == id })
	agree(false)
	h.must(d.SetRoles(guild, h.user("bruno").ID, role))
	h.until(conn, "the room is shown again", func(event, channel string, _ int) bool {
		return (event == "room.created" || event == "room.snapshot") && channel == id
	})
	agree(true)
}
