package main

import (
	"io"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDemoScenarios runs what drives a whole snug, in small.
func TestDemoScenarios(t *testing.T) {
	snug := filepath.Join(t.TempDir(), "snug")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", snug, "snug/cmd/snug")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	o, err := parse([]string{"-snug", snug, "-cycles", "1", "-pin=false", "-length", "300ms", "-whole-watchers", "10"},
		io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range programScenarios {
		if s.name == "guilds" { // its parts are tested
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			tables, err := s.measure(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range tables[0].Rows {
				for _, fault := range []string{"lost", "out of order", "failed", "refused"} {
					if n := r.Turns[0][fault]; n != 0 {
						t.Errorf("%s: %v %s", r.Subject, n, fault)
					}
				}
			}
		})
	}
}
