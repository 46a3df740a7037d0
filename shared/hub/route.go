package hub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// routes tracks which process holds each shard, so that a call only goes to the current holder: its
// subject contains the holder's term. A process that hung or was disconnected and lost its shard
// gets no calls.
type routes struct {
	caught chan struct{}

	mu     sync.Mutex
	once   sync.Once
	shards int    // total number of shards; 0 if processes do not share them
	top    uint64 // the highest term known
	held   map[int]*tenure
	heard  map[int]time.Time // when this process last saw each shard's holder renew its lease
	news   chan struct{}     // closed at the next change
}

// tenure is the time during which one process holds a shard.
type tenure struct {
	term  uint64
	since time.Time
	free  bool            // nobody holds the shard
	over  context.Context // ends when another tenure has begun
	end   context.CancelCauseFunc
}

const (
	settleTime = 1500 * time.Millisecond // how long a call waits for a shard that is changing hands
	freshTime  = 5 * time.Second         // a shard that is free for longer is not changing hands
)

var errMoved = errors.New("hub: another process holds the guild now")

func newRoutes() *routes {
	return &routes{
		caught: make(chan struct{}), held: map[int]*tenure{}, heard: map[int]time.Time{}, news: make(chan struct{}),
	}
}

// route starts following the leases.
func (h *Hub) route() error {
	_, err := h.Leases.Follow(h.ctx, Follower[Lease]{
		Reset: func(string) {
			h.routes.reset()
			h.dashboards.reset(time.Now())
		},
		Change: func(c Change[Lease]) {
			h.dashboards.learn(c.Key, c.Value, time.Now())
			if c.Value != nil {
				h.routes.learn(c.Key, *c.Value)
			}
		},
		Caught: func() { h.routes.once.Do(func() { close(h.routes.caught) }) },
	})
	return err
}

func (r *routes) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clear(r.shards)
}

// clear forgets everything, before the bot has another number of shards. The caller holds mu.
func (r *routes) clear(shards int) {
	for _, t := range r.held {
		t.end(errMoved)
	}
	clear(r.held)
	clear(r.heard)
	r.shards, r.top = shards, 0
}

// learn records a lease, unless a later one is known. It ignores keys that aren't those of leases.
func (r *routes) learn(key string, l Lease) {
	shards, shard, ok := ParseLeaseKey(key)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if shards != r.shards {
		if l.Term <= r.top {
			return // from before the number changed: terms only increase
		}
		r.clear(shards)
	}
	r.top = max(r.top, l.Term)
	old := r.held[shard]
	free := l.Holder == ""
	if !free || old == nil || !old.free { // the process that released the shard was running
		r.heard[shard] = time.Now()
	}
	if old != nil && (l.Term < old.term || l.Term == old.term && (old.free || !free)) {
		return
	}
	t := &tenure{term: l.Term, since: time.Now(), free: free}
	if free && old != nil {
		t.over, t.end = old.over, old.end // a process that releases a shard still answers earlier calls
	} else {
		t.over, t.end = context.WithCancelCause(context.Background())
		if old != nil {
			old.end(errMoved)
		}
	}
	r.held[shard] = t
	close(r.news)
	r.news = make(chan struct{})
}

// to returns the tenure that receives a guild's calls, or nil if processes do not share shards, and
// a channel that is closed at the next change.
func (r *routes) to(guild snowflake.ID) (t *tenure, shard int, news <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shards == 0 {
		return nil, 0, r.news
	}
	shard = shardOf(guild, r.shards)
	if t = r.held[shard]; t == nil {
		t = &tenure{free: true, since: time.Now()} // not taken yet, or not heard of
	}
	return t, shard, r.news
}

// Heard returns when the process that holds or last held a guild last renewed its lease; zero if
// processes do not share shards.
func (h *Hub) Heard(guild snowflake.ID) time.Time {
	_, shard, _ := h.routes.to(guild)
	h.routes.mu.Lock()
	defer h.routes.mu.Unlock()
	return h.routes.heard[shard]
}

// destination finds the tenure that receives a guild's calls. It waits briefly for a shard that is
// moving from one process to another.
func (h *Hub) destination(ctx context.Context, guild snowflake.ID) (*tenure, error) {
	if h.engine != nil {
		return nil, nil // there are no other processes
	}
	select {
	case <-h.routes.caught:
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	patience := time.NewTimer(settleTime)
	defer patience.Stop()
	for {
		t, _, news := h.routes.to(guild)
		if t == nil || !t.free {
			return t, nil
		}
		if time.Since(t.since) > freshTime {
			return nil, nobodyHolds(guild)
		}
		select {
		case <-news:
		case <-patience.C:
			return nil, nobodyHolds(guild)
		case <-ctx.Done():
			return nil, unavailable(ctx.Err())
		}
	}
}

// recheck asks the leader which process holds a guild now, after a tenure did not answer or none
// was known. It reports whether the tenure has changed.
func (h *Hub) recheck(ctx context.Context, guild snowflake.ID, t *tenure) bool {
	if h.engine != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	g, _, err := h.Leases.Latest(ctx, Generation)
	if err != nil || g.Shards < 1 {
		return false
	}
	key := LeaseKey(g.Shards, shardOf(guild, g.Shards))
	l, _, err := h.Leases.Latest(ctx, key)
	if err != nil {
		return false
	}
	h.routes.learn(key, l)
	now, _, _ := h.routes.to(guild)
	return now != nil && (t == nil || now.term != t.term || now.free != t.free)
}

// shardOf returns the shard, out of shards, that receives a guild's events.
func shardOf(guild snowflake.ID, shards int) int { return int(uint64(guild) >> 22 % uint64(shards)) }

func nobodyHolds(guild snowflake.ID) error {
	return errs.E(errs.Unavailable,
		"Snug isn't serving this server right now. Try again in a moment. If this goes on, check "+
			"that the bot is still in the server.").
		Because(fmt.Errorf("hub: nobody holds guild %s", guild))
}

// NotHeld is the error of a call for a guild that another process may hold by now.
func NotHeld(guild snowflake.ID) error { return nobodyHolds(guild) }

// Fence decides which guilds and shards this process may currently write about.
type Fence struct {
	Guild func(snowflake.ID) error
	Shard func(shards, shard int) error // shards: of the whole bot
}

// SetFence installs f, which is asked immediately before each write that only the holder of a guild
// or shard may make; its error refuses the write. Audit entries and the dashboards' writes are not
// fenced.
func (h *Hub) SetFence(f Fence) { h.fence.Store(&f) }

// fenced returns an error if a write must not leave this process.
func (h *Hub) fenced(s spec, key string) error {
	f := h.fence.Load()
	if f == nil || s.writer == anyWriter || strings.HasPrefix(key, reserved) {
		return nil
	}
	first, rest, _ := strings.Cut(key, ".")
	id, err := strconv.ParseUint(first, 10, 64)
	switch {
	case err != nil:
		return nil // not a key that begins with a guild or a number of shards
	case s.writer == shardHolder:
		second, _, _ := strings.Cut(rest, ".")
		shards, shard, ok := ParseLeaseKey(first + "." + second)
		if !ok {
			shards, shard = 0, 0
		}
		return f.Shard(shards, shard)
	}
	return f.Guild(snowflake.ID(id))
}
