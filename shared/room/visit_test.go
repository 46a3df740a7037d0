package room_test

import (
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

func TestComings(t *testing.T) {
	at := func(i int) time.Time { return time.Date(2026, 1, 1, 20, 0, i, 0, time.UTC) }
	var c room.VisitLog
	for i := range room.MaxVisits + 10 {
		c.Add(room.Visit{UserID: snowflake.ID(i%2 + 1), Left: i/2%2 == 1, At: at(i)})
	}
	c.Add(room.Visit{UserID: 2, At: at(room.MaxVisits + 9)}) // repeated
	if len(c.List) != room.MaxVisits || !c.List[0].At.Equal(at(10)) ||
		!c.List[room.MaxVisits-1].At.Equal(at(room.MaxVisits+9)) {
		t.Fatalf("%d from %v", len(c.List), c.List[0].At)
	}
	if n := c.DropUser(1); n != room.MaxVisits/2 || len(c.List) != room.MaxVisits/2 {
		t.Errorf("forgot %d, left %d", n, len(c.List))
	}
	if !c.DropBefore(at(20)) || c.DropBefore(at(20)) || c.List[0].At.Before(at(20)) {
		t.Errorf("old ones stay: %v", c.List[0])
	}
}

// Joins and leaves alternate, whatever is repeated or missed, and with a clock that was set back.
func TestComingsTakeTurns(t *testing.T) {
	at := func(i int) time.Time { return time.Date(2026, 1, 1, 20, i, 0, 0, time.UTC) }
	in := func(i int) room.Visit { return room.Visit{UserID: 1, Name: "Mara", At: at(i)} }
	out := func(i int) room.Visit { return room.Visit{UserID: 1, Name: "Mara", Left: true, At: at(i)} }
	there := []room.Person{{UserID: 1, DisplayName: "Mara", Since: at(7)}}
	for name, c := range map[string]struct {
		had, more []room.Visit
		meets     []room.Person
		met       bool
		want      []room.Visit
	}{
		"all told again": {
			had: []room.Visit{in(1), out(2)}, more: []room.Visit{in(1), out(2)}, want: []room.Visit{in(1), out(2)},
		},
		"said again later": {
			had: []room.Visit{in(1)}, more: []room.Visit{in(3)}, want: []room.Visit{in(1)},
		},
		"a clock that was put back": {
			had: []room.Visit{in(5)}, more: []room.Visit{out(2)}, want: []room.Visit{in(5), out(5)},
		},
		"there, and nobody knew": {met: true, meets: there, want: []room.Visit{in(7)}},
		"there, as known":        {had: []room.Visit{in(1)}, met: true, meets: there, want: []room.Visit{in(1)}},
		"back while nobody looked": {
			had: []room.Visit{in(1), out(2)}, met: true, meets: there, want: []room.Visit{in(1), out(2), in(7)},
		},
		"gone while nobody looked": {had: []room.Visit{in(1)}, met: true, want: []room.Visit{in(1), out(9)}},
		"gone as known": {
			had: []room.Visit{in(1), out(2)}, met: true, want: []room.Visit{in(1), out(2)},
		},
		"it came with the last write": {
			had: []room.Visit{in(1)}, more: []room.Visit{out(3)}, met: true, want: []room.Visit{in(1), out(3)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := room.VisitLog{List: c.had}
			if got.Add(c.more...); c.met {
				got.Reconcile(c.meets, at(9))
			}
			if !slices.EqualFunc(got.List, c.want, room.Visit.Equal) {
				t.Errorf("got %v, want %v", got.List, c.want)
			}
		})
	}
}

func TestVisitsVisibleSince(t *testing.T) {
	shown, let := time.Date(2026, 1, 1, 20, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 21, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		room room.Room
		user snowflake.ID
		want time.Time
	}{
		"its owner":                  {room.Room{OwnerID: 1, Private: true, ShownAt: shown}, 1, time.Time{}},
		"a room open from the start": {room.Room{OwnerID: 1}, 2, time.Time{}},
		"a room that was opened":     {room.Room{OwnerID: 1, ShownAt: shown}, 2, shown},
		"a guest of a private room": {
			room.Room{OwnerID: 1, Private: true, Guests: []room.Guest{{UserID: 2, Since: let}}}, 2, let,
		},
		"a guest of a hidden room": {
			room.Room{OwnerID: 1, Hidden: true, Guests: []room.Guest{{UserID: 2, Since: let}}}, 2, let,
		},
		"a guest of an open room": {
			room.Room{OwnerID: 1, Guests: []room.Guest{{UserID: 2, Since: let}}}, 2, time.Time{},
		},
		"a guest of one that was opened": {
			room.Room{OwnerID: 1, ShownAt: shown, Guests: []room.Guest{{UserID: 2, Since: let}}}, 2, shown,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.room.VisitsVisibleSince(c.user); !got.Equal(c.want) {
				t.Errorf("since %v, want %v", got, c.want)
			}
		})
	}
}

// TestRepeatedVisits: what Discord repeats is there once, whatever of it was written before.
func TestRepeatedVisits(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	visit := func(session string, seq int, left bool, later time.Duration) room.VisitEvent {
		return room.VisitEvent{
			Visit: room.Visit{UserID: 1, Name: "Mara", Left: left, At: at.Add(later)},
			Event: room.Mark{Session: session, Seq: seq},
		}
	}
	first := []room.VisitEvent{visit("a", 5, false, 0), visit("a", 6, true, 1), visit("a", 9, false, 2)}
	for name, c := range map[string]struct {
		written int // of first
		then    []room.VisitEvent
		want    string // + joined, - left
	}{
		"all was written": {3, []room.VisitEvent{
			visit("a", 5, false, time.Hour), visit("a", 6, true, 2*time.Hour), visit("a", 9, false, 3*time.Hour),
		}, "+-+"},
		"a part was written": {1, []room.VisitEvent{
			visit("a", 5, false, time.Hour), visit("a", 6, true, 2*time.Hour), visit("a", 9, false, 3*time.Hour),
		}, "+-+"},
		"nothing was written": {0, []room.VisitEvent{
			visit("a", 5, false, time.Hour), visit("a", 6, true, 2*time.Hour), visit("a", 9, false, 3*time.Hour),
		}, "+-+"},
		"what follows":                {3, []room.VisitEvent{visit("a", 10, true, time.Hour)}, "+-+-"},
		"another session":             {3, []room.VisitEvent{visit("b", 2, true, time.Hour)}, "+-+-"},
		"no event's":                  {3, []room.VisitEvent{visit("", 0, true, time.Hour)}, "+-+-"},
		"no event's that is repeated": {3, []room.VisitEvent{visit("", 0, false, time.Hour)}, "+-+"},
	} {
		t.Run(name, func(t *testing.T) {
			var l room.VisitLog
			for _, e := range append(slices.Clone(first[:c.written]), c.then...) {
				l.AddEvent(e)
			}
			got := ""
			for _, v := range l.List {
				got += map[bool]string{false: "+", true: "-"}[v.Left]
			}
			if got != c.want {
				t.Errorf("%s instead of %s: %+v", got, c.want, l)
			}
		})
	}
}
