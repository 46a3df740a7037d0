package webhooks

import (
	"container/heap"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/webhook"
)

// hookKey identifies a hook.
type hookKey struct {
	guild snowflake.ID
	id    string
}

// String returns the hook's key in the hub.
func (k hookKey) String() string { return webhook.Hook{GuildID: k.guild, ID: k.id}.Key() }

// queue holds the pending deliveries by hook, in the order they are due, and the keys of those that are
// done. It is a copy of the hub's data, so finding what is due or what can be deleted takes no call of the
// hub. It is safe for concurrent use.
type queue struct {
	mu    sync.Mutex
	hooks map[hookKey]*hookQueue
	revs  map[string]hub.Rev // by delivery: the newest revision seen, to ignore older ones that arrive late
}

// hookQueue holds the deliveries of one hook.
type hookQueue struct {
	pending map[string]webhook.Delivery
	order   dueHeap              // by due time; entries that no longer match pending are skipped
	over    map[string]time.Time // done deliveries: when each was created
}

func newQueue() *queue {
	q := &queue{}
	q.reset()
	return q
}

func (q *queue) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hooks, q.revs = map[hookKey]*hookQueue{}, map[string]hub.Rev{}
}

// set stores a delivery as written at a revision; nil means that it was deleted.
func (q *queue) set(key string, d *webhook.Delivery, rev hub.Rev) {
	k, ok := hookOf(key)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !ok || rev < q.revs[key] {
		return
	}
	m := q.hooks[k]
	if m == nil {
		m = &hookQueue{pending: map[string]webhook.Delivery{}, over: map[string]time.Time{}}
		q.hooks[k] = m
	}
	delete(m.pending, key)
	delete(m.over, key)
	q.revs[key] = rev
	switch {
	case d == nil:
		delete(q.revs, key)
		if len(m.pending)+len(m.over) == 0 {
			delete(q.hooks, k)
		}
	case d.State == webhook.Pending:
		m.pending[key] = *d
		heap.Push(&m.order, dueAt{d.NextAt, d.At, key})
	default:
		m.over[key] = d.At
	}
}

// hookOf returns the hook of a delivery's key.
func hookOf(delivery string) (hookKey, bool) {
	part := strings.SplitN(delivery, ".", 3)
	guild, err := snowflake.Parse(part[0])
	if err != nil || len(part) != 3 {
		return hookKey{}, false
	}
	return hookKey{guild, part[1]}, true
}

// surplus returns a hook's done deliveries with their revisions, except the newest keep ones.
func (q *queue) surplus(k hookKey, keep int) map[string]hub.Rev {
	q.mu.Lock()
	defer q.mu.Unlock()
	m := q.hooks[k]
	if m == nil || len(m.over) <= keep {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(m.over), func(a, b string) int { return m.over[a].Compare(m.over[b]) })
	out := map[string]hub.Rev{}
	for _, key := range keys[:len(keys)-keep] {
		out[key] = q.revs[key]
	}
	return out
}

// next returns the delivery of a hook that has been due for longest, and whether it is due.
func (q *queue) next(k hookKey, now time.Time) (webhook.Delivery, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	m := q.hooks[k]
	if m == nil {
		return webhook.Delivery{}, false
	}
	return m.first(now)
}

// each calls tell for every hook with pending deliveries: with their number, and whether any is due. It
// holds the queue's lock meanwhile.
func (q *queue) each(now time.Time, tell func(k hookKey, waiting int, due bool)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for k, m := range q.hooks {
		if len(m.pending) > 0 {
			_, due := m.first(now)
			tell(k, len(m.pending), due)
		}
	}
}

// waiting returns the number of a hook's pending deliveries.
func (q *queue) waiting(k hookKey) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if m := q.hooks[k]; m != nil {
		return len(m.pending)
	}
	return 0
}

func (m *hookQueue) first(now time.Time) (webhook.Delivery, bool) {
	for len(m.order) > 0 {
		top := m.order[0]
		d, ok := m.pending[top.key]
		if ok && d.NextAt.Equal(top.next) {
			return d, !top.next.After(now)
		}
		heap.Pop(&m.order)
	}
	return webhook.Delivery{}, false
}

// dueAt is an element of a dueHeap: when a delivery is due and when it was created.
type dueAt struct {
	next, at time.Time
	key      string
}

type dueHeap []dueAt

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if c := h[i].next.Compare(h[j].next); c != 0 {
		return c < 0
	}
	return h[i].at.Before(h[j].at)
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(dueAt)) }
func (h *dueHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
