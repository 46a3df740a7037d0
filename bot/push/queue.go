package push

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/push"
)

// queue holds the messages that are still to be sent: a copy of the hub's. It is safe for concurrent use.
type queue struct {
	mu      sync.Mutex
	pending map[string]push.Message
	revs    map[string]hub.Rev // the newest revision seen of each key, to ignore older ones that come late
	sending map[string]snowflake.ID
}

// due is a message to send now.
type due struct {
	key string
	push.Message
}

func newQueue() *queue {
	q := &queue{sending: map[string]snowflake.ID{}}
	q.reset()
	return q
}

func (q *queue) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending, q.revs = map[string]push.Message{}, map[string]hub.Rev{}
}

// set stores a message as written at a revision; nil means that it was deleted.
func (q *queue) set(key string, m *push.Message, rev hub.Rev) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if rev < q.revs[key] {
		return
	}
	q.revs[key] = rev
	delete(q.pending, key)
	switch {
	case m == nil:
		delete(q.revs, key)
	case m.State == push.Pending:
		q.pending[key] = *m
	}
}

// take returns messages that are due and may be sent here, the oldest first, as many as there are slots, and how many
// wait in all. Call done for each that it returns.
func (q *queue) take(now time.Time, here func(push.Message) bool) (list []due, pending int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	perPerson := map[snowflake.ID]int{}
	for _, user := range q.sending {
		perPerson[user]++
	}
	for key, m := range q.pending {
		if !here(m) {
			continue
		}
		pending++
		if _, on := q.sending[key]; !on && !m.NextAt.After(now) {
			list = append(list, due{key, m})
		}
	}
	slices.SortFunc(list, func(a, b due) int { return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.key, b.key)) })
	list = slices.DeleteFunc(list, func(d due) bool {
		if perPerson[d.User] >= perUser || len(q.sending) >= slots {
			return true
		}
		perPerson[d.User]++
		q.sending[d.key] = d.User
		return false
	})
	return list, pending
}

// done ends what take began.
func (q *queue) done(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.sending, key)
}
