package live

import (
	"testing"
	"time"

	"snug/shared/protocol"
	"snug/shared/room"
)

func (h *harness) spectate(token string) *client {
	h.t.Helper()
	c := h.dial()
	c.auth(h.ticket(Ticket{GuildID: guildA, RoomID: roomA, WatchKey: room.WatchKey(token)}))
	return c
}

// TestSpectators: a watch link shows one room to who is not signed in, until its key is another one.
func TestSpectators(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, func(l *room.Live) {
		l.Room.Access.Private, l.Room.Access.WatchKey = true, room.WatchKey("first")
	})
	c := h.spectate("first")
	if hello := c.welcomed(); hello.UserID != 0 || len(hello.Rooms) != 1 {
		t.Errorf("auth.ok says %+v", hello)
	}
	c.expect(protocol.RoomSnapshot)
	h.join(roomA, guest)
	c.expect(protocol.VoiceJoined)
	h.l.HistoryUpdated(guildA, roomA) // history is not for spectators
	if h.crowd.asked() != 0 {
		t.Error("Discord was asked about nobody")
	}
	if fault := h.spectate("second").expectClose(protocol.CloseForbidden); fault == nil ||
		fault.Code != "ROOM_NOT_FOUND" {
		t.Errorf("another key was told %+v", fault)
	}
	h.change(roomA, room.Changed{}, func(l *room.Live) { l.Room.Access.WatchKey = room.WatchKey("second") })
	c.expect(protocol.RoomHidden)
	h.join(roomA, owner) // nothing of it comes
	h.change(roomA, room.Changed{}, func(l *room.Live) { l.Room.Access.WatchKey = room.WatchKey("first") })
	c.expect(protocol.RoomSnapshot)
	h.change(roomA, room.Changed{}, func(l *room.Live) { l.Room.Access.WatchKey = "" })
	c.expect(protocol.RoomHidden)
	for _, bad := range []Ticket{
		{GuildID: guildA, WatchKey: "k"}, {GuildID: guildA, RoomID: roomA}, {RoomID: roomA, WatchKey: "k"},
		{GuildID: guildA, RoomID: roomA, WatchKey: "k", UserID: 1, SessionExpires: time.Now().Add(time.Hour)},
	} {
		if _, err := h.l.Token(bad); err == nil {
			t.Errorf("a token for %+v", bad)
		}
	}
}

// TestHistoryUpdated: only the pages of the room get an event when its history has something new.
func TestHistoryUpdated(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	h.open(roomB, nil)
	page, _ := h.watch(owner, roomA)
	page.expect(protocol.RoomSnapshot)
	server, _ := h.watch(owner, 0)
	server.expect(protocol.RoomSnapshot)
	server.expect(protocol.RoomSnapshot)
	h.l.HistoryUpdated(guildA, roomB)
	h.l.HistoryUpdated(guildA, roomA)
	h.l.HistoryUpdated(guildA, 99)
	h.l.HistoryUpdated(99, roomA)
	m := page.expect(protocol.RoomHistoryUpdated)
	if n := as[protocol.HistoryUpdated](t, m); n.ChannelID != roomA || m.Rev != nil {
		t.Errorf("noted %+v, rev %+v", n, m.Rev)
	}
	h.join(roomA, guest)
	page.expect(protocol.VoiceJoined)
	server.expect(protocol.VoiceJoined)
}
