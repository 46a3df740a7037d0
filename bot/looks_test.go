package bot_test

import (
	"testing"
	"time"

	"snug/shared/room"
)

// A guest who was let in keeps their picture while they are not in voice.
func TestGuestsKeepTheirPicture(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	h.Must(h.redeem("kiyo", r.Invite.Code))
	h.Must(h.Join("kiyo", r.Room.ID))
	h.awaitRoster(r.Room.ID, "kiyo")
	v := h.view("jonas", r.Room.ID)
	sits := v.Roster[0]
	h.Leave("kiyo")
	h.awaitRoster(r.Room.ID)
	guests := h.view("jonas", r.Room.ID).Control.Guests
	if len(guests) != 1 || sits.Avatar == "" || guests[0].Avatar != sits.Avatar || guests[0].Name != sits.DisplayName {
		t.Errorf("in voice %+v, as a guest %+v", sits, guests)
	}
}

// Who is banned, and who waits for a seat, has a name and a picture for who runs the room.
func TestBannedAndWaitingHaveTheirPicture(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	id := h.openWith("jonas", room.OpenRequest{Name: "Friday", Seats: 1}).Room.ID
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "kiyo")
	sits := h.view("jonas", id).Roster[0]
	_, err := h.wait("priya", id, false)
	h.Must(err)
	c := h.view("jonas", id).Control
	if len(c.Waiting) != 1 || c.Waiting[0].Avatar == "" || c.Waiting[0].Name != "Priya" {
		t.Errorf("in the line %+v", c.Waiting)
	}
	_, err = h.change("jonas", id, room.DoBan, func(q *room.ChangeRequest) { q.User = h.People["kiyo"] })
	h.Must(err)
	c = h.view("jonas", id).Control
	if len(c.Bans) != 1 || sits.Avatar == "" || c.Bans[0].Avatar != sits.Avatar || c.Bans[0].Name != sits.DisplayName {
		t.Errorf("in voice %+v, banned %+v", sits, c.Bans)
	}
}

// Since when others may know of comings and goings is when the room was opened to them, or when they were let
// in, whoever keeps the rooms.
func TestShownAt(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	knows := func(who string) time.Time {
		t.Helper()
		return h.view(who, id).KnowsSince
	}
	if at := knows("ada"); !at.IsZero() {
		t.Errorf("a room that was open from the start: from %v on", at)
	}
	for _, c := range []struct{ shut, open room.Action }{{room.DoHide, room.DoShow}, {room.DoPrivate, room.DoPublic}} {
		h.changed("jonas", id, c.shut)
		h.clock.Forward(time.Minute)
		from := h.clock.Now()
		h.changed("jonas", id, c.open)
		until := h.clock.Now()
		at := knows("ada")
		if at.Before(from) || at.After(until) {
			t.Errorf("after %s it was opened by %s between %v and %v, and others know from %v on", c.shut, c.open, from,
				until, at)
		}
		if owner := knows("jonas"); !owner.IsZero() {
			t.Errorf("its owner knows from %v on", owner)
		}
		h.clock.Forward(time.Minute)
		h.changed("jonas", id, room.DoLock) // who could see it still can
		h.changed("jonas", id, room.DoUnlock)
		if again := knows("ada"); !again.Equal(at) {
			t.Errorf("locking moved it from %v to %v", at, again)
		}
	}
	at := knows("ada")
	h.shut()
	h.start()
	if again := knows("ada"); !again.Equal(at) {
		t.Errorf("a restart moved it from %v to %v", at, again)
	}
}
