package record

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What differs between two runs of the same: ids, and moments of time.
var (
	idPattern = regexp.MustCompile(`\d{17,20}`)
	variable  = regexp.MustCompile(
		`\d{17,20}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)|<t:\d+`)
)

// ownWords are the fields whose text a bot or the simulator makes up: two runs have others.
var ownWords = []string{"custom_id", "code", "nonce"}

// names says what the ids of a record, and the words that were made up, are now.
type names struct {
	now  map[string]string
	then map[string]string // the reverse, of ids
}

func newNames() *names { return &names{map[string]string{}, map[string]string{}} }

// learn notes that an id is another one now, unless it or that one is known as something else.
func (n *names) learn(then, now string) bool {
	if was, known := n.now[then]; known {
		return was == now
	}
	if _, taken := n.then[now]; taken {
		return false
	}
	n.now[then], n.then[now] = now, then
	return true
}

// forget makes later runs learn from scratch what was learned of these ids.
func (n *names) forget(list []string) {
	for _, then := range list {
		delete(n.then, n.now[then])
		delete(n.now, then)
	}
}

// same compares two texts, and learns the ids in them. learned are the new ones, also if the texts differ.
func (n *names) same(then, now string) (same bool, learned []string) {
	if then == now && !idPattern.MatchString(then) {
		return true, nil
	}
	a, b := variable.FindAllString(then, -1), variable.FindAllString(now, -1)
	if len(a) != len(b) || !slices.Equal(variable.Split(then, -1), variable.Split(now, -1)) {
		return false, nil
	}
	for i := range a {
		if !isID(a[i]) || !isID(b[i]) {
			if isID(a[i]) != isID(b[i]) {
				return false, learned
			}
			continue // both are times
		}
		_, known := n.now[a[i]]
		if !n.learn(a[i], b[i]) {
			return false, learned
		}
		if !known {
			learned = append(learned, a[i])
		}
	}
	return true, learned
}

func isID(text string) bool { return idPattern.FindString(text) == text }

// sameJSON compares two values as same does.
func (n *names) sameJSON(then, now any) (same bool, learned []string) {
	add := func(ok bool, more []string) bool { learned = append(learned, more...); return ok }
	switch a := then.(type) {
	case map[string]any:
		b, ok := now.(map[string]any)
		if !ok || len(a) != len(b) {
			return false, nil
		}
		for k := range a {
			v, has := b[k]
			if !has {
				return false, learned
			}
			if slices.Contains(ownWords, k) {
				continue
			}
			if !add(n.sameJSON(a[k], v)) {
				return false, learned
			}
		}
		return true, learned
	case []any:
		b, ok := now.([]any)
		if !ok || len(a) != len(b) {
			return false, nil
		}
		for i := range a {
			if !add(n.sameJSON(a[i], b[i])) {
				return false, learned
			}
		}
		return true, learned
	case string:
		b, ok := now.(string)
		if !ok {
			return false, nil
		}
		return n.same(a, b)
	}
	return then == now, nil
}

// read learns what the ids and made-up words of a value are in another one of the same form, as far as it is the same,
// and returns the ids.
func (n *names) read(field string, then, now any) (learned []string) {
	switch a := then.(type) {
	case map[string]any:
		if b, ok := now.(map[string]any); ok {
			for k := range a {
				learned = append(learned, n.read(k, a[k], b[k])...)
			}
		}
	case []any:
		if b, ok := now.([]any); ok {
			for i := range min(len(a), len(b)) {
				learned = append(learned, n.read(field, a[i], b[i])...)
			}
		}
	case string:
		b, ok := now.(string)
		switch {
		case !ok:
		case slices.Contains(ownWords, field):
			n.now[a] = b
		default:
			_, learned = n.same(a, b)
		}
	}
	return learned
}

// readBoth does so with two bodies.
func (n *names) readBoth(then, now json.RawMessage) []string {
	var a, b any
	if decode(then, &a) != nil || decode(now, &b) != nil {
		return nil
	}
	return n.read("", a, b)
}

// text returns a text of the record as it is now.
func (n *names) text(then string) string {
	if now, known := n.now[then]; known {
		return now
	}
	return idPattern.ReplaceAllStringFunc(then, func(id string) string {
		if now, known := n.now[id]; known {
			return now
		}
		return id
	})
}

// path returns a path of the record as it is now.
func (n *names) path(then string) string {
	parts := strings.Split(then, "/")
	for i := range parts {
		parts[i] = n.text(parts[i])
	}
	return strings.Join(parts, "/")
}

// data returns a body that isn't JSON as it is now.
func (n *names) data(then []byte) []byte {
	return idPattern.ReplaceAllFunc(then, func(id []byte) []byte { return []byte(n.text(string(id))) })
}

// body returns a body as it is now, with its times so much later.
func (n *names) body(then json.RawMessage, later time.Duration) ([]byte, error) {
	var v any
	if err := decode(then, &v); err != nil {
		return nil, err
	}
	return encode(n.value(v, later))
}

func (n *names) value(v any, later time.Duration) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k := range v {
			out[n.text(k)] = n.value(v[k], later)
		}
		return out
	case []any:
		for i := range v {
			v[i] = n.value(v[i], later)
		}
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return at.Add(later).Format(time.RFC3339Nano)
		}
		return n.text(v)
	}
	return v
}
