package room_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

func TestRevert(t *testing.T) {
	at := time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)
	guests := func(ids ...snowflake.ID) (out []room.Guest) {
		for _, id := range ids {
			out = append(out, room.Guest{UserID: id, Since: at})
		}
		return out
	}
	base := room.Room{
		Name: "Friday", Seats: 4, Guests: guests(1, 2, 3), OpenedAt: at, Holds: []room.Hold{{UserID: 2, Until: at}},
		Invites: []room.Invite{{ID: "a", MaxUses: 3, Redeemers: []snowflake.ID{1}}},
		Waiting: []room.Waiter{{UserID: 7}, {UserID: 8}},
	}
	for name, x := range map[string]struct{ change, since, want func(*room.Room) }{
		"a word": {
			func(r *room.Room) { r.Name = "Saturday" }, func(r *room.Room) { r.Seats = 5 },
			func(r *room.Room) { r.Seats = 5 },
		},
		"a word that was changed again": {
			func(r *room.Room) { r.Name = "Saturday" }, func(r *room.Room) { r.Name = "Sunday" },
			func(r *room.Room) { r.Name = "Sunday" },
		},
		"somebody put out": {
			func(r *room.Room) { r.RevokeAccess(2, at.Add(-time.Hour)) },
			func(r *room.Room) { r.Guests = append(r.Guests, guests(4)...) },
			func(r *room.Room) { r.Guests = guests(1, 2, 3, 4) },
		},
		"a place in the line": {
			func(r *room.Room) { r.DropWaiter(7) }, func(*room.Room) {}, func(*room.Room) {},
		},
		"somebody let in by an invite, and another by the same since": {
			func(r *room.Room) {
				r.Guests = append(r.Guests, guests(4)...)
				r.Invites[0].Redeemers = append(r.Invites[0].Redeemers, 4)
			},
			func(r *room.Room) {
				r.Guests = append(r.Guests, guests(5)...)
				r.Invites[0].Redeemers = append(r.Invites[0].Redeemers, 5)
			},
			func(r *room.Room) {
				r.Guests = guests(1, 2, 3, 5)
				r.Invites[0].Redeemers = []snowflake.ID{1, 5}
			},
		},
		"a debt, while another is made": {
			func(r *room.Room) { r.Pending.Access = true }, func(r *room.Room) { r.Pending.AddEject(9) },
			func(r *room.Room) { r.Pending.AddEject(9) },
		},
		"a time": {
			func(r *room.Room) { r.OwnerLeftAt = at.Add(time.Minute) }, func(*room.Room) {}, func(*room.Room) {},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := base.Clone()
			after := base.Clone()
			x.change(after)
			now := after.Clone()
			x.since(now)
			want := base.Clone()
			x.want(want)
			kept := after.Clone()
			room.Revert(now, before, after)
			if !reflect.DeepEqual(now, want) {
				t.Errorf("got  %+v\nwant %+v", now, want)
			}
			if !reflect.DeepEqual(after, kept) {
				t.Error("what it was given was altered")
			}
		})
	}
}
