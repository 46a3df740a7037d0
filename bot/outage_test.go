package bot_test

import (
	"context"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/hub/hubtest"
	"snug/shared/room"
)

// The hub's server goes away and comes back without its memory: people come
// and go meanwhile, and followers end up with the truth, servers included.
func TestHubForgetsItsMemory(t *testing.T) {
	server := hubtest.Start(t)
	h := newHarnessOn(t, server.URL())
	h.settings(`{"private":false}`)
	r, quiet := h.open("jonas", "Friday"), h.open("priya", "Quiet")
	h.Must(h.Join("jonas", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas")
	for range 2 {
		server.Down()
		h.Must(h.Join("kiyo", r.Room.ID))
		h.Leave("jonas")
		server.Up()
		h.awaitRoster(r.Room.ID, "kiyo")
		h.await("the other room is back",
			func(l map[snowflake.ID]room.Live) bool { return l[quiet.Room.ID].Room.Name == "Quiet" })
		h.eventually("the server is ready", func() bool {
			info, _, err := h.hub.Guilds.Get(context.Background(), h.Guild.String())
			return err == nil && info.Ready && info.Name != ""
		})
		if _, err := call(h, hub.ViewRoom, h.request("jonas", r.Room.ID)); err != nil {
			t.Errorf("requests are not answered: %v", err)
		}
		h.Must(h.Join("jonas", r.Room.ID))
		h.Leave("kiyo")
		h.awaitRoster(r.Room.ID, "jonas")
	}
}
