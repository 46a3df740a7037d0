package hub

import (
	"context"
	"strings"
	"sync"
)

// Table is a copy of a bucket in memory, kept by Follow. Values that it gives
// are shared: read them, do not alter what they point to. It is safe for
// concurrent use.
type Table[T any] struct {
	mu     sync.RWMutex
	groups map[string]map[string]Entry[T] // by the key's first token
	n      int
	epoch  string

	once   sync.Once
	caught chan struct{}
	wait   func()
}

// Table follows the bucket into memory until ctx ends. then, whose functions
// may be nil, is told of everything after the table has it. After a Reset the
// table is empty until the new contents come.
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

// Get gives a key's value.
func (t *Table[T]) Get(key string) (T, bool) {
	e, ok := t.Entry(key)
	return e.Value, ok
}

// Entry gives a key's value with its revision and time.
func (t *Table[T]) Entry(key string) (Entry[T], bool) {
	first, _, _ := strings.Cut(key, ".")
	t.mu.RLock()
	defer t.mu.RUnlock()
	e, ok := t.groups[first][key]
	return e, ok
}

// Group gives all values whose key's first token is first (a guild's rooms), in no order.
func (t *Table[T]) Group(first string) []Entry[T] {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]Entry[T], 0, len(t.groups[first]))
	for _, e := range t.groups[first] {
		list = append(list, e)
	}
	return list
}

// Range calls each with every value of one moment, in no order, until it gives
// false. No lock is held meanwhile.
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

// Len counts the keys.
func (t *Table[T]) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.n
}

// Epoch is the bucket's epoch that the contents are of; "" before the first load began.
func (t *Table[T]) Epoch() string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.epoch
}

// Caught is closed once the first load is complete.
func (t *Table[T]) Caught() <-chan struct{} { return t.caught }

// Wait returns when following has ended.
func (t *Table[T]) Wait() { t.wait() }
