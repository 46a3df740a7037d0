package room

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestAppendVisits compares AppendJSON with encoding/json, and a copy with what was copied.
func TestAppendVisits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for i := range 500 {
		var l VisitLog
		random(rnd, []float64{0, 1, rnd.Float64()}[min(i, 2)], reflect.ValueOf(&l).Elem())
		want, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.AppendJSON([]byte("x")); err != nil || string(got) != "x"+string(want) {
			t.Fatalf("%v\ngot  %s\nwant %s", err, got[1:], want)
		}
	}
	var l VisitLog
	fill(reflect.ValueOf(&l).Elem())
	shared(t, "VisitLog", reflect.ValueOf(l), reflect.ValueOf(l.Copy()))
}
