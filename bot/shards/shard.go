package shards

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"sync"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/gateway"
	"snug/bot/shards/checkpoint"
	"snug/shared/room"
)

// Event is an event dispatched by the gateway.
type Event struct {
	Gateway dgateway.Gateway
	Type    dgateway.EventType
	Seq     int
	Data    dgateway.EventData
	Mark    room.Mark // the same if Discord repeats the event
}

// Shard is a connection to Discord's gateway and the checkpoint of its session. The connection's
// goroutine applies events while holding the shard's lock; the saver's goroutine holds it while it
// reads a guild, one at a time, so an event waits for one guild at most.
type Shard struct {
	all  *Shards
	id   int
	conn *gateway.Shard

	mu      sync.Mutex            // held while an event is applied and while a guild is read
	changed map[snowflake.ID]bool // guilds whose stored document is outdated
	guilds  map[snowflake.ID]bool // known guilds
	gone    map[snowflake.ID]bool // guilds whose stored document has to be deleted
	relist  bool                  // the stored list of guilds is outdated
	// stopSaving stops the save that's under way, if there is one.
	stopSaving context.CancelFunc

	session string // of the events' marks; only for the connection's goroutine, and before it begins

	// After a start from a checkpoint the bot gets the restored guilds once all missed events were
	// replayed; interactions among these wait for that too. Only for the connection's goroutine.
	replaying  bool
	delayed    []Event
	unfinished []checkpoint.Interaction // as the checkpoint has them

	saving sync.Mutex         // held while the checkpoint is saved; before mu
	last   gateway.Checkpoint // the session in the stored head; guarded by saving

	quit  context.CancelFunc // stops what start began
	ended chan struct{}      // closed when that has ended, or wasn't started
}

func newShard(all *Shards, id int) *Shard {
	ended := make(chan struct{})
	close(ended)
	return &Shard{
		all: all, id: id, quit: func() {}, ended: ended, stopSaving: func() {},
		changed: map[snowflake.ID]bool{}, guilds: map[snowflake.ID]bool{}, gone: map[snowflake.ID]bool{},
	}
}

// sessionMark returns the Session of the marks of a session's events. The session's id itself is a secret.
func sessionMark(id string) string {
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("mark " + id))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// ID returns the shard's number, from 0.
func (s *Shard) ID() int { return s.id }

// Owns reports whether a guild belongs to the shard.
func (s *Shard) Owns(guild snowflake.ID) bool { return Of(guild, s.conn.ShardCount()) == s.id }

// Send sends over the shard's connection. It fails if there is no connection.
func (s *Shard) Send(ctx context.Context, op dgateway.Opcode, data dgateway.MessageData) error {
	return s.conn.Send(ctx, op, data)
}

// Guilds lists the guilds that Discord has sent. It must not be called from Options.Event.
func (s *Shard) Guilds() []snowflake.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return keysOf(s.guilds)
}

// Replaying reports whether missed events are being replayed. Only for Options.Event.
func (s *Shard) Replaying() bool { return s.replaying }

// dispatch applies an event: it records what has to be saved, then passes the event to the bot.
func (s *Shard) dispatch(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.markChanged(e.Data)
	if ready, ok := e.Data.(dgateway.EventReady); ok {
		s.session = sessionMark(ready.SessionID)
	}
	e.Mark = room.Mark{Session: s.session, Seq: e.Seq}
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

// caughtUp ends a start from a checkpoint. If the session was resumed, everything missed was
// replayed, and the bot compares the restored guilds as after a GUILD_CREATE. Otherwise the session
// is new and Discord sends every guild.
func (s *Shard) caughtUp(resumed bool) {
	if !s.replaying {
		return
	}
	s.replaying = false
	delayed, unfinished := s.delayed, s.unfinished
	s.delayed, s.unfinished = nil, nil
	if resumed {
		s.all.o.Restoring(keysOf(s.guilds))
		for id := range s.guilds {
			if g, ok := s.read(id); ok {
				s.all.o.Restored(g.Guild, g.Channels)
			}
		}
	}
	s.all.o.Interrupted(unfinished)
	s.passOn(delayed)
}

// ForgetUnlisted removes guilds that a new READY no longer lists, and returns them: the bot was
// removed from them while it was disconnected. Only for Options.Event.
func (s *Shard) ForgetUnlisted(e dgateway.EventReady) (removed []snowflake.ID) {
	if e.Guilds == nil { // the list couldn't be decoded; an empty one isn't nil
		return nil
	}
	known := map[snowflake.ID]bool{}
	for _, id := range s.all.o.KnownGuilds() {
		if s.Owns(id) {
			known[id] = true
		}
	}
	for id := range s.guilds { // the bot doesn't know restored guilds yet
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

// uncache removes a guild from disgo's caches.
func (s *Shard) uncache(id snowflake.ID) {
	caches := s.all.o.Client.Caches
	caches.RemoveGuild(id)
	caches.RemoveChannelsByGuildID(id)
	caches.RemoveRolesByGuildID(id)
}

// known lists the shard's guilds that this process knows anything about.
func (s *Shard) known() []snowflake.ID {
	s.mu.Lock()
	known := make(map[snowflake.ID]bool, len(s.guilds))
	for id := range s.guilds {
		known[id] = true
	}
	s.mu.Unlock()
	for _, g := range s.all.o.KnownGuilds() {
		if s.Owns(g) {
			known[g] = true
		}
	}
	return keysOf(known)
}
