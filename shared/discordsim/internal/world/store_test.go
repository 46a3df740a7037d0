package world

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

func (r *recorder) Dispatch(e *Event) {
	if c, ok := e.Per(Receiver{App: e.Guild.Bots[0], Intents: ^Intents(0)}).(WireChannel); ok {
		r.channels = append(r.channels, c.ID)
	}
}

// TestOrder lets many people make channels at the same time: the sink gets each once, in the order of their ids, which
// is the one in which they were made. An unavailable guild has no events.
func TestOrder(t *testing.T) {
	limits := DiscordLimits()
	w := New(Options{Seed: 1, Founded: time.Now(), Now: time.Now, Limits: &limits,
		Files: func() string { return "" }})
	var g *Guild
	w.Update(func(s *State) {
		g = s.NewGuild("Friends")
		s.InstallBot(g, s.NewApplication("Bot", 0, ""), AllPermissions)
	})
	var r recorder
	w.Tell(&r, nobody{}, nobody{})
	make10 := func() {
		for range 10 {
			w.Update(func(s *State) { s.ChannelEvent("CHANNEL_CREATE", s.NewChannel(g, ChannelText, "den")) })
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
	w.Update(func(s *State) { s.SetUnavailable(g, true) })
	make10()
	w.View(func(s *State) {
		if len(r.channels) != 80 || len(s.Channels) != 90 {
			t.Errorf("%d events about %d channels, want 80 about 90", len(r.channels), len(s.Channels))
		}
	})
}
