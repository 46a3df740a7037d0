package hub

import (
	"bytes"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Copier is a value that can be copied without encoding it. Followers in the process that published such a value get
// a copy, and need not decode what was just encoded.
type Copier[T any] interface {
	// Copy returns a value that shares nothing with this one that can be changed.
	Copy() T
}

// recent has the values that this process published a moment ago, by their bytes. It is safe for concurrent use.
type recent[T any] struct {
	copyOf    func(T) T
	seed      maphash.Seed
	followers atomic.Int32 // in this process

	mu   sync.Mutex
	at   map[uint64]int // index in ring, by hash
	ring []published[T]
	next int
}

type published[T any] struct {
	sum   uint64
	data  []byte
	value T
	left  int // followers that have not had it
}

// recentValues is how many values behind a follower may be. One that is further behind decodes.
const recentValues = 2 * flightWindow

// newRecent returns nil if T isn't a Copier.
func newRecent[T any]() *recent[T] {
	var none T
	if _, ok := any(none).(Copier[T]); !ok {
		return nil
	}
	return &recent[T]{
		copyOf: func(v T) T { return any(v).(Copier[T]).Copy() },
		seed:   maphash.MakeSeed(), at: map[uint64]int{},
	}
}

// later returns a function that remembers a value, to be called before it is published as data; nil if no follower
// could need it. data must not be changed afterwards.
func (r *recent[T]) later(data []byte, v T) func() {
	if r == nil || r.followers.Load() == 0 {
		return nil
	}
	p := &published[T]{data: data, value: r.copyOf(v)}
	return func() { r.put(p) }
}

func (r *recent[T]) put(p *published[T]) {
	p.sum, p.left = maphash.Bytes(r.seed, p.data), int(r.followers.Load())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ring == nil {
		r.ring = make([]published[T], recentValues)
	}
	i := r.next
	r.next = (i + 1) % len(r.ring)
	r.drop(i)
	r.ring[i], r.at[p.sum] = *p, i
}

// drop forgets a value. The caller holds mu.
func (r *recent[T]) drop(i int) {
	if p := &r.ring[i]; p.data != nil {
		if r.at[p.sum] == i {
			delete(r.at, p.sum)
		}
		*p = published[T]{}
	}
}

// take returns a copy of the value that was published as data.
func (r *recent[T]) take(data []byte) (v T, ok bool) {
	if r == nil || data == nil {
		return v, false
	}
	sum := maphash.Bytes(r.seed, data)
	r.mu.Lock()
	defer r.mu.Unlock()
	i, known := r.at[sum]
	if !known || !bytes.Equal(r.ring[i].data, data) {
		return v, false
	}
	p := &r.ring[i]
	if p.left--; p.left > 0 {
		return r.copyOf(p.value), true
	}
	v = p.value // nobody else gets it
	r.drop(i)
	return v, true
}
