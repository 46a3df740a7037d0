package room_test

import (
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

func TestComings(t *testing.T) {
	at := func(i int) time.Time { return time.Date(2026, 1, 1, 20, 0, i, 0, time.UTC) }
	var c room.Comings
	for i := range room.MaxComings + 10 {
		c.Add(room.Coming{UserID: snowflake.ID(i%2 + 1), At: at(i)})
	}
	c.Add(room.Coming{UserID: 2, At: at(room.MaxComings + 9)}) // told twice
	if len(c.List) != room.MaxComings || !c.List[0].At.Equal(at(10)) || !c.List[room.MaxComings-1].At.Equal(at(room.MaxComings+9)) {
		t.Fatalf("%d from %v", len(c.List), c.List[0].At)
	}
	if n := c.Forget(1); n != room.MaxComings/2 || len(c.List) != room.MaxComings/2 {
		t.Errorf("forgot %d, left %d", n, len(c.List))
	}
	if !c.Before(at(20)) || c.Before(at(20)) || c.List[0].At.Before(at(20)) {
		t.Errorf("old ones stay: %v", c.List[0])
	}
}

func TestKnowsSince(t *testing.T) {
	shown, let := time.Date(2026, 1, 1, 20, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 21, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		room room.Room
		user snowflake.ID
		want time.Time
	}{
		"its owner":                      {room.Room{OwnerID: 1, Private: true, ShownAt: shown}, 1, time.Time{}},
		"a room open from the start":     {room.Room{OwnerID: 1}, 2, time.Time{}},
		"a room that was opened":         {room.Room{OwnerID: 1, ShownAt: shown}, 2, shown},
		"a guest of a private room":      {room.Room{OwnerID: 1, Private: true, Guests: []room.Guest{{UserID: 2, Since: let}}}, 2, let},
		"a guest of a hidden room":       {room.Room{OwnerID: 1, Hidden: true, Guests: []room.Guest{{UserID: 2, Since: let}}}, 2, let},
		"a guest of an open room":        {room.Room{OwnerID: 1, Guests: []room.Guest{{UserID: 2, Since: let}}}, 2, time.Time{}},
		"a guest of one that was opened": {room.Room{OwnerID: 1, ShownAt: shown, Guests: []room.Guest{{UserID: 2, Since: let}}}, 2, shown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.room.KnowsSince(c.user); !got.Equal(c.want) {
				t.Errorf("since %v, want %v", got, c.want)
			}
		})
	}
}
