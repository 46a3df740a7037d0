package discordsim_test

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// TestLargeWorld makes 5,000 guilds of 50 channels and 20 members and lets a
// bot have them all.
func TestLargeWorld(t *testing.T) {
	size := discordsim.Size{Guilds: 5000, Channels: 50, Members: 20}
	if raceEnabled {
		size.Guilds /= 10 // the race detector multiplies memory and time
	}
	limits := discordsim.NoRateLimits()
	limits.GuildsPerShard = size.Guilds + 1
	w := start(t, func(o *discordsim.Options) { o.Limits = &limits })
	from := time.Now()
	guilds, err := w.Populate(w.Application.ID, size, discordsim.SnugPermissions)
	if err != nil {
		t.Fatal(err)
	}
	made := time.Since(from)
	from = time.Now()
	c := w.dial("?v=10&encoding=json&compress=")
	c.hello()
	if r := c.identify(w.Application.BotToken, map[string]any{"intents": 1 | 1<<7}); len(r.Guilds) != size.Guilds+1 {
		t.Errorf("%d guilds in READY", len(r.Guilds))
	}
	for range guilds {
		for {
			_, raw, err := c.ws.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			if len(raw) > 20 && string(raw[:20]) == `{"t":"GUILD_CREATE",` {
				break
			}
		}
	}
	ready := time.Since(from)
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("made in %v, all guilds sent in %v, heap %d MB, from the system %d MB", made.Round(time.Millisecond),
		ready.Round(time.Millisecond), m.HeapAlloc>>20, m.Sys>>20)
	if m.Sys > 1<<30 {
		t.Errorf("%d MB from the system, want less than 1 GiB", m.Sys>>20)
	}
	if made+ready > 30*time.Second {
		t.Errorf("ready after %v, want seconds", made+ready)
	}
}
