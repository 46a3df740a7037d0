package live

import (
	"testing"
	"time"

	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/testkit"
)

// says tells the server that events are on the client's screen, and waits until that was heard.
func (c *client) says(words ...protocol.Rendered) {
	c.t.Helper()
	for _, s := range words {
		c.send(s.Encode(time.Now()))
	}
	// which is refused, in the order of what was sent
	c.send([]byte(`{"v":1,"type":"event","event":"page.loud","payload":{}}`))
	if m, err := c.next(); err != nil || m.Error == nil || m.Error.Field != "event" {
		c.t.Fatalf("got %+v, %v", m, err)
	}
}

// TestBrowserLatency: a browser's word counts, once in a while, of what it was sent.
func TestBrowserLatency(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	h.open(roomB, private)
	c, _ := h.watch(guest, roomA)
	c.expect(protocol.RoomSnapshot)
	d, _ := h.watch(other, roomA)
	d.expect(protocol.RoomSnapshot)

	h.join(roomA, owner) // 2
	m := c.expect(protocol.VoiceJoined)
	d.expect(protocol.VoiceJoined)
	h.clock.Forward(40 * time.Millisecond)
	counted := func(want int, why string) {
		t.Helper()
		if l := h.l.BrowserLatency(); l.Events != want {
			t.Errorf("%d are counted, want %d: %s", l.Events, want, why)
		}
	}
	c.says(
		protocol.Rendered{ChannelID: roomA, Rev: protocol.Rev{Epoch: m.Rev.Epoch, N: 3}}, // is still to come
		protocol.Rendered{ChannelID: roomA, Rev: protocol.Rev{Epoch: "e0", N: 2}},        // of another epoch
		protocol.Rendered{ChannelID: roomA, Rev: protocol.Rev{Epoch: m.Rev.Epoch, N: 1}}, // was before it came
		protocol.Rendered{ChannelID: roomB, Rev: protocol.Rev{Epoch: m.Rev.Epoch, N: 1}}, // of a room it does not see
		protocol.Rendered{ChannelID: 9, Rev: protocol.Rev{Epoch: m.Rev.Epoch, N: 2}},     // of none
		protocol.Rendered{ChannelID: roomA, Rev: protocol.Rev{Epoch: m.Rev.Epoch, N: 1<<64 - 1}},
	)
	counted(0, "what it was not sent")
	word := protocol.Rendered{ChannelID: roomA, Rev: *m.Rev}
	c.says(word)
	if l := h.l.BrowserLatency(); l.Events != 1 || l.P50 != 40*time.Millisecond || l.P95 != l.P50 {
		t.Fatalf("got %+v", l)
	}
	c.says(word)
	counted(1, "at once again")
	twin, _ := h.watch(guest, roomA)
	twin.expect(protocol.RoomSnapshot)
	twin.says(word)
	counted(1, "at once again by another page of the same person")
	d.says(word)
	counted(2, "by somebody else")
	c.ws.Close()
	twin.ws.Close()
	testkit.Eventually(t, "their connections are gone", func() bool { return h.l.Watchers() == 1 })
	c, _ = h.watch(guest, roomA)
	c.expect(protocol.RoomSnapshot)
	c.says(word)
	counted(2, "at once again on a new connection")

	h.clock.Forward(protocol.RenderedEvery)
	c.send(protocol.Visible{Visible: false}.Encode(time.Now()))
	c.says(word)
	counted(2, "by a page that nobody sees")
	c.send(protocol.Visible{Visible: true}.Encode(time.Now()))
	c.says(word)
	counted(3, "a while later")
	h.clock.Forward(2 * maxEventAge)
	c.says(word)
	counted(3, "of long ago")

	h.change(roomA, room.Changed{}, func(l *room.Live) { l.Room.Access.WatchKey = room.WatchKey("k") })
	s := h.spectate("k")
	s.welcomed()
	s.expect(protocol.RoomSnapshot)
	h.join(roomA, other)
	m = s.expect(protocol.VoiceJoined)
	s.says(protocol.Rendered{ChannelID: roomA, Rev: *m.Rev})
	counted(3, "by a spectator")
	h.clock.Forward(protocol.RenderedEvery)
	testkit.Eventually(t, "those who spoke are forgotten", func() bool {
		h.l.mu.Lock()
		defer h.l.mu.Unlock()
		return len(h.l.spoke) == 0
	})
}

func TestToldBounded(t *testing.T) {
	var r eventTimes
	begin := time.Unix(0, 1)
	for n := range uint64(3 * maxEventTimes) {
		r.add(n+7, begin.Add(time.Duration(n)))
	}
	last := uint64(3*maxEventTimes) + 6
	if at, ok := r.when(last); !ok || !at.Equal(begin.Add(time.Duration(last-7))) || len(r.at) > maxEventTimes {
		t.Errorf("the last: %v %v, of %d", at, ok, len(r.at))
	}
	if _, ok := r.when(7); ok {
		t.Error("the first is still known")
	}
	if at, ok := r.when(last - maxEventTimes/2); !ok || !at.Equal(begin.Add(time.Duration(last-maxEventTimes/2-7))) {
		t.Errorf("in between: %v %v", at, ok)
	}
	r.add(last+2, begin) // one is missing
	if _, ok := r.when(last); ok || len(r.at) != 1 {
		t.Errorf("after a gap %d are known", len(r.at))
	}
}
