package pages_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/pages"
)

func TestAddresses(t *testing.T) {
	site, id := pages.Site{Base: "https://snug.example"}, snowflake.ID(7)
	for want, got := range map[string]string{
		"/":                                  string(pages.Home),
		"/game/7/invites/a1/revoke":          pages.Revoke.With(id, "a1"),
		"/game/":                             pages.Join.Root(),
		"/login":                             pages.Login.Root(),
		"https://snug.example/game/7":        site.Room(id),
		"https://snug.example/i/a2":          site.Invite("a2"),
		"a2":                                 pages.CodeIn("/i/a2"),
		"https://snug.example/servers/7":     site.Server(id),
		"https://snug.example/watch/7?t=%26": site.Watch(id, "&"),
		"https://snug.example/admin/7":       site.Admin(id),
		"https://snug.example/terms":         site.At(pages.Terms),
	} {
		if got != want {
			t.Errorf("the address is %s, want %s", got, want)
		}
	}
	for name, ids := range map[string][]any{"one id too few": {}, "one too many": {id, id}} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("nobody noticed")
				}
			}()
			_ = pages.Room.With(ids...)
		})
	}
}

// TestAll: templates find every path under the name it has in Go.
func TestAll(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "pages.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]pages.Path{}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if lit, ok := v.Values[0].(*ast.BasicLit); ok {
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			want[v.Names[0].Name] = pages.Path(s)
		}
		return true
	})
	if !maps.Equal(pages.All(), want) {
		t.Errorf("All has %q, declared are %q", slices.Sorted(maps.Keys(pages.All())), slices.Sorted(maps.Keys(want)))
	}
}
