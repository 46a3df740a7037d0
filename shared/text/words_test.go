package text_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
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

// english gives all English that people read, by where it stands: messages, sentences in the program's strings (errors,
// log lines, --help, descriptions of the API) and documents without their code.
func english(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for id, m := range catalog(t).For("en").Under("") {
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
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(documents, "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md") {
		if filepath.Base(path) == "words.md" {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(codeOut(string(b)), "\n") {
			out[fmt.Sprintf("%s:%d", strings.TrimPrefix(path, "../../"), i+1)] = line
		}
	}
	return out
}

// codeOut empties a document's code blocks and code spans, and keeps its lines.
func codeOut(document string) string {
	blocks := regexp.MustCompile("(?s)```.*?```")
	document = blocks.ReplaceAllStringFunc(document, func(s string) string {
		return strings.Repeat("\n", strings.Count(s, "\n"))
	})
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(document, "`…`")
}

// TestWordsToAvoid holds docs/words.md against everything people read in English.
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
