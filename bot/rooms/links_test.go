package rooms_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"snug/shared/keyring"
	"snug/shared/room"
)

// TestLinksOfReplacedKeys: after the session secret was replaced, links can't be shown again. Pages get the room all
// the same, and the log has one line for each room, however often it's looked at.
func TestLinksOfReplacedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open()
	w.link(1)
	w.link(2)
	var log bytes.Buffer
	w.log = slog.New(slog.NewTextHandler(&log, nil))
	keys, err := keyring.New([]byte(strings.Repeat("n", 32)))
	w.must(err)
	w.keys = keys
	w.restart()
	for range 3 {
		v, err := w.bot.View(w.Context(), w.guild, room.Request{Actor: actor(mara), RoomID: w.room})
		w.must(err)
		for _, l := range v.Invites {
			if l.Code != "" || l.Invite.ID == "" {
				t.Errorf("a link of keys that are gone: %+v", l)
			}
		}
		if len(v.Invites) < 2 {
			t.Fatalf("%d invites", len(v.Invites))
		}
	}
	w.bot.Stop(t)
	if n := strings.Count(log.String(), "can't be shown again"); n != 1 {
		t.Errorf("%d lines about it: %s", n, &log)
	}
}
