package bot_test

import (
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// The wall clock is put forward or back: nothing is closed, freed or allowed
// early for it, and nothing late.
func TestClockJumps(t *testing.T) {
	for name, by := range map[string]time.Duration{
		"back ten minutes": -10 * time.Minute, "back a day": -24 * time.Hour, "forward two hours": 2 * time.Hour,
		"forward a day": 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.settings(`{"private":false,"idle_timeout":"1h","closing_notice":"1m","seat_grace":"1m","seats":2}`)
			idle, held := h.open("jonas", "Idle").Room.ID, h.open("kiyo", "Held").Room.ID
			closing := func(id snowflake.ID) bool { return !h.view("jonas", id).Room.ClosingAt.IsZero() }
			for _, n := range []string{"kiyo", "priya"} {
				h.Must(h.Join(n, held))
			}
			h.awaitRoster(held, "kiyo", "priya")
			h.clock.Forward(30 * time.Minute)
			h.sweep()
			h.Leave("priya")
			h.await("a seat is held", func(l map[snowflake.ID]room.Live) bool { return len(l[held].Room.Held) == 1 })

			h.clock.Jump(by)
			if _, err := call(h, hub.JoinRoom, h.request("ada", held)); errs.CodeOf(err) != errs.RoomFull {
				t.Errorf("the seat was free too early: %v", err)
			}
			h.sweep()
			h.clock.Forward(28 * time.Minute) // 58 minutes
			h.sweep()
			if closing(idle) {
				t.Error("announced too early")
			}
			if _, err := call(h, hub.JoinRoom, h.request("ada", held)); err != nil {
				t.Errorf("the seat is held too long: %v", err)
			}
			h.clock.Forward(2 * time.Minute)
			h.sweep()
			if !closing(idle) {
				t.Error("announced too late")
			}
			if at := h.view("jonas", idle).Room.ClosingAt.Sub(h.clock.Now().Round(0)); at < 0 || at > 2*time.Minute {
				t.Errorf("it closes in %v by the clock as it is now", at)
			}
			h.whileDown(func() {}) // what is stored goes by the clock as it is now
			h.sweep()
			if !closing(idle) {
				t.Error("the announcement is forgotten")
			}
			h.clock.Forward(2 * time.Minute)
			h.sweep()
			_, err := call(h, hub.ViewRoom, h.request("jonas", idle))
			h.wantCode(err, errs.RoomNotFound)
		})
	}
}
