package live

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"snug/shared/hub"
	"snug/shared/protocol"
)

// beats reads heartbeats until one says so, and gives how old Discord's last word is in it.
func (c *client) beats(discord string) time.Duration {
	c.t.Helper()
	for {
		m := c.expect(protocol.Beat)
		if m.Rev != nil {
			c.t.Fatalf("a heartbeat has the revision %+v", m.Rev)
		}
		if p := as[protocol.Heartbeat](c.t, m); p.Discord == discord {
			return time.Duration(m.TS-p.HeardAt) * time.Millisecond
		}
	}
}

// TestHeartbeat: all watchers of a shard are told whether Discord is heard on it, at once when that changes,
// and when they come.
func TestHeartbeat(t *testing.T) {
	h := newHarness(t, setup{options: func(o *Options) {
		o.Hears, o.Limits.BeatEvery, o.Limits.DeafAfter = true, 50*time.Millisecond, 400*time.Millisecond
	}})
	h.open(roomA, nil)
	page, _ := h.watch(owner, roomA)
	page.expect(protocol.RoomSnapshot)
	hear := func(ok bool, age time.Duration) {
		h.l.Heard(hub.ShardReport{Shard: 0, Shards: 1, OK: ok, At: time.Now().Add(-age)})
	}

	hear(true, 0)
	if age := page.beats("ok"); age > time.Second {
		t.Errorf("Discord is heard, %v ago", age)
	}
	hear(false, 12*time.Second)
	if age := page.beats("unheard"); age < 12*time.Second || age > 15*time.Second {
		t.Errorf("Discord was heard %v ago, want 12 s", age)
	}
	late, _ := h.watch(guest, roomA)
	if m := late.expect(protocol.Beat); as[protocol.Heartbeat](t, m).Discord != "unheard" {
		t.Errorf("who comes is told %s", m.Payload)
	}
	late.expect(protocol.RoomSnapshot)
	hear(true, 0)
	page.beats("ok")
	late.beats("ok")
	page.beats("unheard") // its holder says nothing any more
	late.beats("unheard")
	h.l.Heard(hub.ShardReport{Shard: int(uint64(guildA) >> 22 % 2), Shards: 2, OK: true, At: time.Now()})
	page.beats("ok")
}

// TestHeartbeatIsEncodedOnce: however many watch.
func TestHeartbeatIsEncodedOnce(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	var all []*client
	for range 40 {
		c, _ := h.watch(owner, roomA)
		c.expect(protocol.RoomSnapshot)
		all = append(all, c)
	}
	h.l.beatTo(func(*watcher) bool { return true }, nil, false)
	for _, c := range all {
		c.beats("ok")
	}
	if n := counted(t, h.l.metrics.beats); n != 1 {
		t.Errorf("it was encoded %v times", n)
	}
}

func counted(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}
