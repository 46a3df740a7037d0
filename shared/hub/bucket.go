package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"snug/shared/errs"
)

// Bucket is a typed bucket of keys and values. Get one from a Hub. Keys are
// tokens joined by dots (guild.channel); values are T's JSON. Errors are
// coded: NotFound, Conflict, Invalid (key or size), Unavailable; the last
// wraps ErrUnknownOutcome where a write may have happened.
type Bucket[T any] struct{ s *store }

func newBucket[T any](h *Hub, name string) *Bucket[T] {
	return &Bucket[T]{s: newStore(h, specOf(h.specs, name))}
}

// Entry is a value with its key, its revision and the time of its write.
type Entry[T any] struct {
	Key   string
	Value T
	Rev   Rev
	At    time.Time
}

type writeOptions struct{ ttl time.Duration }

// WriteOption changes one write.
type WriteOption func(*writeOptions)

// TTL has the key removed after d (rounded up to seconds, at least one) unless
// it is written again: each write without it makes the key stay. Values that
// are Expiring need no TTL. In a bucket with history d is at least an hour.
func TTL(d time.Duration) WriteOption { return func(o *writeOptions) { o.ttl = d } }

// Name is the bucket's name.
func (b *Bucket[T]) Name() string { return b.s.spec.name }

// prepare checks a key, encodes a value and finds its time to live.
func (b *Bucket[T]) prepare(key string, v T, options []WriteOption) (data []byte, ttl time.Duration, err error) {
	if err := checkKey(key); err != nil {
		return nil, 0, err
	}
	var o writeOptions
	for _, f := range options {
		f(&o)
	}
	if e, ok := any(v).(Expiring); ok && !e.ExpiresAt().IsZero() {
		o.ttl = max(time.Second, e.ExpiresAt().Sub(b.s.h.o.Now()))
	}
	if data, err = b.s.h.codec.encode(v); err != nil {
		return nil, 0, fmt.Errorf("hub: encoding %q for %s: %w", key, b.Name(), err)
	}
	return data, o.ttl, nil
}

// live decodes a stored value; nil when it is deleted or has expired.
func (b *Bucket[T]) live(v value) (*T, error) {
	if v.data == nil {
		return nil, nil
	}
	t := new(T)
	if err := b.s.h.codec.decode(v.data, t); err != nil {
		return nil, fmt.Errorf("hub: value of %q in %s, revision %d, is damaged or of a newer version: %w", v.key,
			b.Name(), v.rev, err)
	}
	if e, ok := any(*t).(Expiring); ok && !e.ExpiresAt().IsZero() && !e.ExpiresAt().After(b.s.h.o.Now()) {
		return nil, nil
	}
	return t, nil
}

func (b *Bucket[T]) read(ctx context.Context, key string, fresh bool) (*T, Rev, error) {
	if err := checkKey(key); err != nil {
		return nil, 0, err
	}
	v, err := b.s.get(ctx, key, fresh)
	if err != nil {
		return nil, 0, err
	}
	t, err := b.live(v)
	return t, v.rev, err
}

// Get reads a key. NotFound when the key is not there. In a cluster the leader
// is asked, and another copy when it is late: that one's answer may be old, so
// show it, but decide by Latest, Edit or Update.
func (b *Bucket[T]) Get(ctx context.Context, key string) (T, Rev, error) {
	return b.found(ctx, key, false)
}

// Latest is Get for what must be exact: it asks the leader alone, so every
// write that was acknowledged before is in its answer. It fails, or waits for
// seconds, while there is no leader.
func (b *Bucket[T]) Latest(ctx context.Context, key string) (T, Rev, error) {
	return b.found(ctx, key, true)
}

func (b *Bucket[T]) found(ctx context.Context, key string, fresh bool) (T, Rev, error) {
	t, rev, err := b.read(ctx, key, fresh)
	if err == nil && t == nil {
		err = missing(b.Name(), key)
	}
	if err != nil {
		var none T
		return none, 0, err
	}
	return *t, rev, nil
}

// Put writes a key, whatever it held.
func (b *Bucket[T]) Put(ctx context.Context, key string, v T, options ...WriteOption) (Rev, error) {
	data, ttl, err := b.prepare(key, v, options)
	if err != nil {
		return 0, err
	}
	return b.s.write(ctx, key, change{op: "put", data: data, ttl: ttl})
}

// Create writes a key that must not be there yet; Conflict when it is.
func (b *Bucket[T]) Create(ctx context.Context, key string, v T, options ...WriteOption) (Rev, error) {
	data, ttl, err := b.prepare(key, v, options)
	if err != nil {
		return 0, err
	}
	return b.s.create(ctx, key, data, ttl, func(v value) bool {
		t, err := b.live(v)
		return t == nil && err == nil
	})
}

// Update writes a key that must still be at the revision given; Conflict when it is not.
func (b *Bucket[T]) Update(ctx context.Context, key string, v T, at Rev, options ...WriteOption) (Rev, error) {
	data, ttl, err := b.prepare(key, v, options)
	if err != nil {
		return 0, err
	}
	return b.s.write(ctx, key, change{op: "update", data: data, expect: &at, ttl: ttl})
}

// Edit reads a key, has change alter the value, and writes it if nobody wrote
// meanwhile; otherwise it begins again, so change may run several times and
// must do nothing else. NotFound when the key is not there; an error of change
// is returned as it is and nothing is written; Unchanged ends without a write.
// It gives the value and revision that are stored now.
func (b *Bucket[T]) Edit(
	ctx context.Context, key string, change func(*T) error, options ...WriteOption,
) (T, Rev, error) {
	return b.edit(ctx, key, change, false, options)
}

// EditOrCreate is Edit for a key that may not be there: change then gets a zero value.
func (b *Bucket[T]) EditOrCreate(
	ctx context.Context, key string, change func(*T) error, options ...WriteOption,
) (T, Rev, error) {
	return b.edit(ctx, key, change, true, options)
}

func (b *Bucket[T]) edit(
	ctx context.Context, key string, alter func(*T) error, orCreate bool, options []WriteOption,
) (T, Rev, error) {
	var none T
	for attempt := 0; ; attempt++ {
		// The leader is asked, because alter may refuse by what it sees, and a
		// refusal is not checked by a write.
		t, rev, err := b.read(ctx, key, true)
		if err != nil {
			return none, 0, err
		}
		if t == nil {
			if !orCreate {
				return none, 0, missing(b.Name(), key)
			}
			t = new(T)
		}
		if err := alter(t); errors.Is(err, Unchanged) {
			return *t, rev, nil
		} else if err != nil {
			return none, 0, err
		}
		data, ttl, err := b.prepare(key, *t, options)
		if err != nil {
			return none, 0, err
		}
		next, err := b.s.write(ctx, key, change{op: "update", data: data, expect: &rev, ttl: ttl})
		if err == nil {
			return *t, next, nil
		}
		if !errs.Has(err, errs.Conflict) {
			return none, 0, err
		}
		// Somebody was faster. Step aside for a moment when that goes on.
		if !sleep(ctx, rand.N(time.Duration(min(attempt, 10)+1)*200*time.Microsecond)) {
			return none, 0, err
		}
	}
}

// Delete removes a key; it is no error if the key is not there.
func (b *Bucket[T]) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := b.s.write(ctx, key, change{op: "delete", remove: true})
	return err
}

// DeleteAt removes a key that must still be at the revision given; Conflict when it is not.
func (b *Bucket[T]) DeleteAt(ctx context.Context, key string, at Rev) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := b.s.write(ctx, key, change{op: "delete", remove: true, expect: &at})
	return err
}

// Take reads a key and removes it: of several who try, one gets the value and the others NotFound.
func (b *Bucket[T]) Take(ctx context.Context, key string) (T, error) {
	var none T
	for {
		t, rev, err := b.read(ctx, key, true)
		if err != nil {
			return none, err
		}
		if t == nil {
			return none, missing(b.Name(), key)
		}
		err = b.DeleteAt(ctx, key, rev)
		if err == nil {
			return *t, nil
		}
		if !errs.Has(err, errs.Conflict) {
			return none, err
		}
	}
}

// List reads all keys under prefix, which is whole tokens ("123" finds "123.4"
// and not "1234"); "" reads the bucket. In the order of their last write.
func (b *Bucket[T]) List(ctx context.Context, prefix string) ([]Entry[T], error) {
	filter, err := b.s.filter(prefix)
	if err != nil {
		return nil, err
	}
	var list []Entry[T]
	seen := map[string]bool{}
	err = b.s.h.scan(ctx, b.s.stream, latest(filter), func(i item) (bool, error) {
		seen[i.subject] = true
		if e := b.entry(i); e != nil {
			list = append(list, *e)
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	missed, err := b.missed(ctx, filter, seen)
	for _, key := range missed {
		switch v, rev, err := b.Latest(ctx, key); {
		case err == nil:
			list = append(list, Entry[T]{Key: key, Value: v, Rev: rev, At: b.s.h.o.Now()})
		case !errs.Has(err, errs.NotFound):
			return nil, err
		}
	}
	return list, err
}

// missed gives the keys that a scan did not come by though they are there: a
// key that is written while the scan runs has lost the value it had, and the
// new one is behind the scan's end.
func (b *Bucket[T]) missed(ctx context.Context, filter string, seen map[string]bool) ([]string, error) {
	info, err := b.s.h.info(ctx, b.s.stream, filter)
	if err != nil {
		return nil, err
	}
	var keys []string
	for subject := range info.State.Subjects {
		if key := (item{subject: subject}).key(b.s); !seen[subject] && key != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Keys is List without the values. It may name keys whose values have just expired.
func (b *Bucket[T]) Keys(ctx context.Context, prefix string) ([]string, error) {
	filter, err := b.s.filter(prefix)
	if err != nil {
		return nil, err
	}
	c := latest(filter)
	c.HeadersOnly = true
	var keys []string
	seen := map[string]bool{}
	err = b.s.h.scan(ctx, b.s.stream, c, func(i item) (bool, error) {
		seen[i.subject] = true
		if key := i.key(b.s); key != "" && !deleted(i.header) {
			keys = append(keys, key)
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	missed, err := b.missed(ctx, filter, seen)
	return append(keys, missed...), err
}

// History gives the values of a key that the bucket still has, oldest first, without deletions.
func (b *Bucket[T]) History(ctx context.Context, key string) ([]Entry[T], error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	c := latest(b.s.prefix + key)
	c.DeliverPolicy = deliverAll
	var list []Entry[T]
	err := b.s.h.scan(ctx, b.s.stream, c, func(i item) (bool, error) {
		if e := b.entry(i); e != nil {
			list = append(list, *e)
		}
		return true, nil
	})
	return list, err
}

// entry decodes a message; nil when it is the hub's own, a deletion, expired, or damaged: one
// value that cannot be read must not hide the others.
func (b *Bucket[T]) entry(i item) *Entry[T] {
	key := i.key(b.s)
	if key == "" {
		return nil
	}
	v := i.value(key)
	t, err := b.live(v)
	if err != nil {
		b.s.h.log.Error("hub: a value was left out", "bucket", b.Name(), "key", key, "err", err)
	}
	if t == nil {
		return nil
	}
	return &Entry[T]{Key: key, Value: *t, Rev: v.rev, At: v.at}
}
