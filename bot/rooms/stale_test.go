package rooms_test

import (
	"testing"

	"snug/shared/errs"
	"snug/shared/room"
)

// TestStaleDecisions changes a room's document behind the rooms' back, as a write does whose answer came late. What is
// then asked for is decided by what is stored, and nobody is told that somebody else changed the room.
func TestStaleDecisions(t *testing.T) {
	none := room.ChangeRequest{}
	ban := func(r *room.Room) { r.Bans = append(r.Bans, room.Ban{UserID: kiyo, By: mara}) }
	kiyosNow := func(r *room.Room) { r.OwnerID, r.OwnerName = kiyo, "Kiyo" }
	wait := func(r *room.Room) { r.Waiting = append(r.Waiting, room.Waiter{UserID: kiyo, Name: "Kiyo"}) }
	for name, c := range map[string]struct {
		given  func(*world)
		behind func(*room.Room)
		do     func(*world) error
		want   errs.Code // of the answer
		is     func(room.Room) bool
	}{
		"let in who is banned": {
			opened, ban, func(w *world) error { return w.invite(kiyo) }, errs.Forbidden,
			func(r room.Room) bool { return r.Guest(kiyo) == nil && r.Banned(kiyo) },
		},
		"let in who is in": {
			opened, func(r *room.Room) { r.Guests = append(r.Guests, room.Guest{UserID: kiyo, By: mara}) },
			func(w *world) error { return w.invite(kiyo) }, "",
			func(r room.Room) bool { return len(r.Guests) == 1 },
		},
		"change another's room": {
			opened, kiyosNow, act(mara, room.DoSeats, room.ChangeRequest{Number: 5}), errs.Forbidden,
			func(r room.Room) bool { return r.Seats == 3 },
		},
		"change a closing room": {
			opened, func(r *room.Room) { r.State, r.CloseReason = room.Closing, room.ClosedByAdmin },
			act(mara, room.DoLock, none), errs.RoomNotFound, func(r room.Room) bool { return !r.Locked },
		},
		"close a closing room": {
			opened, func(r *room.Room) { r.State, r.CloseReason = room.Closing, room.ClosedByAdmin },
			closeOf(mara), errs.RoomNotFound, func(r room.Room) bool { return r.CloseReason == room.ClosedByAdmin },
		},
		"wait twice": {full, wait, waitOf(kiyo), "", func(r room.Room) bool { return len(r.Waiting) == 1 }},
		"answer a knock again": {
			then(opened, knocked(kiyo)), func(r *room.Room) { r.DropKnock(kiyo) }, answer(kiyo, false), errs.NotFound,
			func(r room.Room) bool { return len(r.Knocks) == 0 },
		},
		"unban who is not banned": {
			then(opened, acted(mara, room.DoBan, room.ChangeRequest{User: kiyo})),
			func(r *room.Room) { r.Bans = nil }, act(mara, room.DoUnban, room.ChangeRequest{User: kiyo}), "",
			func(r room.Room) bool { return len(r.Bans) == 0 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.given(w)
			w.settle()
			key := w.guild.String() + "." + w.room.String()
			_, _, err := w.hub.Rooms.Edit(t.Context(), key, func(r *room.Room) error { c.behind(r); return nil })
			w.must(err)
			if err := c.do(w); !errs.Has(err, c.want) {
				t.Errorf("the answer is %v, not %q", err, c.want)
			}
			w.settle()
			r, there := w.doc()
			if !there || !c.is(r) {
				t.Errorf("the room is %s", jsonOf(r))
			}
		})
	}
}
