package bot_test

import (
	"testing"
	"time"

	"snug/shared/hub"
	"snug/shared/room"
)

// TestPersonErased erases somebody at the real bot: their place in a room they are not in is gone in Snug and in
// Discord, what others remembered of them too; the room they sit in stays theirs.
func TestPersonErased(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.openWith("jonas", room.OpenRequest{Name: "Draft"})
	_, _, err := letIn(h, "jonas", r.Room.ID, "kiyo")
	h.Must(err)
	_, err = call(h, hub.ChangeRoom,
		room.ChangeRequest{Actor: h.actor("jonas"), RoomID: r.Room.ID, Do: room.DoBan, User: h.People["ada"]})
	h.Must(err)
	own := h.openWith("kiyo", room.OpenRequest{Name: "Mine"})
	ask := func(who string, erase bool) room.PersonData {
		t.Helper()
		p, err := call(h, hub.PersonOf, room.PersonRequest{UserID: h.People[who], Erase: erase})
		h.Must(err)
		return p
	}
	if p := ask("kiyo", false); p.RememberedBy != 1 || p.Preferences.Name != "Mine" || len(p.Rooms) != 2 {
		t.Fatalf("kept of kiyo: %+v", p)
	}
	if _, _, ok := h.overwrite(r.Room.ID, h.People["kiyo"]); !ok {
		t.Fatal("kiyo is not let in")
	}
	p := ask("kiyo", true)
	if len(p.Rooms) != 2 || len(p.Rooms[0].Stays) != 0 || len(p.Rooms[1].Stays) == 0 || p.Rooms[1].ID != own.Room.ID {
		t.Errorf("erased: %+v", p)
	}
	if p := ask("kiyo", false); p.RememberedBy != 0 || !p.Preferences.Empty() || len(p.Rooms) != 1 {
		t.Errorf("left of kiyo: %+v", p)
	}
	h.clock.Forward(2 * time.Minute)
	h.eventually("Discord is told", func() bool {
		_, _, ok := h.overwrite(r.Room.ID, h.People["kiyo"])
		return !ok
	})
	ask("ada", true)
	if doc, _, err := h.hub.Rooms.Get(h.soon(), h.Guild.String()+"."+r.Room.ID.String()); err != nil ||
		!doc.Banned(h.People["ada"]) || doc.Bans[0].Name != "" {
		t.Errorf("erasing undid a ban, or kept a name: %+v, %v", doc.Bans, err)
	}
}
