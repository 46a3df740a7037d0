package bot_test

import (
	"testing"
	"time"

	"snug/shared/discordsim"
	"snug/shared/hub"
)

// TestDiscordIsHeard: dashboards are told when Discord is not heard any more, since when, and when it is again.
func TestDiscordIsHeard(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	news := make(chan hub.ShardReport, 64)
	stop, err := hub.ShardReports.Listen(t.Context(), h.hub, func(n hub.ShardReport) { news <- n })
	h.Must(err)
	defer stop()
	told := func(ok bool) hub.ShardReport {
		t.Helper()
		for late := time.After(patience); ; {
			select {
			case n := <-news:
				if n.OK == ok {
					return n
				}
			case <-late:
				t.Fatalf("nobody was told that Discord is heard: %v", ok)
			}
		}
	}
	if n := told(true); n.Shard != 0 || n.Shards != 1 || time.Since(n.At) > patience {
		t.Errorf("told %+v", n)
	}
	f, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultNoHello})
	h.Must(err)
	lost := time.Now()
	_, err = h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultDrop})
	h.Must(err)
	if n := told(false); time.Since(lost) < lostAtLeast || time.Since(n.At) < lostAtLeast {
		t.Errorf("told after %v that it was heard last %v ago", time.Since(lost), time.Since(n.At))
	}
	h.Discord.ClearFaults(f.ID)
	told(true)
}

const lostAtLeast = 4 * time.Second // of the five after which a lost connection counts
