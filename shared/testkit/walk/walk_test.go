package walk_test

import (
	"os"
	"strings"
	"testing"

	"snug/shared/testkit/walk"
)

// TestWalk edits a Go file and an embedded one, and lets a test see both and write a third.
func TestWalk(t *testing.T) {
	w := walk.New(t)
	w.Insert("shared/schema/languages.go", `{"ja", "日本語", []string{"ja"}},`, "\t\t{\"nl\", \"Walked\", nil},")
	w.Message("common", "walked", "Here \"too\"")
	w.Generated("docs/demo.md")
	w.Replace("shared/testkit/walk/seen_test.go", "const edited = false", "const edited = true")
	want := "docs/demo.md shared/schema/languages.go shared/testkit/walk/seen_test.go"
	if strings.Join(w.Files(), " ") != want {
		t.Errorf("edited: %q", w.Files())
	}
	out := w.Go(t, "test", "-v", "-run", "^(TestSeen|TestWalk)$", "./shared/testkit/walk")
	if !strings.Contains(out, "--- PASS: TestSeen") || !strings.Contains(out, "--- SKIP: TestWalk") {
		t.Error(out)
	}
	if got := w.Read("docs/demo.md"); got != "written by TestSeen" {
		t.Errorf("docs/demo.md of the walk is %q", got)
	}
	if b, err := os.ReadFile("../../../docs/demo.md"); err != nil || string(b) == "written by TestSeen" {
		t.Errorf("the real docs/demo.md was written, or is gone: %v", err)
	}
	if t.Failed() {
		return
	}
	w.Go(t, "vet", "./shared/testkit/walk", "./shared/text")
}
