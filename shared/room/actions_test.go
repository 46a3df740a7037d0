package room

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"snug/shared/schema"
	"snug/shared/testkit/walk"
)

// TestActionsAreRows: the constants are the rows of schema.Actions, in their order.
func TestActionsAreRows(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), walk.Path(t, "change.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names, rows []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Action" {
			name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		return true
	})
	for _, a := range schema.Actions() {
		rows = append(rows, a.Name)
	}
	if !slices.Equal(names, rows) {
		t.Errorf("the constants are %q, the rows %q", names, rows)
	}
}

// TestCurrent: what an action with an input is set to now is known.
func TestCurrent(t *testing.T) {
	s := Summary{Name: "Friday", Seats: 4, Status: "Round 2"}
	for _, a := range schema.Actions() {
		asks := a.Input == schema.TextInput || a.Input == schema.NumberInput
		if got := s.Current(Action(a.Name)); (got != "") != asks {
			t.Errorf("%s is %q now", a.Name, got)
		}
	}
}

// TestOn: each switch is off in a plain room, and on in one where everything is on.
func TestOn(t *testing.T) {
	on := Access{Private: true, Locked: true, Hidden: true, WatchKey: "x", GuestsInvite: true}
	for _, a := range schema.Actions() {
		if (Access{}).On(Action(a.Name)) || on.On(Action(a.Name)) != a.Switch() {
			t.Errorf("%s is on: %v in a plain room, %v where everything is on", a.Name, (Access{}).On(Action(a.Name)),
				on.On(Action(a.Name)))
		}
	}
}
