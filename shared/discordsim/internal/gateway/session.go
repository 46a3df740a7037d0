package gateway

import (
	"slices"
	"sync"
	"time"

	"snug/shared/discordsim/internal/world"
)

// item is one dispatch in a session's log.
type item struct {
	seq   int64
	name  string
	guild world.ID
	user  world.ID
	data  []byte
	at    time.Time // when the session got it

	only *conn // RESUMED belongs to one connection's replay only
}

// session is one shard of one application. It outlives its connections: the log holds what was
// dispatched, so that a RESUME can replay it.
//
// app, shard, shards and the values from IDENTIFY never change. The log, its connection and the pending
// guilds are guarded by mu, which is locked last: nothing else is locked or called while holding it.
type session struct {
	id      string
	app     *world.Application
	shard   int
	shards  int
	version int
	intents world.Intents
	large   int
	limits  replayLimits

	mu       sync.Mutex
	seq      int64
	log      []item
	head     int // index of the oldest kept dispatch in log
	bytes    int
	conn     *conn
	pending  []world.ID // guilds whose GUILD_CREATE is pending
	detached time.Time
}

type replayLimits struct{ events, bytes int }

// takes reports whether a guild belongs to this session's shard.
func (s *session) takes(guild world.ID) bool {
	return int(uint64(guild)>>22%uint64(s.shards)) == s.shard
}

// append adds a dispatch to the log and wakes the connection.
func (s *session) append(it item) {
	s.mu.Lock()
	s.seq++
	it.seq = s.seq
	s.log = append(s.log, it)
	s.bytes += len(it.data)
	s.trim()
	c := s.conn
	s.mu.Unlock()
	if c != nil {
		c.poke()
	}
}

// kept returns the dispatches that can still be replayed. The caller holds mu.
func (s *session) kept() []item { return s.log[s.head:] }

// trim drops the oldest dispatches beyond the limits. They are removed from the slice only
// occasionally, so that the cost of a dispatch doesn't depend on the log's length. The caller holds mu.
func (s *session) trim() {
	for len(s.kept()) > s.limits.events || s.bytes > s.limits.bytes && len(s.kept()) > 1 {
		old := &s.log[s.head]
		if s.conn != nil && s.conn.cursor.Load() < old.seq {
			// The reader is too slow: it is losing dispatches.
			s.conn.overrun.Store(true)
		}
		s.bytes -= len(old.data)
		*old = item{}
		s.head++
	}
	if s.head > 64 && s.head > len(s.log)/2 {
		s.log = slices.Delete(s.log, 0, s.head)
		s.head = 0
	}
}

// after returns at most limit dispatches after a sequence number.
func (s *session) after(seq int64, limit int) []item {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.kept()
	if len(kept) == 0 {
		return nil
	}
	i := max(int(seq-kept[0].seq+1), 0)
	if i >= len(kept) {
		return nil
	}
	return slices.Clone(kept[i:min(i+limit, len(kept))])
}

// canReplay reports whether everything after seq is still in the log.
func (s *session) canReplay(seq int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.kept()
	return seq == s.seq || len(kept) > 0 && seq >= kept[0].seq-1
}

func (s *session) sequence() int64 { s.mu.Lock(); defer s.mu.Unlock(); return s.seq }

// attach makes c the session's connection and returns the previous one.
func (s *session) attach(c *conn) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.conn
	s.conn, s.detached = c, time.Time{}
	return old
}

// detach removes c from the session, if it is still its connection.
func (s *session) detach(c *conn, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == c {
		s.conn, s.detached = nil, now
	}
}

func (s *session) connection() *conn { s.mu.Lock(); defer s.mu.Unlock(); return s.conn }

func (s *session) expired(now time.Time, window time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn == nil && !s.detached.IsZero() && now.Sub(s.detached) > window
}

// awaits reports whether the guild's GUILD_CREATE is pending: until then its events are omitted,
// because GUILD_CREATE will contain the changes.
func (s *session) awaits(guild world.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.pending, guild)
}

// expect adds a guild to the pending ones.
func (s *session) expect(guild world.ID) {
	s.mu.Lock()
	if !slices.Contains(s.pending, guild) {
		s.pending = append(s.pending, guild)
	}
	c := s.conn
	s.mu.Unlock()
	if c != nil {
		c.poke()
	}
}

// forget removes a guild from the pending ones, and reports whether it was there.
func (s *session) forget(guild world.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.pending, guild)
	if i >= 0 {
		s.pending = slices.Delete(s.pending, i, i+1)
	}
	return i >= 0
}

// next returns the first pending guild that can be sent.
func (s *session) next(can func(world.ID) bool) (world.ID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.pending {
		if can(id) {
			return id, true
		}
	}
	return 0, false
}

// Session is a session's state, for those who watch.
type Session struct {
	ID        string        `json:"id"`
	Shard     [2]int        `json:"shard"`
	Connected bool          `json:"connected"`
	Sequence  int64         `json:"sequence"`
	Intents   world.Intents `json:"intents"`
}

// Sessions lists an application's sessions. It is called in a View or an Update.
func (s *Gateway) Sessions(app world.ID) []Session {
	list := []Session{}
	for _, sess := range s.shards[app] {
		list = append(list, Session{ID: sess.id, Shard: [2]int{sess.shard, sess.shards},
			Connected: sess.connection() != nil, Sequence: sess.sequence(), Intents: sess.intents})
	}
	return list
}
