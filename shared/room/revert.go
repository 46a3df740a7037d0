package room

import (
	"bytes"
	"encoding/json"
	"reflect"
	"time"
)

// Revert undoes in now the changes from before to after, and keeps later changes. List elements are
// identified by their first field (an id), or by themselves if they are ids.
func Revert(now, before, after *Room) {
	revert(reflect.ValueOf(now).Elem(), reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem())
}

func revert(now, before, after reflect.Value) {
	switch {
	case same(before, after):
	case now.Kind() == reflect.Struct && !isTime(now):
		for i := range now.NumField() {
			revert(now.Field(i), before.Field(i), after.Field(i))
		}
	case now.Kind() == reflect.Slice:
		revertList(now, before, after)
	case same(now, after):
		now.Set(before)
	}
}

// revertList removes what was added, restores what was removed, and reverts what was changed.
func revertList(now, before, after reflect.Value) {
	for i := range after.Len() {
		if added := after.Index(i); find(before, added) < 0 {
			if at := find(now, added); at >= 0 && same(now.Index(at), added) {
				now.Set(reflect.AppendSlice(now.Slice3(0, at, at), now.Slice(at+1, now.Len())))
			}
		}
	}
	for i := range before.Len() {
		was := before.Index(i)
		at, had := find(now, was), find(after, was)
		switch {
		case had >= 0 && at >= 0:
			revert(now.Index(at), was, after.Index(had))
		case had < 0 && at < 0:
			at = min(i, now.Len())
			list := reflect.Append(now.Slice3(0, at, at), was)
			now.Set(reflect.AppendSlice(list, now.Slice(at, now.Len())))
		}
	}
}

func find(list, entry reflect.Value) int {
	for i := range list.Len() {
		if same(idOf(list.Index(i)), idOf(entry)) {
			return i
		}
	}
	return -1
}

func idOf(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Struct && !isTime(v) {
		return v.Field(0)
	}
	return v
}

func isTime(v reflect.Value) bool { return v.Type() == reflect.TypeFor[time.Time]() }

// same compares values as they are in documents, where times have no monotonic reading.
func same(a, b reflect.Value) bool {
	x, errX := json.Marshal(a.Interface())
	y, errY := json.Marshal(b.Interface())
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
