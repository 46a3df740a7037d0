package rooms

import (
	"slices"
	"testing"

	"snug/shared/audit"
	"snug/shared/room"
	"snug/shared/schema"
)

// TestEveryActionHasAFunction, every function is an action's, and every audit kind is one.
func TestEveryActionHasAFunction(t *testing.T) {
	rows := schema.Actions()
	for _, a := range rows {
		if actions[room.Action(a.Name)] == nil {
			t.Errorf("%s has no function", a.Name)
		}
		if !slices.Contains(audit.Kinds(), audit.Kind(a.Kind)) {
			t.Errorf("%s: there is no audit kind %q", a.Name, a.Kind)
		}
	}
	for name := range actions {
		if _, known := name.Row(); !known {
			t.Errorf("%s has a function and no row", name)
		}
	}
}
