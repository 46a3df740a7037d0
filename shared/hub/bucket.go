package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"snug/shared/errs"
)

// Bucket is a typed bucket of keys and values. Get one from a Hub. Keys are tokens joined by dots
// (guild.channel); values are stored as T's JSON. Errors have the codes NotFound, Conflict, Invalid
// (key or size) and Unavailable; Unavailable wraps ErrUnknownOutcome if a write may have happened.
type Bucket[T any] struct {
	s      *store
	recent *recent[T] // nil if T isn't a Copier
}

func newBucket[T any](h *Hub, name string) *Bucket[T] {
	return &Bucket[T]{s: newStore(h, specOf(h.specs, name)), recent: newRecent[T]()}
}

// Entry is a value with its key, its revision and the time it was written.
type Entry[T any] struct {
	Key   string
	Value T
	Rev   Rev
	At    time.Time
}

type writeOptions struct{ ttl time.Duration }

// WriteOption modifies a single write.
type WriteOption func(*writeOptions)

// TTL removes the key after d (rounded up to seconds, at least one) unless it is written again: a
// later write without TTL makes the key permanent. Values that implement Expiring do not need it.
// In a bucket with history, d must be at least an hour.
func TTL(d time.Duration) WriteOption { return func(o *writeOptions) { o.ttl = d } }

// Name returns the bucket's name.
func (b *Bucket[T]) Name() string { return b.s.spec.name }

// prepare validates a key, encodes a value and determines its time to live.
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

// live decodes a stored value. It returns nil if the value is deleted or has expired.
func (b *Bucket[T]) live(v value) (*T, error) {
	if v.data == nil {
		return nil, nil
	}
	t := new(T)
	if err := b.s.h.codec.decode(v.data, t); err != nil {
		return nil, fmt.Errorf("hub: value of %q in %s, revision %d, is damaged or of a newer version: %w", v.key,
			b.Name(), v.rev, err)
	}
	return b.unexpired(t), nil
}

// followed is live for a follower, which needn't decode what this process published.
func (b *Bucket[T]) followed(v value) (*T, error) {
	if t, ok := b.recent.take(v.data); ok {
		return b.unexpired(&t), nil
	}
	return b.live(v)
}

// unexpired returns t, or nil if it has expired.
func (b *Bucket[T]) unexpired(t *T) *T {
	if e, ok := any(*t).(Expiring); ok && !e.ExpiresAt().IsZero() && !e.ExpiresAt().After(b.s.h.o.Now()) {
		return nil
	}
	return t
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

// Get reads a key. It fails with NotFound if the key does not exist. In a cluster it asks the
// leader and, if that is slow, another copy, whose answer may be outdated: it is good enough to
// display, but for decisions use Latest, Edit or Update.
func (b *Bucket[T]) Get(ctx context.Context, key string) (T, Rev, error) {
	return b.found(ctx, key, false)
}

// Latest is Get for exact answers: it only asks the leader, so its answer includes every write
// acknowledged before. While there is no leader it fails or waits for seconds.
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

// Put writes a key, whether or not it exists.
func (b *Bucket[T]) Put(ctx context.Context, key string, v T, options ...WriteOption) (Rev, error) {
	data, ttl, err := b.prepare(key, v, options)
	if err != nil {
		return 0, err
	}
	return b.s.write(ctx, key, change{op: "put", data: data, ttl: ttl})
}

// Create writes a key that must not exist yet. It fails with Conflict if it does.
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

// Update writes a key that must still be at the given revision. It fails with Conflict if it is
// not.
func (b *Bucket[T]) Update(ctx context.Context, key string, v T, at Rev, options ...WriteOption) (Rev, error) {
	data, ttl, err := b.prepare(key, v, options)
	if err != nil {
		return 0, err
	}
	if sending := b.recent.later(data, v); sending != nil {
		sending()
	}
	return b.s.write(ctx, key, change{op: "update", data: data, expect: &at, ttl: ttl})
}

// Edit reads a key, lets change modify the value, and writes it if nobody else has written in the
// meantime; otherwise it starts over. So change may run several times and must have no side
// effects. Edit fails with NotFound if the key does not exist. If change returns an error, Edit
// returns it and writes nothing; with Unchanged it ends without a write or an error. It returns the
// value and revision that are stored now.
func (b *Bucket[T]) Edit(
	ctx context.Context, key string, change func(*T) error, options ...WriteOption,
) (T, Rev, error) {
	return b.edit(ctx, key, change, false, options)
}

// EditOrCreate is Edit for a key that may not exist: change then gets a zero value.
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
		// Ask the leader: alter may refuse because of what it reads, and then no write checks that
		// the value was current.
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
		// Another write was faster. Wait a moment, longer if that happens repeatedly.
		if !sleep(ctx, rand.N(time.Duration(min(attempt, 10)+1)*200*time.Microsecond)) {
			return none, 0, err
		}
	}
}

// Delete removes a key. It is not an error if the key does not exist.
func (b *Bucket[T]) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := b.s.write(ctx, key, change{op: "delete", remove: true})
	return err
}

// DeleteAt removes a key that must still be at the given revision. It fails with Conflict if it is
// not.
func (b *Bucket[T]) DeleteAt(ctx context.Context, key string, at Rev) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := b.s.write(ctx, key, change{op: "delete", remove: true, expect: &at})
	return err
}

// Take reads and removes a key. Of several concurrent callers, one gets the value and the others
// get NotFound.
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

// List returns all entries under prefix, ordered by their last write. prefix consists of whole
// tokens ("123" matches "123.4" but not "1234"); "" matches every key.
func (b *Bucket[T]) List(ctx context.Context, prefix string) ([]Entry[T], error) {
	filter, err := b.s.filter(prefix)
	if err != nil {
		return nil, err
	}
	var list []Entry[T]
	seen := map[string]bool{}
	if prefix != "" { // most servers have nothing in most buckets: one question instead of a consumer
		if keys, err := b.missed(ctx, filter, nil); err != nil || len(keys) == 0 {
			return nil, err
		}
	}
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

// missed returns existing keys that a scan did not deliver. If a key is written during the scan,
// its old value is removed and the new one comes after the end of the scan.
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

// Keys is List without the values. It may include keys whose values have just expired.
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

// Groups returns the first tokens of all keys (guilds), with one request. It may include those of keys that were
// deleted within the last hour.
func (b *Bucket[T]) Groups(ctx context.Context) (map[string]struct{}, error) {
	keys, err := b.missed(ctx, b.s.prefix+">", nil)
	if err != nil {
		return nil, err
	}
	groups := map[string]struct{}{}
	for _, key := range keys {
		first, _, _ := strings.Cut(key, ".")
		groups[first] = struct{}{}
	}
	return groups, nil
}

// History returns the values of a key that the bucket still stores, oldest first, without
// deletions.
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

// entry decodes a message. It returns nil for the hub's own keys, deletions, expired values and
// damaged values: one unreadable value must not hide the others.
func (b *Bucket[T]) entry(i item) *Entry[T] {
	key := i.key(b.s)
	if key == "" {
		return nil
	}
	v := i.value(key)
	t, err := b.live(v)
	if err != nil {
		b.s.h.log.Error("hub: skipped a value that cannot be decoded", "bucket", b.Name(), "key", key, "err", err)
	}
	if t == nil {
		return nil
	}
	return &Entry[T]{Key: key, Value: *t, Rev: v.rev, At: v.at}
}
