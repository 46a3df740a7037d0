package discordsim

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

// form reads a request's JSON object field by field, distinguishes absent fields from null, and
// collects errors with Discord's codes.
type form struct {
	fields map[string]json.RawMessage
	errs   *tree
}

// parseForm parses the body of a request. An empty body is an empty object.
func parseForm(body []byte) (*form, error) {
	f := &form{errs: &tree{}}
	if len(bytes.TrimSpace(body)) == 0 {
		return f, nil
	}
	if !json.Valid(body) {
		return nil, fail(400, 50109, "The request body contains invalid JSON.")
	}
	if err := json.Unmarshal(body, &f.fields); err != nil {
		f.errs.add("DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
		return nil, f.errs.err()
	}
	return f, nil
}

// sub makes a form of a nested object; its errors are added below t.
func sub(raw json.RawMessage, t *tree) *form {
	f := &form{errs: t}
	if json.Unmarshal(raw, &f.fields) != nil || f.fields == nil {
		t.add("DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
	}
	return f
}

// has reports whether the field is present, null or not.
func (f *form) has(name string) bool { _, ok := f.fields[name]; return ok }

// isNull reports whether the field is present and null.
func (f *form) isNull(name string) bool {
	raw, ok := f.fields[name]
	return ok && string(raw) == "null"
}

// given reports whether the field is present and not null.
func (f *form) given(name string) bool {
	raw, ok := f.fields[name]
	return ok && string(raw) != "null"
}

// required reports whether the field is present and not null, and adds an error if it isn't.
func (f *form) required(name string) bool {
	if f.given(name) {
		return true
	}
	f.errs.at(name).add("BASE_TYPE_REQUIRED", "This field is required")
	return false
}

// scalar returns a string, number or boolean as text, as Discord's forms do, and whether it was one.
func scalar(raw json.RawMessage) (string, bool) {
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

// str reads a string of minLen to maxLen characters; "" if it isn't given.
func (f *form) str(name string, minLen, maxLen int) string {
	if !f.given(name) {
		return ""
	}
	s, ok := scalar(f.fields[name])
	if !ok {
		f.errs.at(name).add("STRING_TYPE_CONVERT", "Could not interpret %q as string.", s)
		return ""
	}
	checkLength(f.errs.at(name), s, minLen, maxLen)
	return s
}

// checkLength adds an error if a text is shorter or longer than it may be, in characters.
func checkLength(t *tree, s string, minLen, maxLen int) {
	n := utf8.RuneCountInString(s)
	switch {
	case n >= minLen && n <= maxLen:
	case minLen == 0:
		t.add("BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", maxLen)
	case n == 0:
		t.add("BASE_TYPE_REQUIRED", "This field is required")
	default:
		t.add("BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", minLen, maxLen)
	}
}

// num reads an integer between low and high.
func (f *form) num(name string, low, high int) int {
	if !f.given(name) {
		return 0
	}
	s, ok := scalar(f.fields[name])
	n, err := strconv.Atoi(s)
	if fl, ferr := strconv.ParseFloat(s, 64); err != nil && ferr == nil && fl == math.Trunc(fl) &&
		math.Abs(fl) < 1<<53 {
		n, err = int(fl), nil
	}
	switch t := f.errs.at(name); {
	case !ok || err != nil:
		t.add("NUMBER_TYPE_COERCE", "Value %q is not int.", s)
	case n < low:
		t.add("NUMBER_TYPE_MIN", "int value should be greater than or equal to %d.", low)
	case n > high:
		t.add("NUMBER_TYPE_MAX", "int value should be less than or equal to %d.", high)
	}
	return n
}

// yes reads a boolean.
func (f *form) yes(name string) bool {
	if !f.given(name) {
		return false
	}
	s, _ := scalar(f.fields[name])
	switch strings.ToLower(s) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	f.errs.at(name).add("BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
	return false
}

// id reads a snowflake; 0 if it isn't given.
func (f *form) id(name string) snowflake.ID {
	if !f.given(name) {
		return 0
	}
	return readID(f.errs.at(name), f.fields[name])
}

func readID(t *tree, raw json.RawMessage) snowflake.ID {
	s, ok := scalar(raw)
	n, err := strconv.ParseUint(s, 10, 63)
	if !ok || err != nil {
		t.add("NUMBER_TYPE_COERCE", "Value %q is not snowflake.", s)
		return 0
	}
	return snowflake.ID(n)
}

// ids reads a list of at most limit snowflakes.
func (f *form) ids(name string, limit int) []snowflake.ID {
	list := f.list(name, 0, limit)
	out := make([]snowflake.ID, 0, len(list))
	for i, raw := range list {
		out = append(out, readID(f.errs.at(name).at(strconv.Itoa(i)), raw))
	}
	return out
}

// list reads a list of low to high values, undecoded.
func (f *form) list(name string, low, high int) []json.RawMessage {
	if !f.given(name) {
		return nil
	}
	var list []json.RawMessage
	t := f.errs.at(name)
	if json.Unmarshal(f.fields[name], &list) != nil {
		t.add("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil
	}
	switch {
	case len(list) >= low && len(list) <= high:
		return list
	case low == 0:
		t.add("BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", high)
	default:
		t.add("BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", low, high)
	}
	return nil
}

// objects reads a list of objects, each with its own node for errors.
func (f *form) objects(name string, low, high int) []*form {
	list := f.list(name, low, high)
	out := make([]*form, 0, len(list))
	for i, raw := range list {
		out = append(out, sub(raw, f.errs.at(name).at(strconv.Itoa(i))))
	}
	return out
}

// object reads a nested object; nil if it isn't given.
func (f *form) object(name string) *form {
	if !f.given(name) {
		return nil
	}
	return sub(f.fields[name], f.errs.at(name))
}

// bits reads a bit set; 0 if it isn't given.
func (f *form) bits(name string) uint64 {
	if !f.given(name) {
		return 0
	}
	s, ok := scalar(f.fields[name])
	n, err := strconv.ParseUint(s, 10, 64)
	if !ok || err != nil {
		f.errs.at(name).add("NUMBER_TYPE_COERCE", "Value %q is not int.", s)
	}
	return n
}

// choice reads a number that must be one of the given ones.
func (f *form) choice(name string, of ...int) int {
	if !f.given(name) {
		return 0
	}
	n := f.num(name, math.MinInt, math.MaxInt)
	for _, v := range of {
		if v == n {
			return n
		}
	}
	if !f.errs.at(name).bad() {
		names := make([]string, len(of))
		for i, v := range of {
			names[i] = strconv.Itoa(v)
		}
		f.errs.at(name).add("BASE_TYPE_CHOICES", "Value must be one of {%s}.", strings.Join(names, ", "))
	}
	return n
}

// when reads an ISO 8601 time.
func (f *form) when(name string) time.Time {
	if !f.given(name) {
		return time.Time{}
	}
	s, _ := scalar(f.fields[name])
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		f.errs.at(name).add("DATE_TIME_TYPE_PARSE", "Could not parse %s. Should be ISO8601.", s)
	}
	return t
}

// set sets a field that came from elsewhere, such as the URL.
func (f *form) set(name, value string) {
	if f.fields == nil {
		f.fields = map[string]json.RawMessage{}
	}
	f.fields[name] = marshal(value)
}

// link reads a required URL.
func (f *form) link(limit int) string { return f.address("url", limit) }

// address reads a URL: http, https or discord. If given, it must not be empty.
func (f *form) address(name string, limit int) string {
	if !f.given(name) {
		return ""
	}
	s := f.str(name, 1, limit)
	if scheme, rest, ok := strings.Cut(s, "://"); s != "" &&
		(!ok || rest == "" || !slices.Contains([]string{"http", "https", "discord", "attachment"}, scheme)) {
		f.errs.at(name).add("URL_TYPE_INVALID_SCHEME",
			"Scheme %q is not supported. Scheme must be one of ('http', 'https', 'discord').", scheme)
	}
	return s
}

// runes counts a text's characters.
func runes(s string) int { return utf8.RuneCountInString(s) }

// flexID accepts an id as a string or a number, because scripts use both.
type flexID snowflake.ID

// UnmarshalJSON accepts "123", 123 and null.
func (f *flexID) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	s, ok := scalar(b)
	n, err := strconv.ParseUint(s, 10, 63)
	if !ok || err != nil {
		return fmt.Errorf("%s is not an id", b)
	}
	*f = flexID(n)
	return nil
}

// parseID returns the snowflake in a text; 0 if it isn't one.
func parseID(s string) snowflake.ID {
	n, _ := strconv.ParseUint(s, 10, 63)
	return snowflake.ID(n)
}
