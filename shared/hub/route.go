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

// routes knows who holds which shard, so that a call goes to the holder of this
// moment and to no other: its subject carries the holder's term. A process
// that hangs, or was cut off, and lost its shard meanwhile gets none.
type routes struct {
	caught chan struct{}

	mu     sync.Mutex
	once   sync.Once
	shards int // of the whole bot; 0: no process shares them
	held   map[int]*tenure
	heard  map[int]time.Time // when each shard's holder last wrote that it holds it, as this process saw it
	news   chan struct{}     // closed at the next change
}

// tenure is one holder's time with a shard.
type tenure struct {
	term  uint64
	since time.Time
	free  bool            // nobody holds the shard
	over  context.Context // ends when another tenure has begun
	end   context.CancelCauseFunc
}

const (
	settleTime = 1500 * time.Millisecond // how long a call waits for a shard that changes hands
	freshTime  = 5 * time.Second         // a shard that is free for longer does not change hands
)

var errMoved = errors.New("hub: another process holds the guild now")

func newRoutes() *routes {
	return &routes{
		caught: make(chan struct{}), held: map[int]*tenure{}, heard: map[int]time.Time{}, news: make(chan struct{}),
	}
}

// route begins to follow the leases.
func (h *Hub) route() error {
	_, err := h.Leases.Follow(h.ctx, Follower[Lease]{
		Reset: func(string) { h.routes.reset() },
		Change: func(c Change[Lease]) {
			if c.Value != nil && !strings.HasPrefix(c.Key, Attending) {
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
	for _, t := range r.held {
		t.end(errMoved)
	}
	clear(r.held)
}

// learn takes a lease, unless a later one is known.
func (r *routes) learn(key string, l Lease) {
	shard, err := strconv.Atoi(key)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.held[shard]
	free := l.Holder == ""
	if !free || old == nil || !old.free { // who gives it up was there
		r.heard[shard] = time.Now()
	}
	if old != nil && (l.Term < old.term || l.Term == old.term && (old.free || !free)) {
		return
	}
	t := &tenure{term: l.Term, since: time.Now(), free: free}
	if r.shards = l.Shards; free && old != nil {
		t.over, t.end = old.over, old.end // who gives a shard up still answers what it was asked
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

// to gives the tenure that a guild's calls are meant for, nil when no process
// shares shards, and what is closed at the next change.
func (r *routes) to(guild snowflake.ID) (t *tenure, shard int, news <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shards == 0 {
		return nil, 0, r.news
	}
	shard = int(uint64(guild) >> 22 % uint64(r.shards))
	if t = r.held[shard]; t == nil {
		t = &tenure{free: true, since: time.Now()} // of a shard nobody has taken yet, or not heard of
	}
	return t, shard, r.news
}

// Heard gives when the process that holds a guild last said so, also if it does
// not any more; zero where processes share nothing.
func (h *Hub) Heard(guild snowflake.ID) time.Time {
	_, shard, _ := h.routes.to(guild)
	h.routes.mu.Lock()
	defer h.routes.mu.Unlock()
	return h.routes.heard[shard]
}

// destination finds whom to call about a guild. A shard that is on its way from
// one process to another is waited for, for a moment.
func (h *Hub) destination(ctx context.Context, guild snowflake.ID) (*tenure, error) {
	if h.engine != nil {
		return nil, nil // nobody to share with
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

// recheck asks the leader who holds a guild now, after nobody answered for a
// tenure, or where none was known; it says whether that is another one.
func (h *Hub) recheck(ctx context.Context, guild snowflake.ID, t *tenure) bool {
	if h.engine != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for range 2 { // the first lease tells which shard is the guild's, where that is not known
		_, shard, _ := h.routes.to(guild)
		l, _, err := h.Leases.Latest(ctx, strconv.Itoa(shard))
		if err != nil {
			return false
		}
		h.routes.learn(strconv.Itoa(shard), l)
		if now, its, _ := h.routes.to(guild); now != nil && its == shard {
			return t == nil || now.term != t.term || now.free != t.free
		}
	}
	return false
}

func nobodyHolds(guild snowflake.ID) error {
	return errs.E(errs.Unavailable,
		"Snug is not looking after this server right now. Please try again in a moment; if that goes on, check that the bot is still in the server.").
		Because(fmt.Errorf("hub: nobody holds guild %s", guild))
}

// NotHeld is what a call fails with whose guild another process may hold by now.
func NotHeld(guild snowflake.ID) error { return nobodyHolds(guild) }

// Fence says what of the guilds and shards this process may write about now.
type Fence struct {
	Guild func(snowflake.ID) error
	Shard func(int) error
}

// SetFence has f asked right before a write leaves this process of what only
// the holder of a guild, or of a shard, writes: its error refuses the write.
// Audit entries and what dashboards write are not fenced.
func (h *Hub) SetFence(f Fence) { h.fence.Store(&f) }

// fenced says why a write may not leave this process, if it may not.
func (h *Hub) fenced(s spec, key string) error {
	f := h.fence.Load()
	if f == nil || s.writer == anyWriter || strings.HasPrefix(key, reserved) {
		return nil
	}
	first, _, _ := strings.Cut(key, ".")
	id, err := strconv.ParseUint(first, 10, 64)
	switch {
	case err != nil:
		return nil // not a key of theirs
	case s.writer == shardHolder:
		return f.Shard(int(id))
	}
	return f.Guild(snowflake.ID(id))
}
