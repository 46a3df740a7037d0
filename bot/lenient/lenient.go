// Package lenient makes disgo's JSON decoding tolerate values it does not know.
//
// Discord adds channel types, enums and fields at any time, and one value that disgo cannot decode
// makes it reject everything around it: a whole guild because of a single channel of an unknown type.
// disgo decodes all events and REST responses with a function variable of its JSON package; importing
// this package sets it to Unmarshal, which leaves out only the value that cannot be decoded.
//
// Some fields must not be skipped silently (requiredFields, requiredLists): without them the whole value still
// fails. Others restrict a member (restrictions); if such a field can't be decoded, the restriction applies.
//
// Everything here is safe for concurrent use.
package lenient

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/json/v2"
)

// Set at import, before any decoding starts.
var _ = install()

func install() bool {
	disgo.Unmarshal = Unmarshal
	return true
}

// Unmarshal is json.Unmarshal, except that it skips values it can't decode. It returns
// json.Unmarshal's error if a required value is among them.
func Unmarshal(data []byte, v any) error {
	err := unmarshalStrict(data, v)
	if err == nil || !json.Valid(data) {
		return err
	}
	to := reflect.ValueOf(v)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return err
	}
	to.Elem().SetZero()
	if decode(data, to.Elem()) != nil {
		return err
	}
	return nil
}

// unmarshalStrict is json.Unmarshal, but turns a panic of a type's UnmarshalJSON into an error.
func unmarshalStrict(data []byte, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoding panicked: %v", p)
		}
	}()
	return json.Unmarshal(data, v)
}

// decode decodes into a zero value and skips what can't be decoded.
func decode(data []byte, to reflect.Value) error {
	err := unmarshalStrict(data, to.Addr().Interface())
	if err == nil {
		return nil
	}
	to.SetZero()
	if decodesItself(to.Type()) {
		return substitute(data, to, err)
	}
	switch to.Kind() {
	case reflect.Pointer:
		v := reflect.New(to.Type().Elem())
		if err := decode(data, v.Elem()); err != nil {
			return err
		}
		to.Set(v)
		return nil
	case reflect.Struct:
		return decodeStruct(data, to, err)
	case reflect.Slice:
		return decodeSlice(data, to, err)
	case reflect.Map:
		return decodeMap(data, to, err)
	case reflect.Int, reflect.Int64:
		return lowBits(data, to, err)
	}
	return err
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// decodesItself reports whether a type has an UnmarshalJSON method, which calls Unmarshal for what is inside.
func decodesItself(t reflect.Type) bool { return reflect.PointerTo(t).Implements(unmarshaler) }

// requiredFields identify a value: without them it is unclear what it is or whom it concerns.
var requiredFields = []string{"id", "type", "op", "guild_id", "channel_id", "user_id", "user"}

// requiredLists are fields in which a missing element would look like a deletion, or like a permission nobody granted.
var requiredLists = []string{
	"guilds", "channels", "voice_states", "members", "roles", "permission_overwrites", "not_found", "allow", "deny",
}

// longestTimeout is the longest timeout Discord accepts:
// https://docs.discord.com/developers/resources/guild#modify-guild-member
const longestTimeout = 28 * 24 * time.Hour

// restrictions are fields that restrict a member. If one can't be decoded, the member counts as
// restricted: skipping it could let somebody in whom Discord keeps out.
var restrictions = map[string]func(reflect.Value){
	"pending": func(f reflect.Value) {
		if f.Kind() == reflect.Bool {
			f.SetBool(true)
		}
	},
	"communication_disabled_until": func(f reflect.Value) {
		if f.Type() == reflect.TypeFor[*time.Time]() {
			until := time.Now().Add(longestTimeout)
			f.Set(reflect.ValueOf(&until))
		}
	},
}

// decodeStruct decodes field by field.
func decodeStruct(data []byte, to reflect.Value, err error) error {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		one, _ := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if unmarshalStrict(one, to.Addr().Interface()) == nil {
			continue
		}
		f, ok := fieldByJSONName(to, name)
		if !ok {
			return err
		}
		f.SetZero()
		if bad := decode(fields[name], f); bad != nil {
			if slices.Contains(requiredFields, name) || slices.Contains(requiredLists, name) {
				return bad
			}
			f.SetZero()
			if restrict, ok := restrictions[name]; ok {
				restrict(f)
			}
			report(to.Type(), name, bad)
		}
	}
	return nil
}

// fieldByJSONName finds the field with a JSON name; outer fields win, as in encoding/json.
func fieldByJSONName(of reflect.Value, name string) (reflect.Value, bool) {
	var inner []reflect.Value
	for i := range of.NumField() {
		t := of.Type().Field(i)
		tag, _, _ := strings.Cut(t.Tag.Get("json"), ",")
		switch {
		case tag == "-":
		case t.Anonymous && tag == "" && t.Type.Kind() == reflect.Struct:
			inner = append(inner, of.Field(i))
		case t.IsExported() && (tag == name || tag == "" && strings.EqualFold(t.Name, name)):
			return of.Field(i), true
		}
	}
	for _, v := range inner {
		if f, ok := fieldByJSONName(v, name); ok {
			return f, true
		}
	}
	return reflect.Value{}, false
}

// decodeSlice decodes element by element.
func decodeSlice(data []byte, to reflect.Value, err error) error {
	var elements []json.RawMessage
	if json.Unmarshal(data, &elements) != nil {
		return err
	}
	of := to.Type().Elem()
	list := reflect.MakeSlice(to.Type(), 0, len(elements))
	for _, e := range elements {
		v := reflect.New(of).Elem()
		if bad := decode(e, v); bad != nil {
			if of == reflect.TypeFor[discord.UnavailableGuild]() {
				return bad // READY's list would seem to say that the bot left this guild
			}
			report(to.Type(), "", bad)
			continue
		}
		list = reflect.Append(list, v)
	}
	to.Set(list)
	return nil
}

// decodeMap decodes value by value.
func decodeMap(data []byte, to reflect.Value, err error) error {
	var values map[string]json.RawMessage
	if json.Unmarshal(data, &values) != nil {
		return err
	}
	to.Set(reflect.MakeMap(to.Type()))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, key := reflect.New(to.Type().Elem()).Elem(), reflect.New(to.Type())
		bad := decode(values[name], v)
		if bad == nil {
			one, _ := json.Marshal(map[string]any{name: nil})
			if bad = unmarshalStrict(one, key.Interface()); bad == nil {
				to.SetMapIndex(key.Elem().MapKeys()[0], v)
				continue
			}
		}
		report(to.Type(), name, bad)
	}
	return nil
}

// Drop describes a value that was skipped.
type Drop struct {
	Where string // a disgo type and field, like "discord.Guild.nsfw_level"
	Err   error  // why it could not be decoded
}

var listeners struct {
	sync.Mutex
	last int
	all  map[int]func(Drop)
}

// OnDrop calls f with every skipped value, from any goroutine, until stop is called. f must not block.
func OnDrop(f func(Drop)) (stop func()) {
	l := &listeners
	l.Lock()
	defer l.Unlock()
	if l.all == nil {
		l.all = map[int]func(Drop){}
	}
	l.last++
	id := l.last
	l.all[id] = f
	return func() {
		l.Lock()
		defer l.Unlock()
		delete(l.all, id)
	}
}

func report(t reflect.Type, field string, err error) {
	d := Drop{Where: t.String(), Err: err}
	if t.Name() == "" && t.Kind() == reflect.Struct {
		// the name of an anonymous struct would list all its fields
		d.Where = "a struct"
	}
	if field != "" {
		d.Where += "." + field
	}
	l := &listeners
	l.Lock()
	all := slices.Collect(maps.Values(l.all))
	l.Unlock()
	for _, f := range all {
		f(d)
	}
}
