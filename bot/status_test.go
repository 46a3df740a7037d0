package bot_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/discordsim"
	"snug/shared/room"
)

// setStatus sets a channel's status in Discord, past Snug.
func (h *harness) setStatus(id snowflake.ID, status string) {
	h.Helper()
	h.do(http.MethodPut, "/channels/"+id.String()+"/voice-status", map[string]any{"status": status}).Body.Close()
}

// A status set by hand in Discord is the room's, also when Snug was down meanwhile; since when somebody is in
// voice is known.
func TestStatusSetByHand(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	_, _, err := letIn(h, "jonas", id, "kiyo")
	h.Must(err)
	h.Must(h.Join("jonas", id))
	h.Must(h.Join("kiyo", id))
	status := func(want string) {
		t.Helper()
		h.eventually("its status is "+want, func() bool { return h.view("jonas", id).Room.Status == want })
	}
	h.changed("jonas", id, room.DoStatus, text("Draft"))
	h.setStatus(id, "Round 2")
	status("Round 2")
	h.setStatus(id, "")
	status("")
	h.whileDown(func() { h.setStatus(id, "While down") })
	status("While down")
	h.changed("jonas", id, room.DoStatus, text("Here again"))
	h.wantAudit(id, "room_opened", "guest_admitted", "status_changed >Draft", "status_changed Draft>Round 2",
		"status_changed Round 2>", "status_changed >While down", "status_changed While down>Here again")

	since := h.view("jonas", id).Room.LiveSince
	if age := time.Since(since); age < 0 || age > time.Minute {
		t.Errorf("somebody is in voice since %v", since)
	}
	h.Leave("jonas")
	h.Leave("kiyo")
	h.eventually("nobody is in voice any more",
		func() bool { v := h.view("jonas", id).Room; return v.LiveSince.IsZero() && v.Status == "" })
}

// News of a status that Snug set itself comes late, when another one was asked for meanwhile.
func TestLateNewsOfOurOwnStatus(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	id := h.open("jonas", "Friday").Room.ID
	_, _, err := letIn(h, "jonas", id, "kiyo")
	h.Must(err)
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "kiyo")
	_, err = h.Discord.Inject(discordsim.Fault{
		Kind: discordsim.FaultDelay, Event: "VOICE_CHANNEL_STATUS_UPDATE", Delay: 0.4,
	})
	h.Must(err)
	for _, s := range []string{"One", "Two", "One", "Three"} {
		h.changed("jonas", id, room.DoStatus, text(s))
	}
	h.Must(h.Join("jonas", id)) // told after all of that
	h.awaitRoster(id, "kiyo", "jonas")
	if got := h.view("jonas", id).Room.Status; got != "Three" {
		t.Errorf("the status is %q", got)
	}
	if h.audited(id); slices.ContainsFunc(h.entries(id),
		func(e audit.Entry) bool { return e.Kind == audit.StatusChanged && e.By == 0 }) {
		t.Errorf("the audit tells of something nobody did: %q", h.audited(id))
	}
	h.setStatus(id, "By hand")
	h.eventually("what is set by hand is followed", func() bool { return h.view("jonas", id).Room.Status == "By hand" })
}
