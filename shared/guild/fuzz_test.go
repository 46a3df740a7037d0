package guild

import (
	"encoding/json"
	"testing"
)

// FuzzSettings: settings from a file or a request are either refused, or keep
// within the limits and are the same when written and read again.
func FuzzSettings(f *testing.F) {
	whole, err := json.Marshal(Defaults())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, s := range []string{
		`{}`, `{"seats":0}`, `{"idle_timeout":"never"}`, `{"idle_timeout":"1h30m"}`, `{"invite_lifetime":"-1s"}`,
		`{"name_template":"{owner}\u202e"}`, `{"seats":1e9}`, `null`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Defaults()
		if json.Unmarshal(b, &s) != nil || s.Validate() != nil {
			return
		}
		if s.Seats < 1 || s.Seats > 99 {
			t.Fatalf("%s gives %d seats", b, s.Seats)
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again := Defaults()
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("%s was written as %s, which is refused: %v", b, out, err)
		}
		if err := again.Validate(); err != nil {
			t.Fatalf("%s was written as %s, which is refused: %v", b, out, err)
		}
	})
}
