package voice_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

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
		h.Room(four, room.Opened{})
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
		h.Room(two, room.Changed{})
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
