package bot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"snug/shared/room"
	"snug/shared/standin"
)

// Discord bounds edits of messages older than an hour: the panel is then
// posted anew, in place of the old one, and nothing is asked again and again.
func TestOldPanelIsPostedAnew(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(l *standin.Limits) { l.OldEdits = 1 })
	id := h.open("jonas", "Friday").Room.ID
	h.must(h.join("jonas", id))
	first := h.panel("jonas", id, "the room", has("Rename")).ID
	h.theirs.forward(2 * time.Hour)
	h.clock.forward(2 * time.Hour)
	edits := h.asked("PATCH /channels/{channel}/messages")
	h.changed("jonas", id, room.DoLock)
	if m := h.panel("jonas", id, "the lock", has("Unlock")); m.ID != first {
		t.Error("the first edit of an old panel was no edit")
	}
	for _, step := range []struct {
		do   room.Action
		show string
	}{{room.DoUnlock, "Lock"}, {room.DoLock, "Unlock"}, {room.DoUnlock, "Lock"}} {
		h.changed("jonas", id, step.do)
		h.panel("jonas", id, step.show, func(m *standin.Message) bool { return m.ID != first && has(step.show)(m) })
	}
	panels := slices.DeleteFunc(h.chat("jonas", id), func(m *standin.Message) bool { return !has("Rename")(m) })
	if len(panels) != 1 {
		t.Errorf("%d panels are in the chat", len(panels))
	}
	if n := h.asked("PATCH /channels/{channel}/messages") - edits; n > 4 {
		t.Errorf("%d edits for four changes, one of them refused", n)
	}
}

// In a server that asks for two-factor authentication it is the application's owner who lacks it, not a permission.
func TestTwoFactorIsTheOwners(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.must(h.discord.RequireTwoFactor(h.guild, true))
	h.must(h.discord.OwnerHasTwoFactor(h.app.ID, false))
	a := h.command("jonas", "create-room", nil)
	if !strings.Contains(a.Message.Content, "two-factor authentication") || !strings.Contains(a.Message.Content, "owns Snug's application") {
		t.Errorf("people are told: %s", a.Message.Content)
	}
}
