package stats

import (
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/room"
)

func TestReport(t *testing.T) {
	now := time.Date(2026, 3, 1, 22, 30, 0, 0, time.UTC)
	people := func(n int) []room.Person {
		return append(make([]room.Person, n), room.Person{Bot: true}) // a bot takes no seat
	}
	var d Day
	d.Minute(now,
		[]room.Live{{Roster: people(3)}, {Roster: people(2)}, {Roster: people(0)}, {Roster: people(4), Until: now}})
	d.Minute(now.Add(time.Minute), []room.Live{{Roster: people(1)}})
	d.Filled(7, 30*time.Second)
	d.Filled(7, time.Hour) // full again
	d.Filled(8, 15*time.Minute)
	d.Filled(9, 5*time.Hour)
	if h := d.Hours[22]; h != (Hour{PersonMinutes: 6, People: 5, Rooms: 2}) {
		t.Errorf("got %+v", h)
	}
	r := NewReport(now, 3)
	if r.Days[0].Date != "2026-02-27" || !r.Since().Equal(time.Date(2026, 2, 27, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("days %v since %v", r.Days, r.Since())
	}
	r.Add("20260301", d)
	r.Add("20260228", Day{Hours: [24]Hour{5: {PersonMinutes: 60, People: 9}}})
	r.Add("20250101", d) // outside the report
	r.Add("nonsense", d)
	for _, e := range []audit.Entry{
		{Kind: audit.RoomOpened, At: now}, {Kind: audit.RoomOpened, At: now.AddDate(0, 0, -1)},
		{Kind: audit.RoomOpened, At: now.AddDate(0, 0, -9)},
		{Kind: audit.RoomClosed, Detail: "idle", At: now}, {Kind: audit.RoomKept, At: now},
	} {
		r.Count(e)
	}
	if r.Opened != 2 || r.Closed != 1 || r.Reasons["idle"] != 1 || r.Minutes != 66 || r.Peak != 9 || r.Hours[22] != 6 ||
		r.Hours[5] != 60 {
		t.Errorf("got %+v", r)
	}
	if r.Fills[0] != 1 || r.Fills[3] != 1 || r.Fills[4] != 1 || r.Days[2].Minutes != 6 || r.Days[2].Peak != 5 {
		t.Errorf("got %+v", r)
	}
	for i := range 2 * maxFills {
		d.Filled(snowflake.ID(1000+i), 0)
	}
	if len(d.Fills) != maxFills || (&Day{}).Empty() == d.Empty() {
		t.Errorf("%d fills", len(d.Fills))
	}
}
