package live

import (
	"reflect"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/testkit"
)

func TestRoomPage(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, private)
	h.open(roomB, nil)
	c, hello := h.watch(owner, roomA)
	if !reflect.DeepEqual(hello, protocol.Welcome{GuildID: guildA, UserID: owner, Rooms: []snowflake.ID{roomA}}) {
		t.Errorf("auth.ok says %+v", hello)
	}
	m := c.expect(protocol.RoomSnapshot)
	if s := as[protocol.Snapshot](t, m); s.ChannelID != roomA || !s.Private || s.Seats != 4 || m.Rev == nil ||
		*m.Rev != (protocol.Rev{Epoch: "e1", N: 1}) {
		t.Errorf("snapshot %+v, rev %+v", s, m.Rev)
	}
	h.join(roomB, other) // another room: not for this page
	h.join(roomA, guest)
	m = c.expect(protocol.VoiceJoined)
	if v := as[protocol.Voice](t, m); v.UserID != guest || v.ChannelID != roomA || m.Rev.N != 2 {
		t.Errorf("joined %+v, rev %+v", v, m.Rev)
	}
	h.change(roomA, room.VoiceLeft{UserID: guest}, nil)
	if v := as[protocol.Left](t, c.expect(protocol.VoiceLeft)); v.UserID != guest || v.RoomID != roomA ||
		v.ChannelID != nil {
		t.Errorf("left %+v", v)
	}
	for _, f := range []struct {
		fact room.Fact
		want protocol.Name
	}{
		{room.VoiceUpdated{}, protocol.VoiceUpdated}, {room.Changed{}, protocol.RoomUpdated},
		{room.ClosingAnnounced{}, protocol.RoomClosing}, {room.ClosingCancelled{}, protocol.RoomKept},
		{room.Closed{}, protocol.RoomDeleted},
	} {
		h.change(roomA, f.fact, nil)
		c.expect(f.want)
	}
	if _, _, ok := h.l.Room(guildA, roomA); ok {
		t.Error("a closed room is still there")
	}
}

func TestServerPage(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, private)
	h.open(roomB, nil)
	c, hello := h.watch(other, 0)
	if !reflect.DeepEqual(hello.Rooms, []snowflake.ID{roomB}) {
		t.Errorf("sees %v", hello.Rooms)
	}
	c.expect(protocol.RoomSnapshot)
	h.join(roomA, owner) // private: not for other
	h.join(roomB, other)
	if v := as[protocol.Voice](t, c.expect(protocol.VoiceJoined)); v.ChannelID != roomB {
		t.Errorf("told of room %d", v.ChannelID)
	}
	h.open(7<<22, nil)
	if v := as[protocol.Snapshot](t, c.expect(protocol.RoomCreated)); v.ChannelID != 7<<22 {
		t.Errorf("created %+v", v)
	}
	h.open(8<<22, private)
	h.change(7<<22, room.Closed{Reason: room.ClosedIdle}, nil)
	if v := as[protocol.Deleted](t, c.expect(protocol.RoomDeleted)); v.ChannelID != 7<<22 || v.Reason != "idle" {
		t.Errorf("deleted %+v", v)
	}
	empty, hello := h.watch(owner, 0)
	if !reflect.DeepEqual(hello.Rooms, []snowflake.ID{roomA, roomB, 8 << 22}) {
		t.Errorf("the owner sees %v", hello.Rooms)
	}
	for range hello.Rooms {
		empty.expect(protocol.RoomSnapshot)
	}
}

func TestServerPageWithoutRooms(t *testing.T) {
	h := newHarness(t, setup{})
	c, hello := h.watch(other, 0)
	if len(hello.Rooms) != 0 {
		t.Errorf("sees %v", hello.Rooms)
	}
	h.open(roomA, nil)
	c.expect(protocol.RoomCreated)
}

func TestAccessChanges(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, private)
	h.open(roomB, nil)
	page, _ := h.watch(owner, roomA)
	page.expect(protocol.RoomSnapshot)
	server, _ := h.watch(guest, 0)
	server.expect(protocol.RoomSnapshot) // roomB

	let := func(l *room.Live) { l.Room.Access.Guests = append(l.Room.Access.Guests, guest) }
	h.change(roomA, room.Changed{}, let)
	page.expect(protocol.RoomUpdated)
	if m := server.expect(protocol.RoomSnapshot); m.Rev.N != 2 {
		t.Errorf("gained sight at %d, want 2", m.Rev.N)
	}
	own, _ := h.watch(guest, roomA)
	own.expect(protocol.RoomSnapshot)
	h.join(roomA, guest)
	for _, c := range []*client{page, server, own} {
		c.expect(protocol.VoiceJoined)
	}

	h.change(roomA, room.Changed{},
		func(l *room.Live) { l.Room.Access.Guests, l.Room.Access.Banned = nil, []snowflake.ID{guest} })
	page.expect(protocol.RoomUpdated)
	for _, c := range []*client{server, own} {
		m := c.expect(protocol.RoomHidden)
		if v := as[protocol.Hidden](t, m); v.ChannelID != roomA || v.GuildID != guildA || m.Rev != nil {
			t.Errorf("hidden %+v, rev %v", v, m.Rev)
		}
	}
	h.join(roomA, owner)
	page.expect(protocol.VoiceJoined)
	h.join(roomB, owner) // what the banned get next is of another room
	if v := as[protocol.Voice](t, server.expect(protocol.VoiceJoined)); v.ChannelID != roomB {
		t.Errorf("told of room %d", v.ChannelID)
	}

	h.change(roomA, room.Changed{}, func(l *room.Live) { l.Room.Access = room.Access{OwnerID: owner} })
	page.expect(protocol.RoomUpdated)
	server.expect(protocol.RoomSnapshot)
	own.expect(protocol.RoomSnapshot)

	h.change(roomA, room.Changed{}, func(l *room.Live) { l.Room.Access.Private = true })
	page.expect(protocol.RoomUpdated)
	server.expect(protocol.RoomHidden)
	own.expect(protocol.RoomHidden)
	h.change(roomA, room.Closed{}, nil)
	page.expect(protocol.RoomDeleted)
	h.join(roomB, guest)
	server.expect(protocol.VoiceJoined) // and nothing of the end of a room it does not see
}

func TestGapsRepeatsAndEpochs(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	c, _ := h.watch(owner, roomA)
	c.expect(protocol.RoomSnapshot)

	v := h.change(roomA, joined(guest), nil) // 2
	c.expect(protocol.VoiceJoined)
	h.rosters.rev-- // repeated
	h.rosters.put(key(roomA), v)
	h.change(roomA, nil, nil) // 3, rebuilt
	if m := c.expect(protocol.RoomSnapshot); m.Rev.N != 3 {
		t.Errorf("snapshot %d, want 3", m.Rev.N)
	}
	h.change(roomA, joined(other), func(l *room.Live) { l.N = 7 })
	if m := c.expect(protocol.RoomSnapshot); m.Rev.N != 7 {
		t.Errorf("snapshot %d, want 7", m.Rev.N)
	}
	h.join(roomA, other)
	c.expect(protocol.VoiceJoined) // 8
	h.change(roomA, joined(other), func(l *room.Live) { l.N = 2 })
	if m := c.expect(protocol.RoomSnapshot); m.Rev.N != 2 { // the writer starts counting again
		t.Errorf("snapshot %d, want 2", m.Rev.N)
	}

	h.rosters.reset("e2")
	if h.l.Caught() {
		t.Error("caught up right after a reset")
	}
	if _, epoch, ok := h.l.Room(guildA, roomA); !ok || epoch != "e1" {
		t.Errorf("a reset forgot the room at once: %q, %v", epoch, ok)
	}
	h.rosters.caught()
	h.change(roomA, joined(other), func(l *room.Live) { l.N = 3 }) // the next number, but of another count
	if m := c.expect(protocol.RoomSnapshot); *m.Rev != (protocol.Rev{Epoch: "e2", N: 3}) {
		t.Errorf("rev %+v", *m.Rev)
	}
	h.join(roomA, other)
	c.expect(protocol.VoiceJoined)

	h.rosters.reset("e2") // the same, but restarted, including its revisions
	h.change(roomA, joined(other), nil)
	if m := c.expect(protocol.RoomSnapshot); *m.Rev != (protocol.Rev{Epoch: "e2", N: 5}) {
		t.Errorf("rev %+v", *m.Rev)
	}
}

func TestLostRooms(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	h.open(roomB, nil)
	a, _ := h.watch(owner, roomA)
	a.expect(protocol.RoomSnapshot)
	b, _ := h.watch(owner, roomB)
	b.expect(protocol.RoomSnapshot)

	h.rosters.put(key(roomA), nil) // deleted without a word
	m := a.expect(protocol.RoomDeleted)
	if d := as[protocol.Deleted](t, m); d.Reason != "lost" || m.Rev != nil {
		t.Errorf("deleted %+v, rev %v", d, m.Rev)
	}
	h.change(roomA, joined(guest), nil) // and back: its page is still open
	a.expect(protocol.RoomSnapshot)

	h.rosters.reset("e2")
	h.rosters.caught()
	h.join(roomA, guest)
	a.expect(protocol.RoomSnapshot)
	h.clock.Forward(h.l.o.Limits.Forget) // roomB does not come again
	if d := as[protocol.Deleted](t, b.expect(protocol.RoomDeleted)); d.ChannelID != roomB || d.Reason != "lost" {
		t.Errorf("deleted %+v", d)
	}
	h.join(roomA, guest)
	a.expect(protocol.VoiceJoined)
	if got := h.l.Rooms(guildA); len(got) != 1 || got[0].Room.ID != roomA {
		t.Errorf("rooms %+v", got)
	}
}

func TestRetainedRoomIsNoNews(t *testing.T) {
	h := newHarness(t, setup{})
	c, _ := h.watch(owner, 0)
	h.rosters.reset("e2")
	h.rosters.with(func(f *follower) {
		f.Change(change{Key: key(roomA), Epoch: "e2", Rev: 1, Old: true, Value: &room.Live{N: 1,
			Room: room.Summary{ID: roomA, GuildID: guildA}, Event: &room.Event{Fact: room.Opened{}}}})
	})
	c.expect(protocol.RoomSnapshot)
}

func TestStandingChanges(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, func(l *room.Live) { l.Room.Access.Private, l.Room.Access.ManagersSee = true, true })
	h.open(roomB, nil)
	server, _ := h.watch(other, 0)
	server.expect(protocol.RoomSnapshot)

	h.crowd.set(other, access.Standing{Member: true, Manager: true, Base: access.Enter})
	h.l.Recheck(guildA, other)
	if s := as[protocol.Snapshot](t, server.expect(protocol.RoomSnapshot)); s.ChannelID != roomA {
		t.Errorf("gained sight of %d", s.ChannelID)
	}
	page, _ := h.watch(other, roomA)
	page.expect(protocol.RoomSnapshot)

	h.crowd.set(other, access.Standing{Member: true, Base: access.Enter})
	h.l.Recheck(guildA, other)
	server.expect(protocol.RoomHidden)
	page.expect(protocol.RoomHidden)

	// No answer: the old one counts, for a time.
	h.crowd.fail(errTest)
	before := h.crowd.asked()
	h.clock.Forward(h.l.o.Limits.RecheckEvery)
	testkit.Eventually(t, "another question", func() bool { return h.crowd.asked() > before })
	h.join(roomB, guest)
	server.expect(protocol.VoiceJoined)

	// Gone from the server: within RecheckEvery the connection ends.
	h.crowd.fail(nil)
	h.crowd.set(other, access.Standing{})
	h.clock.Forward(h.l.o.Limits.RecheckEvery)
	if f := server.expectClose(protocol.CloseForbidden); f == nil || f.Code != "FORBIDDEN" {
		t.Errorf("told %+v", f)
	}
	if f := page.expectClose(protocol.CloseForbidden); f == nil || f.Code != "ROOM_NOT_FOUND" {
		t.Errorf("told %+v", f)
	}
}

func TestUnansweredStandingEnds(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	c, _ := h.watch(owner, roomA)
	c.expect(protocol.RoomSnapshot)
	h.crowd.fail(errTest)
	h.clock.Forward(h.l.o.Limits.StandingFor + 1)
	c.expectClose(protocol.CloseTryLater)
}

func TestSeen(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, private)
	h.open(roomB, nil)
	a, _ := h.watch(owner, roomA)
	b, _ := h.watch(other, roomB) // not admitted there
	h.watch(owner, 0)             // no room's page
	want := map[snowflake.ID][]snowflake.ID{guildA: {roomA}}
	if got := h.l.Seen(); !reflect.DeepEqual(got, want) {
		t.Errorf("seen %v, want %v", got, want)
	}
	a.send(protocol.Visible{Visible: false}.Encode(h.clock.Now()))
	testkit.Eventually(t, "the page is hidden", func() bool { return len(h.l.Seen()) == 0 })
	a.send(protocol.Visible{Visible: true}.Encode(h.clock.Now()))
	testkit.Eventually(t, "the page is visible", func() bool { return len(h.l.Seen()) == 1 })
	h.change(roomB, room.Changed{}, func(l *room.Live) { l.Room.Access.Guests = []snowflake.ID{other} })
	if got := h.l.Seen(); len(got[guildA]) != 2 {
		t.Errorf("seen %v, want both", got)
	}
	a.ws.Close()
	b.ws.Close()
	testkit.Eventually(t, "the pages are closed", func() bool { return len(h.l.Seen()) == 0 })
}

func TestTable(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomB, nil)
	h.clock.Forward(1e9)
	h.open(roomA, private)
	h.rosters.put("nonsense", &room.Live{})
	h.rosters.put(key(roomB), &room.Live{Room: room.Summary{ID: roomA, GuildID: guildA}})
	got := h.l.Rooms(guildA)
	if len(got) != 2 || got[0].Room.ID != roomB || got[1].Room.ID != roomA || !h.l.Caught() {
		t.Fatalf("rooms %+v", got)
	}
	h.join(roomA, guest)
	v, epoch, ok := h.l.Room(guildA, roomA)
	if !ok || epoch != "e1" || v.N != 2 {
		t.Errorf("room %+v, %q, %v", v, epoch, ok)
	}
	if _, _, ok := h.l.Room(guildA, 99); ok || h.l.Rooms(99) != nil {
		t.Error("rooms that are not there")
	}
}
