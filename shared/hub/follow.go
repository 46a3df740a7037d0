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

// Change is a value that was written, or a key that was deleted.
type Change[T any] struct {
	Key   string
	Value *T // nil: deleted or expired. The follower's own; it may keep it, not share and alter it
	Rev   Rev
	Epoch string
	At    time.Time // when the hub stored it
	Old   bool      // part of what was there when the load began, not news
}

// Follower is told of a bucket's contents. Its functions are called one after
// the other, from one goroutine; each may be nil. While one runs the follower
// falls behind, so they should hand over and return.
type Follower[T any] struct {
	// Prefix limits what is followed to the keys under it, in whole tokens; "" is the whole bucket.
	Prefix string
	// Reset says that the bucket's contents begin anew, in the epoch named:
	// what was known is void. It comes before the first change too.
	Reset func(epoch string)
	// Change is told each change, the retained values first.
	Change func(Change[T])
	// Caught is called after each Reset, when everything has come that was there at that time.
	Caught func()
}

// catchUp is how long the initial load may take before the log says that
// something is wrong with it and the follower goes on as if it were complete.
const catchUp = 15 * time.Second

// Follow delivers every retained value of the bucket and then every change in
// order, until ctx ends or the hub is closed. It survives reconnects without
// loss and without repeating: what was changed while away comes afterwards. A
// bucket keeps as many values of a key as its history says (rosters 16, rooms
// 1), so a follower that is behind, or was away, gets each of the last ones of a
// key and misses those before. wait returns when the last callback has.
func (b *Bucket[T]) Follow(ctx context.Context, f Follower[T]) (wait func(), err error) {
	filter, err := b.s.filter(f.Prefix)
	if err != nil {
		return nil, err
	}
	return b.follow(ctx, filter, f)
}

// Epochs calls changed with the bucket's epoch, now and whenever it is another
// one: whoever fills a memory bucket then fills it again. wait is as in Follow.
func (b *Bucket[T]) Epochs(ctx context.Context, changed func(epoch string)) (wait func(), err error) {
	return b.follow(ctx, b.s.prefix+epochKey, Follower[T]{Reset: changed})
}

func (b *Bucket[T]) follow(ctx context.Context, filter string, f Follower[T]) (wait func(), err error) {
	ended := make(chan struct{})
	fl := &follower[T]{b: b, h: b.s.h, f: f, filter: filter, seen: map[string]Rev{}}
	if !b.s.h.run(func() { defer close(ended); fl.run(ctx) }) {
		return nil, unavailable(errClosed)
	}
	return func() { <-ended }, nil
}

// follower is the state of one Follow. Its goroutine alone uses it.
type follower[T any] struct {
	b      *Bucket[T]
	h      *Hub
	f      Follower[T]
	filter string

	epoch   string
	seq     uint64         // last message delivered
	contact time.Time      // last sign of life of the server
	seen    map[string]Rev // keys that are there, as far as it was told
	loaded  bool           // caught up since the last Reset
}

// run opens one reader after the other.
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

// read follows until something breaks.
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
	// The reader could be one of new contents that came to be a moment ago.
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

// load delivers what is there, up to the message last, and then the deletions
// that happened while nobody looked.
func (f *follower[T]) load(ctx context.Context, r *reader, last uint64) error {
	here := map[string]struct{}{}
	deadline := time.Now().Add(catchUp)
	for pending := r.pending; pending > 0; {
		i, err := r.next(func() {
			f.alive()
			if !deadline.IsZero() && f.contact.After(deadline) {
				deadline = time.Time{}
				f.h.log.Error("hub: a bucket does not load to its end; it goes on with what came. Check its files, or restore a backup",
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

// deliver tells a message's change unless it was told before.
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
	t, err := f.b.live(v)
	if err != nil {
		f.h.log.Error("hub: a value was left out", "bucket", f.b.Name(), "key", key, "err", err)
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

// identify gives the epoch of a bucket and its last message. The epoch is a
// mark in the bucket itself: when the contents are lost, in whatever way, the
// mark is lost with them, which the stream's time of creation does not show in
// a cluster. The first to look makes the mark.
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
		// Read it back: of two marks made at the same time one stays.
	}
}

// Epoch gives the identity of the bucket's present contents: revisions of
// different epochs cannot be compared. A memory bucket gets another one when
// its server starts anew.
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
