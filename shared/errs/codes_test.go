package errs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// TestEveryCodeIsListed reads the codes from the source.
func TestEveryCodeIsListed(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "errs.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[Code]bool{}
	for _, c := range Codes() {
		if listed[c.Code] || c.Means == "" {
			t.Errorf("%s is listed twice, or without what it means", c.Code)
		}
		listed[c.Code] = true
	}
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		v, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := v.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil || !listed[Code(text)] {
			t.Errorf("%s is not listed", v.Names[0])
		}
		n++
		return true
	})
	if n != len(Codes()) || n < 15 {
		t.Errorf("%d codes, %d listed", n, len(Codes()))
	}
}
