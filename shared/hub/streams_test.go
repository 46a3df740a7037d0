package hub

import (
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
)

// TestOpeningAgainUpdatesOnlyWhatIsDifferent counts what the server says that it updated.
func TestOpeningAgainUpdatesOnlyWhatIsDifferent(t *testing.T) {
	s := startOutside(t, nil)
	var updated atomic.Int32
	watch := must(nats.Connect(s.url))(t)
	defer watch.Close()
	must(watch.Subscribe("$JS.EVENT.ADVISORY.STREAM.UPDATED.>", func(*nats.Msg) { updated.Add(1) }))(t)
	for _, c := range []struct {
		name string
		o    Options
		want int32
	}{
		{"new", Options{}, 0},
		{"again", Options{}, 0},
		{"with another size", Options{MaxBytes: map[string]int64{"rooms": 3 << 20}}, 1},
		{"with that size again", Options{MaxBytes: map[string]int64{"rooms": 3 << 20}}, 0},
	} {
		updated.Store(0)
		c.o.URL = s.url
		closeHub(t, openHub(t, c.o))
		if err := watch.Flush(); err != nil {
			t.Fatal(err)
		}
		if n := updated.Load(); n != c.want {
			t.Errorf("opened %s: %d streams were updated, want %d", c.name, n, c.want)
		}
	}
}
