package view_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/view"
	"snug/shared/room"
)

// TestHomeOrder: where the person is comes first, then people they're close to, then the fullest; empty rooms come
// last, and only if the person belongs to them.
func TestHomeOrder(t *testing.T) {
	const me = snowflake.ID(1)
	near := func(user snowflake.ID) int { return map[snowflake.ID]int{11: 5, 12: 3}[user] }
	type ids = []snowflake.ID
	type is struct {
		name          string
		people        []snowflake.ID
		in, mine, let bool // the person sits in it, owns it, is a guest
	}
	for name, c := range map[string]struct {
		rooms []is
		want  string
	}{
		"where one is, before those with friends": {
			[]is{
				{name: "friends", people: ids{11, 12}}, {name: "here", people: ids{me}, in: true},
			},
			"here, friends",
		},
		"the closer people": {
			[]is{{name: "close", people: ids{12}}, {name: "closest", people: ids{11}}},
			"closest, close",
		},
		"several close people count together": {
			[]is{{name: "one", people: ids{11}}, {name: "two", people: ids{11, 12}}}, "two, one",
		},
		"one's own before a fuller one": {
			[]is{
				{name: "full", people: ids{21, 22, 23}}, {name: "mine", people: ids{24}, mine: true},
			},
			"mine, full",
		},
		"the fuller one": {
			[]is{{name: "one", people: ids{21}}, {name: "two", people: ids{22, 23}}}, "two, one",
		},
		"the newer one": {
			[]is{{name: "older", people: ids{21}}, {name: "newer", people: ids{22}}}, "newer, older",
		},
		"empty ones last, even one's own": {
			[]is{{name: "mine", mine: true}, {name: "strangers", people: ids{21}}}, "strangers, mine",
		},
		"of empty ones only those one belongs to": {
			[]is{{name: "somebody's"}, {name: "let in", let: true}, {name: "mine", mine: true}}, "mine, let in",
		},
		"bots are no people": {
			[]is{{name: "music", people: ids{900}}, {name: "people", people: ids{21}}}, "people",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var list []view.NowRoom
			for i, r := range c.rooms {
				card := view.RoomCard{In: r.in, Mine: r.mine}
				card.Room.ID, card.Room.Name, card.Room.Access.OwnerID = snowflake.ID(100+i), r.name, 77
				if r.mine {
					card.Room.Access.OwnerID = me
				}
				if r.let {
					card.Room.Access.Guests = ids{me}
				}
				for _, p := range r.people {
					card.Roster = append(card.Roster, room.Person{UserID: p, Bot: p == 900})
				}
				list = append(list, view.NewNowRoom(card, near))
			}
			page := &view.Home{Layout: view.Layout{Me: &view.Me{ID: me}}}
			page.SetNow(list)
			var got []string
			for _, r := range page.Now {
				got = append(got, r.Room.Name)
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// TestHomeFaces: the closest people are named and drawn first; only so many rooms are listed, and the rest is counted.
func TestHomeFaces(t *testing.T) {
	r := view.NewNowRoom(view.RoomCard{Roster: []room.Person{
		{UserID: 2}, {UserID: 900, Bot: true}, {UserID: 3}, {UserID: 4}, {UserID: 5}, {UserID: 6},
	}}, func(user snowflake.ID) int { return map[snowflake.ID]int{4: 1, 6: 9}[user] })
	var got []snowflake.ID
	for _, p := range r.Stack() {
		got = append(got, p.UserID)
	}
	if !slices.Equal(got, []snowflake.ID{6, 4, 2, 3}) || r.Near != 10 || len(r.Faces) != 5 {
		t.Errorf("faces %v of %d, near %d", got, len(r.Faces), r.Near)
	}
	page := &view.Home{}
	page.SetNow(slices.Repeat([]view.NowRoom{r}, 15))
	if len(page.Now) != 12 || page.More != 3 {
		t.Errorf("%d rooms, and %d more", len(page.Now), page.More)
	}
}
