package rest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestDocumentListsEveryRoute keeps the table in the package's document true.
func TestDocumentListsEveryRoute(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../../doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	documented := routesIn(f.Doc)
	var served []string
	for _, r := range table() {
		served = append(served, r.method+" "+r.path)
	}
	for _, r := range served {
		if !slices.Contains(documented, r) {
			t.Errorf("the document does not list %s", r)
		}
	}
	for _, r := range documented {
		if !slices.Contains(served, r) {
			t.Errorf("the document lists %s, which is not served", r)
		}
	}
}

// routesIn reads lines such as "GET PATCH /applications/@me".
func routesIn(doc *ast.CommentGroup) []string {
	var list []string
	for line := range strings.SplitSeq(doc.Text(), "\n") {
		words := strings.Fields(line)
		i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "/") })
		if !strings.HasPrefix(line, "\t") || i < 1 || i != len(words)-1 {
			continue
		}
		for _, m := range words[:i] {
			list = append(list, m+" "+words[i])
		}
	}
	return list
}
