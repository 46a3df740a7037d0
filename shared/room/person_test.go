package room_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// TestForget takes each kind of trace out of a room: nothing of the person is left but a ban's id, and everything of
// everybody else is.
func TestForget(t *testing.T) {
	const who, other, owner = snowflake.ID(777), snowflake.ID(888), snowflake.ID(999)
	now := time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC)
	base := func() *room.Room {
		return &room.Room{
			ID: 5, OwnerID: owner, Guests: []room.Guest{{UserID: other, Name: "Other", By: owner}},
			Invites: []room.Invite{
				{ID: "a", By: owner, MaxUses: 2, ExpiresAt: now.Add(time.Hour), Redeemers: []snowflake.ID{other}},
			},
		}
	}
	for name, c := range map[string]struct {
		change func(r *room.Room)
		here   bool
		part   room.Part
		stays  bool
	}{
		"a guest": {
			func(r *room.Room) { r.Guests = append(r.Guests, room.Guest{UserID: who, Name: "Who"}) }, false,
			room.PartGuest, false,
		},
		"a guest who sits there": {
			func(r *room.Room) { r.Guests = append(r.Guests, room.Guest{UserID: who, Name: "Who"}) }, true,
			room.PartGuest, true,
		},
		"the owner": {func(r *room.Room) { r.OwnerID = who }, false, room.PartOwner, true},
		"banned": {
			func(r *room.Room) { r.Bans = append(r.Bans, room.Ban{UserID: who, Name: "Who", By: owner}) }, false,
			room.PartBanned, true,
		},
		"knocking": {
			func(r *room.Room) { r.Knocks = append(r.Knocks, room.Knock{UserID: who, Name: "Who", At: now}) }, false,
			room.PartKnock, false,
		},
		"told not now": {
			func(r *room.Room) { r.Knocks = append(r.Knocks, room.Knock{UserID: who, Name: "Who", RefusedAt: now}) },
			false, room.PartKnock, false,
		},
		"waiting": {
			func(r *room.Room) { r.Waiting = append(r.Waiting, room.Waiter{UserID: who, Name: "Who"}) }, false,
			room.PartWaiting, false,
		},
		"with a seat held": {
			func(r *room.Room) { r.Holds = append(r.Holds, room.Hold{UserID: who, Until: now.Add(time.Minute)}) },
			false, room.PartHeld, false,
		},
		"who followed an invite": {
			func(r *room.Room) { r.Invites[0].Redeemers = append(r.Invites[0].Redeemers, who) }, false,
			room.PartInvited, false,
		},
		"who opened it": {
			func(r *room.Room) { r.OpenedBy, r.OpenedName = who, "Who" }, false, room.PartOpened, false,
		},
		"who opened it and is back": {
			func(r *room.Room) { r.OpenedBy, r.OpenedName = who, "Who" }, true, room.PartOpened, true,
		},
		"who made an invite": {
			func(r *room.Room) { r.Invites[0].By, r.Invites[0].ByName = who, "Who" }, false, room.PartActed, false,
		},
		"who let somebody in": {func(r *room.Room) { r.Guests[0].By = who }, false, room.PartActed, false},
		"who banned somebody": {
			func(r *room.Room) { r.Bans = append(r.Bans, room.Ban{UserID: other, By: who}) }, false, room.PartActed,
			false,
		},
		"who told somebody not now": {
			func(r *room.Room) { r.Knocks = append(r.Knocks, room.Knock{UserID: other, RefusedBy: who}) }, false,
			room.PartActed, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := base()
			c.change(r)
			if as := r.Parts(who, c.here); !slices.Contains(as, c.part) {
				t.Fatalf("parts %v", as)
			}
			used := r.Invites[0].Left()
			r.Forget(who, c.here, now)
			if as := r.Parts(who, false); slices.Contains(as, c.part) != c.stays {
				t.Errorf("afterwards %v", as)
			}
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if !c.stays && (strings.Contains(string(b), who.String()) || strings.Contains(string(b), "Who")) {
				t.Errorf("left: %s", b)
			}
			if c.part == room.PartBanned && (!r.Banned(who) || strings.Contains(string(b), "Who")) {
				t.Errorf("a ban: %s", b)
			}
			if r.Guest(other) == nil || r.Invites[0].Left() != used || r.Invites[0].Live(now) != (used > 0) {
				t.Errorf("others lost something: %s", b)
			}
		})
	}
}
