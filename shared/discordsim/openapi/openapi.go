// Package openapi checks requests and responses against Discord's OpenAPI description, so that
// tests notice if something is sent that Discord would not accept, or if the simulator responds
// differently from Discord.
//
// Tests of any package may import it; production code doesn't need it. A Description is safe for
// concurrent use. The description isn't part of this module: Find looks for it, and tests that need
// it are skipped if it isn't there.
//
// Load corrects known mistakes in the description: permission bit sets in requests are in fact
// decimal strings (numbers are accepted too), and the codes in the error tree of a form are strings.
package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Description is a loaded OpenAPI description.
type Description struct {
	paths *node

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
}

// node is one segment of a path; a child under "{}" matches any segment.
type node struct {
	children map[string]*node
	template string
	item     map[string]any
}

const location = "file:///openapi.json"

// Find returns the path of the description: DISCORD_OPENAPI, or in the module
// that the working directory lies in bin/openapi.json, where make openapi puts
// it, or beside that ../shared/discord/openapi.json; "" when there is none.
func Find() string {
	if p := os.Getenv("DISCORD_OPENAPI"); p != "" {
		return p
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			for _, p := range []string{
				filepath.Join(dir, "bin", "openapi.json"),
				filepath.Join(dir, "..", "shared", "discord", "openapi.json"),
			} {
				if _, err := os.Stat(p); err == nil {
					return p
				}
			}
			return ""
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// Load loads Discord's description in JSON and corrects its known mistakes.
func Load(path string) (*Description, error) {
	doc, err := read(path)
	if err != nil {
		return nil, err
	}
	paths, _ := doc["paths"].(map[string]any)
	if _, ok := paths["/gateway"]; !ok {
		return nil, fmt.Errorf("openapi: %s is not Discord's OpenAPI description", path)
	}
	correct(doc)
	return describe(path, doc)
}

// LoadOther loads a description in JSON that isn't Discord's, of what is below /api/.
func LoadOther(path string) (*Description, error) {
	doc, err := read(path)
	if err != nil {
		return nil, err
	}
	return describe(path, doc)
}

func read(path string) (map[string]any, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("openapi: %s: %w", path, err)
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("openapi: %s is no object", path)
	}
	return doc, nil
}

func describe(path string, doc map[string]any) (*Description, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(location, doc); err != nil {
		return nil, fmt.Errorf("openapi: %s: %w", path, err)
	}
	d := &Description{paths: &node{}, compiler: c, schemas: map[string]*jsonschema.Schema{}}
	paths, _ := doc["paths"].(map[string]any)
	for template, item := range paths {
		if it, ok := item.(map[string]any); ok {
			d.paths.add(template, it)
		}
	}
	return d, nil
}

// bits are the request fields with permission bit sets.
var bits = []string{"allow", "deny", "permissions", "default_member_permissions"}

// correct corrects the description where it differs from what Discord does.
func correct(v any) {
	switch v := v.(type) {
	case map[string]any:
		if props, ok := v["properties"].(map[string]any); ok {
			for _, name := range bits {
				if p, ok := props[name].(map[string]any); ok && hasType(p, "integer") {
					props[name] = map[string]any{"type": []any{"integer", "string", "null"}, "pattern": "^[0-9]+$"}
				}
			}
			if errs, ok := props["_errors"].(map[string]any); ok {
				errs["items"] = map[string]any{"type": "object", "required": []any{"code", "message"},
					"properties": map[string]any{
						"code": map[string]any{"type": "string"}, "message": map[string]any{"type": "string"},
					}}
			}
		}
		for _, x := range v {
			correct(x)
		}
	case []any:
		for _, x := range v {
			correct(x)
		}
	}
}

func hasType(schema map[string]any, name string) bool {
	switch t := schema["type"].(type) {
	case string:
		return t == name
	case []any:
		return slices.Contains(t, any(name))
	}
	return false
}

func (n *node) add(template string, item map[string]any) {
	for part := range strings.SplitSeq(strings.Trim(template, "/"), "/") {
		if strings.HasPrefix(part, "{") {
			part = "{}"
		}
		if n.children == nil {
			n.children = map[string]*node{}
		}
		next := n.children[part]
		if next == nil {
			next = &node{}
			n.children[part] = next
		}
		n = next
	}
	n.template, n.item = template, item
}

// find looks up a path; literal segments take precedence over placeholders.
func (n *node) find(parts []string) *node {
	if len(parts) == 0 {
		if n.item == nil {
			return nil
		}
		return n
	}
	for _, key := range []string{parts[0], "{}"} {
		if child := n.children[key]; child != nil {
			if found := child.find(parts[1:]); found != nil {
				return found
			}
		}
	}
	return nil
}

// operation finds the description of a request; a path without an API prefix isn't Discord's.
func (d *Description) operation(method, path string) (template string, op map[string]any) {
	rest, ok := strings.CutPrefix(path, "/api/")
	if !ok {
		return "", nil
	}
	for _, v := range []string{"v10/", "v9/"} {
		rest = strings.TrimPrefix(rest, v)
	}
	n := d.paths.find(strings.Split(rest, "/"))
	if n == nil {
		return "", nil
	}
	op, _ = n.item[strings.ToLower(method)].(map[string]any)
	return n.template, op
}

// Request checks the JSON body of a request; it accepts a path that isn't in the description.
func (d *Description) Request(method, path string, body []byte) error {
	template, op := d.operation(method, path)
	rb, _ := op["requestBody"].(map[string]any)
	if rb == nil {
		return nil
	}
	if len(bytes.TrimSpace(body)) == 0 {
		if required, _ := rb["required"].(bool); required && !takesNothing(template) {
			return fmt.Errorf("openapi: %s %s: the body is missing", method, path)
		}
		return nil
	}
	pointer := "/paths/" + escape(template) + "/" + strings.ToLower(method) +
		"/requestBody/content/application~1json/schema"
	if err := d.check(pointer, body); err != nil {
		return fmt.Errorf("openapi: the request %s %s: %w in %s", method, path, err, short(body))
	}
	return nil
}

// takesNothing reports whether a path's body is only nominally required.
func takesNothing(template string) bool {
	return strings.HasSuffix(template, "/invites") || strings.HasSuffix(template, "/bans/{user_id}")
}

// Answer checks the status and JSON body of a response. It accepts what the description leaves open, such as 5xx.
func (d *Description) Answer(method, path string, status int, body []byte) error {
	template, op := d.operation(method, path)
	if op == nil || status >= 500 {
		return nil
	}
	responses, _ := op["responses"].(map[string]any)
	key := strconv.Itoa(status)
	entry, ok := responses[key].(map[string]any)
	if !ok {
		key = key[:1] + "XX"
		if entry, ok = responses[key].(map[string]any); !ok {
			return fmt.Errorf("openapi: %s %s answers with status %d, which is not described", method, path, status)
		}
	}
	base := "/paths/" + escape(template) + "/" + strings.ToLower(method) + "/responses/" + key
	if ref, ok := entry["$ref"].(string); ok {
		base = strings.TrimPrefix(ref, "#")
		key := base[strings.LastIndexByte(base, '/')+1:]
		if key == "" {
			return nil
		}
	} else if entry["content"] == nil {
		if len(body) > 0 {
			return fmt.Errorf("openapi: %s %s answers status %d with a body where none is described", method, path,
				status)
		}
		return nil
	}
	if err := d.check(base+"/content/application~1json/schema", body); err != nil {
		return fmt.Errorf("openapi: the answer %d to %s %s: %w in %s", status, method, path, err, short(body))
	}
	return nil
}

func (d *Description) check(pointer string, body []byte) error {
	schema, err := d.schema(pointer)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return schema.Validate(v)
}

// schema compiles the schema at a JSON pointer, once.
func (d *Description) schema(pointer string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.schemas[pointer]; s != nil {
		return s, nil
	}
	s, err := d.compiler.Compile(location + "#" + pointer)
	if err != nil {
		return nil, fmt.Errorf("the description cannot be used: %w", err)
	}
	d.schemas[pointer] = s
	return s, nil
}

func escape(template string) string {
	s := strings.ReplaceAll(strings.ReplaceAll(template, "~", "~0"), "/", "~1")
	return strings.NewReplacer("{", "%7B", "}", "%7D", "@", "@").Replace(s)
}

func short(body []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, body) != nil {
		b.Reset()
		b.Write(body)
	}
	if b.Len() > 1500 {
		return string(b.Bytes()[:1500]) + "…"
	}
	return b.String()
}
