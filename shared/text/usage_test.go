package text_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"snug/shared/testkit"
	"snug/shared/testkit/walk"
)

// sources gives the texts of the program's files by their paths, tests left out.
func sources(t *testing.T, suffixes ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 || d.Name() == "node_modules" ||
			d.Name() == "discordsim"):
			return filepath.SkipDir
		case strings.HasSuffix(path, "_test.go") || !slices.Contains(suffixes, filepath.Ext(path)):
			return nil
		}
		b, err := os.ReadFile(walk.Path(t, path))
		out[filepath.ToSlash(strings.TrimPrefix(path, "../../"))] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var quoted = regexp.MustCompile("[\"'`]([A-Za-z][A-Za-z0-9._-]*)[\"'`]")

// TestEveryMessageIsSaid: a message that nothing names is a leftover. Ids that
// are put together, such as "setting." + name, are named by their beginning.
func TestEveryMessageIsSaid(t *testing.T) {
	named := map[string]bool{}
	for _, s := range sources(t, ".go", ".html", ".js") {
		for _, m := range quoted.FindAllStringSubmatch(s, -1) {
			named[m[1]] = true
		}
	}
	for id := range testkit.Catalog(t).For("en").Under("") {
		if refusal(id) || named[id] {
			continue
		}
		said := false
		for i := range id {
			said = said || id[i] == '.' && named[id[:i+1]] || id[i] == '.' && named[id[:i]]
		}
		if !said {
			t.Errorf("nothing says %q", id)
		}
	}
}

// people are the parts of Snug whose refusals people meet in Discord or on a
// page. What only operators and programs meet is in English, as the log is.
var people = []string{
	"bot/commands", "bot/message", "bot/panels", "bot/discordapi", "bot/rooms", "dashboard", "dashboard/actions",
	"dashboard/request", "dashboard/session", "dashboard/web", "dashboard/wire", "shared/guild",
	"shared/room", "shared/push", "shared/access", "shared/schema", "shared/setting", "shared/invite", "shared/errs",
}

// forPrograms are files of theirs that answer programs.
var forPrograms = []string{
	"dashboard/routes.go", "dashboard/request/input.go", "dashboard/actions/health.go", "dashboard/actions/tokens.go",
	"dashboard/actions/tokenstore.go", "shared/push/subscription.go",
}

// forPeople tells them from a file's path.
func forPeople(path string) bool {
	return slices.Contains(people, filepath.ToSlash(filepath.Dir(path))) && !slices.Contains(forPrograms, path)
}

// call is a refusal as it stands in the source.
type call struct{ at, text string }

// refusals finds what the program refuses with: formats of errs.E and errs.Field, and errs.Terms.
func refusals(t *testing.T) (out []call) {
	t.Helper()
	for path, src := range sources(t, ".go") {
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := ""
			switch fn := c.Fun.(type) {
			case *ast.SelectorExpr:
				if x, ok := fn.X.(*ast.Ident); ok && x.Name == "errs" {
					name = fn.Sel.Name
				}
			case *ast.Ident:
				if f.Name.Name == "errs" {
					name = fn.Name
				}
			}
			i := map[string]int{"E": 1, "Field": 1, "Term": 0}
			at, ok := i[name]
			if !ok || len(c.Args) <= at {
				return true
			}
			if s, ok := constant(c.Args[at]); ok {
				out = append(out, call{path, s})
			} else if name != "Term" && forPeople(path) && f.Name.Name != "errs" {
				t.Errorf("%s: a refusal that is put together cannot be translated; write its format as one constant",
					files.Position(c.Pos()))
			}
			return true
		})
	}
	return out
}

// constant returns the value of a string literal, or of several joined by +.
func constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, first := constant(e.X)
		b, second := constant(e.Y)
		return a + b, first && second && e.Op == token.ADD
	}
	return "", false
}

// TestEveryRefusalIsTranslated, and no translation is left of one that is gone.
func TestEveryRefusalIsTranslated(t *testing.T) {
	list := refusals(t)
	if len(list) < 100 {
		t.Fatalf("only %d refusals were found", len(list))
	}
	for _, l := range testkit.Catalog(t).All()[1:] {
		for _, c := range list {
			if forPeople(c.at) && strings.ContainsAny(c.text, " ") && !l.Has(c.text) {
				t.Errorf("%s: %s has no %q", c.at, l.Language().Code, c.text)
			}
		}
	}
	// A part of a refusal may be named anywhere; a whole one in a call.
	all := strings.Builder{}
	for _, s := range sources(t, ".go") {
		all.WriteString(s)
	}
	for _, c := range list {
		all.WriteString(c.text) // also those that the source breaks into several literals
	}
	code := all.String()
	for id := range testkit.Catalog(t).For("de").Under("") {
		if refusal(id) && !strings.Contains(code, strings.Trim(strconv.Quote(id), `"`)) &&
			!strings.Contains(code, id) && !combined(id) {
			t.Errorf("nobody says %q any more", id)
		}
	}
}

// combined are names of permissions, which Discord and not our source gives.
func combined(id string) bool {
	return slices.Contains([]string{
		"Move Members", "Manage Channels", "Manage Roles", "Send Messages", "Speak", "Connect",
	},
		id)
}
