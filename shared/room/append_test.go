package room

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"snug/shared/access"
)

// TestAppendJSON compares AppendJSON with encoding/json, for values with random fields, all fields and none.
func TestAppendJSON(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for i := range 2000 {
		var l Live
		chance := []float64{0, 1, rnd.Float64()}[min(i, 2)]
		random(rnd, chance, reflect.ValueOf(&l).Elem())
		facts := []Fact{
			VoiceJoined{}, VoiceLeft{}, VoiceUpdated{}, Opened{}, Changed{}, ClosingAnnounced{}, ClosingCancelled{},
			Closed{},
		}
		if i > 0 {
			f := reflect.New(reflect.TypeOf(facts[i%len(facts)])).Elem()
			random(rnd, chance, f)
			l.Event = &Event{Fact: f.Interface().(Fact), At: time.Unix(rnd.Int64N(1e9), rnd.Int64N(1e9))}
		}
		want, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.AppendJSON([]byte("x"))
		if err != nil || string(got) != "x"+string(want) {
			t.Fatalf("%v\ngot  %s\nwant %s", err, got[1:], want)
		}
	}
	l := Live{Until: time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)}
	if _, err := l.AppendJSON(nil); err == nil {
		t.Error("a year of five digits was encoded")
	}
}

// random fills a value's fields, each with a chance.
func random(rnd *rand.Rand, chance float64, v reflect.Value) {
	if v.Kind() != reflect.Struct && rnd.Float64() >= chance {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		switch v.Type() {
		case reflect.TypeFor[time.Time]():
			if rnd.Float64() < chance {
				at := time.Unix(rnd.Int64N(4e9), rnd.Int64N(1e9))
				v.Set(reflect.ValueOf([]time.Time{at, at.UTC(), at.In(time.FixedZone("", 5400))}[rnd.IntN(3)]))
			}
		case reflect.TypeFor[access.Overwrite]():
			v.Set(reflect.ValueOf(access.Overwrite{ID: 5, Member: rnd.IntN(2) == 0, Allow: 1024, Deny: 1 << 20}))
		default:
			for i := range v.NumField() {
				random(rnd, chance, v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rnd.IntN(3), 3))
		for i := range v.Len() {
			random(rnd, chance, v.Index(i))
		}
	case reflect.String:
		v.SetString([]string{"plain", "Höhle", "a<b>&\"c\\", "\u2028 \x7f", "bad \xff", "\t"}[rnd.IntN(6)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(rnd.Int64N(100) - 5)
	case reflect.Uint64:
		v.SetUint(rnd.Uint64())
	case reflect.Pointer, reflect.Interface: // the event
	default:
		panic("a field of a kind that this test does not fill: " + v.Kind().String())
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	l := Live{Room: Summary{ID: 1, GuildID: 2, Name: "Friday", Seats: 4}, N: 7}
	for range 4 {
		l.Roster = append(l.Roster, Person{UserID: 5, Username: "someone", DisplayName: "Some One", Since: time.Now()})
	}
	l.Event = &Event{Fact: VoiceUpdated{l.Roster[0]}, At: time.Now()}
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = l.AppendJSON(nil)
		}
	})
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal(l)
		}
	})
}
