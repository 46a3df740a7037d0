package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"snug/shared/testkit"
	"strings"
	"testing"
)

// module is one that go list tells of.
type module struct {
	Path, Dir string
	Main      bool
	Indirect  bool
	Replace   *struct{} // by a folder of Snug's own
}

// goList runs go list and decodes what it tells.
func goList[T any](t *testing.T, args ...string) (all []T) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = repo
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var v T
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// licenceOf reads a module's own licence file.
func licenceOf(t *testing.T, m module) string {
	t.Helper()
	files, err := os.ReadDir(m.Dir)
	if err != nil {
		t.Fatalf("%s: %v", m.Path, err)
	}
	for _, f := range files {
		name := strings.ToUpper(f.Name())
		if f.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(m.Dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(string(b)), " ")
		var found []string
		for _, l := range []struct{ says, name string }{
			{"Apache License", "Apache-2.0"},
			{"http://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0"},
			{"Permission is hereby granted, free of charge", "MIT"},
			{"FreeType License", "FTL"},
			{"Mozilla Public License", "MPL-2.0"},
			{"Permission to use, copy, modify, and", "ISC"},
		} {
			if strings.Contains(text, l.says) && !slices.Contains(found, l.name) {
				found = append(found, l.name)
			}
		}
		if strings.Contains(text, "Redistribution and use in source and binary forms") {
			if strings.Contains(text, "either the name") ||
				strings.Contains(text, "name of the copyright holder nor") ||
				strings.Contains(text, "names of its contributors") {
				found = append(found, "BSD-3-Clause")
			} else {
				found = append(found, "BSD-2-Clause")
			}
		}
		if len(found) > 0 { // a file may hold several, for several parts
			return strings.Join(found, ", ")
		}
	}
	return "unknown"
}

// TestDependencies: docs/dependencies.md names every module that the code
// imports and every one in the binary, each with the licence that its own file gives.
func TestDependencies(t *testing.T) {
	known := map[string]module{}
	for _, p := range goList[struct{ Module *module }](t, "-deps", "-test", "-json=Module", "./...") {
		// -m all asks the network
		if p.Module != nil {
			known[p.Module.Path] = *p.Module
		}
	}
	direct := map[string]bool{}
	for _, p := range goList[struct {
		Imports, TestImports, XTestImports []string
	}](t, "-json=Imports,TestImports,XTestImports", "./...") {
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if m := moduleOf(i, known); m != "" {
				direct[m] = true
			}
		}
	}
	linked := map[string]bool{}
	for _, p := range goList[struct{ Module *module }](t, "-deps", "-json=Module", "./cmd/snug") {
		if p.Module != nil && !p.Module.Main && p.Module.Replace == nil && !direct[p.Module.Path] {
			linked[p.Module.Path] = true
		}
	}
	path := filepath.Join(repo, "docs/dependencies.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, second, ok := strings.Cut(string(text), "## Indirect")
	if !ok {
		t.Fatal("docs/dependencies.md has no section “Indirect”")
	}
	compare(t, "Direct", direct, rowsOf(first), known)
	const line = "| --- | --- |\n"
	head, _, _ := strings.Cut(second, line)
	want := first + "## Indirect" + head + line
	for _, m := range slices.Sorted(maps.Keys(linked)) {
		want += fmt.Sprintf("| %s | %s |\n", m, licenceOf(t, known[m]))
	}
	testkit.Generated(t, path, want)
	for m, row := range known {
		if !row.Indirect && !row.Main && rowsOf(first)[m] == "" {
			t.Errorf("go.mod requires %s directly, and docs/dependencies.md does not name it", m)
		}
	}
}

// moduleOf gives the module of a package, "" for the standard library and for Snug itself.
func moduleOf(pkg string, known map[string]module) string {
	for path := pkg; path != "." && path != "/"; path = filepath.Dir(path) {
		if m, ok := known[path]; ok && !m.Main {
			return path
		}
	}
	return ""
}

// rowsOf gives the modules of a table and their licences, which are its last column.
func rowsOf(text string) map[string]string {
	rows := map[string]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		name := strings.TrimSpace(cells[0])
		if len(cells) >= 2 && strings.Contains(name, ".") && strings.Contains(name, "/") &&
			!strings.Contains(name, " ") {
			rows[name] = strings.TrimSpace(cells[len(cells)-1])
		}
	}
	return rows
}

func compare(t *testing.T, section string, want map[string]bool, rows map[string]string, known map[string]module) {
	t.Helper()
	for m := range want {
		switch licence := licenceOf(t, known[m]); {
		case rows[m] == "":
			t.Errorf("docs/dependencies.md, %s: %s is missing; its licence is %s", section, m, licence)
		case licence == "unknown":
			t.Errorf("%s: its licence was not recognised", m)
		case licence != rows[m]:
			t.Errorf("docs/dependencies.md, %s: %s is under %s, not %s", section, m, licence, rows[m])
		}
	}
	for m := range rows {
		if !want[m] {
			t.Errorf("docs/dependencies.md, %s: %s is not used", section, m)
		}
	}
}
