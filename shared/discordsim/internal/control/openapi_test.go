package control

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestDescription: the description and the interface have the same operations.
func TestDescription(t *testing.T) {
	var d struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		}
	}
	if err := json.Unmarshal(description, &d); err != nil {
		t.Fatal(err)
	}
	var described, ids []string
	for path, methods := range d.Paths {
		for method, o := range methods {
			if strings.HasPrefix(path, "/_sim/users/{person}/api/") { // which the simulator's own test compares
				ids = append(ids, o.ID)
				continue
			}
			described, ids = append(described, strings.ToUpper(method)+" "+path), append(ids, o.ID)
		}
	}
	slices.Sort(described)
	if served := slices.Sorted(maps.Keys(operations)); !slices.Equal(described, served) {
		t.Errorf("described\n%s\nserved\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
	slices.Sort(ids)
	if unique := slices.Compact(slices.Clone(ids)); len(unique) != len(ids) {
		t.Errorf("an id is there twice: %v", ids)
	}
}
