package panels

import (
	"testing"

	"snug/shared/room"
	"snug/shared/schema"
)

// TestPanelActions: whatever the room is, its panel has an action at each place, as many as fit, and each action that
// has a place is there in some room.
func TestPanelActions(t *testing.T) {
	seen, yes := map[string]bool{}, []bool{false, true}
	for _, private := range yes {
		for _, locked := range yes {
			for _, hidden := range yes {
				a := room.Access{Private: private, Locked: locked, Hidden: hidden}
				list := panelActions(a)
				// the second row has four other buttons
				if n := len(list); n < schema.PanelRow || n > schema.PanelRow+1 {
					t.Fatalf("%d actions on the panel of %+v", n, a)
				}
				for i, action := range list {
					seen[action.Name] = true
					if action.Panel != i+1 {
						t.Errorf("%s is at place %d instead of %d", action.Name, i+1, action.Panel)
					}
				}
			}
		}
	}
	for _, a := range schema.Actions() {
		if seen[a.Name] != (a.Panel > 0) {
			t.Errorf("%s is on the panel: %v", a.Name, seen[a.Name])
		}
	}
}
