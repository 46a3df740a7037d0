package setting_test

import (
	"testing"

	"snug/shared/testkit/walk"
)

// TestWalk follows "Add a setting" of CONTRIBUTING.md: the files that it names are enough for a setting that both
// interfaces show.
func TestWalk(t *testing.T) {
	w := walk.New(t)
	w.Insert("shared/schema/settings.go", `Name: "closing_notice"`,
		"\t\t{Name: \"quiet_close\", Kind: Switch, Group: \"closing\"},")
	w.Insert("shared/guild/settings.go", "`json:\"closing_notice\"`", "\tQuietClose bool `json:\"quiet_close\"`")
	w.Insert("shared/guild/settings.go", "ClosingNotice:  Duration", "\t\tQuietClose: true,")
	w.Insert("bot/rooms/settings.go", "next := g.settings.Clone()",
		"\t\tif g.settings.QuietClose {\n\t\t\trs.o.Log.DebugContext(ctx, \"rooms close quietly\")\n\t\t}")
	w.Message("settings", "setting.quiet_close", "Close quietly")
	w.Message("settings", "setting.quiet_close.hint", "Nobody hears of it.")
	w.Generated("docs/settings.md")
	w.Keep("Add a setting", 4)
	w.Go("test", "-vet=off", "-run", "^TestDocs$", "./shared/setting", "-update")
	w.Go("vet", "./shared/schema", "./shared/guild", "./bot/rooms")
	w.Go("test", "-vet=off", "-run", "^(TestRowsAndFields|TestEverySettingIsRead|TestEverySettingHasItsWords|TestDocs|"+
		"TestMessagesAgree|TestEverySettingHasAField|TestEverySettingCanBeChanged)$",
		"./shared/guild", "./shared/setting", "./shared/text", "./dashboard/view", "./bot/commands")
}
