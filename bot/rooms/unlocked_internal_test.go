package rooms

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"testing"
)

// Every call to Discord that may wait is made by unlockedCalls, so that the lock is released and there is a deadline.
func TestEveryCallIsMadeOutside(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "unlocked.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
			made[fn.Name.Name] = true
		}
	}
	waits, n := reflect.TypeFor[context.Context](), 0
	for m := range reflect.TypeFor[Discord]().Methods() {
		if m.Type.NumIn() == 0 || m.Type.In(0) != waits {
			continue
		}
		if n++; !made[m.Name] {
			t.Errorf("%s is called under a server's turn", m.Name)
		}
	}
	if n < 15 {
		t.Errorf("%d calls were looked at", n)
	}
}
