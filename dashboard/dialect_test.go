package dashboard

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/view"
	"snug/dashboard/view/fixtures"
	"snug/dashboard/wire"
	"snug/shared/protocol"
	"snug/static"
	"snug/templates"
)

var (
	snake  = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	moment = regexp.MustCompile(`^(at|since|until|deadline)$|_(at|until|deadline)$`)
	idName = regexp.MustCompile(`^id$|_id$`)
	// whole are numbers that need 64 bits and are neither times nor ids: revisions and lengths of time.
	whole = regexp.MustCompile(`^rev$|^n$|_ms$|^ms$`)
)

// TestOneDialect: what leaves and enters as JSON, by the API, in files and on pages, has names in snake_case, times as
// RFC 3339 and ids as strings. The live protocol has a dialect of its own, which stays in its messages.
func TestOneDialect(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := dialect{t: t, seen: map[reflect.Type]bool{}}
	all := b.api.OpenAPI().Components.Schemas
	for name, s := range all.Map() {
		for field := range s.Properties {
			d.name(name+"."+field, field)
		}
		if typ := all.TypeFromRef("#/components/schemas/" + name); typ != nil {
			d.walk(name, typ)
		}
	}
	if len(d.seen) < 60 {
		t.Errorf("only %d types were looked at", len(d.seen))
	}
	for _, op := range b.api.Reference() {
		for _, o := range op.Operations {
			for _, in := range o.Inputs {
				if in.In != "header" {
					d.name(o.ID, in.Name)
				}
			}
		}
	}
	d.walk("data.json", reflect.TypeFor[actions.PersonExport]())
	d.walk("activity.json", reflect.TypeFor[wire.Entry]())
	for _, f := range fixtures.All() {
		if p, ok := f.Page.(interface{ State() any }); ok {
			d.walk(f.Name, reflect.TypeOf(p.State()))
		}
	}
}

// dialect looks at types.
type dialect struct {
	t    *testing.T
	seen map[reflect.Type]bool
}

func (d dialect) name(where, name string) {
	d.t.Helper()
	if !snake.MatchString(name) {
		d.t.Errorf("%s: %q is not snake_case", where, name)
	}
}

// walk looks at a type and what it holds.
func (d dialect) walk(where string, typ reflect.Type) {
	for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map}, typ.Kind()) {
		typ = typ.Elem()
	}
	if d.seen[typ] || typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return
	}
	d.seen[typ] = true
	if typ.PkgPath() == reflect.TypeFor[protocol.Room]().PkgPath() && typ != reflect.TypeFor[protocol.Rev]() {
		d.t.Errorf("%s: %s is the live protocol's, which has another dialect", where, typ)
		return
	}
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		at := where + "." + name
		switch {
		case !f.IsExported() && !f.Anonymous, name == "-":
			continue
		case name == "" && !f.Anonymous:
			d.t.Errorf("%s: %s of %s has no name in JSON", where, f.Name, typ)
			continue
		case name != "":
			d.name(at, name)
			d.field(at, name, f.Type)
		}
		d.walk(at, f.Type)
	}
}

// field looks at a field with a value of its own.
func (d dialect) field(at, name string, typ reflect.Type) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	isTime := typ == reflect.TypeFor[time.Time]()
	if moment.MatchString(name) && !isTime {
		d.t.Errorf("%s is a time by its name, and a %s", at, typ)
	}
	if idName.MatchString(name) && typ.Kind() != reflect.String && typ != reflect.TypeFor[snowflake.ID]() {
		d.t.Errorf("%s is an id by its name, and a %s", at, typ)
	}
	if typ.Kind() == reflect.Int64 || typ.Kind() == reflect.Uint64 {
		one := reflect.New(typ).Elem()
		if one.CanInt() {
			one.SetInt(1)
		} else {
			one.SetUint(1)
		}
		text, err := json.Marshal(one.Interface())
		if number := err == nil && text[0] != '"'; number && !whole.MatchString(name) {
			d.t.Errorf("%s is a %s: an id or a time would be a string", at, typ)
		}
	}
}

// wrongDialect gives what of a JSON value is not in the dialect, "" for nothing. A number that large is an id, or a
// time in milliseconds.
func wrongDialect(v any) string {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if !snake.MatchString(name) && strings.Trim(name, "0123456789") != "" { // ids are names, too
				return fmt.Sprintf("the name %q", name)
			}
			if wrong := wrongDialect(value); wrong != "" {
				return name + ": " + wrong
			}
		}
	case []any:
		for _, value := range v {
			if wrong := wrongDialect(value); wrong != "" {
				return wrong
			}
		}
	case float64:
		if v >= 1e11 {
			return fmt.Sprintf("the number %.0f", v)
		}
	}
	return ""
}

// TestPagesTellScriptsInTheDialect: so do the JSON blocks of pages as they are rendered, but for messages of the live
// protocol.
func TestPagesTellScriptsInTheDialect(t *testing.T) {
	t.Parallel()
	e, err := view.New(view.Config{Templates: templates.FS, Static: static.FS})
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)<script type="application/json" id="state">(.*?)</script>`)
	clock := regexp.MustCompile(`<body [^>]*data-now="([^"]*)"`)
	n := 0
	for _, f := range fixtures.All() {
		page := httptest.NewRecorder()
		if err := e.Render(page, f.Status, f.Page); err != nil {
			t.Fatal(err)
		}
		if m := clock.FindStringSubmatch(page.Body.String()); m == nil {
			t.Errorf("%s does not say when it was made", f.Name)
		} else if _, err := time.Parse(time.RFC3339, m[1]); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		m := block.FindStringSubmatch(page.Body.String())
		if m == nil {
			continue
		}
		var state map[string]any
		if err := json.Unmarshal([]byte(m[1]), &state); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		delete(state, "rooms")
		if wrong := wrongDialect(state); wrong != "" {
			t.Errorf("%s: %s in %s", f.Name, wrong, m[1])
		}
		n++
	}
	if n < 5 {
		t.Errorf("only %d pages have a state", n)
	}
}

// TestScriptsSpeakByOneFunction: scripts get JSON by api alone. The others that fetch get pages, and the client of the
// live protocol its token. The service worker lives without a page, so it calls by itself.
func TestScriptsSpeakByOneFunction(t *testing.T) {
	t.Parallel()
	// api and refresh; pages to come, or of what is gone; the token; the worker's pages and a subscription; words
	fetches := map[string]int{"ui.js": 2, "home.js": 1, "closed.js": 1, "live.js": 1, "sw.js": 3, "alerts.js": 1}
	err := fs.WalkDir(static.FS, "js", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := static.FS.ReadFile(path)
		if n := strings.Count(string(src), "fetch("); n != fetches[d.Name()] {
			t.Errorf("%s fetches in %d places: call api", path, n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
