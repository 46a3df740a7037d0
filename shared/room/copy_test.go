package room

import (
	"reflect"
	"testing"
	"time"

	"snug/shared/access"
)

// TestCopySharesNothing fills every field of a Live, so that one that is added is looked at too.
func TestCopySharesNothing(t *testing.T) {
	var l Live
	fill(reflect.ValueOf(&l).Elem())
	l.Event = &Event{Fact: VoiceJoined{l.Roster[0]}, At: time.Unix(1, 0)}
	c := l.Copy()
	if !reflect.DeepEqual(l, c) {
		t.Fatalf("a copy is\n%+v\nof\n%+v", c, l)
	}
	shared(t, "Live", reflect.ValueOf(l), reflect.ValueOf(c))
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[access.Overwrite]() {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	}
}

// shared reports what two values have in common that can be changed.
func shared(t *testing.T, where string, a, b reflect.Value) {
	switch a.Kind() {
	case reflect.Struct:
		if a.Type() == reflect.TypeFor[time.Time]() {
			return // its location never changes
		}
		for i := range a.NumField() {
			shared(t, where+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Slice, reflect.Map, reflect.Pointer:
		if !a.IsNil() && a.Pointer() == b.Pointer() {
			t.Errorf("a copy shares %s", where)
		}
		if a.Kind() == reflect.Slice {
			for i := range a.Len() {
				shared(t, where+"[]", a.Index(i), b.Index(i))
			}
		}
	}
}
