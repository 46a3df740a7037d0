// Package lenient lets disgo read what Discord sends, however new it is.
//
// Discord adds channel types, enums and fields any day, and one value that
// disgo cannot read makes it refuse all that is around it: a server, with a
// single channel of an unknown type in it. disgo decodes everything, events and
// answers of REST, with a function that its JSON package lets programs choose;
// this package chooses one that leaves out just the value that cannot be read.
//
// What must not be left out silently still fails as a whole: what something is
// and whom it is about, and the lists whose absence would mean that nothing is there.
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

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/json/v2"
)

// Importing the package is enough, so that nobody decodes while it is changed.
var _ = install()

func install() bool {
	disgo.Unmarshal = Unmarshal
	return true
}

// Unmarshal is json.Unmarshal that goes on without what it cannot read. It
// fails with json.Unmarshal's error when too little would be left.
func Unmarshal(data []byte, v any) error {
	err := strictly(data, v)
	if err == nil || !json.Valid(data) {
		return err
	}
	to := reflect.ValueOf(v)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return err
	}
	to.Elem().SetZero()
	if read(data, to.Elem()) != nil {
		return err
	}
	return nil
}

// strictly is json.Unmarshal, where a panic of a type's own method is an error like any other.
func strictly(data []byte, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading it panicked: %v", p)
		}
	}()
	return json.Unmarshal(data, v)
}

// read decodes into a value that is zero, and leaves out what cannot be read.
func read(data []byte, to reflect.Value) error {
	err := strictly(data, to.Addr().Interface())
	if err == nil {
		return nil
	}
	to.SetZero()
	if own(to.Type()) {
		return substitute(data, to, err)
	}
	switch to.Kind() {
	case reflect.Pointer:
		v := reflect.New(to.Type().Elem())
		if err := read(data, v.Elem()); err != nil {
			return err
		}
		to.Set(v)
		return nil
	case reflect.Struct:
		return readStruct(data, to, err)
	case reflect.Slice:
		return readSlice(data, to, err)
	case reflect.Map:
		return readMap(data, to, err)
	case reflect.Int, reflect.Int64:
		return lowBits(data, to, err)
	}
	return err
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// own says whether a type reads itself: what is inside it, it has asked Unmarshal for already.
func own(t reflect.Type) bool { return reflect.PointerTo(t).Implements(unmarshaler) }

// identity are fields without which nobody knows what something is, or whom it is about.
var identity = []string{"id", "type", "op", "guild_id", "channel_id", "user_id", "user"}

// lists are fields where something missing would be taken for its end, or for a leave that was never given.
var lists = []string{
	"guilds", "channels", "voice_states", "members", "roles", "permission_overwrites", "not_found", "allow", "deny",
}

// readStruct reads field by field.
func readStruct(data []byte, to reflect.Value, err error) error {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		one, _ := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if strictly(one, to.Addr().Interface()) == nil {
			continue
		}
		f, ok := field(to, name)
		if !ok {
			return err
		}
		f.SetZero()
		if bad := read(fields[name], f); bad != nil {
			if slices.Contains(identity, name) || slices.Contains(lists, name) {
				return bad
			}
			f.SetZero()
			tell(to.Type(), name, bad)
		}
	}
	return nil
}

// field finds the field that a name in JSON means, the outermost first as encoding/json does.
func field(of reflect.Value, name string) (reflect.Value, bool) {
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
		if f, ok := field(v, name); ok {
			return f, true
		}
	}
	return reflect.Value{}, false
}

// readSlice reads element by element.
func readSlice(data []byte, to reflect.Value, err error) error {
	var elements []json.RawMessage
	if json.Unmarshal(data, &elements) != nil {
		return err
	}
	of := to.Type().Elem()
	list := reflect.MakeSlice(to.Type(), 0, len(elements))
	for _, e := range elements {
		v := reflect.New(of).Elem()
		if bad := read(e, v); bad != nil {
			if of == reflect.TypeFor[discord.UnavailableGuild]() {
				return bad // a server that is not in the list has been left
			}
			tell(to.Type(), "", bad)
			continue
		}
		list = reflect.Append(list, v)
	}
	to.Set(list)
	return nil
}

// readMap reads value by value.
func readMap(data []byte, to reflect.Value, err error) error {
	var values map[string]json.RawMessage
	if json.Unmarshal(data, &values) != nil {
		return err
	}
	to.Set(reflect.MakeMap(to.Type()))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, key := reflect.New(to.Type().Elem()).Elem(), reflect.New(to.Type())
		bad := read(values[name], v)
		if bad == nil {
			one, _ := json.Marshal(map[string]any{name: nil})
			if bad = strictly(one, key.Interface()); bad == nil {
				to.SetMapIndex(key.Elem().MapKeys()[0], v)
				continue
			}
		}
		tell(to.Type(), name, bad)
	}
	return nil
}

// Drop is what was left out.
type Drop struct {
	Where string // a type of disgo, and its field
	Err   error  // why it could not be read
}

var listeners struct {
	sync.Mutex
	last int
	all  map[int]func(Drop)
}

// Listen has f told of everything that is left out, from any goroutine, until
// stop. It must return at once.
func Listen(f func(Drop)) (stop func()) {
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

func tell(t reflect.Type, field string, err error) {
	d := Drop{Where: t.String(), Err: err}
	if t.Name() == "" && t.Kind() == reflect.Struct {
		// disgo's helper types have no names, and all their fields in them
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
