package text

import (
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
)

// Style is how a place writes what an audit entry names: mentions in Discord, bold names on a page.
type Style struct {
	Person func(id snowflake.ID) string // never 0
	// Room, Setting and Value are for kinds that aren't told on a room's page, and may be nil there.
	Room    func(id snowflake.ID) string
	Setting func(name string) string
	Value   func(setting, json string) string
	// Text makes of plain text, typed by somebody or given by Setting, Value and messages, what the place can show.
	Text func(s string) string
}

// Entry says what happened: a sentence without a full stop. An entry of a kind that is not in audit.Table, left by
// another version of Snug, is said by its kind alone.
func (t Texts) Entry(e *audit.Entry, s Style) string {
	row, ok := audit.Find(e.Kind)
	if !ok {
		return s.Text(string(e.Kind))
	}
	who := func(id snowflake.ID) string {
		switch {
		case id != 0:
			return s.Person(id)
		case e.Via == access.ViaDiscord: // by hand: Discord doesn't say who
			return s.Text(t.Say("audit.somebody"))
		}
		return "Snug"
	}
	field := func(f audit.Field, value string) string {
		switch f.As {
		case audit.Typed:
			return s.Text(value)
		case audit.Coded:
			var list []string
			for _, w := range audit.Words(value) {
				list = append(list, t.word(f.Prefix, w))
			}
			return s.Text(t.List(list))
		case audit.SettingName:
			return s.Text(s.Setting(value))
		case audit.SettingValue:
			return s.Text(s.Value(e.Detail, value))
		case audit.Issue:
			if !t.Has(f.Prefix + value) {
				return s.Text(value)
			}
			room := ""
			if e.RoomID != 0 {
				room = s.Room(e.RoomID)
			}
			said := t.Say(f.Prefix+value, "Name", room, "Have", s.Text(e.Old), "Want", s.Text(e.New))
			return strings.TrimRight(said, ".。")
		}
		return ""
	}
	return t.Say(e.Message(), "By", who(e.By), "Target", who(e.Target), "Detail", field(row.Detail, e.Detail),
		"Old", field(row.Old, e.Old), "New", field(row.New, e.New))
}

// Kind names a kind of entries, for lists.
func (t Texts) Kind(k audit.Kind) string { return t.Say("audit." + string(k) + ".name") }

// word says a word of the program's, or gives the word itself where there is no message.
func (t Texts) word(prefix, w string) string {
	if !t.Has(prefix + w) {
		return w
	}
	return t.Say(prefix + w)
}
