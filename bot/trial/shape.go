package trial

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

//go:embed keys.txt
var keysText string

// documented are the names of fields in Discord's OpenAPI description and documentation. No other name is recorded.
var documented = strings.Fields(keysText)

// Shape is the structure of a JSON value: the kind of each field by its path. It contains no string of the
// value. A field that isn't documented is "?". Numbers are kept only of documented enums and bit sets.
type Shape map[string]string

// kept are the fields whose numbers are recorded: enums and bit sets, according to Discord's documentation.
var kept = map[string]bool{ // true: a bit set
	"type": false, "style": false, "target_type": false, "video_quality_mode": false, "mfa_level": false,
	"verification_level": false,
	"allow":              true, "deny": true, "flags": true, "permissions": true,
}

// Limits of what counts as documented: enums are small, and the last permission is bit 52.
const (
	maxEnum = 100
	lastBit = 52
)

// shapeOf returns the shape of a JSON value; nil if it isn't valid.
func shapeOf(raw []byte) Shape {
	var v any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	s := Shape{}
	s.add("", "", v)
	return s
}

func (s Shape) add(path, key string, v any) {
	switch v := v.(type) {
	case map[string]any:
		s.put(path, "object")
		for k, inner := range v {
			if _, is := slices.BinarySearch(documented, k); !is {
				k = "?"
			}
			s.add(path+"/"+k, k, inner)
		}
	case []any:
		s.put(path, "array")
		for _, inner := range v {
			s.add(path+"/*", key, inner)
		}
	case json.Number:
		s.put(path, "number"+number(key, v.String()))
	case string:
		s.put(path, "string"+number(key, v))
	case bool:
		s.put(path, "boolean")
	case nil:
		s.put(path, "null")
	}
}

// put adds a kind at a path, where the elements of an array may have several.
func (s Shape) put(path, kind string) {
	have := strings.Fields(s[path])
	if !slices.Contains(have, kind) {
		have = append(have, kind)
		slices.Sort(have)
	}
	s[path] = strings.Join(have, " ")
}

// number returns the value of an enum or a bit set in a form that can't carry anything else: "=2", "=bits:10,20".
func number(key, text string) string {
	bits, ok := kept[key]
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case !ok || err != nil:
		return ""
	case bits:
		var list []string
		for _, b := range bitsOf(n) {
			list = append(list, strconv.Itoa(b))
		}
		return "=bits:" + strings.Join(list, ",")
	case n > maxEnum:
		return ""
	}
	return "=" + strconv.FormatUint(n, 10)
}

// bitsOf returns the numbers of the documented bits that are set.
func bitsOf(n uint64) []int {
	list := []int{}
	for b := range lastBit + 1 {
		if n&(1<<b) != 0 {
			list = append(list, b)
		}
	}
	return list
}

func bitsIn(list []int) (n uint64) {
	for _, b := range list {
		if b >= 0 && b <= lastBit {
			n |= 1 << b
		}
	}
	return n
}
