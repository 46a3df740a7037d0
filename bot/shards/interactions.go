package shards

import (
	"sync"
	"time"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
)

// answerable is how long Discord waits for the initial response to an interaction.
// https://discord.com/developers/docs/interactions/receiving-and-responding#responding-to-an-interaction
const answerable = 3 * time.Second

// maxSeen is how many interactions are remembered.
const maxSeen = 4096

// seenInteractions remembers the most recent interactions. Safe for concurrent use.
type seenInteractions struct {
	mu    sync.Mutex
	ids   map[snowflake.ID]bool
	order []snowflake.ID // a ring
	next  int
}

func newSeenInteractions() *seenInteractions {
	return &seenInteractions{ids: map[snowflake.ID]bool{}}
}

// add reports whether an interaction is new.
func (s *seenInteractions) add(id snowflake.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[id] {
		return false
	}
	s.ids[id] = true
	if len(s.order) < maxSeen {
		s.order = append(s.order, id)
		return true
	}
	delete(s.ids, s.order[s.next])
	s.order[s.next] = id
	s.next = (s.next + 1) % maxSeen
	return true
}

// interaction passes an interaction on once. An earlier process may have handled it, in which case
// Discord refuses a second response; this process remembers the ones it saw. Missed interactions
// wait until the guilds are restored.
func (s *Shard) interaction(e Event, i dgateway.EventInteractionCreate) {
	switch {
	case s.replaying:
		s.delayed = append(s.delayed, e)
	case s.all.seen.add(i.Interaction.ID()):
		s.all.o.Event(s, e)
	default:
		s.all.metrics.repeated()
	}
}

// passOn passes on missed interactions. Discord no longer accepts a first response to some; if an earlier process has
// acknowledged one of those, it can still be answered.
func (s *Shard) passOn(delayed []Event) {
	for _, e := range delayed {
		i := e.Data.(dgateway.EventInteractionCreate)
		if age := s.all.o.Now().Sub(i.Interaction.ID().Time()); age >= answerable {
			s.all.o.Log.Info("did not carry out an interaction that was repeated too late", "shard", s.id, "age", age)
			s.all.metrics.late()
			if s.all.seen.add(i.Interaction.ID()) {
				s.all.o.Late(i.Interaction)
			}
			continue
		}
		s.interaction(e, i)
	}
}
