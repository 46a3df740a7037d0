// Package form reads requests field by field as Discord does, and has the errors with which Discord refuses them. Its
// types are not safe for concurrent use.
package form

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"
)

// Form reads a request's JSON object field by field, distinguishes absent fields from null, and
// collects errors with Discord's codes.
type Form struct {
	Fields map[string]json.RawMessage
	Errs   *Tree
}

// Parse parses the body of a request. An empty body is an empty object.
func Parse(body []byte) (*Form, error) {
	f := &Form{Errs: &Tree{}}
	if len(bytes.TrimSpace(body)) == 0 {
		return f, nil
	}
	if !json.Valid(body) {
		return nil, Fail(400, 50109, "The request body contains invalid JSON.")
	}
	if err := json.Unmarshal(body, &f.Fields); err != nil {
		f.Errs.Add("DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
		return nil, f.Errs.Err()
	}
	return f, nil
}

// Sub makes a form of a nested object; its errors are added below t.
func Sub(raw json.RawMessage, t *Tree) *Form {
	f := &Form{Errs: t}
	if json.Unmarshal(raw, &f.Fields) != nil || f.Fields == nil {
		t.Add("DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
	}
	return f
}

// Has reports whether the field is present, null or not.
func (f *Form) Has(name string) bool { _, ok := f.Fields[name]; return ok }

// IsNull reports whether the field is present and null.
func (f *Form) IsNull(name string) bool {
	raw, ok := f.Fields[name]
	return ok && string(raw) == "null"
}

// Given reports whether the field is present and not null.
func (f *Form) Given(name string) bool {
	raw, ok := f.Fields[name]
	return ok && string(raw) != "null"
}

// Required reports whether the field is present and not null, and adds an error if it isn't.
func (f *Form) Required(name string) bool {
	if f.Given(name) {
		return true
	}
	f.Errs.At(name).Add("BASE_TYPE_REQUIRED", "This field is required")
	return false
}

// Scalar returns a string, number or boolean as text, as Discord's forms do, and whether it was one.
func Scalar(raw json.RawMessage) (string, bool) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return "", false
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "True", true
		}
		return "False", true
	}
	return string(raw), false
}

// Str reads a string of minLen to maxLen characters; "" if it isn't given.
func (f *Form) Str(name string, minLen, maxLen int) string {
	if !f.Given(name) {
		return ""
	}
	s, ok := Scalar(f.Fields[name])
	if !ok {
		f.Errs.At(name).Add("STRING_TYPE_CONVERT", "Could not interpret %q as string.", s)
		return ""
	}
	CheckLength(f.Errs.At(name), s, minLen, maxLen)
	return s
}

// CheckLength adds an error if a text is shorter or longer than it may be, in characters.
func CheckLength(t *Tree, s string, minLen, maxLen int) {
	n := utf8.RuneCountInString(s)
	switch {
	case n >= minLen && n <= maxLen:
	case minLen == 0:
		t.Add("BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", maxLen)
	case n == 0:
		t.Add("BASE_TYPE_REQUIRED", "This field is required")
	default:
		t.Add("BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", minLen, maxLen)
	}
}

// Num reads an integer between low and high.
func (f *Form) Num(name string, low, high int) int {
	if !f.Given(name) {
		return 0
	}
	s, ok := Scalar(f.Fields[name])
	n, err := strconv.Atoi(s)
	if fl, ferr := strconv.ParseFloat(s, 64); err != nil && ferr == nil && fl == math.Trunc(fl) &&
		math.Abs(fl) < 1<<53 {
		n, err = int(fl), nil
	}
	switch t := f.Errs.At(name); {
	case !ok || err != nil:
		t.Add("NUMBER_TYPE_COERCE", "Value %q is not int.", s)
	case n < low:
		t.Add("NUMBER_TYPE_MIN", "int value should be greater than or equal to %d.", low)
	case n > high:
		t.Add("NUMBER_TYPE_MAX", "int value should be less than or equal to %d.", high)
	}
	return n
}

// Yes reads a boolean.
func (f *Form) Yes(name string) bool {
	if !f.Given(name) {
		return false
	}
	s, _ := Scalar(f.Fields[name])
	switch strings.ToLower(s) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	f.Errs.At(name).Add("BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
	return false
}

// ID reads a snowflake; 0 if it isn't given.
func (f *Form) ID(name string) snowflake.ID {
	if !f.Given(name) {
		return 0
	}
	return readID(f.Errs.At(name), f.Fields[name])
}

func readID(t *Tree, raw json.RawMessage) snowflake.ID {
	s, ok := Scalar(raw)
	n, err := strconv.ParseUint(s, 10, 63)
	if !ok || err != nil {
		t.Add("NUMBER_TYPE_COERCE", "Value %q is not snowflake.", s)
		return 0
	}
	return snowflake.ID(n)
}

// IDs reads a list of at most limit snowflakes.
func (f *Form) IDs(name string, limit int) []snowflake.ID {
	list := f.List(name, 0, limit)
	out := make([]snowflake.ID, 0, len(list))
	for i, raw := range list {
		out = append(out, readID(f.Errs.At(name).At(strconv.Itoa(i)), raw))
	}
	return out
}

// List reads a list of low to high values, undecoded.
func (f *Form) List(name string, low, high int) []json.RawMessage {
	if !f.Given(name) {
		return nil
	}
	var list []json.RawMessage
	t := f.Errs.At(name)
	if json.Unmarshal(f.Fields[name], &list) != nil {
		t.Add("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil
	}
	switch {
	case len(list) >= low && len(list) <= high:
		return list
	case low == 0:
		t.Add("BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", high)
	default:
		t.Add("BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", low, high)
	}
	return nil
}

// Objects reads a list of objects, each with its own node for errors.
func (f *Form) Objects(name string, low, high int) []*Form {
	list := f.List(name, low, high)
	out := make([]*Form, 0, len(list))
	for i, raw := range list {
		out = append(out, Sub(raw, f.Errs.At(name).At(strconv.Itoa(i))))
	}
	return out
}

// Object reads a nested object; nil if it isn't given.
func (f *Form) Object(name string) *Form {
	if !f.Given(name) {
		return nil
	}
	return Sub(f.Fields[name], f.Errs.At(name))
}

// Bits reads a bit set; 0 if it isn't given.
func (f *Form) Bits(name string) uint64 {
	if !f.Given(name) {
		return 0
	}
	s, ok := Scalar(f.Fields[name])
	n, err := strconv.ParseUint(s, 10, 64)
	if !ok || err != nil {
		f.Errs.At(name).Add("NUMBER_TYPE_COERCE", "Value %q is not int.", s)
	}
	return n
}

// Choice reads a number that must be one of the given ones.
func (f *Form) Choice(name string, of ...int) int {
	if !f.Given(name) {
		return 0
	}
	n := f.Num(name, math.MinInt, math.MaxInt)
	for _, v := range of {
		if v == n {
			return n
		}
	}
	if !f.Errs.At(name).Bad() {
		names := make([]string, len(of))
		for i, v := range of {
			names[i] = strconv.Itoa(v)
		}
		f.Errs.At(name).Add("BASE_TYPE_CHOICES", "Value must be one of {%s}.", strings.Join(names, ", "))
	}
	return n
}

// When reads an ISO 8601 time.
func (f *Form) When(name string) time.Time {
	if !f.Given(name) {
		return time.Time{}
	}
	s, _ := Scalar(f.Fields[name])
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		f.Errs.At(name).Add("DATE_TIME_TYPE_PARSE", "Could not parse %s. Should be ISO8601.", s)
	}
	return t
}

// Set sets a field that came from elsewhere, such as the URL.
func (f *Form) Set(name, value string) {
	if f.Fields == nil {
		f.Fields = map[string]json.RawMessage{}
	}
	f.Fields[name] = Marshal(value)
}

// Link reads a required URL.
func (f *Form) Link(limit int) string { return f.Address("url", limit) }

// Address reads a URL: http, https or discord. If given, it must not be empty.
func (f *Form) Address(name string, limit int) string {
	if !f.Given(name) {
		return ""
	}
	s := f.Str(name, 1, limit)
	if scheme, rest, ok := strings.Cut(s, "://"); s != "" &&
		(!ok || rest == "" || !slices.Contains([]string{"http", "https", "discord", "attachment"}, scheme)) {
		f.Errs.At(name).Add("URL_TYPE_INVALID_SCHEME",
			"Scheme %q is not supported. Scheme must be one of ('http', 'https', 'discord').", scheme)
	}
	return s
}

// Runes counts a text's characters.
func Runes(s string) int { return utf8.RuneCountInString(s) }

// FlexID accepts an id as a string or a number, because scripts use both.
type FlexID snowflake.ID

// UnmarshalJSON accepts "123", 123 and null.
func (f *FlexID) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	s, ok := Scalar(b)
	n, err := strconv.ParseUint(s, 10, 63)
	if !ok || err != nil {
		return fmt.Errorf("%s is not an id", b)
	}
	*f = FlexID(n)
	return nil
}

// ParseID returns the snowflake in a text; 0 if it isn't one.
func ParseID(s string) snowflake.ID {
	n, _ := strconv.ParseUint(s, 10, 63)
	return snowflake.ID(n)
}
