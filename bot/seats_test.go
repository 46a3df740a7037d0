package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

func (h *harness) wait(name string, id snowflake.ID, leave bool) (room.WaitDone, error) {
	return call(h, hub.WaitForSeat, room.WaitRequest{Actor: h.actor(name), RoomID: id, Leave: leave})
}

func TestWaitingList(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false,"seats":2,"seat_grace":"0s"}`)
	id := h.open("jonas", "Friday").Room.ID
	if w, err := h.wait("kiyo", id, false); err != nil || w.Place != 0 || w.HeldUntil.IsZero() {
		t.Errorf("with a free seat: %+v, %v", w, err)
	}
	for _, n := range []string{"jonas", "kiyo"} {
		h.Must(h.Join(n, id))
	}
	h.awaitRoster(id, "jonas", "kiyo")
	_, err := call(h, hub.JoinRoom, h.request("priya", id))
	h.wantCode(err, errs.RoomFull)
	for i, n := range []string{"priya", "ada", "tomas"} {
		if w, err := h.wait(n, id, false); err != nil || w.Place != i+1 || w.Room.Waiting != i+1 {
			t.Errorf("%s: %+v, %v", n, w, err)
		}
	}
	if w, err := h.wait("ada", id, false); err != nil || w.Place != 2 {
		t.Errorf("waiting again: %+v, %v", w, err)
	}
	_, err = h.wait("kiyo", id, false)
	h.wantCode(err, errs.Conflict)
	if w, err := h.wait("tomas", id, true); err != nil || w.Place != 0 {
		t.Errorf("having left the list: %+v, %v", w, err)
	}

	h.Leave("kiyo")
	h.told("priya", "A seat in", "Friday")
	_, err = call(h, hub.JoinRoom, h.request("tomas", id)) // it is held for her
	h.wantCode(err, errs.RoomFull)
	h.Must(h.Join("tomas", id)) // and who takes it in Discord is put back
	h.told("tomas", "held for somebody else")
	h.awaitRoster(id, "jonas")
	h.Must(h.Join("priya", id))
	h.awaitRoster(id, "jonas", "priya")
	h.await("her seat is hers, ada waits", func(l map[snowflake.ID]room.Live) bool {
		return len(l[id].Room.Held) == 0 && l[id].Room.Waiting == 1
	})

	h.Leave("priya") // ada does not come: the seat is free for all after two minutes
	h.told("ada", "A seat in")
	h.clock.Forward(2*time.Minute + time.Second)
	h.sweep()
	if j, err := call(h, hub.JoinRoom, h.request("tomas", id)); err != nil || j.HeldUntil.IsZero() {
		t.Errorf("after the hold: %+v, %v", j, err)
	}
	h.wantAudit(id, "seat_held", "waiting_started", "waiting_started", "waiting_started", "waiting_ended left",
		"waiting_ended offered", "seat_refused held", "waiting_ended offered")
}

// A seat whose holding ends is the line's at once, and nobody else's before: neither who asks on the web nor
// who comes in Discord.
func TestHeldSeatGoesToTheLine(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		grace string
		ends  func(h *harness, id snowflake.ID)
	}{
		"when its time is over": {"1s", func(*harness, snowflake.ID) {}},
		"when who left meant to": {"5m0s", func(h *harness, id snowflake.ID) {
			w, err := h.wait("kiyo", id, true)
			h.Must(err)
			if !w.HeldUntil.IsZero() {
				t.Errorf("their seat is held until %v", w.HeldUntil)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.settings(`{"private":false,"seats":2,"seat_grace":"` + x.grace + `"}`)
			id := h.open("jonas", "Friday").Room.ID
			for _, n := range []string{"jonas", "kiyo"} {
				h.Must(h.Join(n, id))
			}
			h.awaitRoster(id, "jonas", "kiyo")
			_, err := h.wait("priya", id, false)
			h.Must(err)
			h.Leave("kiyo")
			h.await("her seat is held", func(l map[snowflake.ID]room.Live) bool {
				return len(l[id].Roster) == 1 && len(l[id].Room.Held) == 1
			})
			until, tomas := h.view("kiyo", id).HeldUntil, room.Request{Actor: h.known("tomas"), RoomID: id}
			x.ends(h, id)
			var took time.Time
			h.eventually("priya has it", func() bool {
				_, err := call(h, hub.JoinRoom, tomas)
				h.wantCode(err, errs.RoomFull)
				doc, _, err := h.hub.Rooms.Latest(h.soon(), h.Guild.String()+"."+id.String())
				h.Must(err)
				took = h.clock.Now()
				return doc.Hold(h.People["priya"], took) != nil && len(doc.Waiting) == 0
			})
			if late := took.Sub(until); late > time.Second {
				t.Errorf("the line got it %v after it was free", late)
			}
			h.told("priya", "A seat in")
		})
	}
}

func TestMoreSeatsMoveTheListUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false,"seats":1}`)
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")
	for _, n := range []string{"priya", "ada"} {
		_, err := h.wait(n, id, false)
		h.Must(err)
	}
	h.changed("jonas", id, room.DoSeats, number(2))
	h.told("priya", "A seat in")
	if c := h.channels()[id]; c.UserLimit != 2 {
		t.Errorf("the channel's limit is %d", c.UserLimit)
	}
	h.changed("jonas", id, room.DoBan, h.at("ada"))
	if v := h.view("jonas", id); len(v.Control.Waiting) != 0 || len(v.Control.Holds) != 1 {
		t.Errorf("after a ban: %+v", v.Control)
	}
	_, err := h.change("jonas", id, room.DoSeats, number(0))
	h.wantCode(err, errs.Invalid)
	h.wantAudit(id, "seats_changed 1>2")
	// Fewer seats than people: nobody is put out, and nobody gets in.
	h.Must(h.Join("priya", id))
	h.awaitRoster(id, "jonas", "priya")
	h.changed("jonas", id, room.DoSeats, number(1))
	h.awaitRoster(id, "jonas", "priya")
}

func TestSeatIsHeldForWhoIsLetIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.openWith("jonas", room.OpenRequest{Seats: 3})
	id := r.Room.ID
	h.Must(h.Join("jonas", id))
	h.Must(h.redeem("kiyo", r.Invite.Code))
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "jonas", "kiyo")
	_, _, err := letIn(h, "jonas", id, "priya")
	h.Must(err)
	h.told("priya", "let you into")
	h.Must(h.redeem("ada", r.Invite.Code))
	_, err = call(h, hub.JoinRoom, h.request("ada", id))
	h.wantCode(err, errs.RoomFull)
	if !strings.Contains(err.Error(), "held") {
		t.Errorf("the reason is not told: %v", err)
	}
	if v := h.view("priya", id); v.HeldUntil.IsZero() {
		t.Error("she does not see that a seat is held for her")
	}
	if j, err := call(h, hub.JoinRoom, h.request("priya", id)); err != nil || j.HeldUntil.IsZero() {
		t.Errorf("with a seat held: %+v, %v", j, err)
	}
	h.clock.Forward(3*time.Minute + time.Second)
	h.sweep()
	if _, err = call(h, hub.JoinRoom, h.request("ada", id)); err != nil {
		t.Error(err)
	}
}

// Who loses their connection has their seat, and the room its owner, for a while.
func TestGraceAfterADisconnect(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false,"seats":2,"idle_timeout":"0s"}`)
	id := h.open("jonas", "Friday").Room.ID
	for _, n := range []string{"jonas", "kiyo"} {
		h.Must(h.Join(n, id))
	}
	h.awaitRoster(id, "jonas", "kiyo")
	h.Leave("jonas")
	h.await("his seat is held", func(l map[snowflake.ID]room.Live) bool { return len(l[id].Room.Held) == 1 })
	h.whileDown(func() {}) // also over a restart, after which names are learned again
	h.eventually("it is seen who the seat is held for", func() bool {
		list := h.view("kiyo", id).Holders
		return len(list) == 1 && list[0].UserID == h.People["jonas"] && list[0].Name != ""
	})
	_, err := call(h, hub.JoinRoom, h.request("priya", id))
	h.wantCode(err, errs.RoomFull)
	h.Must(h.Join("priya", id))
	h.told("priya", "held for somebody else")
	h.awaitRoster(id, "kiyo")
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "kiyo", "jonas")
	if v := h.view("jonas", id); v.Room.Access.OwnerID != h.People["jonas"] || !v.ClaimAt.IsZero() {
		t.Errorf("back again: %+v", v)
	}
	h.Must(h.Join("kiyo", h.public)) // who goes elsewhere gives the seat up
	h.await("no seat is held",
		func(l map[snowflake.ID]room.Live) bool { return len(l[id].Room.Held) == 0 && len(l[id].Roster) == 1 })

	h.Leave("jonas") // empty, with a timeout of nothing: the room waits for who lost their connection
	h.await("his seat is held again", func(l map[snowflake.ID]room.Live) bool { return len(l[id].Room.Held) == 1 })
	h.clock.Forward(29 * time.Second)
	h.sweep()
	if v := h.view("jonas", id); !v.Room.ClosingAt.IsZero() {
		t.Error("announced during the grace")
	}
	h.clock.Forward(time.Minute)
	h.sweep()
	h.said(id, "this room closes")
}
