package lease

import (
	"context"
	"errors"
	"sync"
	"time"

	"snug/shared/errs"
	"snug/shared/hub"
)

// renew renews all held leases concurrently, so that a slow one doesn't delay the others.
func (k *Holder) renew(ctx context.Context) {
	var all sync.WaitGroup
	for _, shard := range k.shards() {
		h := k.holding(shard)
		select {
		case <-h.ended:
			all.Go(func() { k.giveUp(ctx, shard, h) })
			continue
		default:
		}
		if k.lost(h) {
			continue // until its hold has returned
		}
		all.Go(func() { k.renewOne(ctx, shard, h) })
	}
	all.Wait()
}

// writing limits a write. It ignores the end of ctx: an interrupted write would have an unknown outcome.
func (k *Holder) writing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), k.o.Term/4)
}

func (k *Holder) lost(h *holding) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return h.until.IsZero()
}

func (k *Holder) renewOne(ctx context.Context, shard int, h *holding) {
	writing, cancel := k.writing(ctx)
	defer cancel()
	begun := time.Now()
	rev, err := k.o.Leases.Update(writing, k.key(shard), k.mine(h.term), h.rev)
	if taken(err) || errors.Is(err, hub.ErrUnknownOutcome) {
		rev, err = k.find(writing, shard, h)
	}
	switch {
	case taken(err):
		k.o.Log.Warn("another process took over a shard because this one was cut off for too long",
			"shard", shard, "err", err)
		k.mu.Lock()
		h.until = time.Time{}
		k.mu.Unlock()
		h.end(ErrLost)
	case err != nil:
		if ctx.Err() == nil && !h.stale {
			h.stale = true
			k.o.Log.Warn("cannot renew a shard's lease; retrying", "shard", shard, "err", err)
		}
	default:
		if h.stale {
			h.stale = false
			k.o.Log.Info("renewed a shard's lease again", "shard", shard)
		}
		h.rev = rev
		k.mu.Lock()
		h.until = k.until(begun)
		k.mu.Unlock()
	}
}

// until is when this process stops relying on a lease that it wrote at begun.
func (k *Holder) until(begun time.Time) time.Time { return begun.Add(k.o.Term * 3 / 4) }

// find checks whether this process still holds a lease that it couldn't renew: an earlier write may
// have succeeded although its response was lost.
func (k *Holder) find(ctx context.Context, shard int, h *holding) (hub.Rev, error) {
	l, rev, err := k.o.Leases.Latest(ctx, k.key(shard))
	switch {
	case errs.Has(err, errs.NotFound): // somebody emptied the bucket
		return k.o.Leases.Create(ctx, k.key(shard), k.mine(h.term))
	case err != nil:
		return 0, err
	case l.Holder != k.holder || l.Term != h.term:
		return 0, errs.E(errs.Conflict, "Shard %d was taken over by %s.", shard, l.Name)
	}
	return rev, nil
}

// take takes at most one free shard.
func (k *Holder) take(ctx context.Context, hold func(context.Context, int)) {
	shard, e, free := k.next()
	if !free {
		return
	}
	if e.Holder != "" {
		k.o.Log.Warn("taking over a shard: its process no longer renews the lease", "shard", shard, "from", e.Name)
	}
	writing, cancel := k.writing(ctx)
	defer cancel()
	begun, term := time.Now(), k.highest()+1
	var rev hub.Rev
	var err error
	if e.rev == 0 {
		rev, err = k.o.Leases.Create(writing, k.key(shard), k.mine(term))
	} else {
		rev, err = k.o.Leases.Update(writing, k.key(shard), k.mine(term), e.rev)
	}
	if errors.Is(err, hub.ErrUnknownOutcome) {
		rev, err = k.find(writing, shard, &holding{term: term})
	}
	if err != nil {
		if !taken(err) && ctx.Err() == nil {
			k.o.Log.Warn("cannot take a shard's lease; retrying", "shard", shard, "err", err)
		}
		return
	}
	h := &holding{rev: rev, term: term, until: k.until(begun), ended: make(chan struct{})}
	if !k.still(writing) { // the number of shards may have changed just before
		h.end = func(error) {}
		k.giveUp(ctx, shard, h)
		return
	}
	k.begin(ctx, shard, h, hold)
	k.wake() // there may be another free one
}

func (k *Holder) begin(ctx context.Context, shard int, h *holding, hold func(context.Context, int)) {
	ctx, h.end = context.WithCancelCause(ctx)
	k.mu.Lock()
	k.held[shard] = h
	k.mu.Unlock()
	k.o.Log.Info("holding a shard", "shard", shard, "shards", k.o.Shards, "term", h.term)
	go func() { // ends with ctx; free waits for it
		defer k.wake()
		defer close(h.ended)
		hold(ctx, shard)
	}()
}

// giveUp frees a lease whose hold has returned, unless another process already has it.
func (k *Holder) giveUp(ctx context.Context, shard int, h *holding) {
	k.mu.Lock()
	gone := h.until.IsZero()
	delete(k.held, shard)
	k.mu.Unlock()
	h.end(nil)
	if gone {
		return
	}
	// ctx may have ended with Run, which is when the lease has to be freed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freeTime)
	defer cancel()
	// A freed lease keeps its term, so that the next one is higher.
	free := hub.Lease{Name: k.o.Name, Term: h.term, Shards: k.o.Shards}
	_, err := k.o.Leases.Update(ctx, k.key(shard), free, h.rev)
	if taken(err) { // an earlier renewal may have succeeded although its response was lost
		if h.rev, err = k.find(ctx, shard, h); err == nil {
			_, err = k.o.Leases.Update(ctx, k.key(shard), free, h.rev)
		}
	}
	if err != nil {
		k.o.Log.Warn("cannot free a shard's lease; it will expire", "shard", shard, "err", err)
	}
}

// freeTime limits how long the hub may take to free a lease.
const freeTime = 5 * time.Second

// free ends all holds and frees their leases, which it renews until their holds have returned.
func (k *Holder) free() {
	for _, s := range k.shards() {
		k.holding(s).end(nil)
	}
	tick := time.NewTicker(k.o.Term / 6)
	defer tick.Stop()
	for _, s := range k.shards() {
		for h := k.holding(s); h != nil; h = k.holding(s) { // renew frees the leases of ended holds
			select {
			case <-h.ended:
			case <-tick.C:
			}
			ctx, cancel := context.WithTimeout(context.Background(), freeTime)
			k.renew(ctx)
			cancel()
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), freeTime)
	defer cancel()
	if err := k.o.Leases.Delete(ctx, attending+k.holder); err != nil {
		k.o.Log.Warn("cannot announce that this process has stopped; the others will notice", "err", err)
	}
}
