package hub

import (
	"context"
	"strings"
	"sync"
)

// Table is a copy of a bucket in memory, updated by Follow. The values it returns are shared: do
// not modify what they point to. It is safe for concurrent use.
type Table[T any] struct {
	mu     sync.RWMutex
	groups map[string]map[string]Entry[T] // by the key's first token
	n      int
	epoch  string

	once   sync.Once
	caught chan struct{}
	wait   func()
}

// Table follows the bucket into memory until ctx ends. The functions of then, which may be nil, are
// called after the table has been updated. After a Reset the table is empty until the new contents
// arrive.
func (b *Bucket[T]) Table(ctx context.Context, then Follower[T]) (*Table[T], error) {
	t := &Table[T]{groups: map[string]map[string]Entry[T]{}, caught: make(chan struct{})}
	f := then
	f.Reset = func(epoch string) {
		t.reset(epoch)
		if then.Reset != nil {
			then.Reset(epoch)
		}
	}
	f.Change = func(c Change[T]) {
		t.apply(c)
		if then.Change != nil {
			then.Change(c)
		}
	}
	f.Caught = func() {
		t.once.Do(func() { close(t.caught) })
		if then.Caught != nil {
			then.Caught()
		}
	}
	wait, err := b.Follow(ctx, f)
	if err != nil {
		return nil, err
	}
	t.wait = wait
	return t, nil
}

func (t *Table[T]) reset(epoch string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.groups, t.n, t.epoch = map[string]map[string]Entry[T]{}, 0, epoch
}

func (t *Table[T]) apply(c Change[T]) {
	first, _, _ := strings.Cut(c.Key, ".")
	t.mu.Lock()
	defer t.mu.Unlock()
	group := t.groups[first]
	_, had := group[c.Key]
	switch {
	case c.Value != nil:
		if group == nil {
			group = map[string]Entry[T]{}
			t.groups[first] = group
		}
		group[c.Key] = Entry[T]{Key: c.Key, Value: *c.Value, Rev: c.Rev, At: c.At}
		if !had {
			t.n++
		}
	case had:
		delete(group, c.Key)
		if t.n--; len(group) == 0 {
			delete(t.groups, first)
		}
	}
}

// Get returns the value of a key.
func (t *Table[T]) Get(key string) (T, bool) {
	e, ok := t.Entry(key)
	return e.Value, ok
}

// Entry returns the value of a key with its revision and time.
func (t *Table[T]) Entry(key string) (Entry[T], bool) {
	first, _, _ := strings.Cut(key, ".")
	t.mu.RLock()
	defer t.mu.RUnlock()
	e, ok := t.groups[first][key]
	return e, ok
}

// Group returns all values whose key starts with the token first (a guild's rooms), in no
// particular order.
func (t *Table[T]) Group(first string) []Entry[T] {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]Entry[T], 0, len(t.groups[first]))
	for _, e := range t.groups[first] {
		list = append(list, e)
	}
	return list
}

// Range calls each with every value in a snapshot of the table, in no particular order, until each
// returns false. It holds no lock during the calls.
func (t *Table[T]) Range(each func(Entry[T]) bool) {
	t.mu.RLock()
	list := make([]Entry[T], 0, t.n)
	for _, group := range t.groups {
		for _, e := range group {
			list = append(list, e)
		}
	}
	t.mu.RUnlock()
	for _, e := range list {
		if !each(e) {
			return
		}
	}
}

// Len returns the number of keys.
func (t *Table[T]) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.n
}

// Epoch returns the epoch of the table's contents; "" before the first load has started.
func (t *Table[T]) Epoch() string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.epoch
}

// Caught returns a channel that is closed once the first load is complete.
func (t *Table[T]) Caught() <-chan struct{} { return t.caught }

// Wait returns once following has ended.
func (t *Table[T]) Wait() { t.wait() }
