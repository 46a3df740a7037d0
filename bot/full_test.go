package bot_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// The bucket of rooms is full: a room that cannot be stored leaves no channel,
// rooms that are there are changed and closed, and readiness tells the truth,
// also after a restart. With room again all goes on.
func TestFullStore(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.most = map[string]int64{"rooms": 128 << 10}
	h.whileDown(func() { h.dir = t.TempDir() }) // small from the start
	id := h.open("jonas", "Friday").Room.ID
	other := h.open("tomas", "Other").Room.ID
	var junk []string
	for i := 0; ; i++ {
		key := fmt.Sprintf("1.%d", i)
		_, err := h.hub.Rooms.Create(h.soon(), key, room.Room{ID: 1, GuildID: 1, Name: strings.Repeat("x", 1000)})
		if err != nil {
			if !errors.Is(err, hub.ErrFull) {
				t.Fatal(err)
			}
			break
		}
		junk = append(junk, key)
	}
	channels := len(h.channels())
	_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("kiyo"), Name: strings.Repeat("y", 90)})
	for i := 0; err == nil && i < 10; i++ { // the last bytes
		_, err = call(h, hub.OpenRoom,
			room.OpenRequest{Actor: h.actor([]string{"priya", "ada"}[i%2]), Name: strings.Repeat("y", 90)})
	}
	h.wantCode(err, errs.Unavailable)
	if n := len(h.channels()); n != channels+len(h.openRooms())-2 {
		t.Errorf("there are %d channels for %d rooms", n, len(h.openRooms()))
	}
	if list, err := h.hub.PendingCreates.List(h.soon(), h.Guild.String()); err != nil || len(list) != 0 {
		t.Errorf("intentions are left: %v, %v", list, err)
	}
	for range 2 {
		h.eventually("it is not ready", func() bool { return errors.Is(h.hub.Ready(h.soon()), hub.ErrFull) })
		h.whileDown(func() {})
	}
	h.changed("jonas", id, room.DoLock)
	_, err = call(h, hub.CloseRoom, h.request("jonas", id))
	h.Must(err)
	_, err = call(h, hub.CloseRoom, h.request("tomas", other))
	h.Must(err)
	for _, key := range junk {
		h.Must(h.hub.Rooms.Delete(h.soon(), key))
	}
	h.eventually("it is ready again", func() bool { return h.hub.Ready(h.soon()) == nil })
	h.open("jonas", "Saturday")
}

// openRooms lists the stored rooms of the server.
func (h *harness) openRooms() []hub.Entry[room.Room] {
	h.Helper()
	list, err := h.hub.Rooms.List(h.soon(), h.Guild.String())
	h.Must(err)
	return list
}
