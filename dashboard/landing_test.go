package dashboard

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/testkit"
)

// only is the one room there is.
func (b *bench) only() snowflake.ID {
	b.t.Helper()
	open := b.opened()
	if len(open) != 1 {
		b.t.Fatalf("there are %d rooms", len(open))
	}
	_, id, _ := strings.Cut(open[0], ".")
	room, err := snowflake.Parse(id)
	b.must(err)
	return room
}

// settings changes the friends' settings.
func (b *bench) settings(change string) {
	b.t.Helper()
	call(b, hub.SaveSettings, room.SettingsRequest{Actor: actor(manager), JSON: []byte(change)})
}

// gate puts the one room into a category for regulars alone, of whom its owner is one.
func (b *bench) gate(room.InviteLink) {
	b.t.Helper()
	category := b.bot.Discord.AddChannel(rooms.KindCategory, "Regulars only", 0)
	b.bot.Discord.SetOverwrite(category, access.Overwrite{ID: friends, Deny: access.Enter})
	b.bot.Discord.SetOverwrite(category, access.Overwrite{ID: regulars, Allow: access.Enter})
	b.join(friends, owner, regulars)
	b.bot.Discord.SetParent(b.only(), category)
	testkit.Eventually(b.t, "the dashboard knows the gate", func() bool {
		l, _ := b.actions.Room(friends, b.only())
		return len(l.Room.Access.Gates) > 0
	})
}

// TestInvitePages follows an invite in every state that it, its room or who follows it can be in: what its
// page says before anybody signs in, and what is said after that. No refusal is ever called a failed sign-in.
func TestInvitePages(t *testing.T) {
	refuse := func(code errs.Code, why string) func(*bench, room.InviteLink) {
		return func(b *bench, _ room.InviteLink) { b.fail(errs.E(code, "%s", why), hub.RedeemInvite.Name) }
	}
	do := func(what room.Action, to ...snowflake.ID) func(*bench, room.InviteLink) {
		return func(b *bench, _ room.InviteLink) { b.do(b.only(), what, to...) }
	}
	lock, unlock := do(room.DoLock), do(room.DoUnlock)
	closed := func(b *bench, _ room.InviteLink) { b.close(b.stored(b.only())) }
	expire := func(b *bench, _ room.InviteLink) { b.clock.Forward(25 * time.Hour) }
	revoke := func(b *bench, l room.InviteLink) {
		call(b, hub.RevokeInvite, room.RevokeRequest{Actor: actor(owner), RoomID: b.only(), InviteID: l.Invite.ID})
	}
	follow := func(who snowflake.ID) func(*bench, room.InviteLink) {
		return func(b *bench, l room.InviteLink) {
			call(b, hub.RedeemInvite, room.RedeemRequest{Actor: actor(who), RoomID: b.only(), Code: l.Code})
		}
	}
	edit := func(who snowflake.ID, change func(*access.Standing)) func(*bench, room.InviteLink) {
		return func(b *bench, _ room.InviteLink) { b.bot.EditMember(who, change) }
	}
	pending := edit(member, func(s *access.Standing) { s.Pending = true })
	timedOut := func(b *bench, l room.InviteLink) {
		edit(member, func(s *access.Standing) { s.TimedOutUntil = b.clock.Now().Add(time.Hour) })(b, l)
	}
	both := func(first, second func(*bench, room.InviteLink)) func(*bench, room.InviteLink) {
		return func(b *bench, l room.InviteLink) { first(b, l); second(b, l) }
	}
	alone := func(b *bench, _ room.InviteLink) { b.settings(`{"bring_in":false}`) }
	away := func(b *bench, _ room.InviteLink) { b.away() }
	const comeIn, signIn = "Sign in with Discord and come in", "Sign in with Discord</button>"
	for _, x := range []struct {
		name      string
		who       snowflake.ID
		uses      int                           // of the invite; 0: as many as seats
		is        func(*bench, room.InviteLink) // when the page is opened
		meanwhile func(*bench, room.InviteLink) // while Discord asks who it is
		status    int                           // of the invite's page; 0 for 200
		before    []string
		after     int
		says      []string
	}{
		{name: "open", who: member, before: []string{comeIn}, after: 200, says: []string{`id="room-h"`}},
		{
			name: "locked, for a member", who: member, is: lock,
			before: []string{"The room is locked right now", "Then sign in to knock", signIn}, after: 403,
			says: []string{"The room is locked right now", "/knock", "Knock</button>"},
		},
		{
			name: "locked, for one who may not knock", who: stranger, is: lock,
			before: []string{"The room is locked right now", signIn}, after: 403,
			says: []string{"You can’t knock here", "Try again</button>"},
		},
		{
			name: "locked meanwhile", who: member, meanwhile: lock, before: []string{comeIn}, after: 403,
			says: []string{"The room is locked right now", "Knock</button>"},
		},
		{
			name: "locked, for a guest", who: guest, is: lock, before: []string{"The room is locked right now"},
			after: 200, says: []string{`id="room-h"`},
		},
		{
			name: "unlocked meanwhile", who: member, is: lock, meanwhile: unlock,
			before: []string{"The room is locked right now"}, after: 200, says: []string{`id="room-h"`},
		},
		{
			name: "as many guests as a room can have", who: member,
			meanwhile: refuse(errs.RoomLimit, "This room has 100 guests."), before: []string{comeIn}, after: 409,
			says: []string{"This room has 100 guests.", "Come in</button>"},
		},
		{name: "closed", who: member, is: closed, status: 404, before: []string{"The room this link led to is closed"}},
		{
			name: "closed meanwhile", who: member, meanwhile: closed, before: []string{comeIn}, after: 404,
			says: []string{"The room this link led to is closed"},
		},
		{name: "expired", who: member, is: expire, status: 410, before: []string{"This link has expired"}},
		{name: "revoked", who: member, is: revoke, status: 410, before: []string{"This invite link was revoked"}},
		{
			name: "revoked meanwhile", who: member, meanwhile: revoke, before: []string{comeIn}, after: 410,
			says: []string{"This invite link was revoked"},
		},
		{
			name: "used up", who: member, uses: 1, is: follow(manager),
			before: []string{"This link is used up"}, after: 410,
			says: []string{"This invite link is used up", "Ask the person who sent it"},
		},
		{
			name: "used up meanwhile", who: member, uses: 1, meanwhile: follow(manager), before: []string{comeIn},
			after: 410, says: []string{"This invite link is used up"},
		},
		{
			name: "a role is missing", who: member, meanwhile: (*bench).gate, before: []string{comeIn}, after: 403,
			says: []string{"You need a role for this place: Regulars.", "Come in</button>"},
		},
		{
			name: "timed out", who: member, meanwhile: timedOut, before: []string{comeIn}, after: 403,
			says: []string{"re timed out in this server"},
		},
		{
			name: "banned", who: banned, before: []string{comeIn}, after: 403,
			says: []string{"You can’t come in here", "t enter this room."},
		},
		{
			name: "kicked, by a link with uses left", who: guest, is: do(room.DoKick, guest), before: []string{comeIn},
			after: 200, says: []string{`id="room-h"`},
		},
		{
			name: "kicked, by the link they used up", who: member, uses: 1,
			is: both(follow(member), do(room.DoKick, member)), before: []string{"This link is used up"}, after: 410,
			says: []string{"This invite link is used up", "Ask the person who sent it"},
		},
		{
			name: "kicked meanwhile, by the link they used up", who: member, uses: 1, is: follow(member),
			meanwhile: do(room.DoKick, member), before: []string{"This link is used up"}, after: 410,
			says: []string{"This invite link is used up"},
		},
		{
			name: "kicked from a room that is locked since", who: guest, is: both(do(room.DoKick, guest), lock),
			before: []string{"The room is locked right now", "Then sign in to knock"}, after: 403,
			says: []string{"The room is locked right now", "Knock</button>"},
		},
		{
			name: "pending", who: member, is: pending, before: []string{comeIn}, after: 200,
			says: []string{"You’re on your way to", "ccept the server’s rules in Discord", "Your place is kept"},
		},
		{
			name: "pending since", who: member, meanwhile: pending, before: []string{comeIn}, after: 200,
			says: []string{"ccept the server’s rules in Discord"},
		},
		{
			name: "pending, and locked", who: member, is: both(lock, pending),
			before: []string{"The room is locked right now", signIn}, after: 403,
			says: []string{"The room is locked right now"},
		},
		{
			name: "not a member", who: stranger, is: alone, before: []string{comeIn}, after: 403,
			says: []string{"t a member"},
		},
		{
			name: "Discord is away", who: member,
			meanwhile: refuse(errs.DiscordUnavailable, "Discord does not answer."), before: []string{comeIn},
			after: 503, says: []string{"Discord does not answer.", "Come in</button>"},
		},
		{
			name: "nobody keeps the server", who: member, meanwhile: away, before: []string{comeIn}, after: 503,
			says: []string{"Back to the invite"},
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			r := b.room()
			link := call(b, hub.CreateInvite, room.InviteRequest{Actor: actor(owner), RoomID: r.ID, Uses: x.uses})
			token := link.Code
			change := func(f func(*bench, room.InviteLink)) {
				if f != nil {
					f(b, link)
				}
			}
			wants := func(when string, g got, status int, says []string) {
				t.Helper()
				if g.status != status || strings.Contains(g.body, "That sign-in didn’t work") {
					t.Errorf("%s: %d, not %d: %s", when, g.status, status, g.text())
				}
				for _, s := range says {
					if !strings.Contains(g.body, s) {
						t.Errorf("%s: no %q in %s", when, s, g.text())
					}
				}
			}
			w := b.browser(x.who.String())
			change(x.is)
			status := max(x.status, http.StatusOK)
			wants("before", w.get("/i/"+token), status, x.before)
			if x.after == 0 {
				return
			}
			start := w.form("/i/"+token, nil)
			change(x.meanwhile)
			wants("after", w.follow(start), x.after, x.says)
			// The same for who is signed in.
			if x.meanwhile != nil {
				wants("again", w.follow(w.form("/i/"+token, nil)), x.after, x.says)
			}
		})
	}
}

// TestPreviewTellsOfLocks: programs are told, too, that an invite lets nobody new in for now, and whether to knock.
func TestPreviewTellsOfLocks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	token := b.invite(r)
	for _, x := range []struct {
		name   string
		locked bool
		who    snowflake.ID
		knock  bool
	}{
		{"open, for a member", false, member, false},
		{"locked, for a member", true, member, true},
		{"locked, for a guest", true, guest, false},
		{"locked, for who is not in the server", true, stranger, false},
	} {
		if x.locked {
			b.do(r.ID, room.DoLock)
		}
		got := b.signedIn(x.who).api("POST", "/api/v1/invites/preview", `{"code":"`+token+`"}`)
		for _, want := range []string{fmt.Sprintf(`"locked":%v`, x.locked), fmt.Sprintf(`"may_knock":%v`, x.knock)} {
			if got.status != http.StatusOK || !strings.Contains(got.body, want) {
				t.Errorf("%s: %d, no %s in %s", x.name, got.status, want, got.body)
			}
		}
	}
}
