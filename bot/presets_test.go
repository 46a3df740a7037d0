package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"snug/shared/discordsim"
	"snug/shared/room"
)

// TestPresetsAndAgainInDiscord: a room is saved as a preset, closed, opened by it, closed again, and opened again with
// its people by somebody who was in it.
func TestPresetsAndAgainInDiscord(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"presets":[{"name":"Duo","seats":2,"private":false}]}`)
	r := h.openWith("kiyo", room.OpenRequest{Name: "Commander night", Seats: 3})
	h.wantText(h.Command("kiyo", "preset list", nil), "**Duo** · 2 seats · open (this server’s)")
	h.wantText(h.Command("kiyo", "preset save", map[string]any{"name": "Commander"}),
		"**Commander** · “Commander night” · 3 seats · private")
	h.wantText(h.Command("kiyo", "room again", nil), "There is no closed room of yours")
	h.wantText(h.Command("kiyo", "invite", map[string]any{"user": fmt.Sprint(h.user("jonas"))}), "in")
	h.wantText(h.press("kiyo", h.Command("kiyo", "room close", nil).Message.ID, "Close"), "")
	h.Command("kiyo", "preferences forget", nil)

	suggested := func(name, command, option, typed string) (out []string) {
		list, err := h.Discord.Autocomplete(h.soon(), h.user(name),
			discordsim.CommandRun{Guild: h.Guild, Name: command, Options: map[string]any{option: typed}}, option)
		h.Must(err)
		for _, c := range list {
			out = append(out, fmt.Sprint(c.Name, "=", strings.Trim(string(c.Value), `"`)))
		}
		return out
	}
	want := []string{
		"Commander · “Commander night” · 3 seats · private=me:Commander", "Duo · 2 seats · open=server:Duo",
	}
	if got := suggested("kiyo", "create-room", "preset", ""); !slices.Equal(got, want) {
		t.Errorf("kiyo is offered %q", got)
	}
	if got := suggested("jonas", "create-room", "preset", ""); !slices.Equal(got, want[1:]) {
		t.Errorf("jonas is offered %q", got)
	}
	if got := suggested("jonas", "room again", "room", "comm"); !slices.Equal(got,
		[]string{fmt.Sprint("Commander night · Kiyo=", r.Room.ID)}) {
		t.Errorf("jonas is offered %q", got)
	}
	h.wantText(h.Command("kiyo", "create-room", map[string]any{"preset": "me:Commander"}), "**Commander night**",
		"3 seats · 🔒 private")
	h.wantText(h.press("kiyo", h.Command("kiyo", "room close", nil).Message.ID, "Close"), "")
	h.wantText(h.Command("jonas", "room again", map[string]any{"room": r.Room.ID.String()}), "**Commander night**",
		"3 seats · 🔒 private")
	h.wantText(h.Command("kiyo", "room again", map[string]any{"room": r.Room.ID.String()}), "open again already")
	h.wantText(h.Command("kiyo", "preset remove", map[string]any{"preset": "me:Commander"}), "**Commander** is removed")
	h.wantText(h.Command("kiyo", "preset remove", map[string]any{"preset": "Commander"}), "There is no preset")
}
