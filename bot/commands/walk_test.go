package commands

import (
	"testing"

	"snug/shared/testkit/walk"
)

// TestAddARoomAction follows the walk of CONTRIBUTING.md with an action that empties a room.
func TestAddARoomAction(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles what depends on package schema")
	}
	w := walk.New(t)
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
	w.Go("test", "-run", "^TestDocs$", "./bot/commands", "-update")
	w.Keep("Add a room action", 5)
	w.Go("vet", "./shared/schema", "./shared/room", "./bot/rooms")
	w.Go("test", "-run", "Action|Docs|Definition|Command|Refusal|Message", "./shared/schema", "./shared/room",
		"./shared/text", "./bot/rooms", "./bot/commands", "./bot/panels")
	w.Go("test", "-run", "^TestWhatFormsAskForTheAPITakes$", "./dashboard")
}
