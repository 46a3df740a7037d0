// Package openapi checks requests and answers against Discord's OpenAPI
// description, so that tests find out when what is sent or what the simulator
// answers is not what Discord would take or give.
//
// Tests of any package may import it; production code has no need to. A
// Description is safe for concurrent use. The description itself is not part
// of this module: Find looks for it, and tests skip what needs it when it is
// not at hand.
//
// Known mistakes of the description are mended when it is loaded: sets of
// permission bits in requests are decimal strings in reality (numbers are taken
// as well), and the codes in the tree of a refused form are words.
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

// node is one part of an address; a child under "{}" takes any part.
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

// Load reads a description in JSON and mends its known mistakes.
func Load(path string) (*Description, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("openapi: %s: %w", path, err)
	}
	doc, ok := v.(map[string]any)
	paths, ok2 := doc["paths"].(map[string]any)
	if _, ok3 := paths["/gateway"]; !ok || !ok2 || !ok3 {
		return nil, fmt.Errorf("openapi: %s is no OpenAPI description of Discord", path)
	}
	mend(doc)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(location, doc); err != nil {
		return nil, fmt.Errorf("openapi: %s: %w", path, err)
	}
	d := &Description{paths: &node{}, compiler: c, schemas: map[string]*jsonschema.Schema{}}
	for template, item := range paths {
		if it, ok := item.(map[string]any); ok {
			d.paths.add(template, it)
		}
	}
	return d, nil
}

// bits are the fields of requests that hold sets of permissions.
var bits = []string{"allow", "deny", "permissions", "default_member_permissions"}

// mend corrects the description where it differs from what Discord does.
func mend(v any) {
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
			mend(x)
		}
	case []any:
		for _, x := range v {
			mend(x)
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

// find looks an address up; what is written out comes before what may be anything.
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

// operation finds what the description says of a request; an address without
// an API prefix is none of Discord's.
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

// Request checks the JSON body of a request; an address that the description
// does not have is fine.
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

// takesNothing names addresses whose body is required on paper only.
func takesNothing(template string) bool {
	return strings.HasSuffix(template, "/invites") || strings.HasSuffix(template, "/bans/{user_id}")
}

// Answer checks the status and JSON body of an answer. What the description
// leaves open, such as 5xx, is fine.
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
		return fmt.Errorf("no JSON: %w", err)
	}
	return schema.Validate(v)
}

// schema compiles what a pointer leads to, once.
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
