package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
)

// TestInvitePages follows an invite in every state that it, its room or who follows it can be in: what its
// page says before anybody signs in, and what is said after that. No refusal is ever called a failed sign-in.
func TestInvitePages(t *testing.T) {
	refuse := func(code errs.Code, why string) func(*bench, *room.Room) {
		return func(b *bench, _ *room.Room) { b.rooms.noRedeem = errs.E(code, "%s", why) }
	}
	lock := func(_ *bench, r *room.Room) { r.Locked = true }
	closed := func(b *bench, r *room.Room) { delete(b.rooms.rooms, r.ID) }
	expire := func(b *bench, _ *room.Room) { b.pass(31 * 24 * time.Hour) }
	revoke := func(b *bench, r *room.Room) { r.Invites[0].RevokedAt = b.clock() }
	useUp := func(_ *bench, r *room.Room) {
		for i := range snowflake.ID(r.Invites[0].MaxUses) {
			r.Invites[0].Redeemers = append(r.Invites[0].Redeemers, 7000+i)
		}
	}
	// follow has somebody let in by the invite, as its last use; put takes that back as being put out does.
	follow := func(who snowflake.ID, b *bench, r *room.Room) {
		r.Invites[0].MaxUses, r.Invites[0].Redeemers = 1, []snowflake.ID{who}
		r.Guests = append(r.Guests, room.Guest{UserID: who, InviteID: r.Invites[0].ID})
	}
	putOut := func(who snowflake.ID, b *bench, r *room.Room) {
		r.RevokeAccess(who, b.clock())
		r.DetachUses(who)
	}
	pending := func(who snowflake.ID) func(*bench, *room.Room) {
		return func(b *bench, _ *room.Room) {
			st := b.rooms.members[friends][who]
			st.Pending = true
			b.rooms.members[friends][who] = st
		}
	}
	const comeIn, signIn = "Sign in with Discord and come in", "Sign in with Discord</button>"
	for _, x := range []struct {
		name      string
		who       snowflake.ID
		is        func(*bench, *room.Room) // when the page is opened
		meanwhile func(*bench, *room.Room) // while Discord asks who it is
		status    int                      // of the invite's page; 0 for 200
		before    []string
		after     int
		says      []string
	}{
		{name: "open", who: member, before: []string{comeIn}, after: 200, says: []string{`id="room-h"`}},
		{
			name: "locked, for a member", who: member, is: lock,
			before: []string{"The room is locked right now", "Then you can knock", signIn}, after: 403,
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
			name: "unlocked meanwhile", who: member, is: lock,
			meanwhile: func(_ *bench, r *room.Room) { r.Locked = false },
			before:    []string{"The room is locked right now"}, after: 200, says: []string{`id="room-h"`},
		},
		{
			name: "full", who: member, meanwhile: refuse(errs.RoomFull, "Every seat is taken."),
			before: []string{comeIn}, after: 409, says: []string{"Every seat is taken.", "Come in</button>"},
		},
		{name: "closed", who: member, is: closed, status: 410, before: []string{"This invite was taken back"}},
		{
			name: "closed meanwhile", who: member, meanwhile: closed, before: []string{comeIn}, after: 410,
			says: []string{"This invite was taken back"},
		},
		{name: "expired", who: member, is: expire, status: 410, before: []string{"This link has expired"}},
		{name: "revoked", who: member, is: revoke, status: 410, before: []string{"This invite was taken back"}},
		{
			name: "revoked meanwhile", who: member, meanwhile: revoke, before: []string{comeIn}, after: 410,
			says: []string{"This invite was taken back"},
		},
		{
			name: "used up", who: member, is: useUp, before: []string{"It is used up"}, after: 410,
			says: []string{"This invite has been used up", "Ask whoever sent it"},
		},
		{
			name: "used up meanwhile", who: member, meanwhile: useUp, before: []string{comeIn}, after: 410,
			says: []string{"This invite has been used up"},
		},
		{
			name: "a role is missing", who: member, meanwhile: refuse(errs.Forbidden, "You need the role Regulars."),
			before: []string{comeIn}, after: 403, says: []string{"You need the role Regulars.", "Come in</button>"},
		},
		{
			name: "timed out", who: member, meanwhile: refuse(errs.Forbidden, "You are timed out."),
			before: []string{comeIn}, after: 403, says: []string{"You are timed out."},
		},
		{
			name: "banned", who: banned, before: []string{comeIn}, after: 403,
			says: []string{"You can’t come in here", "You cannot enter this room."},
		},
		{
			name: "kicked, by a link with uses left", who: guest,
			is: func(b *bench, r *room.Room) { putOut(guest, b, r) }, before: []string{comeIn}, after: 200,
			says: []string{`id="room-h"`},
		},
		{
			name: "kicked, by the link they used up", who: member,
			is:     func(b *bench, r *room.Room) { follow(member, b, r); putOut(member, b, r) },
			before: []string{"It is used up"}, after: 410,
			says: []string{"This invite has been used up", "Ask whoever sent it"},
		},
		{
			name: "kicked meanwhile, by the link they used up", who: member,
			is:        func(b *bench, r *room.Room) { follow(member, b, r) },
			meanwhile: func(b *bench, r *room.Room) { putOut(member, b, r) }, before: []string{"It is used up"},
			after: 410, says: []string{"This invite has been used up"},
		},
		{
			name: "kicked from a room that is locked since", who: guest,
			is:     func(b *bench, r *room.Room) { putOut(guest, b, r); r.Locked = true },
			before: []string{"The room is locked right now", "Then you can knock"}, after: 403,
			says: []string{"The room is locked right now", "Knock</button>"},
		},
		{
			name: "pending", who: member, is: pending(member), before: []string{comeIn}, after: 200,
			says: []string{"You are on your way to", "accept the server's rules in Discord", "Your place is kept"},
		},
		{
			name: "pending since", who: member, meanwhile: pending(member), before: []string{comeIn}, after: 200,
			says: []string{"accept the server's rules in Discord"},
		},
		{
			name: "pending, and locked", who: member,
			is:     func(b *bench, r *room.Room) { lock(b, r); pending(member)(b, r) },
			before: []string{"The room is locked right now", signIn}, after: 403,
			says: []string{"The room is locked right now"},
		},
		{
			name: "not a member", who: stranger, before: []string{comeIn}, after: 403,
			says: []string{"You are not a member of this server."},
		},
		{
			name: "Discord is away", who: member,
			meanwhile: refuse(errs.DiscordUnavailable, "Discord does not answer."), before: []string{comeIn},
			after: 503, says: []string{"Discord does not answer.", "Come in</button>"},
		},
		{
			name: "nobody keeps the server", who: member, meanwhile: refuse(errs.Unavailable, "Snug is starting."),
			before: []string{comeIn}, after: 503, says: []string{"Back to the invite"},
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			r := b.room()
			token := b.invite(r)
			change := func(f func(*bench, *room.Room)) {
				if f == nil {
					return
				}
				b.rooms.mu.Lock()
				defer b.rooms.mu.Unlock()
				f(b, r)
			}
			wants := func(when string, g got, status int, says []string) {
				t.Helper()
				if g.status != status || strings.Contains(g.body, "That sign-in did not work") {
					t.Errorf("%s: %d, not %d: %s", when, g.status, status, g.text())
				}
				for _, s := range says {
					if !strings.Contains(g.body, s) {
						t.Errorf("%s: no %q in %s", when, s, g.text())
					}
				}
			}
			page := "/game/" + r.ID.String()
			w := b.browser(x.who.String())
			change(x.is)
			status := max(x.status, http.StatusOK)
			wants("before", w.get(page+"?t="+token), status, x.before)
			if x.after == 0 {
				return
			}
			start := w.form(page+"/accept", url.Values{"t": {token}})
			change(x.meanwhile)
			wants("after", w.follow(start), x.after, x.says)
			// The same for who is signed in.
			if x.meanwhile != nil {
				wants("again", w.follow(w.form(page+"/accept", url.Values{"t": {token}})), x.after, x.says)
			}
		})
	}
}

// TestPreviewTellsOfLocks: programs are told, too, that an invite lets nobody new in for now, and whether to knock.
func TestPreviewTellsOfLocks(t *testing.T) {
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
		b.rooms.mu.Lock()
		r.Locked = x.locked
		b.rooms.mu.Unlock()
		got := b.signedIn(x.who).api("POST", "/api/v1/invites/preview", `{"token":"`+token+`"}`)
		for _, want := range []string{fmt.Sprintf(`"locked":%v`, x.locked), fmt.Sprintf(`"mayKnock":%v`, x.knock)} {
			if got.status != http.StatusOK || !strings.Contains(got.body, want) {
				t.Errorf("%s: %d, no %s in %s", x.name, got.status, want, got.body)
			}
		}
	}
}
