package shards

import (
	"testing"

	"github.com/disgoorg/snowflake/v2"
)

// Each interaction is new once, among the last that came.
func TestSeenInteractions(t *testing.T) {
	s := newSeenInteractions()
	for id := snowflake.ID(1); id <= 2*maxSeen; id++ {
		if !s.add(id) {
			t.Fatalf("interaction %d was seen before it came", id)
		}
		if s.add(id) {
			t.Fatalf("interaction %d came twice and was new both times", id)
		}
	}
	if s.add(maxSeen + 1) {
		t.Errorf("of the last %d the first is forgotten", maxSeen)
	}
	if len(s.ids) != maxSeen || len(s.order) != maxSeen {
		t.Errorf("%d are remembered, %d in order", len(s.ids), len(s.order))
	}
	if !s.add(1) {
		t.Error("what came long ago is remembered")
	}
}

// https://discord.com/developers/docs/events/gateway#sharding
func TestOf(t *testing.T) {
	for name, tt := range map[string]struct {
		guild  snowflake.ID
		shards int
		want   int
	}{
		"one shard has all":           {1 << 40, 1, 0},
		"by the id without 22 bits":   {5 << 22, 4, 1},
		"the lowest bits say nothing": {5<<22 + 1<<22 - 1, 4, 1},
		"an id of Discord's":          {197038439483310086, 16, 2},
	} {
		if got := Of(tt.guild, tt.shards); got != tt.want {
			t.Errorf("%s: shard %d, want %d", name, got, tt.want)
		}
	}
}
