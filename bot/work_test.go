package bot_test

import (
	"os"
	"runtime"
	"sync"
	"testing"

	"snug/bot/discordapi"
	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/testkit"
)

// work is what loading many servers took.
type work struct {
	ops     map[string]int // of the hub
	mallocs uint64
	saved   float64 // servers that one change put into the checkpoint
}

// TestWorkFollowsTheServers loads few servers and four times as many: each takes the same work, nothing is done for
// each pair of them, and a checkpoint has what changed. With SNUG_SOAK=1 it loads 500 and 5,000.
func TestWorkFollowsTheServers(t *testing.T) {
	few, many := 25, 100
	if os.Getenv("SNUG_SOAK") != "" {
		few, many = 500, 5000
	}
	a, b := workFor(t, few), workFor(t, many)
	t.Logf("%d servers: %+v", few, a)
	t.Logf("%d servers: %+v", many, b)
	for op, n := range b.ops {
		per := float64(n-a.ops[op]) / float64(many-few)
		if op == "consume" && n > a.ops[op] {
			t.Errorf("%d servers made %d consumers, %d servers %d", few, a.ops[op], many, n)
		}
		if per > 4 { // two announcements, and two writes of the checkpoint while it goes on
			t.Errorf("each server more takes %.1f × %s", per, op)
		}
	}
	perFew, perMany := float64(a.mallocs)/float64(few), float64(b.mallocs)/float64(many)
	if perMany > 1.3*perFew {
		t.Errorf("a server takes %.0f allocations of %d, and %.0f of %d", perFew, few, perMany, many)
	}
	for n, w := range map[int]work{few: a, many: b} {
		if w.saved != 1 {
			t.Errorf("of %d servers one changed, and the checkpoint took %v", n, w.saved)
		}
	}
}

func workFor(t *testing.T, guilds int) work {
	t.Helper()
	log, w := &testkit.Log{}, work{ops: map[string]int{}}
	var mu sync.Mutex
	h := newHarnessWith(t, func(h *harness) {
		h.observe = func(o hub.Observation) {
			mu.Lock()
			defer mu.Unlock()
			w.ops[o.Op]++
		}
	}, nil, func(l *discordsim.Limits) { l.GuildsPerShard, l.Recommended = guilds+2, guilds+2 })
	h.shut()
	list, err := h.Discord.Populate(h.App.ID, discordsim.Size{Guilds: guilds, Channels: 50, Members: 20},
		discordsim.Permissions(discordapi.Permissions))
	h.Must(err)
	h.dir, h.lines = t.TempDir(), log // no checkpoint: every server comes as a Guild Create
	mu.Lock()
	clear(w.ops)
	mu.Unlock()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h.start()
	h.eventually("all servers are loaded", func() bool { return log.Line("all servers are loaded") != "" })
	runtime.ReadMemStats(&after)
	w.mallocs = after.Mallocs - before.Mallocs

	saved := func() float64 { return h.counted("snug_checkpoint_guilds_total") }
	all := float64(guilds + 1) // with the harness's own
	h.eventually("each server is in the checkpoint", func() bool { return saved() >= all })
	_, err = h.Discord.AddChannel(list[0].ID,
		discordsim.ChannelOptions{Name: "One more", Type: discordsim.ChannelVoice})
	h.Must(err)
	h.eventually("the change is in it", func() bool { return saved() > all })
	w.saved = saved() - all
	h.shut()
	mu.Lock()
	defer mu.Unlock()
	return w
}
