package guild_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/preset"
	"snug/shared/schema"
	"snug/shared/testkit/walk"
)

// fields gives the names in JSON of a struct's fields, and their names in Go.
func fields(t reflect.Type) map[string]reflect.StructField {
	m := map[string]reflect.StructField{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		m[name] = f
	}
	return m
}

// typeOf is the type that a kind's field has.
var typeOf = map[schema.Kind]reflect.Type{
	schema.Number: reflect.TypeFor[int](), schema.Duration: reflect.TypeFor[guild.Duration](),
	schema.Switch: reflect.TypeFor[bool](), schema.Template: reflect.TypeFor[string](),
	schema.Language: reflect.TypeFor[string](), schema.Words: reflect.TypeFor[[]string](),
	schema.Roles: reflect.TypeFor[[]snowflake.ID](), schema.Category: reflect.TypeFor[snowflake.ID](),
	schema.Channel: reflect.TypeFor[snowflake.ID](), schema.Lobbies: reflect.TypeFor[[]guild.Lobby](),
	schema.Presets: reflect.TypeFor[[]preset.Preset](),
}

// TestRowsAndFields: every setting is a row and a field of that type, in a group that a modal can show; so are the
// values of a lobby's own.
func TestRowsAndFields(t *testing.T) {
	settings, lobby := fields(reflect.TypeFor[guild.Settings]()), fields(reflect.TypeFor[guild.Lobby]())
	delete(lobby, "channel_id") // which lobby it is
	shown := map[string]bool{}
	for _, g := range schema.Groups() {
		if n := len(g.Settings); n == 0 || n > 5 {
			t.Errorf("group %s has %d settings; a modal of Discord shows 1 to 5", g.Name, n)
		}
		for _, row := range g.Settings {
			shown[row.Name] = true
		}
	}
	for _, row := range schema.Settings() {
		f, ok := settings[row.Name]
		if !ok {
			t.Errorf("the row %s has no field in guild.Settings, or is there twice", row.Name)
			continue
		}
		delete(settings, row.Name)
		if f.Type != typeOf[row.Kind] {
			t.Errorf("%s is a %s, and its field a %s", row.Name, row.Kind, f.Type)
		}
		alone := row.Kind == schema.Lobbies || row.Kind == schema.Presets
		if (row.Group == "") != alone || row.Group != "" && !shown[row.Name] {
			t.Errorf("%s is in the group %q, which is not shown", row.Name, row.Group)
		}
		if _, own := lobby[row.Name]; own != (row.Lobby != "") {
			t.Errorf("the row %s and guild.Lobby differ about what a lobby has for itself", row.Name)
		}
		delete(lobby, row.Name)
	}
	for name := range settings {
		t.Errorf("the field %s of guild.Settings has no row in schema.Settings", name)
	}
	for name := range lobby {
		t.Errorf("the field %s of guild.Lobby has no row with Lobby", name)
	}
	if err := guild.Defaults().Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

// TestLimits: a value at each of a row's limits is allowed, one beyond them is refused and names the setting.
func TestLimits(t *testing.T) {
	for _, row := range schema.Settings() {
		allowed, refused := map[string]any{}, map[string]any{}
		switch row.Kind {
		case schema.Number:
			allowed["least"], allowed["most"] = row.Min, row.Max
			refused["too little"], refused["too much"] = row.Min-1, row.Max+1
		case schema.Duration:
			allowed["least"], allowed["most"] = guild.Duration(row.MinTime), guild.Duration(row.MaxTime)
			refused["too long"] = guild.Duration(row.MaxTime + time.Second)
			if row.MinTime > 0 {
				refused["too short"] = guild.Duration(row.MinTime - time.Second)
			}
			if row.Never {
				allowed["never"] = guild.Never
			} else {
				refused["never"] = guild.Never
			}
		case schema.Template:
			allowed["most"] = strings.Repeat("x", row.Max)
			refused["too long"], refused["empty"] = strings.Repeat("x", row.Max+1), " "
		case schema.Language:
			allowed["the guild's"], allowed["German"], refused["Klingon"] = "", "de", "tlh"
		case schema.Roles:
			allowed["most"], refused["too many"] = make([]snowflake.ID, row.Max), make([]snowflake.ID, row.Max+1)
		case schema.Words:
			word := func(n int) []string { return strings.Split(strings.Repeat(" word", n)[1:], " ") }
			allowed["most"], refused["too many"] = word(row.Max), word(row.Max+1)
			refused["an empty one"], refused["a long one"] = []string{"**"}, []string{strings.Repeat("x", 51)}
		case schema.Lobbies:
			list := make([]guild.Lobby, row.Max+1)
			for i := range list {
				list[i].ChannelID = snowflake.ID(i + 1)
			}
			allowed["most"], refused["too many"] = list[:row.Max], list
			refused["no channel"] = []guild.Lobby{{}}
			refused["twice the same"] = []guild.Lobby{{ChannelID: 1}, {ChannelID: 1}}
		case schema.Presets:
			list := make([]preset.Preset, row.Max+1)
			for i := range list {
				list[i].Name = fmt.Sprint("Preset ", i)
			}
			allowed["most"], refused["too many"] = list[:row.Max], list
			refused["no name"] = []preset.Preset{{}}
			refused["an unclean name"] = []preset.Preset{{Name: " a"}}
			refused["twice the same"] = []preset.Preset{{Name: "a"}, {Name: "A"}}
			refused["too many seats"] = []preset.Preset{{Name: "a", Setup: preset.Setup{Seats: 100}}}
		}
		for name, v := range allowed {
			if err := with(t, row.Name, v).Validate(); err != nil {
				t.Errorf("%s: %s is refused: %v", row.Name, name, err)
			}
		}
		for name, v := range refused {
			var e *errs.Error
			err := with(t, row.Name, v).Validate()
			if !errors.As(err, &e) || e.Code != errs.Invalid || e.Field != row.Name {
				t.Errorf("%s: %s: %v", row.Name, name, err)
			}
			if row.Lobby == "" {
				continue
			}
			l, err := guild.NewLobby(1, map[string]any{row.Name: v})
			if err != nil || l.Value(row.Name) == nil {
				continue // nothing of its own
			}
			if err := with(t, "lobbies", []guild.Lobby{l}).Validate(); !errors.As(err, &e) || e.Field != row.Name {
				t.Errorf("a lobby's %s: %s: %v", row.Name, name, err)
			}
		}
	}
}

// with gives the defaults with another value.
func with(t *testing.T, name string, v any) guild.Settings {
	t.Helper()
	s := guild.Defaults()
	f := reflect.ValueOf(&s).Elem().FieldByName(fields(reflect.TypeFor[guild.Settings]())[name].Name)
	f.Set(reflect.ValueOf(v))
	return s
}

// TestNewSettingsInOldDocuments: a document that was written before there was a setting has its default, and one that
// has it keeps it, also where it is nothing.
func TestNewSettingsInOldDocuments(t *testing.T) {
	var old guild.Document
	if err := json.Unmarshal([]byte(`{"seats":9}`), &old); err != nil {
		t.Fatal(err)
	}
	if want := with(t, "seats", 9); !reflect.DeepEqual(old.Settings, want) {
		t.Errorf("\n got %+v\nwant %+v", old.Settings, want)
	}
	b, err := json.Marshal(guild.Document{})
	if err != nil {
		t.Fatal(err)
	}
	var back guild.Document
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, guild.Document{}) {
		t.Errorf("%s came back as %+v, %v", b, back, err)
	}
}

// TestEverySettingIsRead: each field is read somewhere by its own name, or it would do nothing.
func TestEverySettingIsRead(t *testing.T) {
	read := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testkit" || d.Name() == "discordsim" || d.Name() == "fixtures"):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		src, err := os.ReadFile(walk.Path(t, path))
		if err != nil || !strings.Contains(string(src), "ettings") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && !generic[fn.Name.Name] {
				settingsRead(fn, f.Name.Name == "guild", read)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range fields(reflect.TypeFor[guild.Settings]()) {
		if !read[f.Name] {
			t.Errorf("nothing reads the setting %s, guild.Settings.%s", name, f.Name)
		}
	}
}

// generic are the methods that treat all settings alike.
var generic = map[string]bool{"Clone": true, "normalized": true, "Defaults": true}

// settingsRead notes the fields that a function takes of settings: of what is called so or has that type, and of what
// it was put into.
func settingsRead(fn *ast.FuncDecl, inGuild bool, read map[string]bool) {
	names := map[string]bool{"settings": true, "Settings": true, "s": inGuild}
	last := func(x ast.Expr) string {
		if p, ok := x.(*ast.UnaryExpr); ok {
			x = p.X
		}
		switch x := x.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.SelectorExpr:
			return x.Sel.Name
		}
		return ""
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				names[name.Name] = names[name.Name] || last(n.Type) == "Settings"
			}
		case *ast.AssignStmt:
			if to, ok := n.Lhs[0].(*ast.Ident); ok && names[last(n.Rhs[0])] {
				names[to.Name] = true
			}
		case *ast.SelectorExpr:
			if names[last(n.X)] {
				read[n.Sel.Name] = true
			}
		}
		return true
	})
}
