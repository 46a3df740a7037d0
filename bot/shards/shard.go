package shards

import (
	"context"
	"sync"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/gateway"
)

// Event is an event as the gateway dispatches it.
type Event struct {
	Gateway dgateway.Gateway
	Type    dgateway.EventType
	Seq     int
	Data    dgateway.EventData
}

// Shard is a connection to Discord's gateway, and the checkpoint of its
// session. The connection's goroutine applies events under the shard's lock;
// the saver's goroutine reads guilds under it, one after the other, so that an
// event waits for one guild at most.
type Shard struct {
	all  *Shards
	id   int
	conn *gateway.Shard

	mu      sync.Mutex            // held while an event is applied, and while a guild is read
	changed map[snowflake.ID]bool // guilds whose stored document is behind
	guilds  map[snowflake.ID]bool // guilds that are known
	gone    map[snowflake.ID]bool // guilds whose stored document is to be removed
	relist  bool                  // the stored list of guilds is behind

	// After a start from a checkpoint the bot gets the restored guilds once the
	// events missed are repeated; interactions among them wait for that too. Of
	// the connection's goroutine alone.
	replaying bool
	delayed   []Event

	last gateway.Checkpoint // what the stored head says; of the saver's goroutine alone

	quit  context.CancelFunc // ends what runs beside the connection
	ended chan struct{}      // closed when that has ended, or never began
}

func newShard(all *Shards, id int) *Shard {
	ended := make(chan struct{})
	close(ended)
	return &Shard{
		all: all, id: id, quit: func() {}, ended: ended,
		changed: map[snowflake.ID]bool{}, guilds: map[snowflake.ID]bool{}, gone: map[snowflake.ID]bool{},
	}
}

// ID returns the shard's number, from 0.
func (s *Shard) ID() int { return s.id }

// Owns reports whether a guild is the shard's.
func (s *Shard) Owns(guild snowflake.ID) bool { return Of(guild, s.conn.ShardCount()) == s.id }

// Send sends over the shard's connection. It fails when that is not there.
func (s *Shard) Send(ctx context.Context, op dgateway.Opcode, data dgateway.MessageData) error {
	return s.conn.Send(ctx, op, data)
}

// Guilds lists the guilds that Discord has told of. It must not be called from Options.Event.
func (s *Shard) Guilds() []snowflake.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return keysOf(s.guilds)
}

// Replaying reports whether what was missed is being repeated. It is for Options.Event alone.
func (s *Shard) Replaying() bool { return s.replaying }

// dispatch applies an event: what has to be saved is noted, then the bot gets it.
func (s *Shard) dispatch(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched(e.Data)
	if i, ok := e.Data.(dgateway.EventInteractionCreate); ok {
		s.interaction(e, i)
		return
	}
	s.all.o.Event(s, e)
	switch e.Data.(type) {
	case dgateway.EventReady, dgateway.EventResumed:
		s.caughtUp(e.Type == dgateway.EventTypeResumed)
	}
}

// caughtUp follows a start: with resumed, everything missed has been repeated,
// and what was restored is compared as after a GUILD_CREATE. Otherwise the
// session was a new one and Discord describes each guild.
func (s *Shard) caughtUp(resumed bool) {
	if !s.replaying {
		return
	}
	s.replaying = false
	delayed := s.delayed
	s.delayed = nil
	if resumed {
		for id := range s.guilds {
			if g, ok := s.read(id); ok {
				s.all.o.Restored(g.Guild, g.Channels)
			}
		}
	}
	s.passOn(delayed)
}

// ForgetUnlisted lets go of guilds that a fresh READY no longer lists, and
// gives them: the bot was removed while it was away. It is for Options.Event alone.
func (s *Shard) ForgetUnlisted(e dgateway.EventReady) (removed []snowflake.ID) {
	if e.Guilds == nil { // the list could not be read; one that is empty is not nil
		return nil
	}
	known := map[snowflake.ID]bool{}
	for _, id := range s.all.o.Known() {
		if s.Owns(id) {
			known[id] = true
		}
	}
	for id := range s.guilds { // what was restored is not known to the bot yet
		known[id] = true
	}
	for _, g := range e.Guilds {
		delete(known, g.ID)
	}
	removed = keysOf(known)
	for _, id := range removed {
		s.uncache(id)
		s.drop(id)
	}
	return removed
}

// uncache has disgo's caches forget a guild.
func (s *Shard) uncache(id snowflake.ID) {
	caches := s.all.o.Client.Caches
	caches.RemoveGuild(id)
	caches.RemoveChannelsByGuildID(id)
	caches.RemoveRolesByGuildID(id)
}

// known lists the guilds of the shard that this process knows anything of.
func (s *Shard) known() []snowflake.ID {
	s.mu.Lock()
	known := make(map[snowflake.ID]bool, len(s.guilds))
	for id := range s.guilds {
		known[id] = true
	}
	s.mu.Unlock()
	for _, g := range s.all.o.Known() {
		if s.Owns(g) {
			known[g] = true
		}
	}
	return keysOf(known)
}
