package dashboard

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"snug/shared/pages"
	"snug/static"
	"snug/templates"
)

// TestPagesAreServed: each address of shared/pages is a route of the dashboard's, and each route of a page or form
// is one of them.
func TestPagesAreServed(t *testing.T) {
	b := newBench(t)
	served := map[string]bool{}
	for _, r := range b.Routes() {
		if !notPages.MatchString(r.Path) {
			served[r.Path] = true
		}
	}
	for name, p := range pages.All() {
		if !served[string(p)] {
			t.Errorf("nothing serves pages.%s, %s", name, p)
		}
		delete(served, string(p))
	}
	for path := range served {
		t.Errorf("shared/pages does not know %s", path)
	}
}

// TestAddressesAreWrittenOnce: neither templates nor scripts nor the program write down the address of a page.
func TestAddressesAreWrittenOnce(t *testing.T) {
	roots := map[string]bool{}
	for _, p := range pages.All() {
		if p != pages.Home && p != pages.API { // the API's operations begin as its page does
			roots[regexp.QuoteMeta(strings.TrimSuffix(p.Root(), "/"))] = true
		}
	}
	var list []string
	for r := range roots {
		list = append(list, r)
	}
	written := regexp.MustCompile("[\"'`](" + strings.Join(list, "|") + ")([\"'`/?#]|\\$)")
	check := func(name, text string) {
		for i, line := range strings.Split(text, "\n") {
			if written.MatchString(line) && !strings.Contains(line, "openapi.Operation") {
				t.Errorf("%s:%d writes an address down: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	}
	for _, fsys := range []fs.FS{templates.FS, static.FS} {
		err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".html") && !strings.HasSuffix(path, ".js") {
				return err
			}
			text, err := fs.ReadFile(fsys, path)
			check(path, string(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{".", "request", "session", "view", "web", "wire", "../bot", "../cmd/snug"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.HasPrefix(path, "api/") || strings.Contains(path, "fixtures") ||
				strings.Contains(path, "trial") {
				return err
			}
			text, err := os.ReadFile(path)
			check(path, string(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
