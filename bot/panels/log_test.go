package panels

import (
	"strings"
	"testing"

	"snug/shared/audit"
	"snug/shared/testkit"
)

// TestLogLines: the log channel has a line for every entry that is stored, in each language.
func TestLogLines(t *testing.T) {
	texts := testkit.Catalog(t)
	for _, l := range texts.All() {
		for _, e := range testkit.Entries() {
			row, _ := audit.Find(e.Kind)
			if row.In&audit.Stored == 0 {
				continue
			}
			got := logLine(l, e)
			begin := "<t:1700000000:T> " + row.Icon + " <#4> · "
			if said, ok := strings.CutPrefix(got, begin); !ok || said == "" || strings.Contains(got, "audit.") ||
				strings.Contains(got, "<no") {
				t.Errorf("%s: the line for %s is %q", l.Language().Code, e.Message(), got)
			}
		}
	}
	en := texts.For("en")
	for _, x := range []struct {
		name string
		e    audit.Entry
		want string
	}{
		{
			"a name is nobody's markdown", audit.Entry{Kind: audit.RoomOpened, RoomID: 4, By: 1, Detail: "*A* <@9>"},
			`<t:0:T> 🟢 <#4> · <@1> opened the room “\*A\* \<\@9\>”`,
		},
		{
			"of no room", audit.Entry{Kind: audit.SettingsChanged, By: 1, Detail: "seats", Old: "4", New: "6"},
			`<t:0:T> ⚙️ <@1> changed the setting “Seats”: 4 → 6`,
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.e.At = x.e.At.UTC()
			got := logLine(en, x.e)
			if _, said, _ := strings.Cut(got, ":T> "); ":T> "+said != x.want[len("<t:0"):] {
				t.Errorf("said %q, want %q", got, x.want)
			}
		})
	}
}
