package audit_test

import (
	"os"
	"testing"

	"snug/shared/testkit/walk"
)

// TestAddAnEvent follows "Add an event" in CONTRIBUTING.md: somebody moves a room's channel to another category in
// Discord, and audit, log channel, pages, webhooks and their documentation tell of it.
func TestAddAnEvent(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the bot and the dashboard once more")
	}
	w := walk.New(t)
	w.Insert("shared/audit/kinds.go", "RoomRenamed          Kind =", `	RoomMoved Kind = "room_moved"`)
	w.Insert("shared/audit/kinds.go", "{Kind: RenamePlanned,",
		`	{Kind: RoomMoved, Icon: "📁", About: AboutRooms, In: toAll},`)
	w.Insert("bot/rooms/reconcile.go", "case c.Name == old:",
		"\t\tentry = &audit.Entry{Kind: audit.RoomMoved, Via: access.ViaDiscord}")
	w.Message("happened", "audit.room_moved", "{{.By}} moved the room to another category")
	w.Message("happened", "audit.room_moved.name", "Room moved")
	w.Replace("bot/manual_change_test.go", "// The category of rooms is deleted: ", `func TestMovedByHand(t *testing.T) {
	h := newHarness(t)
	c, err := h.Discord.AddChannel(h.Guild, discordsim.ChannelOptions{Name: "Other", Type: discordsim.ChannelCategory})
	h.Must(err)
	id := h.open("jonas", "Friday").Room.ID
	h.do(http.MethodPatch, fmt.Sprintf("/channels/%d", id), map[string]any{"parent_id": c.ID}).Body.Close()
	h.eventually("it is in the audit", func() bool { return slices.Contains(h.audited(id), "room_moved") })
}

// The category of rooms is deleted: `)
	w.Generated("docs/webhooks.md")
	w.Keep("Add an event", 6)
	if t.Failed() {
		return
	}
	words := []string{
		"-run", "TestKinds|TestWordsOfFields|TestEntries|TestEvery|TestTypesOfWebhooks|TestMessagesAgree", "./shared/text",
	}
	t.Setenv("SNUG_UPDATE", "1")
	w.Go("test", words...)
	if err := os.Unsetenv("SNUG_UPDATE"); err != nil {
		t.Fatal(err)
	}
	w.Go("test", words...)
	w.Go("test", "-run", "TestLogLines|TestEntriesOnPages", "./bot/panels", "./dashboard/view")
	w.Go("test", "-run", "TestMovedByHand", "./bot")
}
