package main

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// columns is how wide a line of code may be. A tab counts as 4.
const columns = 120

// TestLines holds the width of lines in Go, templates, styles and scripts.
func TestLines(t *testing.T) {
	code := files(t, func(name string) bool {
		return slices.Contains([]string{".go", ".html", ".css", ".js"}, path.Ext(name))
	})
	if len(code) < 500 {
		t.Fatalf("only %d files were found", len(code))
	}
	for _, f := range code {
		for i, line := range strings.Split(f.text, "\n") {
			width := 0
			for _, r := range line {
				if width++; r == '\t' {
					width += 3 - (width-1)%4
				}
			}
			if width > columns {
				t.Errorf("%s:%d has %d columns, more than %d", f.path, i+1, width, columns)
			}
		}
	}
}
