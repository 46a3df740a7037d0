package lease

import (
	"testing"
	"time"

	"snug/shared/hub"
)

// TestSpreadAfterGivingUp looks for a shard to give when this process has given one up, and the hub hasn't told it yet:
// the lease that it knows of is still its own.
func TestSpreadAfterGivingUp(t *testing.T) {
	const shards = 3
	k := New(Options{Shards: shards, Term: time.Second})
	given := false
	for shard := range 2 {
		k.held[shard] = &holding{until: time.Now().Add(time.Hour), end: func(error) { given = true }}
	}
	for shard := range shards {
		k.leases[k.key(shard)] = entry{Lease: k.mine(uint64(shard))}
	}
	k.leases[attending+"other"] = entry{
		Lease: hub.Lease{Holder: "other", Shards: shards, Process: &hub.Process{Bot: true}}, since: time.Hour,
	}
	k.writable = time.Hour
	k.spread()
	if given {
		t.Error("it gave a second shard before anybody could take the first")
	}
	e := k.leases[k.key(2)]
	e.Holder = "other"
	k.leases[k.key(2)] = e
	k.spread()
	if given {
		t.Error("it gave a shard though the other one has as many as it would have")
	}
}
