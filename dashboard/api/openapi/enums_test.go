package openapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"snug/shared/guild"
)

// TestEnums has the description list every value that a type's constants have.
func TestEnums(t *testing.T) {
	noted := []guild.IssueKind{ // in the audit log only
		guild.IssueShutOut, guild.IssueOverwrite, guild.IssueUndone, guild.IssueResent, guild.IssueNameRefused,
	}
	for name, x := range map[string]struct {
		schema interface {
			Schema(huma.Registry) *huma.Schema
		}
		from, as string // the package's folder, the type's name in it
		besides  []string
	}{
		"barriers":     {Barrier(""), "access", "Barrier", []string{""}},
		"hold reasons": {HoldReason(""), "room", "HoldReason", nil},
		"issues": {IssueKind(""), "guild", "IssueKind", []string{
			string(noted[0]), string(noted[1]), string(noted[2]), string(noted[3]), string(noted[4]),
		}},
		"kinds": {Kind(""), "audit", "Kind", []string{"voice_joined", "voice_left", "voice_streaming"}},
		"steps": {Step(""), "room", "Step", nil},
		"ways":  {Via(""), "access", "Via", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := x.schema.Schema(nil)
			if s.Description == "" {
				t.Error("it has no description")
			}
			declared := constants(t, x.from, x.as)
			if len(declared) < 3 {
				t.Fatalf("only %q were found", declared)
			}
			for _, v := range declared {
				if slices.Contains(s.Enum, any(v)) == slices.Contains(x.besides, v) {
					t.Errorf("%q: described %t", v, slices.Contains(s.Enum, any(v)))
				}
			}
		})
	}
}

// constants returns the values of a type's constants in a package of shared.
func constants(t *testing.T, pkg, of string) (values []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 {
				return true
			}
			id, typed := v.Type.(*ast.Ident)
			if lit, is := v.Values[0].(*ast.BasicLit); is && typed && id.Name == of {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, s)
			}
			return true
		})
	}
	return values
}
