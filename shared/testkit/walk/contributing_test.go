package walk_test

import (
	"os"
	"testing"

	"snug/shared/testkit"
	"snug/shared/testkit/walk"
)

// contributing are the walks of CONTRIBUTING.md, each with an example that its files are enough for.
var contributing = []struct {
	section string
	most    int // files beside texts
	edit    func(*walk.Walk)
}{
	{"Add a setting", 4, addSetting},
	{"Add a room action", 5, addAction},
	{"Add an event", 6, addEvent},
}

// TestContributing follows each walk for itself, to count its files. Then it makes all edits at once, because
// compiling takes the time, and runs what must hold after them.
func TestContributing(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the bot and the dashboard once more")
	}
	all := walk.New(t)
	for _, c := range contributing {
		t.Run(c.section, func(t *testing.T) {
			w := walk.New(t)
			c.edit(w)
			w.Keep(c.section, c.most)
		})
		c.edit(all)
	}
	if t.Failed() {
		return
	}
	t.Run("documents are generated", func(t *testing.T) {
		t.Setenv(testkit.Update, "1")
		all.Go(t, "test", "-vet=off", "-run", "^(TestDocs|TestTypesOfWebhooks)$",
			"./shared/setting", "./bot/commands", "./shared/text")
	})
	t.Run("vet", func(t *testing.T) {
		all.Go(t, "vet", "./shared/schema", "./shared/guild", "./shared/room", "./shared/audit", "./bot/rooms")
	})
	packages := []string{
		"./shared/schema", "./shared/guild", "./shared/room", "./shared/setting", "./shared/text", "./bot/rooms",
		"./bot/commands", "./bot/panels", "./dashboard/view",
	}
	if os.Getenv("SNUG_SOAK") != "" { // the API takes what forms ask for, and the event arrives: linking takes minutes
		packages = append(packages, "./dashboard", "./bot")
	}
	t.Run("what must hold", func(t *testing.T) {
		all.Go(t, "test", append([]string{
			"-vet=off", "-run", "Setting|RowsAndFields|Action|Docs|Definition|Refusal|Kinds|WordsOfFields|" +
				"MessagesAgree|Types|LogLines|TestWhatFormsAskForTheAPITakes|TestMovedByHand",
		}, packages...)...)
	})
}

// addSetting adds a setting that both interfaces show.
func addSetting(w *walk.Walk) {
	w.Insert("shared/schema/settings.go", `Name: "closing_notice"`,
		"\t\t{Name: \"quiet_close\", Kind: Switch, Group: \"closing\"},")
	w.Insert("shared/guild/settings.go", "`json:\"closing_notice\"`", "\tQuietClose bool `json:\"quiet_close\"`")
	w.Insert("shared/guild/settings.go", "ClosingNotice:  Duration", "\t\tQuietClose: true,")
	w.Insert("bot/rooms/settings.go", "next := g.settings.Clone()",
		"\t\tif g.settings.QuietClose {\n\t\t\trs.o.Log.DebugContext(ctx, \"rooms close quietly\")\n\t\t}")
	w.Message("settings", "setting.quiet_close", "Close quietly")
	w.Message("settings", "setting.quiet_close.hint", "Nobody hears of it.")
	w.Generated("docs/settings.md")
}

// addAction adds an action that empties a room.
func addAction(w *walk.Walk) {
	w.Insert("shared/schema/actions.go", `{Name: "unwatch"`,
		"\t{Name: \"clear\", Phrase: \"clear it\", Kind: \"kicked\", Emoji: \"🧹\"},")
	w.Insert("shared/room/change.go", `DoUnwatch  Action = "unwatch"`, "\tDoClear Action = \"clear\"")
	w.Insert("bot/rooms/change.go", "room.DoUnwatch:", "\troom.DoClear: changeOp.clear,")
	w.Insert("bot/rooms/change.go", "return c.expel(ctx, true) }", `
// clear moves everybody but the owner out of the room; guests stay guests.
func (c changeOp) clear(ctx context.Context) error {
	for _, p := range c.rs.o.Voice.Roster(c.g.id, c.r.ID) {
		if p.UserID == c.r.OwnerID {
			continue
		}
		if err := c.rs.eject(ctx, c.g, c.r, p.UserID, "Snug: cleared by "+c.who.UserID.String()); err != nil {
			return err
		}
	}
	entry := c.entry()
	return c.rs.change(ctx, c.g, c.r, &entry, func(*room.Room) {})
}
`)
	for part, text := range map[string]string{
		"": "Clear", ".command": "clear", ".about": "Move everybody but the owner out", ".done": "{{.Room}} is empty.",
	} {
		w.Message("actions", "action.clear"+part, text)
	}
	w.Message("refusals", "clear it", "clear it")
	w.Generated("docs/commands.md")
}

// addEvent adds an event: somebody moves a room's channel to another category in Discord, and audit, log channel,
// pages, webhooks and their documentation tell of it.
func addEvent(w *walk.Walk) {
	w.Insert("shared/audit/kinds.go", "RoomRenamed          Kind =", `	RoomMoved Kind = "room_moved"`)
	w.Insert("shared/audit/kinds.go", "{Kind: RenamePlanned,",
		`	{Kind: RoomMoved, Icon: "📁", About: AboutRooms, In: toAll},`)
	w.Insert("bot/rooms/reconcile.go", "case c.Name == old:",
		"\t\tentry = &audit.Entry{Kind: audit.RoomMoved, Via: access.ViaDiscord}")
	w.Message("happened", "audit.room_moved", "{{.By}} moved the room to another category")
	w.Message("happened", "audit.room_moved.name", "Room moved")
	w.Replace("bot/manual_change_test.go", "// The category of rooms is deleted: ",
		`func TestMovedByHand(t *testing.T) {
	h := newHarness(t)
	c, err := h.Discord.AddChannel(h.Guild, discordsim.ChannelOptions{Name: "Other", Type: discordsim.ChannelCategory})
	h.Must(err)
	id := h.open("jonas", "Friday").Room.ID
	h.do(http.MethodPatch, fmt.Sprintf("/channels/%d", id), map[string]any{"parent_id": c.ID}).Body.Close()
	h.eventually("it is in the audit", func() bool { return slices.Contains(h.audited(id), "room_moved") })
}

// The category of rooms is deleted: `)
	w.Generated("docs/webhooks.md")
}
