package schema_test

import (
	"testing"

	"snug/shared/schema"
)

func TestFrame(t *testing.T) {
	for _, c := range []struct{ name, frame, typed, want, part string }{
		{"no frame", "", "Friday", "Friday", "Friday"},
		{"a part", "🎲 {custom} · 3", "Friday", "🎲 Friday · 3", "Friday"},
		{"a whole name", "🎲 {custom} · 3", "🎲 Friday · 3", "🎲 Friday · 3", "Friday"},
		{"half of the frame", "🎲 {custom} · 3", "🎲 Friday", "🎲 🎲 Friday · 3", "🎲 Friday"},
		{"the frame alone", "🎲 {custom}", "🎲 ", "🎲 🎲 ", "🎲 "},
		{"nothing", "🎲 {custom}", "", "", ""},
		{"nothing around it", "{custom}", "Friday", "Friday", "Friday"},
	} {
		f := schema.Frame(c.frame)
		if got := f.Around(c.typed); got != c.want {
			t.Errorf("%s: the name is %q, not %q", c.name, got, c.want)
		}
		if got := f.Part(c.want); got != c.part {
			t.Errorf("%s: the part is %q, not %q", c.name, got, c.part)
		}
	}
}
