// Package lease decides which of several processes holds which of the bot's
// shards, so that each shard is connected once, and a standby takes over what
// a process that died has held.
//
// A lease is a key of the hub that its holder writes again and again. Nobody
// compares clocks of two machines: a process takes a lease over when it has
// itself watched it stay the same for a whole term, and every step is a
// compare-and-set. The holder stops relying on its lease well before that.
//
// The package is for snug/bot. A Keeper is started once, with Run; Held may be
// called from anywhere.
package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mrand "math/rand/v2"
	"strconv"
	"sync"
	"time"

	"snug/shared/errs"
	"snug/shared/hub"
)

// Options of a Keeper. Leases and Shards are needed.
type Options struct {
	Leases *hub.Bucket[hub.Lease]
	Shards int           // of the whole bot
	Name   string        // where this process runs, told to the others' logs
	Term   time.Duration // how long a lease must stay the same to be taken over; default 15 s
	// Lost is told that another process took over a lease this one held, from
	// Run's goroutine. Whatever this process knows of the shard is void then:
	// it should end and start anew. Nil: nobody is told.
	Lost func(shard int, err error)
	Log  *slog.Logger
}

// Keeper keeps the leases of one process.
type Keeper struct {
	o      Options
	holder string
	seen   map[int]sight // of Run's goroutine alone

	mu   sync.Mutex
	held map[int]*holding
}

// sight is what was last seen of a lease: since when, by this process's clock, it is as it is.
type sight struct {
	rev   hub.Rev
	since time.Time
}

// holding is a lease this process holds. Its rev is of Run's goroutine alone.
type holding struct {
	rev   hub.Rev
	until time.Time // guarded by Keeper.mu
	end   context.CancelFunc
	ended chan struct{}
}

// New makes a Keeper that holds nothing yet.
func New(o Options) *Keeper {
	if o.Term <= 0 {
		o.Term = 15 * time.Second
	}
	if o.Lost == nil {
		o.Lost = func(int, error) {}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Keeper{o: o, holder: rand.Text(), seen: map[int]sight{}, held: map[int]*holding{}}
}

// Held says whether the shard's lease is surely this process's at this moment.
// It is false after a while without the hub, and true again when the hub is
// back and nobody took the lease meanwhile.
func (k *Keeper) Held(shard int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.held[shard]
	return h != nil && time.Now().Before(h.until)
}

// shards lists the shards held, in no order.
func (k *Keeper) shards() []int {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []int
	for s := range k.held {
		list = append(list, s)
	}
	return list
}

// Run takes free shards, one a round so that processes which start together
// share them, until ctx ends. For each it runs hold in a goroutine of its own,
// whose context ends with ctx; a hold that returns gives the shard up. When ctx
// ends, Run waits for every hold and then frees the leases, so that the next
// process need not wait for the term.
func (k *Keeper) Run(ctx context.Context, hold func(ctx context.Context, shard int)) {
	defer k.free()
	for {
		k.renew(ctx)
		k.take(ctx, hold)
		wait := k.o.Term/6 + mrand.N(k.o.Term/12+1)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// renew writes every lease held again.
func (k *Keeper) renew(ctx context.Context) {
	for _, shard := range k.shards() {
		h := k.holding(shard)
		select {
		case <-h.ended:
			k.giveUp(ctx, shard, h)
			continue
		default:
		}
		begun := time.Now()
		rev, err := k.o.Leases.Update(ctx, key(shard), k.mine(), h.rev)
		if errs.Has(err, errs.Conflict) || errors.Is(err, hub.ErrUnknownOutcome) {
			rev, err = k.look(ctx, shard)
		}
		switch {
		case errs.Has(err, errs.Conflict):
			k.end(shard, h)
			k.o.Lost(shard, err)
		case err != nil:
			if ctx.Err() == nil {
				k.o.Log.Warn("a shard's lease could not be renewed; trying again", "shard", shard, "err", err)
			}
		default:
			h.rev = rev
			k.mu.Lock()
			h.until = begun.Add(k.o.Term * 3 / 4)
			k.mu.Unlock()
		}
	}
}

// look finds out whether a lease that could not be renewed is still this
// process's: an earlier write may have happened though its answer was lost.
func (k *Keeper) look(ctx context.Context, shard int) (hub.Rev, error) {
	l, rev, err := k.o.Leases.Latest(ctx, key(shard))
	switch {
	case errs.Has(err, errs.NotFound): // the bucket was emptied by hand
		return k.o.Leases.Create(ctx, key(shard), k.mine())
	case err != nil:
		return 0, err
	case l.Holder != k.holder:
		return 0, errs.E(errs.Conflict, "Shard %d was taken over by %s, because this process was out of reach for too long. Start it again: it will stand by.", shard, l.Name)
	}
	return rev, nil
}

// take takes at most one shard that nobody holds.
func (k *Keeper) take(ctx context.Context, hold func(context.Context, int)) {
	first := mrand.N(k.o.Shards)
	for i := range k.o.Shards {
		shard := (first + i) % k.o.Shards
		if k.holding(shard) != nil || ctx.Err() != nil {
			continue
		}
		begun := time.Now()
		rev, err := k.try(ctx, shard)
		if err != nil {
			if !errs.Has(err, errs.Conflict) && ctx.Err() == nil {
				k.o.Log.Warn("a shard's lease could not be taken; trying again", "shard", shard, "err", err)
			}
			continue
		}
		if rev == 0 {
			continue
		}
		delete(k.seen, shard)
		k.begin(ctx, shard, &holding{rev: rev, until: begun.Add(k.o.Term * 3 / 4)}, hold)
		return
	}
}

// try takes a lease if it is free: absent, or the same for a whole term. It gives 0 when it is not.
func (k *Keeper) try(ctx context.Context, shard int) (hub.Rev, error) {
	l, rev, err := k.o.Leases.Latest(ctx, key(shard))
	if errs.Has(err, errs.NotFound) {
		return k.o.Leases.Create(ctx, key(shard), k.mine())
	}
	if err != nil {
		return 0, err
	}
	if s, ok := k.seen[shard]; !ok || s.rev != rev {
		k.seen[shard] = sight{rev, time.Now()}
		return 0, nil
	} else if time.Since(s.since) < k.o.Term {
		return 0, nil
	}
	k.o.Log.Warn("taking over a shard whose process no longer renews its lease", "shard", shard, "from", l.Name)
	return k.o.Leases.Update(ctx, key(shard), k.mine(), rev)
}

func (k *Keeper) begin(ctx context.Context, shard int, h *holding, hold func(context.Context, int)) {
	ctx, h.end = context.WithCancel(ctx)
	h.ended = make(chan struct{})
	k.mu.Lock()
	k.held[shard] = h
	k.mu.Unlock()
	k.o.Log.Info("holding a shard", "shard", shard, "shards", k.o.Shards)
	go func() { // ends with ctx; end waits for it
		defer close(h.ended)
		hold(ctx, shard)
	}()
}

// end ends a hold and waits for it; the lease is no longer relied on.
func (k *Keeper) end(shard int, h *holding) {
	k.mu.Lock()
	delete(k.held, shard)
	k.mu.Unlock()
	h.end()
	<-h.ended
}

// giveUp frees a lease whose hold is over.
func (k *Keeper) giveUp(ctx context.Context, shard int, h *holding) {
	k.end(shard, h)
	if err := k.o.Leases.DeleteAt(ctx, key(shard), h.rev); err != nil {
		k.o.Log.Warn("a shard's lease could not be freed; it runs out by itself", "shard", shard, "err", err)
	}
}

// free ends and frees everything.
func (k *Keeper) free() {
	ctx, cancel := context.WithTimeout(context.Background(), k.o.Term/3)
	defer cancel()
	shards := k.shards()
	for _, s := range shards {
		k.holding(s).end()
	}
	for _, s := range shards {
		k.giveUp(ctx, s, k.holding(s))
	}
}

func (k *Keeper) holding(shard int) *holding {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held[shard]
}

func (k *Keeper) mine() hub.Lease { return hub.Lease{Holder: k.holder, Name: k.o.Name} }

func key(shard int) string { return strconv.Itoa(shard) }
