package dashboard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snug/shared/pages"
)

// looks are the functions of package actions that only look. Pages and operations look in ways of their own.
var looks = []string{
	"FindRoom", "Guild", "Look", "Managed", "ReadInvite", "Room", "SeeRoom", "SeeRoomNow", "Settings", "SettingsAt",
	"Standing", "Tokens", "Members", "Webhook", "Webhooks", "Deliveries", "WithRoster", "ChannelsAndRoles",
	"Latency", "Preflight", "Health",
	"VisibleRooms", "PeopleSeen", "Preferences", "OwnerName", "AskOwnerName", "Knocking", "PreviewInvite", "JoinsGuild",
	"JustOpened",
	"Memberships", "OwnPresets", "Circles", "ClosedRoom", "ClosedRooms", "FindClosed",
}

// TestFormsDoWhatOperationsDo: a form and the operation that does the same call the same functions of package actions,
// and so with the same input.
func TestFormsDoWhatOperationsDo(t *testing.T) {
	t.Parallel()
	forms, operations := handlers(t, "web"), handlers(t, "api")
	paths := map[string]string{}
	for name, p := range pages.All() {
		paths[string(p)] = name
	}
	done := map[string]bool{}
	for at, x := range twins {
		path, post := strings.CutPrefix(at, "POST ")
		if !post || x.none != "" {
			continue
		}
		ops := strings.Fields(x.ops)
		for _, op := range x.do {
			ops = append(ops, op)
		}
		want := map[string]bool{}
		for _, op := range ops {
			does, ok := operations.calls[op]
			if !ok {
				t.Errorf("%s: nobody registers the operation %s", at, op)
			}
			maps.Copy(want, does)
		}
		got := maps.Clone(forms.calls[paths[path]])
		delete(got, "CheckSeen") // does nothing
		if !maps.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s does %v, and %v %v", at, slices.Sorted(maps.Keys(got)), ops, slices.Sorted(maps.Keys(want)))
		}
		maps.Copy(done, got)
	}
	if len(done) < 15 {
		t.Errorf("the forms do only %v", slices.Sorted(maps.Keys(done)))
	}
}

// source is a package whose functions call those of package actions.
type source struct {
	functions map[string]ast.Node
	calls     map[string]map[string]bool // what a form (by its path's name) or an operation (by its id) calls
}

// handlers reads package web or api.
func handlers(t *testing.T, pkg string) source {
	t.Helper()
	s := source{map[string]ast.Node{}, map[string]map[string]bool{}}
	names, err := filepath.Glob(filepath.Join(pkg, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("package %s: %v", pkg, err)
	}
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				s.functions[fn.Name.Name] = fn.Body
			}
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if name := registered(c); name != "" {
					does := map[string]bool{}
					s.collect(c.Args[len(c.Args)-1], does, map[string]bool{})
					s.calls[name] = does
				}
			}
			return true
		})
	}
	return s
}

// registered gives what a call registers a handler for, its last argument: e.POST(string(pages.Join), …) or
// openapi.Register(api, openapi.Operation{ID: "join-room"}, …).
func registered(c *ast.CallExpr) string {
	fn, ok := c.Fun.(*ast.SelectorExpr)
	switch {
	case !ok:
	case fn.Sel.Name == "POST" && len(c.Args) == 2:
		if conv, ok := c.Args[0].(*ast.CallExpr); ok {
			return conv.Args[0].(*ast.SelectorExpr).Sel.Name
		}
	case fn.Sel.Name == "Register" && len(c.Args) == 3:
		for _, field := range c.Args[1].(*ast.CompositeLit).Elts {
			kv := field.(*ast.KeyValueExpr)
			if id, ok := kv.Value.(*ast.BasicLit); ok && kv.Key.(*ast.Ident).Name == "ID" {
				return strings.Trim(id.Value, `"`)
			}
		}
	}
	return ""
}

// collect follows a handler through its package's functions to those of package actions.
func (s source) collect(n ast.Node, does, been map[string]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		x, ok := n.(*ast.SelectorExpr)
		if !ok {
			if id, ok := n.(*ast.Ident); ok && s.functions[id.Name] != nil && !been[id.Name] {
				been[id.Name] = true
				s.collect(s.functions[id.Name], does, been)
			}
			return true
		}
		if of, ok := x.X.(*ast.SelectorExpr); ok && of.Sel.Name == "actions" {
			if !slices.Contains(looks, x.Sel.Name) {
				does[x.Sel.Name] = true
			}
			return false
		}
		return true
	})
}
