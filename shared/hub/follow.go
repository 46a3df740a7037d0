package hub

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// Change is a written value or a deleted key.
type Change[T any] struct {
	Key   string
	Value *T // nil: deleted or expired. The follower may store it, but must not both share and modify it
	Rev   Rev
	Epoch string
	At    time.Time // when the hub stored it
	Old   bool      // it existed when loading began; it is not a new change
}

// Follower receives a bucket's contents. Its functions are called one at a time from one goroutine;
// each may be nil. While one runs the follower falls behind, so it should pass the work on and
// return.
type Follower[T any] struct {
	// Prefix limits the follower to the keys under it, in whole tokens; "" means the whole bucket.
	Prefix string
	// Reset announces that the contents start over in the given epoch: discard what is known so
	// far. It is also called before the first change.
	Reset func(epoch string)
	// Change receives every change, starting with the stored values.
	Change func(Change[T])
	// Caught is called after each Reset, once everything that existed at that time was delivered.
	Caught func()
}

// catchUp is how long the initial load may take before the hub logs an error and the follower
// continues as if the load were complete.
const catchUp = 15 * time.Second

// Follow delivers every stored value of the bucket and then every change in order, until ctx ends
// or the hub is closed. Reconnecting loses and repeats nothing: changes made while disconnected are
// delivered afterwards. A bucket stores as many values per key as its history allows (rosters 16,
// rooms 1), so a follower that is behind or was disconnected gets the last ones of each key and
// misses older ones. wait returns when the last callback has returned.
func (b *Bucket[T]) Follow(ctx context.Context, f Follower[T]) (wait func(), err error) {
	filter, err := b.s.filter(f.Prefix)
	if err != nil {
		return nil, err
	}
	return b.follow(ctx, filter, f)
}

// Epochs calls changed with the bucket's epoch, now and whenever it changes: the writer of a memory
// bucket then fills it again. wait is as in Follow.
func (b *Bucket[T]) Epochs(ctx context.Context, changed func(epoch string)) (wait func(), err error) {
	return b.follow(ctx, b.s.prefix+epochKey, Follower[T]{Reset: changed})
}

func (b *Bucket[T]) follow(ctx context.Context, filter string, f Follower[T]) (wait func(), err error) {
	ended := make(chan struct{})
	fl := &follower[T]{b: b, h: b.s.h, f: f, filter: filter, seen: map[string]Rev{}}
	if b.recent != nil && f.Change != nil {
		b.recent.followers.Add(1)
	}
	if !b.s.h.run(func() {
		defer close(ended)
		fl.run(ctx)
		if b.recent != nil && f.Change != nil {
			b.recent.followers.Add(-1)
		}
	}) {
		return nil, unavailable(errClosed)
	}
	return func() { <-ended }, nil
}

// follower is the state of one Follow. Only its goroutine uses it.
type follower[T any] struct {
	b      *Bucket[T]
	h      *Hub
	f      Follower[T]
	filter string

	epoch   string
	seq     uint64         // last message delivered
	contact time.Time      // last time the server was heard
	seen    map[string]Rev // keys that exist, as far as the follower knows
	loaded  bool           // caught up since the last Reset
}

// run opens one reader after another.
func (f *follower[T]) run(ctx context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(f.h.ctx, func() { cancel(errClosed) })()
	for pause := 20 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 2*time.Second) {
		life, err := f.h.link.connected(ctx)
		if err != nil {
			return
		}
		before := f.contact
		part, end := context.WithCancelCause(ctx)
		stop := context.AfterFunc(life, func() { end(context.Cause(life)) })
		err = f.read(part)
		stop()
		end(nil)
		if ctx.Err() != nil {
			return
		}
		f.h.o.Observe(Observation{Op: "reload", Bucket: f.b.Name(), Err: err})
		f.h.log.Info("hub: following again", "bucket", f.b.Name(), "err", err)
		if f.contact != before {
			pause = 20 * time.Millisecond
		}
		if life.Err() == nil && !sleep(ctx, pause) {
			return
		}
	}
}

// read follows the bucket until an error occurs.
func (f *follower[T]) read(ctx context.Context) error {
	look, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	epoch, last, err := f.b.s.identify(look)
	if err != nil {
		return err
	}
	anew := epoch != f.epoch || last < f.seq
	c := latest(f.filter)
	all := anew || !f.loaded || time.Since(f.contact) > longAway
	if !all {
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, f.seq+1
	}
	r, err := f.h.read(ctx, f.b.s.stream, c)
	if err != nil {
		return err
	}
	defer r.close()
	// The reader may already belong to new contents created a moment ago.
	if again, err := f.b.s.mark(look); err != nil || again != epoch {
		return cmp.Or(err, errEnded)
	}
	cancel()
	if anew {
		f.epoch, f.seq, f.loaded = epoch, 0, false
		clear(f.seen)
		if f.f.Reset != nil {
			f.f.Reset(epoch)
		}
	}
	f.contact = time.Now()
	if all {
		err = f.load(ctx, r, last)
	}
	for err == nil {
		var i item
		if i, err = r.next(f.alive); err == nil && ctx.Err() == nil {
			f.deliver(i, false)
		}
		if err == nil {
			err = ctx.Err()
		}
	}
	return because(ctx, err)
}

func (f *follower[T]) alive() { f.contact = time.Now() }

// load delivers the stored values, up to message last, and then the deletions that happened while
// disconnected.
func (f *follower[T]) load(ctx context.Context, r *reader, last uint64) error {
	here := map[string]struct{}{}
	deadline := time.Now().Add(catchUp)
	for pending := r.pending; pending > 0; {
		i, err := r.next(func() {
			f.alive()
			if !deadline.IsZero() && f.contact.After(deadline) {
				deadline = time.Time{}
				f.h.log.Error("hub: a bucket does not load completely: continuing with what came. "+
					"Check its files, or restore a backup",
					"bucket", f.b.Name(), "pending", pending)
				f.caught()
			}
		})
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if key := i.key(f.b.s); key != "" && !deleted(i.header) {
			here[key] = struct{}{}
		}
		f.deliver(i, i.seq <= last)
		if pending = i.pending; i.seq >= last {
			break
		}
	}
	for key := range f.seen {
		if _, ok := here[key]; !ok {
			f.tell(key, nil, Rev(f.seq), time.Now(), false)
		}
	}
	f.caught()
	return nil
}

func (f *follower[T]) caught() {
	if f.loaded {
		return
	}
	f.loaded = true
	if f.f.Caught != nil {
		f.f.Caught()
	}
}

// deliver passes on a message's change unless it was already delivered.
func (f *follower[T]) deliver(i item, old bool) {
	f.seq = max(f.seq, i.seq)
	key := i.key(f.b.s)
	if key == "" {
		return
	}
	v := i.value(key)
	if f.seen[key] >= v.rev {
		return
	}
	t, err := f.b.followed(v)
	if err != nil {
		f.h.log.Error("hub: skipped a value that cannot be decoded", "bucket", f.b.Name(), "key", key, "err", err)
		return
	}
	f.tell(key, t, v.rev, v.at, old)
}

func (f *follower[T]) tell(key string, t *T, rev Rev, at time.Time, old bool) {
	if t == nil {
		if _, known := f.seen[key]; !known {
			return
		}
		delete(f.seen, key)
	} else {
		f.seen[key] = rev
	}
	if f.f.Change != nil {
		f.f.Change(Change[T]{Key: key, Value: t, Rev: rev, Epoch: f.epoch, At: at, Old: old})
	}
}

// identify returns a bucket's epoch and its last message. The epoch is stored in the bucket itself:
// whenever the contents are lost, the epoch is lost with them. The stream's creation time would not
// show that in a cluster. The first process to look creates the epoch.
func (s *store) identify(ctx context.Context) (epoch string, last uint64, err error) {
	if epoch, err = s.mark(ctx); err != nil {
		return "", 0, err
	}
	info, err := s.h.info(ctx, s.stream, "")
	if err != nil {
		return "", 0, err
	}
	return epoch, info.State.LastSeq, nil
}

func (s *store) mark(ctx context.Context) (string, error) {
	for {
		v, err := s.leader(ctx, epochKey)
		if errors.Is(err, jetstream.ErrStreamNotFound) || apiCode(err) == jetstream.JSErrCodeStreamNotFound {
			if err := s.h.ensureStream(ctx, s.spec, false); err != nil {
				return "", err
			}
			continue
		}
		if err != nil {
			return "", fmt.Errorf("hub: %s: %w", s.stream, err)
		}
		if v.data != nil {
			return string(v.data), nil
		}
		mark := strconv.FormatInt(time.Now().UnixMilli(), 36) + strings.ToLower(rand.Text()[:4])
		_, err = s.create(ctx, epochKey, []byte(mark), 0, func(v value) bool { return v.data == nil })
		if err != nil && !errs.Has(err, errs.Conflict) {
			return "", err
		}
		// Read it back: if two are created at the same time, only one remains.
	}
}

// Epoch identifies the bucket's current contents. Revisions of different epochs cannot be compared.
// A memory bucket gets a new epoch when its server restarts.
func (b *Bucket[T]) Epoch(ctx context.Context) (string, error) {
	life := b.s.h.link.present()
	ctx, cancel := within(ctx, b.s.h.o.WriteTimeout, life)
	defer cancel()
	epoch, err := b.s.mark(ctx)
	if err != nil {
		return "", readError(b.Name(), because(ctx, err))
	}
	return epoch, nil
}
