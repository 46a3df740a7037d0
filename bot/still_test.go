package bot_test

import (
	"context"
	"testing"
	"time"

	"snug/bot/discordapi"
	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// slow has Discord answer some requests late, until mended is called; those that wait then go on.
func (h *harness) slow(route string, by time.Duration) (mended func()) {
	h.Helper()
	f, err := h.Discord.Inject(discordsim.Fault{
		Kind: discordsim.FaultLatency, Route: route, Count: -1, Delay: by.Seconds(),
	})
	h.Must(err)
	return func() { h.Discord.ClearFaults(f.ID) }
}

// meanwhile makes calls that have nothing to do with what Discord holds. A call that waited for it would fail: it is
// given up long before Discord answers.
func (h *harness) meanwhile(calls ...func()) {
	h.Helper()
	for range 5 {
		for _, call := range calls {
			call()
		}
	}
}

// known is an actor whom an interaction has told of: Discord is not asked who they are.
func (h *harness) known(name string) access.Actor {
	h.Helper()
	a := h.actor(name)
	who, err := call(h, hub.StandingOf, room.StandingRequest{UserID: a.UserID})
	h.Must(err)
	a.Standing = &who
	return a
}

func TestNobodyWaitsForWhoHops(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	lobby := h.lobby(guild.Lobby{}, "Lobby").Lobby.ChannelID
	calm := h.open("ada", "Calm").Room.ID
	h.Must(h.Join("kiyo", lobby))
	h.awaitRoster(h.opened("kiyo").Room.ID, "kiyo")

	mended := h.slow("PATCH /guilds/{guild}/members/{user}", 2*patience)
	defer mended()
	ada := h.known("ada")
	hop, stop := context.WithCancel(t.Context())
	hopped := make(chan struct{})
	go func() {
		defer close(hopped)
		for hop.Err() == nil { // as fast as somebody clicks who means it
			_ = h.Join("kiyo", lobby)
			_ = h.Join("kiyo", h.public)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-hop.Done():
			}
			_ = h.Join("kiyo", lobby)
		}
	}()
	request := room.Request{Actor: ada, RoomID: calm}
	moves := func() int { return h.asked("PATCH /guilds/{guild}/members/") }
	before := moves()
	h.eventually("a move is on its way", func() bool { return moves() > before })
	h.meanwhile(
		func() { _, err := call(h, hub.ViewRoom, request); h.Must(err) },
		func() { _, err := call(h, hub.KeepRoom, request); h.Must(err) },
		func() {
			_, err := call(h, hub.ChangeRoom, room.ChangeRequest{Actor: ada, RoomID: calm, Do: room.DoWatch})
			h.Must(err)
		},
	)
	mended()
	h.eventually("the next one, too", func() bool { return moves() > before+1 })
	stop()
	<-hopped
}

// A room that waits for Discord holds up neither those who look at it nor other rooms, and what was asked of
// it is done in order.
func TestNobodyWaitsForARoomsCalls(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	slow, calm := h.open("ada", "Slow").Room.ID, h.open("jonas", "Calm").Room.ID
	ada, jonas := h.known("ada"), h.known("jonas")
	mended := h.slow("PATCH /channels/"+slow.String(), 2*patience)
	defer mended()
	set := func(seats int) <-chan error {
		out := make(chan error, 1)
		go func() {
			q := room.ChangeRequest{Actor: ada, RoomID: slow, Do: room.DoSeats, Number: seats}
			_, err := call(h, hub.ChangeRoom, q)
			out <- err
		}()
		return out
	}
	stored := func() int {
		doc, _, err := h.hub.Rooms.Latest(h.soon(), h.Guild.String()+"."+slow.String())
		h.Must(err)
		return doc.Seats
	}
	first := set(7)
	h.eventually("the first change is on its way", func() bool { return stored() == 7 })
	second := set(3)
	h.meanwhile(
		func() { h.done(call(h, hub.ViewRoom, room.Request{Actor: ada, RoomID: slow})) },
		func() { h.done(call(h, hub.KeepRoom, room.Request{Actor: ada, RoomID: slow})) },
		func() {
			h.done(call(h, hub.ChangeRoom, room.ChangeRequest{Actor: jonas, RoomID: calm, Do: room.DoWatch}))
		},
	)
	select {
	case err := <-first:
		t.Errorf("the first change is over (%v), but Discord holds it", err)
	default:
	}
	mended()
	h.Must(<-first)
	h.Must(<-second)
	if limit := h.channels()[slow].UserLimit; stored() != 3 || limit != 3 {
		t.Errorf("%d seats are stored, Discord has %d", stored(), limit)
	}
}

// Who comes into the lobby again and again uses up only so many of Discord's moves, and is moved in the end.
func TestMovesOfOneAreThrottled(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.clock.Stop()
	lobby := h.lobby(guild.Lobby{}, "Lobby").Lobby.ChannelID
	h.Must(h.Join("kiyo", lobby))
	id := h.opened("kiyo").Room.ID
	calm := h.open("ada", "Calm").Room.ID
	const most = 4
	for n := 1; n < most; n++ {
		h.eventually("they are moved", func() bool { return h.where("kiyo") == id })
		h.Must(h.Join("kiyo", lobby))
	}
	h.eventually("they are moved", func() bool { return h.where("kiyo") == id })
	h.Must(h.Join("kiyo", h.public))
	h.heardAll("ada", calm) // else they may still be in the room for the bot, and need no move
	_, err := call(h, hub.JoinRoom, h.request("kiyo", id))
	h.wantCode(err, errs.RateLimited)
	h.Must(h.Join("kiyo", lobby))
	h.heardAll("ada", calm)
	if n := h.asked("PATCH /guilds/{guild}/members/"); n != most || h.where("kiyo") != lobby {
		t.Fatalf("%d moves within seconds", n)
	}
	h.clock.Forward(20 * time.Second)
	h.sweep()
	h.eventually("they are moved after a while", func() bool { return h.where("kiyo") == id })
}

// A call that Discord does not answer in one server holds up the sweep of no other, and is given up at last.
func TestSweepsOfOthersGoOn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	other, err := h.Discord.AddGuild("Elsewhere", h.People["mara"])
	h.Must(err)
	h.Must(h.Discord.InstallBot(other.ID, h.App.ID, discordsim.Permissions(discordapi.Permissions)))
	h.eventually("the other server is served", func() bool {
		_, err := hub.OpenRoom.Call(h.soon(), h.hub, other.ID, room.OpenRequest{Actor: h.actor("mara"), Name: "There"})
		return err == nil
	})
	id := h.open("ada", "Here").Room.ID
	mended := h.slow("DELETE /channels/"+id.String(), 2*patience)
	defer mended()
	h.clock.Forward(time.Hour)
	h.sweep() // both are announced to close
	h.clock.Forward(time.Hour)
	swept := make(chan error, 1)
	go func() { swept <- h.bot.Sweep(h.soon()) }()
	h.eventually("the other server's room is closed", func() bool {
		left, err := h.hub.Rooms.List(h.soon(), other.ID.String())
		h.Must(err)
		return len(left) == 0
	})
	select {
	case err := <-swept:
		t.Errorf("the sweep is over (%v), but Discord has not deleted the room here", err)
	default:
	}
	mended()
	h.Must(<-swept)
}

// done fails the test if a call failed.
func (h *harness) done(_ any, err error) {
	h.Helper()
	h.Must(err)
}
