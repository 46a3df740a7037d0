package main

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// rounds is how often each race is run.
func rounds() int {
	if os.Getenv("SNUG_SOAK") != "" {
		return 300
	}
	return 8
}

// raceHarness is a harness whose members act through the hub, as the dashboard does for them.
type raceHarness struct {
	*harness
	guild snowflake.ID
}

func (a *raceHarness) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	a.Cleanup(cancel)
	return ctx
}

func (a *raceHarness) actor(name string) access.Actor {
	return access.Actor{UserID: a.user(name).ID, Via: access.ViaWeb}
}

// call asks the bot about a guild.
func call[Q, A any](a *raceHarness, m hub.Method[Q, A], q Q) (A, error) {
	return m.Call(a.ctx(), a.app.hub, a.guild, q)
}

func (a *raceHarness) open(owner string, seats int) room.OpenedRoom {
	a.Helper()
	a.clock.Forward(10 * time.Minute) // nobody may open many rooms in a few minutes
	o, err := call(a, hub.OpenRoom, room.OpenRequest{Actor: a.actor(owner), Name: "Race", Seats: seats})
	a.must(err)
	return o
}

func (a *raceHarness) close(owner string, id snowflake.ID) {
	a.Helper()
	_, err := call(a, hub.CloseRoom, room.Request{Actor: a.actor(owner), RoomID: id})
	a.must(err)
}

func (a *raceHarness) do(by string, id snowflake.ID, what room.Action, user string) error {
	_, err := call(a, hub.ChangeRoom,
		room.ChangeRequest{Actor: a.actor(by), RoomID: id, Do: what, User: a.user(user).ID})
	return err
}

func (a *raceHarness) letIn(o room.OpenedRoom, names ...string) {
	a.Helper()
	for _, n := range names {
		_, err := call(a, hub.RedeemInvite,
			room.RedeemRequest{Actor: a.actor(n), RoomID: o.Room.ID, Code: o.Invite.Code})
		a.must(err)
	}
}

// kept is the room as it is written down, or nil.
func (a *raceHarness) kept(id snowflake.ID) *room.Room {
	a.Helper()
	r, _, err := a.app.hub.Rooms.Get(a.ctx(), a.guild.String()+"."+id.String())
	if errs.Has(err, errs.NotFound) {
		return nil
	}
	a.must(err)
	return &r
}

// voiceAt says in which voice channel somebody is, as Discord has it.
func (a *raceHarness) voiceAt(name string) discordsim.ID {
	a.Helper()
	for _, g := range a.world.discord.State().Guilds {
		for _, v := range g.VoiceStates {
			if g.ID == a.world.guild && v.UserID == a.user(name).ID && v.ChannelID != nil {
				return *v.ChannelID
			}
		}
	}
	return 0
}

// atOnce runs things at the same moment and gives their errors' codes, "" for none.
func atOnce(all ...func() error) []errs.Code {
	codes := make([]errs.Code, len(all))
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i, f := range all {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			codes[i] = errs.CodeOf(f())
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return codes
}

// oneOf fails unless exactly one of two came through, and the other was told one of the codes.
func (a *raceHarness) oneOf(got []errs.Code, losers ...errs.Code) (winner int) {
	a.Helper()
	winner = slices.Index(got, "")
	if winner < 0 || got[1-winner] == "" || !slices.Contains(losers, got[1-winner]) {
		a.Fatalf("came out as %q; one must win, and the other be told one of %q", got, losers)
	}
	return winner
}

// TestRaces: of two who want the same, exactly one gets it, and what Snug
// wrote down, what Discord has and what both were told agree.
func TestRaces(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	a := &raceHarness{h, snowflake.ID(h.world.guild)}
	a.eventually("somebody keeps the server", func() bool {
		_, err := call(a, hub.StandingOf, room.StandingRequest{UserID: a.user("chiyo").ID})
		return err == nil
	})
	for range rounds() {
		a.lastUse()
		a.lastSeat()
		a.transferWhileClosing()
		a.banWhileJoining()
		a.banWhileRedeeming()
		a.closeWhileRedeeming()
	}
}

// lastUse: two redeem the last use of an invite.
func (a *raceHarness) lastUse() {
	a.Helper()
	o := a.open("chiyo", 4)
	l, err := call(a, hub.CreateInvite, room.InviteRequest{Actor: a.actor("chiyo"), RoomID: o.Room.ID, Uses: 1})
	a.must(err)
	names := []string{"dmitri", "femi"}
	redeem := func(name string) func() error {
		return func() error {
			_, err := call(a, hub.RedeemInvite,
				room.RedeemRequest{Actor: a.actor(name), RoomID: o.Room.ID, Code: l.Code})
			return err
		}
	}
	winner := a.oneOf(atOnce(redeem(names[0]), redeem(names[1])), errs.TokenUsedUp)
	r := a.kept(o.Room.ID)
	if v := r.Invite(l.Invite.ID); len(r.Guests) != 1 || r.Guests[0].UserID != a.user(names[winner]).ID ||
		len(v.Redeemers) != 1 {
		a.Errorf("%s redeemed it; written down are %+v and %+v", names[winner], r.Guests, v)
	}
	a.close("chiyo", o.Room.ID)
}

// lastSeat: two guests, both in voice elsewhere, take the last seat.
func (a *raceHarness) lastSeat() {
	a.Helper()
	o := a.open("chiyo", 1)
	a.letInAll(o, "dmitri", "femi")
	names := []string{"dmitri", "femi"}
	for _, n := range names {
		a.must(a.join(n, a.world.lounge.String()))
		a.eventually("Snug knows where "+n+" is",
			func() bool { return a.voiceIn("chiyo", n, o.Room.ID) == a.world.lounge })
	}
	take := func(name string) func() error {
		return func() error {
			_, err := call(a, hub.JoinRoom, room.Request{Actor: a.actor(name), RoomID: o.Room.ID})
			return err
		}
	}
	winner := a.oneOf(atOnce(take(names[0]), take(names[1])), errs.RoomFull)
	a.eventually("the winner sits in the room",
		func() bool { return a.voiceAt(names[winner]) == discordsim.ID(o.Room.ID) })
	if at := a.voiceAt(names[1-winner]); at == discordsim.ID(o.Room.ID) {
		a.Errorf("%s sits in the room too", names[1-winner])
	}
	for _, n := range names {
		a.leave(n)
	}
	a.close("chiyo", o.Room.ID)
}

// letInAll lets more people in than the first invite is good for.
func (a *raceHarness) letInAll(o room.OpenedRoom, names ...string) {
	a.Helper()
	l, err := call(a, hub.CreateInvite,
		room.InviteRequest{Actor: a.actor("chiyo"), RoomID: o.Room.ID, Uses: len(names)})
	a.must(err)
	o.Invite = l
	a.letIn(o, names...)
}

// voiceIn is where Snug knows somebody to be in voice.
func (a *raceHarness) voiceIn(_, name string, id snowflake.ID) discordsim.ID {
	a.Helper()
	v, err := call(a, hub.ViewRoom, room.Request{Actor: a.actor(name), RoomID: id})
	a.must(err)
	return discordsim.ID(v.VoiceIn)
}

// transferWhileClosing: the owner gives the room away and closes it. Whichever
// comes first makes the other impossible: a new owner's room is not closed by
// the old one, and a closed room has no new owner.
func (a *raceHarness) transferWhileClosing() {
	a.Helper()
	o := a.open("chiyo", 4)
	a.letIn(o, "dmitri")
	got := atOnce(
		func() error { return a.do("chiyo", o.Room.ID, room.DoTransfer, "dmitri") },
		func() error {
			_, err := call(a, hub.CloseRoom, room.Request{Actor: a.actor("chiyo"), RoomID: o.Room.ID})
			return err
		})
	if winner := a.oneOf(got, errs.Forbidden, errs.RoomNotFound); winner == 0 {
		if r := a.kept(o.Room.ID); r == nil || r.State != room.Open || r.OwnerID != a.user("dmitri").ID {
			a.Errorf("handed over; written down is %+v", r)
		}
		a.close("dmitri", o.Room.ID)
	}
	a.eventually("the room is gone", func() bool { return a.kept(o.Room.ID) == nil })
}

// banWhileJoining: a guest joins while they are banned. However it goes, in
// the end they are out of the room and no guest.
func (a *raceHarness) banWhileJoining() {
	a.Helper()
	o := a.open("chiyo", 4)
	a.letIn(o, "dmitri")
	a.must(a.join("dmitri", a.world.lounge.String()))
	a.eventually("Snug knows where Dmitri is",
		func() bool { return a.voiceIn("chiyo", "dmitri", o.Room.ID) == a.world.lounge })
	got := atOnce(
		func() error { return a.do("chiyo", o.Room.ID, room.DoBan, "dmitri") },
		func() error {
			_, err := call(a, hub.JoinRoom, room.Request{Actor: a.actor("dmitri"), RoomID: o.Room.ID})
			return err
		})
	if got[0] != "" || got[1] != "" && got[1] != errs.RoomNotFound && got[1] != errs.Forbidden {
		a.Errorf("came out as %q", got)
	}
	a.out(o, "dmitri")
}

// banWhileRedeeming: somebody follows an invite while they are banned.
func (a *raceHarness) banWhileRedeeming() {
	a.Helper()
	o := a.open("chiyo", 4)
	got := atOnce(
		func() error { return a.do("chiyo", o.Room.ID, room.DoBan, "femi") },
		func() error {
			_, err := call(a, hub.RedeemInvite,
				room.RedeemRequest{Actor: a.actor("femi"), RoomID: o.Room.ID, Code: o.Invite.Code})
			return err
		})
	if got[0] != "" || got[1] != "" && got[1] != errs.Forbidden {
		a.Errorf("came out as %q", got)
	}
	a.out(o, "femi")
}

// out checks that somebody is banned, no guest, and not in the room's voice, and takes everything back.
func (a *raceHarness) out(o room.OpenedRoom, name string) {
	a.Helper()
	id := a.user(name).ID
	a.eventually(name+" is out of voice", func() bool { return a.voiceAt(name) != discordsim.ID(o.Room.ID) })
	r := a.kept(o.Room.ID)
	if r == nil || !r.Banned(id) || r.Guest(id) != nil {
		a.Fatalf("written down is %+v", r)
	}
	if err := a.join(name, o.Room.ID.String()); err == nil {
		a.Errorf("Discord lets %s in", name)
	}
	if _, err := call(a, hub.RedeemInvite,
		room.RedeemRequest{
			Actor: a.actor(name), RoomID: o.Room.ID, Code: o.Invite.Code,
		}); !errs.Has(err, errs.Forbidden) {
		a.Errorf("an invite lets %s in: %v", name, err)
	}
	if a.voiceAt(name) != 0 {
		a.leave(name)
	}
	a.must(a.do("chiyo", o.Room.ID, room.DoUnban, name))
	a.close("chiyo", o.Room.ID)
}

// closeWhileRedeeming: an invite is followed while its room closes. Nobody is a guest of nothing.
func (a *raceHarness) closeWhileRedeeming() {
	a.Helper()
	o := a.open("chiyo", 4)
	got := atOnce(
		func() error {
			_, err := call(a, hub.CloseRoom, room.Request{Actor: a.actor("chiyo"), RoomID: o.Room.ID})
			return err
		},
		func() error {
			_, err := call(a, hub.RedeemInvite,
				room.RedeemRequest{Actor: a.actor("femi"), RoomID: o.Room.ID, Code: o.Invite.Code})
			return err
		})
	if got[0] != "" || got[1] != "" && got[1] != errs.RoomNotFound {
		a.Errorf("came out as %q", got)
	}
	a.eventually("the room is gone", func() bool { return a.kept(o.Room.ID) == nil })
	for _, g := range a.world.discord.State().Guilds {
		for _, c := range g.Channels {
			if c.ID == discordsim.ID(o.Room.ID) {
				a.Errorf("its channel is still there")
			}
		}
	}
}
