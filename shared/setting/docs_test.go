package setting_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/schema"
	"snug/shared/setting"
	"snug/shared/testkit"
)

// TestDocs: docs/settings.md is made from the rows.
func TestDocs(t *testing.T) { testkit.Generated(t, "../../docs/settings.md", describe(t)) }

func describe(t *testing.T) string {
	t.Helper()
	en := testkit.Catalog(t).For("en")
	var b strings.Builder
	b.WriteString(`# Settings

<!-- Made from the settings' rows by: make generate -->

Managers change them with ` + "`/snug settings`" + ` in Discord, on the page "Settings" of their server, and over
[the API](api.md), which uses the names in the last column. Lengths of time are written like 30s, 5m, 1h30m or 7d.
Settings with a star can be different for a [lobby](commands.md#snug-lobby-add).
`)
	defaults := guild.Defaults()
	none := func(schema.Kind, snowflake.ID) string { return "" }
	line := func(row schema.Setting) {
		star := ""
		if row.Lobby != "" {
			star = " \\*"
		}
		hint := strings.ReplaceAll(setting.Hint(en, row), "*", "\\*")
		fmt.Fprintf(&b, "| %s%s | %s | %s | `%s` |\n", en.Say(row.Label()), star, hint,
			setting.Say(en, row, defaults.Value(row.Name), none), row.Name)
	}
	const head = "| setting | | at first | name |\n| --- | --- | --- | --- |\n"
	for _, g := range schema.Groups() {
		fmt.Fprintf(&b, "\n## %s\n\n%s", en.Say(g.Label()), head)
		for _, row := range g.Settings {
			line(row)
		}
	}
	for _, row := range schema.Settings() {
		if row.Group == "" {
			fmt.Fprintf(&b, "\n## %s\n\n%s", en.Say(row.Label()), head)
			line(row)
		}
	}
	return b.String()
}
