package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

func TestOwnership(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	for _, n := range []string{"kiyo", "priya"} {
		h.Must(h.redeem(n, r.Invite.Code))
	}
	h.Must(h.Join("jonas", id))
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "jonas", "kiyo")
	_, err := h.change("kiyo", id, room.DoClaim)
	h.wantCode(err, errs.Forbidden)
	h.Leave("jonas")
	h.awaitRoster(id, "kiyo")
	h.eventually("his absence counts", func() bool { return !h.view("kiyo", id).ClaimAt.IsZero() })
	h.clock.Forward(5*time.Minute - 10*time.Second)
	_, err = h.change("kiyo", id, room.DoClaim)
	h.wantCode(err, errs.Forbidden)
	if wait := errs.Public(err).RetryAfter; wait <= 0 || wait > 10*time.Second {
		t.Errorf("they may in %v", wait)
	}
	h.whileDown(func() { h.clock.Forward(10 * time.Second) })
	_, err = h.change("priya", id, room.DoClaim) // who does not sit in it may not
	h.wantCode(err, errs.NotInVoice)
	if v := h.view("kiyo", id); !v.MayClaim {
		t.Errorf("kiyo may not take it over: %+v", v)
	}
	done := h.changed("kiyo", id, room.DoClaim)
	if done.Room.OwnerName != "Kiyo" || !done.Room.Access.Admitted(h.People["jonas"]) {
		t.Errorf("after the claim: %+v", done.Room)
	}
	if by := h.view("kiyo", id).Room; by.OpenedBy != h.People["jonas"] || by.OpenedName != "Jonas" {
		t.Errorf("after the claim it was opened by %d %q", by.OpenedBy, by.OpenedName)
	}
	h.said2("kiyo", id, "owns this room now")
	_, err = h.change("jonas", id, room.DoRename, text("Mine"))
	h.wantCode(err, errs.Forbidden)

	if done := h.changed("kiyo", id, room.DoTransfer, h.at("jonas")); done.Name != "Jonas" ||
		done.Room.OwnerName != "Jonas" {
		t.Errorf("handed back: %+v", done)
	}
	for name, want := range map[string]errs.Code{"stranger": errs.Invalid, "jonas": errs.Invalid} {
		_, err = h.change("jonas", id, room.DoTransfer, h.at(name))
		h.wantCode(err, want)
	}
	h.open("ada", "Her own")
	if _, err = call(h, hub.OpenRoom,
		room.OpenRequest{Actor: h.actor("ada"), Name: "Another"}); !errs.Has(err, errs.RoomLimit) ||
		!strings.Contains(err.Error(), "a room, “Her own”") {
		t.Errorf("a second room: %v", err)
	}
	_, err = h.change("jonas", id, room.DoTransfer, h.at("ada"))
	h.wantCode(err, errs.RoomLimit)
	h.wantAudit(id, "owner_changed claim Jonas>Kiyo", "owner_changed transfer Kiyo>Jonas")

	// Managers may at any time where Discord shows them the room; a setting that does adds no more than seeing.
	manager := h.role("Manager", discordsim.PermManageGuild)
	h.Must(h.Discord.SetRoles(h.Guild, h.People["tomas"], manager))
	_, err = h.change("tomas", id, room.DoClaim)
	h.wantCode(err, errs.RoomNotFound)
	h.settings(`{"managers_see_private":true}`)
	if v := h.view("tomas", id); len(v.Roster) != 1 || v.MayControl || v.MayEnter {
		t.Errorf("a manager sees %+v", v)
	}
	_, err = h.change("tomas", id, room.DoClaim)
	h.wantCode(err, errs.NotInVoice)
	// The server's owner may everything.
	h.changed("mara", id, room.DoClaim)
	h.wantAudit(id, "owner_changed override Jonas>Mara")
}

// said2 waits until a room's chat has the words, as a member sees it.
func (h *harness) said2(name string, channel snowflake.ID, words string) {
	h.Helper()
	h.eventually("the chat says "+words, func() bool {
		for _, m := range h.chat(name, channel) {
			if contains(m.Text(), words) {
				return true
			}
		}
		return false
	})
}

// The owner left the server: who sits in the room longest owns it.
func TestOwnerLeavesTheServer(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	for _, n := range []string{"jonas", "priya", "kiyo"} {
		h.Must(h.redeem(n, r.Invite.Code))
		h.Must(h.Join(n, id))
		h.eventually(n+" is in", func() bool { return h.where(n) == id })
	}
	h.awaitRoster(id, "jonas", "priya", "kiyo")
	h.Must(h.Discord.RemoveMember(h.Guild, h.user("jonas")))
	h.awaitRoster(id, "priya", "kiyo")
	h.eventually("priya owns it", func() bool {
		h.sweep()
		return h.view("priya", id).Room.Access.OwnerID == h.People["priya"]
	})
	if _, _, there := h.overwrite(id, h.People["jonas"]); there {
		t.Error("who left the server has still a place in the room")
	}
	h.changed("priya", id, room.DoRename, text("Priya's"))
	h.wantAudit(id, "owner_changed handover Jonas>Priya")
}

// A room passes to whoever has been in it longest, once its owner has been away for as long as the server says.
func TestRoomPassesOn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	h.open("priya", "Her own")
	h.Must(h.Join("jonas", id))
	for _, n := range []string{"priya", "kiyo", "ada"} {
		h.Must(h.redeem(n, r.Invite.Code))
		h.Must(h.Join(n, id))
		h.eventually(n+" is in", func() bool { return h.where(n) == id })
	}
	owner := func(want string) {
		t.Helper()
		h.sweep()
		if is := h.view("mara", id).Room.Access.OwnerID; is != h.People[want] {
			t.Fatalf("it belongs to %d, not to %s", is, want)
		}
	}
	away := func() {
		t.Helper()
		h.Leave("jonas")
		h.eventually("his absence counts", func() bool { return !h.view("kiyo", id).ClaimAt.IsZero() })
	}
	away()
	h.clock.Forward(30 * time.Minute)
	owner("jonas") // nothing is set

	h.Must(h.Join("jonas", id))
	h.eventually("he is back", func() bool { return h.view("kiyo", id).ClaimAt.IsZero() })
	h.settings(`{"pass_on_after":"10m"}`)
	away()
	if v := h.view("kiyo", id); !v.PassesAt.Equal(v.ClaimAt.Add(5 * time.Minute)) {
		t.Errorf("it passes on at %v, and others may claim it from %v on", v.PassesAt, v.ClaimAt)
	}
	h.clock.Forward(9 * time.Minute)
	owner("jonas")
	h.clock.Forward(time.Minute)
	owner("kiyo") // priya has been in it longer, and has as many rooms as she may
	if v := h.view("jonas", id); !v.MayEnter || v.MayControl || !v.PassesAt.IsZero() {
		t.Errorf("who owned it: %+v", v)
	}
	h.said2("kiyo", id, "owns this room now")
	h.wantAudit(id, "owner_changed passed_on Jonas>Kiyo")

	h.Leave("priya")
	h.Leave("ada")
	h.Leave("kiyo")
	h.awaitRoster(id)
	h.clock.Forward(11 * time.Minute)
	owner("kiyo") // nobody is in it
}
