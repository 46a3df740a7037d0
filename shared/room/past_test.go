package room_test

import (
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

var closedAt = time.Date(2026, 5, 1, 22, 0, 0, 0, time.UTC)

const (
	mara, jonas, priya, kiyo, stray snowflake.ID = 1, 2, 3, 4, 5
)

// TestPast: a closed room remembers its circle, and of those who only sat there whoever could enter anyway.
func TestPast(t *testing.T) {
	ids := func(p room.Past) (list []snowflake.ID) {
		for _, o := range p.People {
			list = append(list, o.UserID)
		}
		return list
	}
	in := func(user snowflake.ID, minutes int) room.Visit {
		return room.Visit{UserID: user, Name: "Visitor", At: closedAt.Add(-time.Duration(minutes) * time.Minute)}
	}
	guests := []room.Guest{{UserID: jonas, Name: "Jonas", Since: closedAt.Add(-time.Hour)}}
	for name, c := range map[string]struct {
		room   room.Room
		roster []room.Person
		visits []room.Visit
		want   []snowflake.ID
	}{
		"owner and guests, who was there or not": {
			room.Room{Private: true, Guests: guests}, nil, nil, []snowflake.ID{mara, jonas},
		},
		"of a private room nobody else": {
			room.Room{Private: true}, []room.Person{{UserID: stray}}, []room.Visit{in(kiyo, 9)}, []snowflake.ID{mara},
		},
		"of a locked room nobody else": {
			room.Room{Locked: true}, []room.Person{{UserID: stray}}, nil, []snowflake.ID{mara},
		},
		"of a hidden room nobody else": {
			room.Room{Hidden: true}, []room.Person{{UserID: stray}}, nil, []snowflake.ID{mara},
		},
		"of a public one those who sat there, the last first": {
			room.Room{Guests: guests}, []room.Person{{UserID: priya}}, []room.Visit{in(stray, 40), in(kiyo, 10)},
			[]snowflake.ID{mara, jonas, priya, kiyo, stray},
		},
		"no bots": {
			room.Room{}, []room.Person{{UserID: 99, Bot: true}}, []room.Visit{{UserID: 98, Bot: true, At: closedAt}},
			[]snowflake.ID{mara},
		},
		"nobody who was banned": {
			room.Room{Guests: guests, Bans: []room.Ban{{UserID: jonas}, {UserID: kiyo}}},
			[]room.Person{{UserID: kiyo}}, []room.Visit{in(jonas, 5)}, []snowflake.ID{mara},
		},
		"everybody once": {
			room.Room{Guests: guests}, []room.Person{{UserID: jonas}, {UserID: mara}},
			[]room.Visit{in(jonas, 9), in(jonas, 3)}, []snowflake.ID{mara, jonas},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.room.ID, c.room.OwnerID, c.room.OwnerName = 7, mara, "Mara"
			got := c.room.Past(c.roster, room.VisitLog{List: c.visits}, closedAt, 30*24*time.Hour)
			if !slices.Equal(ids(got), c.want) {
				t.Errorf("got %v, want %v", ids(got), c.want)
			}
			if len(got.Banned) != len(c.room.Bans) {
				t.Errorf("the bans are %v", got.Banned)
			}
		})
	}
}

// TestPastNames: somebody is called as they were when they were there last.
func TestPastNames(t *testing.T) {
	r := room.Room{OwnerID: mara, OwnerName: "Mara", Guests: []room.Guest{{UserID: jonas, Name: "jonas_92"}}}
	roster := []room.Person{{UserID: jonas, DisplayName: "Jonas", Avatar: "face"}}
	p := r.Past(roster, room.VisitLog{}, closedAt, time.Hour)
	if who := p.Person(jonas); who == nil || who.Name != "Jonas" || who.Avatar != "face" ||
		!who.LastIn.Equal(closedAt) {
		t.Errorf("got %+v", who)
	}
	if who := p.Person(mara); who == nil || !who.LastIn.IsZero() {
		t.Errorf("who was never there: %+v", who)
	}
}

func TestPastOver(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		keep, later time.Duration
		keepNow     time.Duration // the setting at that moment
		want        bool
	}{
		"just closed":                              {30 * day, 0, 30 * day, false},
		"a moment before two weeks":                {30 * day, room.PastTTL - time.Second, 30 * day, false},
		"after two weeks":                          {30 * day, room.PastTTL, 30 * day, true},
		"after as long as the server keeps":        {2 * day, 2 * day, 2 * day, true},
		"the server keeps activity shorter since":  {30 * day, 3 * day, 2 * day, true},
		"longer since: what is gone stays gone":    {2 * day, 3 * day, 30 * day, true},
		"longer since, within what it was to keep": {2 * day, day, 30 * day, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := (&room.Room{OwnerID: mara}).Past(nil, room.VisitLog{}, closedAt, c.keep)
			if got := p.Over(closedAt.Add(c.later), c.keepNow); got != c.want {
				t.Errorf("over: %v, want %v", got, c.want)
			}
		})
	}
}

// TestPastKnownTo: nobody learns from a closed room what its page wouldn't have told them.
func TestPastKnownTo(t *testing.T) {
	let := closedAt.Add(-time.Hour)
	p := room.Past{OwnerID: mara, People: []room.PastPerson{
		{UserID: mara}, // was never in voice
		{UserID: jonas, KnowsSince: let, LastIn: closedAt},
		{UserID: priya, KnowsSince: let, LastIn: let.Add(-time.Minute)}, // left before Jonas was let in
		{UserID: kiyo}, // a guest who never came
	}}
	for name, c := range map[string]struct {
		viewer snowflake.ID
		want   []snowflake.ID
	}{
		"the owner knows all, those who came last first": {mara, []snowflake.ID{jonas, priya, kiyo}},
		"a guest knows the owner, and who came since":    {jonas, []snowflake.ID{mara}},
		"and whoever was there when they were let in":    {priya, []snowflake.ID{jonas, mara}},
		"somebody who wasn't part of it":                 {stray, nil},
		"nobody":                                         {0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []snowflake.ID
			for _, o := range p.KnownTo(c.viewer) {
				got = append(got, o.UserID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestPastForget: after it, only a ban is left of somebody, by id.
func TestPastForget(t *testing.T) {
	p := room.Past{
		OwnerID: mara, OwnerName: "Mara", Banned: []snowflake.ID{kiyo, mara},
		People: []room.PastPerson{{UserID: mara, Name: "Mara"}, {UserID: jonas, Name: "Jonas", LastIn: closedAt}},
	}
	shared := p
	p.Forget(mara)
	if p.OwnerID != 0 || p.OwnerName != "" || !slices.Equal(p.Parts(mara), []room.Part{room.PartBanned}) {
		t.Errorf("the owner is left as %v in %+v", p.Parts(mara), p)
	}
	if !slices.Equal(p.Parts(jonas), []room.Part{room.PartGuest, room.PartInside}) {
		t.Errorf("somebody else is left as %v", p.Parts(jonas))
	}
	if p.Parts(0) != nil {
		t.Errorf("nobody is %v", p.Parts(0))
	}
	if len(shared.People) != 2 || shared.People[0].Name != "Mara" {
		t.Errorf("another copy was changed: %+v", shared.People)
	}
}
