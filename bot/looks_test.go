package bot_test

import (
	"testing"
)

// A guest who was let in keeps their picture while they are not in voice.
func TestGuestsKeepTheirPicture(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.open("jonas", "Friday")
	h.must(h.redeem("kiyo", r.Invite.Token))
	h.must(h.join("kiyo", r.Room.ID))
	h.awaitRoster(r.Room.ID, "kiyo")
	v := h.view("jonas", r.Room.ID)
	sits := v.Roster[0]
	h.leave("kiyo")
	h.awaitRoster(r.Room.ID)
	guests := h.view("jonas", r.Room.ID).Control.Guests
	if len(guests) != 1 || sits.Avatar == "" || guests[0].Avatar != sits.Avatar || guests[0].Name != sits.DisplayName {
		t.Errorf("in voice %+v, as a guest %+v", sits, guests)
	}
}
