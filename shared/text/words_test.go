package text_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"snug/shared/testkit"
)

// avoided reads the words to avoid from docs/words.md, and the phrases in which they are fine.
func avoided(t *testing.T) (words *regexp.Regexp, fine *regexp.Regexp) {
	t.Helper()
	b, err := os.ReadFile("../../docs/words.md")
	if err != nil {
		t.Fatal(err)
	}
	lists := regexp.MustCompile("(?s)```\n(.*?)\n```").FindAllStringSubmatch(string(b), -1)
	if len(lists) != 2 {
		t.Fatalf("docs/words.md has %d lists, want the words to avoid and the phrases that are fine", len(lists))
	}
	pattern := func(list string) *regexp.Regexp {
		var words []string
		for line := range strings.Lines(list) {
			if w := strings.TrimSpace(line); w != "" {
				words = append(words, regexp.QuoteMeta(w))
			}
		}
		slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
		return regexp.MustCompile(`(?i)\b(?:` + strings.Join(words, "|") + `)\b`)
	}
	return pattern(lists[0][1]), pattern(lists[1][1])
}

// english gives the English that the program says, by where it stands: messages, and sentences in its strings (errors,
// log lines, --help, descriptions of the API). TestWordsInDocuments of cmd/snug has the documents.
func english(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for id, m := range testkit.Catalog(t).For("en").Under("") {
		if refusal(id) {
			continue // the program's strings have it
		}
		out["message "+id] = strings.Join(slices.Sorted(maps.Values(m)), "\n")
	}
	for path, src := range sources(t, ".go") {
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && strings.Count(s, " ") > 1 {
					at := files.Position(lit.Pos())
					out[fmt.Sprintf("%s:%d:%d", path, at.Line, at.Column)] = s
				}
			}
			return true
		})
	}
	return out
}

// TestWordsToAvoid holds docs/words.md against all English that the program says.
func TestWordsToAvoid(t *testing.T) {
	words, fine := avoided(t)
	for _, x := range []struct {
		text  string
		found bool
	}{
		{"Snug lacks a permission", true},
		{"It is no lobby", true},
		{"There is no lobby", false},
		{"It is no longer here", false},
		{"Smack! A blackboard", false},
	} {
		if found := words.MatchString(fine.ReplaceAllString(x.text, "…")); found != x.found {
			t.Errorf("%q: found %v, want %v", x.text, found, x.found)
		}
	}
	all := english(t)
	for _, at := range slices.Sorted(maps.Keys(all)) {
		if w := words.FindString(fine.ReplaceAllString(all[at], "…")); w != "" {
			t.Errorf("%s says %q, which docs/words.md avoids: %s", at, w, all[at])
		}
	}
}
