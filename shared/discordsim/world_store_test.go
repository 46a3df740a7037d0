package discordsim

import (
	"sync"
	"testing"
	"time"
)

// recorder is a sink without a lock of its own: the race detector finds it used by two at a time.
type recorder struct {
	nobody
	channels []ID
}

func (r *recorder) Dispatch(e *event) {
	if c, ok := e.per(receiver{app: e.guild.bots[0], intents: ^Intents(0)}).(wireChannel); ok {
		r.channels = append(r.channels, c.ID)
	}
}

// TestOrder lets many people make channels at the same time: the sink gets each once, in the order of their ids, which
// is the one in which they were made. An unavailable guild has no events.
func TestOrder(t *testing.T) {
	limits := DiscordLimits()
	w := newWorld(WorldOptions{Seed: 1, Founded: time.Now(), Now: time.Now, Limits: &limits,
		Files: func() string { return "" }})
	var g *guild
	w.Update(func(s *state) {
		g = s.newGuild("Friends")
		s.installBot(g, s.newApplication("Bot", 0), AllPermissions)
	})
	var r recorder
	w.Tell(&r, nobody{})
	make10 := func() {
		for range 10 {
			w.Update(func(s *state) { s.channelEvent("CHANNEL_CREATE", s.newChannel(g, ChannelText, "den")) })
		}
	}
	var makers sync.WaitGroup
	for range 8 {
		makers.Go(make10)
	}
	makers.Wait()
	for i, id := range r.channels {
		if i > 0 && id <= r.channels[i-1] {
			t.Fatalf("event %d is about %s, after %s", i, id, r.channels[i-1])
		}
	}
	w.Update(func(s *state) { s.setUnavailable(g, true) })
	make10()
	w.View(func(s *state) {
		if len(r.channels) != 80 || len(s.channels) != 90 {
			t.Errorf("%d events about %d channels, want 80 about 90", len(r.channels), len(s.channels))
		}
	})
}
