package voice_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/voice"
	"snug/shared/room"
)

// seats gives who sits where, of what was published last.
func (h *harness) seats() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.puts[len(h.puts)-1].Roster {
		out = append(out, fmt.Sprintf("%s:%d", p.DisplayName, p.Seat))
	}
	return out
}

// People keep their seat whoever joins and leaves, and over a restart with or without the hub's state.
func TestSeatsAreKept(t *testing.T) {
	var left []voice.Occupant
	var prior room.Live
	four := summary(friday)
	four.Seats = 4
	inside(t, func(h *harness) {
		want := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := h.seats(); !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
		h.in(7, friday, false) // before it is a room
		h.Room(four, nil, room.Opened{})
		h.in(8, friday, false)
		h.in(9, friday, false)
		want("u7:1", "u8:2", "u9:3")
		h.in(7, 0, false)
		h.in(9, friday, true)
		want("u8:2", "u9:3")
		h.Export(guild, func(o []voice.Occupant) { left = o })
		synctest.Wait()
		h.mu.Lock()
		prior = h.puts[len(h.puts)-1]
		h.mu.Unlock()

		h.in(7, friday, false)
		want("u8:2", "u9:3", "u7:1")
		h.in(7, 0, false)
		synctest.Wait()
		h.take()
		two := four
		two.Seats = 2
		h.Room(two, nil, room.Changed{})
		want("u8:2", "u9:1")
		if got := h.take(); len(got) != 2 { // the change, and who has another seat by it
			t.Errorf("published %v", got)
		}
	})
	for name, prior := range map[string]*room.Live{"what the hub held": &prior, "a hub that begins anew": nil} {
		inside(t, func(h *harness) {
			h.Restore(guild, left)
			s8, m8 := state(8, friday, true) // muted meanwhile
			s9, m9 := state(9, friday, true)
			h.Guild(guild, []discord.VoiceState{s8, s9}, []discord.Member{m8, m9})
			h.Track(guild, []voice.KnownRoom{{Room: four, Prior: prior}}, func() {})
			synctest.Wait()
			if got := h.seats(); !slices.Equal(got, []string{"u8:2", "u9:3"}) {
				t.Errorf("%s: %v", name, got)
			}
		})
	}
}

// TestSeatsAreHeld publishes the seat that is held with who left, and that it no longer is with who came.
func TestSeatsAreHeld(t *testing.T) {
	const grace = 20 * time.Second
	leave := func(h *harness) { h.in(7, 0, false) }
	for name, c := range map[string]struct {
		doc   room.Room
		grace time.Duration
		do    []func(*harness)
		held  []time.Duration
		waits int
	}{
		"who leaves voice": {room.Room{Seats: 2}, grace, []func(*harness){leave}, []time.Duration{grace}, 0},
		"who is back": {
			room.Room{Seats: 2}, grace, []func(*harness){leave, func(h *harness) { h.in(7, friday, false) }}, nil, 0,
		},
		"who goes elsewhere": {
			room.Room{Seats: 2}, grace, []func(*harness){func(h *harness) { h.in(7, public, false) }}, nil, 0,
		},
		"who is disconnected": {
			room.Room{Seats: 2}, grace, []func(*harness){func(h *harness) { h.PutOut(guild, 7) }, leave}, nil, 0,
		},
		"who is banned": {
			room.Room{Seats: 2, Bans: []room.Ban{{UserID: 7}}}, grace, []func(*harness){leave}, nil, 0,
		},
		"who had no seat": {
			room.Room{Seats: 1}, grace, []func(*harness){leave}, nil, 0,
		},
		"where none is held": {room.Room{Seats: 2}, 0, []func(*harness){leave}, nil, 0},
		"who waited, and others": {
			room.Room{Seats: 3, Waiting: []room.Waiter{{UserID: 9}, {UserID: 10}}}, grace,
			[]func(*harness){leave, func(h *harness) { h.in(9, friday, false) }}, []time.Duration{grace}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inside(t, func(h *harness) {
				s, began := summary(friday), time.Now()
				s.Waiting = len(c.doc.Waiting)
				h.in(7, friday, false)
				h.in(8, friday, false)
				h.Room(s, &voice.Seats{Told: 1, Doc: &c.doc, Grace: c.grace}, room.Opened{})
				for _, do := range c.do {
					do(h)
				}
				synctest.Wait()
				last := h.puts[len(h.puts)-1]
				var held []time.Duration
				for _, at := range last.Room.Held {
					held = append(held, at.Sub(began))
				}
				if len(h.puts) > 1+len(c.do) || !slices.Equal(held, c.held) || last.Room.Waiting != c.waits {
					t.Errorf("held for %v, %d wait, by %d publications", held, last.Room.Waiting, len(h.puts))
				}
				if m := h.moves[len(h.moves)-1]; m.To != public && !m.Seats.Shows(&room.Room{
					Holds: heldBack(last.Room.Held), Waiting: make([]room.Waiter, c.waits),
				}) {
					t.Errorf("the move says %+v", m.Seats.Doc)
				}
				if len(c.doc.Holds) > 0 {
					t.Error("what the rooms told was changed")
				}
			})
		})
	}
}

// heldBack gives the holds of user 7, who left, by what was published.
func heldBack(until []time.Time) (holds []room.Hold) {
	for _, at := range until {
		holds = append(holds, room.Hold{UserID: 7, Why: room.HeldBack, Until: at})
	}
	return holds
}
