package room_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

var start = time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

func TestIdleDeadline(t *testing.T) {
	const timeout = time.Hour
	for name, c := range map[string]struct {
		idle    room.Idle
		timeout time.Duration
		want    time.Time
	}{
		"occupied": {room.Idle{}, timeout, time.Time{}},
		"empty":    {room.Idle{EmptySince: start}, timeout, at(time.Hour)},
		"never":    {room.Idle{EmptySince: start}, -1, time.Time{}},
		"at once":  {room.Idle{EmptySince: start}, 0, start},
		"page seen": {
			room.Idle{EmptySince: start, SeenAt: at(10 * time.Minute)}, timeout, at(70 * time.Minute),
		},
		"page seen before it emptied": {
			room.Idle{EmptySince: start, SeenAt: at(-time.Minute)}, timeout, at(time.Hour),
		},
		"page open for a day": {
			room.Idle{EmptySince: start, SeenAt: at(24 * time.Hour)}, timeout, at(5 * time.Hour),
		},
		"kept": {
			room.Idle{EmptySince: start, KeptAt: at(50 * time.Minute)}, timeout, at(110 * time.Minute),
		},
		"kept, with a short timeout": {
			room.Idle{EmptySince: start, KeptAt: at(time.Minute)}, time.Minute, at(4 * time.Minute),
		},
		"kept, with none":      {room.Idle{EmptySince: start, KeptAt: at(time.Minute)}, 0, at(4 * time.Minute)},
		"kept, and empty anew": {room.Idle{EmptySince: at(time.Minute), KeptAt: start}, 0, at(time.Minute)},
		"kept, then page open all day": {
			room.Idle{EmptySince: start, KeptAt: at(5 * time.Hour), SeenAt: at(24 * time.Hour)}, timeout,
			at(10 * time.Hour),
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.idle.Deadline(c.timeout, time.Minute); !got.Equal(c.want) {
				t.Errorf("deadline %v, want %v", got, c.want)
			}
		})
	}
}

func TestAccess(t *testing.T) {
	const owner, guest, banned, member, manager, stranger snowflake.ID = 1, 2, 3, 4, 5, 6
	standing := func(u snowflake.ID) access.Standing {
		return access.Standing{UserID: u, Member: u != stranger, Manager: u == manager, Base: access.Enter}
	}
	base := room.Access{OwnerID: owner, Guests: []snowflake.ID{guest, banned, stranger}, Banned: []snowflake.ID{banned}}
	with := func(f func(*room.Access)) room.Access { a := base; f(&a); return a }
	// Each word lists who may: see/enter/control/close, by first letter of who.
	for name, c := range map[string]struct {
		access room.Access
		want   string
	}{
		"open":                  {base, "ogm+/ogm+/o+/o+"},
		"private":               {with(func(a *room.Access) { a.Private = true }), "og/og/o/o+"},
		"private, managers see": {with(func(a *room.Access) { a.Private, a.ManagersSee = true, true }), "og+/og/o/o+"},
		"locked":                {with(func(a *room.Access) { a.Locked = true }), "ogm+/og/o+/o+"},
		"hidden":                {with(func(a *room.Access) { a.Hidden = true }), "og/og/o/o+"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, may := range []func(access.Standing) bool{
				c.access.MaySee, c.access.MayEnter, c.access.MayControl, c.access.MayClose,
			} {
				who := ""
				for i, u := range []snowflake.ID{owner, guest, banned, member, manager, stranger} {
					if may(standing(u)) {
						who += string("ogbm+s"[i])
					}
				}
				got = append(got, who)
			}
			if s := strings.Join(got, "/"); s != c.want {
				t.Errorf("see/enter/control/close: %s, want %s", s, c.want)
			}
		})
	}
}

// TestPublic: a room is public if a member without any role would see it, as Discord has it, and passes its gates.
func TestPublic(t *testing.T) {
	const guild, role, owner snowflake.ID = 10, 11, 1
	everyone := access.Guild{OwnerID: owner, Roles: access.Roles{guild: access.Enter, role: 0}}
	deny := access.Overwrite{ID: guild, Deny: access.Enter}
	gate := []access.Overwrite{deny, {ID: role, Allow: access.Enter}}
	for name, x := range map[string]struct {
		access room.Access
		guild  access.Guild
		want   bool
	}{
		"open":    {room.Access{OwnerID: owner}, everyone, true},
		"locked":  {room.Access{OwnerID: owner, Locked: true}, everyone, true},
		"private": {room.Access{OwnerID: owner, Private: true}, everyone, false},
		"hidden":  {room.Access{OwnerID: owner, Hidden: true}, everyone, false},
		"private, managers see": {
			room.Access{OwnerID: owner, Private: true, ManagersSee: true}, everyone, false,
		},
		"denied in the channel": {room.Access{OwnerID: owner, Channel: []access.Overwrite{deny}}, everyone, false},
		"behind a role":         {room.Access{OwnerID: owner, Gates: [][]access.Overwrite{gate}}, everyone, false},
		"a server that shows nothing to @everyone": {
			room.Access{OwnerID: owner}, access.Guild{OwnerID: owner, Roles: access.Roles{guild: 0}}, false,
		},
		"roles unknown": {room.Access{OwnerID: owner}, access.Guild{OwnerID: owner}, false},
		"private, in a server whose owner is unknown": {
			room.Access{OwnerID: owner, Private: true}, access.Guild{Roles: everyone.Roles}, false,
		},
	} {
		if got := x.access.Public(guild, x.guild); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestInviteCheck(t *testing.T) {
	v := room.Invite{ExpiresAt: at(24 * time.Hour), MaxUses: 2, Redeemers: []snowflake.ID{7}}
	used := v
	used.Redeemers = []snowflake.ID{7, 8}
	revoked := v
	revoked.RevokedAt = start
	for name, c := range map[string]struct {
		invite room.Invite
		user   snowflake.ID
		now    time.Time
		want   errs.Code
	}{
		"good":                      {v, 9, start, ""},
		"last moment":               {v, 9, at(24*time.Hour - time.Nanosecond), ""},
		"expired":                   {v, 9, at(24 * time.Hour), errs.TokenExpired},
		"expired for who used it":   {v, 7, at(24 * time.Hour), errs.TokenExpired},
		"used up":                   {used, 9, start, errs.TokenUsedUp},
		"used up, but by this user": {used, 8, start, ""},
		"revoked":                   {revoked, 9, start, errs.TokenRevoked},
		"revoked for who used it":   {revoked, 7, start, errs.TokenRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			if got := errs.CodeOf(c.invite.Check(c.user, c.now)); got != c.want {
				t.Errorf("code %q, want %q", got, c.want)
			}
		})
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"Friday":                 "Friday",
		"  Friday \t night\n":    "Friday night",
		"a\x00b\u202ec\u2066d":   "abcd",
		"🎲 Würfel":               "🎲 Würfel",
		strings.Repeat("ü", 100): strings.Repeat("ü", 100),
		strings.Repeat("ü", 101): "",
		"":                       "",
		" \t ":                   "",
		"bad\xffutf8":            "",
	} {
		got, err := schema.CleanName(in)
		if got != want || (err == nil) != (want != "") || err != nil && !errs.Has(err, errs.Invalid) {
			t.Errorf("CleanName(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestEventsSurviveJSON(t *testing.T) {
	p := room.Person{UserID: 7, Username: "mara", DisplayName: "Mara", Muted: true, Since: start}
	for _, f := range []room.Fact{
		room.VoiceJoined{Person: p}, room.VoiceLeft{UserID: 7}, room.VoiceUpdated{Person: p}, room.Opened{},
		room.Changed{},
		room.ClosingAnnounced{At: start, Reason: room.ClosedIdle}, room.ClosingCancelled{By: 7},
		room.Closed{Reason: room.ClosedAge},
	} {
		in := room.Live{
			Room: room.Summary{ID: 10, Name: "Friday"}, Roster: []room.Person{p}, N: 3,
			Event: &room.Event{Fact: f, At: start},
		}
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out room.Live
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatalf("%T: %v", f, err)
		}
		if !reflect.DeepEqual(in, out) {
			t.Errorf("%T came back as %+v", f, out)
		}
	}
	var e room.Event
	if err := json.Unmarshal([]byte(`{"kind":"exploded","fact":{}}`), &e); err == nil {
		t.Error("an unknown kind of event was read")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	r := &room.Room{
		Guests: []room.Guest{{UserID: 1}}, Bans: []room.Ban{{UserID: 2}},
		Invites: []room.Invite{{ID: "a", Redeemers: []snowflake.ID{1}}}, Outbox: []audit.Entry{{ID: "e"}},
	}
	before, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Clone()
	c.Guests[0].UserID, c.Bans[0].UserID, c.Invites[0].ID, c.Invites[0].Redeemers[0], c.Outbox[0].ID = 9, 9, "z", 9, "z"
	if after, _ := json.Marshal(r); string(after) != string(before) {
		t.Errorf("changing a clone changed the room: %s", after)
	}
}
