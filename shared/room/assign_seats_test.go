package room_test

import (
	"slices"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

func TestPlaces(t *testing.T) {
	const bot = -1
	for name, c := range map[string]struct {
		seats int
		has   []int // of the roster, in its order
		want  []int
	}{
		"an empty room":                          {4, nil, []int{}},
		"as they came":                           {4, []int{0, 0}, []int{1, 2}},
		"a gap is kept":                          {4, []int{1, 3}, []int{1, 3}},
		"who comes takes the least that is free": {4, []int{1, 3, 0}, []int{1, 3, 2}},
		"bots take none":                         {4, []int{bot, 2, bot, 0}, []int{0, 2, 0, 1}},
		"past the seats":                         {2, []int{1, 2, 0}, []int{1, 2, 3}},
		"past the seats, and one left":           {2, []int{2, 3}, []int{2, 1}},
		"fewer seats than before":                {3, []int{1, 5}, []int{1, 2}},
		"the same seat twice":                    {3, []int{2, 2}, []int{2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var roster []room.Person
			for i, seat := range c.has {
				roster = append(roster, room.Person{UserID: snowflake.ID(i + 1), Seat: max(seat, 0), Bot: seat == bot})
			}
			if got := room.AssignSeats(roster, c.seats); !slices.Equal(got, c.want) {
				t.Errorf("places %v, want %v", got, c.want)
			}
		})
	}
}
