package view

import (
	"reflect"
	"testing"
)

func TestBlocks(t *testing.T) {
	text := func(s string) Word { return Word{Text: s} }
	for name, c := range map[string]struct {
		text string
		want []Block
	}{
		"nothing": {" \n \n", nil},
		"paragraphs": {
			"One\ntwo.\n\nThree.",
			[]Block{{Words: []Word{text("One "), text("two. ")}}, {Words: []Word{text("Three. ")}}},
		},
		"a heading over its text": {"## What\nThis.", []Block{{Heading: "What"}, {Words: []Word{text("This. ")}}}},
		"a list in a paragraph": {
			"So:\n- a\n- b\nand",
			[]Block{
				{Words: []Word{text("So: ")}}, {Items: [][]Word{{text("a")}, {text("b")}}},
				{Words: []Word{text("and ")}},
			},
		},
		"an address": {
			"Ask (me@example.org), now",
			[]Block{{Words: []Word{text("Ask ("), {"me@example.org", "mailto:me@example.org"}, text("), now ")}}},
		},
		"no script": {
			"javascript:alert(1) http://plain.example",
			[]Block{{Words: []Word{text("javascript:alert(1) http://plain.example ")}}},
		},
		"Windows": {"a\r\n\r\nb", []Block{{Words: []Word{text("a ")}}, {Words: []Word{text("b ")}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Blocks(c.text); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
