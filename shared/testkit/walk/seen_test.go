package walk_test

import (
	"os"
	"testing"

	"snug/shared/testkit/walk"
	"snug/shared/text"
)

const edited = false

// TestSeen is what TestWalk runs with its edits.
func TestSeen(t *testing.T) {
	c, err := text.New()
	if err != nil {
		t.Fatal(err)
	}
	list := c.Languages()
	if last := list[len(list)-1].Name; (last == "Walked") != edited {
		t.Errorf("the last language is %s", last)
	}
	if got := c.For("de").Say("walked"); (got == `Here "too"`) != edited {
		t.Errorf("the message is %q", got)
	}
	doc := walk.Path(t, "../../../docs/demo.md")
	if (doc != "../../../docs/demo.md") != edited {
		t.Errorf("the page is at %s", doc)
	}
	if !edited {
		return
	}
	if err := os.WriteFile(doc, []byte("written by TestSeen"), 0o600); err != nil {
		t.Fatal(err)
	}
}
