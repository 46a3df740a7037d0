package bot_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/discordsim"
	"snug/shared/room"
)

// heardAll waits until the bot has everything that Discord has told up to now: somebody comes into the
// room and goes, and the bot, which hears all in its order, knows it.
func (h *harness) heardAll(name string, id snowflake.ID) {
	h.Helper()
	h.Must(h.Join(name, id))
	h.eventually("the bot has heard who is there", func() bool { return h.view(name, id).IdleDeadline.IsZero() })
	h.Leave(name)
	h.eventually("the bot has heard who left", func() bool { return !h.view(name, id).IdleDeadline.IsZero() })
}

// News of our own earlier edits comes late, when something else was asked for meanwhile: what was asked for
// stays, here and in Discord, and nothing is told as done by hand. What is changed by hand afterwards is followed.
func TestLateNewsOfOurOwnEdits(t *testing.T) {
	for name, x := range map[string]struct {
		first, then func(h *harness, id snowflake.ID)
		right       func(s room.Summary, c channel) bool
	}{
		"a name": {
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoPublic) },
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoRename, text("Saturday")) },
			func(s room.Summary, c channel) bool { return s.Name == "Saturday" && c.Name == "Saturday" },
		},
		"seats": {
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoPublic) },
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoSeats, number(7)) },
			func(s room.Summary, c channel) bool { return s.Seats == 7 && c.UserLimit == 7 },
		},
		"seats, and back": {
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoSeats, number(7)) },
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoSeats, number(4)) },
			func(s room.Summary, c channel) bool { return s.Seats == 4 && c.UserLimit == 4 },
		},
		"a name, twice": {
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoRename, text("Saturday")) },
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoRename, text("Friday")) },
			func(s room.Summary, c channel) bool { return s.Name == "Friday" && c.Name == "Friday" },
		},
		"privacy": {
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoSeats, number(7)) },
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoLock) },
			func(s room.Summary, _ channel) bool { return s.Access.Locked },
		},
		"a guest": {
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoSeats, number(7)) },
			func(h *harness, id snowflake.ID) { _, _, err := letIn(h, "jonas", id, "kiyo"); h.Must(err) },
			func(s room.Summary, _ channel) bool { return len(s.Access.Guests) == 1 },
		},
		"a ban": {
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoSeats, number(7)) },
			func(h *harness, id snowflake.ID) { h.changed("jonas", id, room.DoBan, h.at("kiyo")) },
			func(s room.Summary, _ channel) bool { return len(s.Access.Banned) == 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
			id := h.open("jonas", "Friday").Room.ID
			_, err := h.Discord.Inject(discordsim.Fault{
				Kind: discordsim.FaultDelay, Event: "CHANNEL_UPDATE", Delay: 0.4,
			})
			h.Must(err)
			x.first(h, id)
			x.then(h, id)
			h.heardAll("jonas", id)
			h.sweep()
			if s, c := h.view("jonas", id).Room, h.channels()[id]; !x.right(s, c) {
				t.Errorf("it became %+v, in Discord %+v", s, c)
			}
			for _, e := range h.audited(id) {
				if strings.HasPrefix(e, "repaired") || h.byHand(id) > 0 {
					t.Errorf("the audit tells of something nobody did: %q", h.audited(id))
					break
				}
			}
			h.do(http.MethodPatch, "/channels/"+id.String(),
				map[string]any{"name": "By hand", "user_limit": 9}).Body.Close()
			h.eventually("what is changed by hand is followed",
				func() bool { s := h.view("jonas", id).Room; return s.Name == "By hand" && s.Seats == 9 })
		})
	}
}

// byHand counts the audit's entries that somebody is said to have done in Discord itself.
func (h *harness) byHand(id snowflake.ID) (n int) {
	h.Helper()
	for _, e := range h.entries(id) {
		if e.Via == access.ViaDiscord && e.By == 0 &&
			slices.Contains([]audit.Kind{audit.RoomRenamed, audit.SeatsChanged}, e.Kind) {
			n++
		}
	}
	return n
}
