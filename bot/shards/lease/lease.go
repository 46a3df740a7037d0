// Package lease decides which process holds which of the bot's shards, so that each shard is
// connected once, and a standby takes over the shards of a process that died.
//
// A lease is a key in the hub that its holder renews regularly. The clocks of two machines are never
// compared: a process takes over a lease after it has itself seen it unchanged for a whole term
// during which it could write to the hub. While nobody can write, nobody loses a lease. Every step
// is a compare-and-set, and the holder stops relying on its lease well before anybody else may take
// it. Each time a lease changes hands its term increases, and calls to the holder carry that number.
//
// Every process also announces itself. The shards are spread evenly over the processes present: a
// process with more than the others gives up one after another.
//
// The package is for snug/bot. Start a Holder once, with Run; its other methods are safe for concurrent use.
package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mrand "math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"snug/shared/errs"
	"snug/shared/hub"
)

// Options of a Holder. Leases and Shards are required.
type Options struct {
	Leases *hub.Bucket[hub.Lease]
	Shards int           // of the whole bot
	Name   string        // where this process runs, for the logs of other processes
	Term   time.Duration // how long a lease must stay unchanged before it is taken over; default 15 s
	Log    *slog.Logger
}

// ErrLost is the cause with which a hold's context ends when another process has taken the lease:
// what this process knows about the shard is outdated, and it must not write any of it. After any
// other cause the lease stays with this process until the hold returns.
var ErrLost = errors.New("lease: another process took the shard over")

var errSpread = errors.New("lease: the shard goes to a process with fewer")

// Holder keeps the leases of one process.
type Holder struct {
	o      Options
	holder string
	wakeup chan struct{} // wakes the next round early

	// Only for Run's goroutine.
	lastRound time.Time     // when the last round began in which this process could write; zero: it couldn't
	writable  time.Duration // how long this process could write, in total
	seen      map[string]observation

	mu     sync.Mutex
	held   map[int]*holding
	leases map[string]entry // the hub's latest entries, by key
}

// entry is the hub's value of a key.
type entry struct {
	hub.Lease
	rev hub.Rev
}

// observation is what was observed about an entry: since when it has been unchanged, and since when it
// exists, both measured in Holder.writable.
type observation struct {
	rev          hub.Rev
	since, first time.Duration
}

// holding is a lease held by this process. Its rev is only for Run's goroutine.
type holding struct {
	rev   hub.Rev
	term  uint64
	until time.Time // guarded by Holder.mu; zero: the lease is lost
	end   context.CancelCauseFunc
	given bool          // it is being given to another process
	stale bool          // the last renewal failed and was logged
	ended chan struct{} // closed when the hold has returned
}

// New makes a Holder that holds no leases yet.
func New(o Options) *Holder {
	if o.Term <= 0 {
		o.Term = 15 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Holder{
		o: o, holder: rand.Text(), wakeup: make(chan struct{}, 1),
		seen: map[string]observation{}, held: map[int]*holding{}, leases: map[string]entry{},
	}
}

// Held reports whether this process certainly holds the shard's lease right now. It becomes false
// after some time without the hub, and true again if the hub comes back before anybody took the lease.
func (k *Holder) Held(shard int) bool { return k.Left(shard) > 0 }

// Left returns how much longer this process certainly holds the shard's lease without renewing it, 0 if it
// doesn't. It checks the clock, so a suspended process that continues gets 0 before it does anything else.
func (k *Holder) Left(shard int) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.held[shard]
	if h == nil || h.until.IsZero() {
		return 0
	}
	// The monotonic clock may stop while a machine sleeps; the wall clock doesn't.
	now := time.Now()
	return max(0, min(h.until.Sub(now), h.until.Round(0).Sub(now.Round(0))))
}

// Any reports whether this process certainly holds the lease of any shard.
func (k *Holder) Any() bool {
	for _, s := range k.shards() {
		if k.Held(s) {
			return true
		}
	}
	return false
}

// Term returns the term of the shard's lease; 0 if this process doesn't hold it.
func (k *Holder) Term(shard int) uint64 {
	if h := k.holding(shard); h != nil && k.Held(shard) {
		return h.term
	}
	return 0
}

// shards lists the held shards, in no particular order.
func (k *Holder) shards() []int {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []int
	for s := range k.held {
		list = append(list, s)
	}
	return list
}

// Run takes free shards until ctx ends, one in each round, so that processes that start together
// share them. For each shard it runs hold in its own goroutine. The context of hold ends when the
// shard has to be given up, with ErrLost if another process already has it. A hold that returns
// gives the shard up. When ctx ends, Run waits for every hold and then frees the leases, so that
// the next process doesn't have to wait for a term.
func (k *Holder) Run(ctx context.Context, hold func(ctx context.Context, shard int)) error {
	following, stop := context.WithCancel(ctx)
	defer stop()
	wait, err := k.o.Leases.Follow(following, hub.Follower[hub.Lease]{Reset: k.reset, Change: k.changed})
	if err != nil {
		return err
	}
	defer wait()
	defer stop()
	defer k.free()
	for ctx.Err() == nil {
		k.round(ctx, hold)
		pause := time.NewTimer(k.o.Term/6 + mrand.N(k.o.Term/12+1))
		select {
		case <-ctx.Done():
		case <-pause.C:
		case <-k.wakeup:
			// Spread out the processes that were woken by the same event.
			pause.Reset(mrand.N(k.o.Term/100 + 1))
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
		}
		pause.Stop()
	}
	return nil
}

func (k *Holder) round(ctx context.Context, hold func(context.Context, int)) {
	k.announce(ctx)
	k.renew(ctx)
	if ctx.Err() != nil || k.lastRound.IsZero() {
		return
	}
	k.look()
	k.take(ctx, hold)
	k.spread()
}

// wake starts the next round at once.
func (k *Holder) wake() {
	select {
	case k.wakeup <- struct{}{}:
	default:
	}
}

func (k *Holder) reset(string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.leases)
}

// changed handles a change in the hub; a freed shard wakes the next round.
func (k *Holder) changed(c hub.Change[hub.Lease]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.Value == nil {
		delete(k.leases, c.Key)
	} else {
		k.leases[c.Key] = entry{*c.Value, c.Rev}
	}
	if !strings.HasPrefix(c.Key, attending) && (c.Value == nil || c.Value.Holder == "") && !c.Old {
		k.wake()
	}
}

// announce announces that this process is present, and measures how long it can write.
func (k *Holder) announce(ctx context.Context) {
	begun := time.Now()
	writing, cancel := k.writing(ctx)
	defer cancel()
	_, err := k.o.Leases.Put(writing, attending+k.holder, k.mine(0), hub.TTL(4*k.o.Term))
	if err != nil {
		if ctx.Err() == nil && !k.lastRound.IsZero() {
			k.o.Log.Warn("cannot announce this process to the others: until the hub is back, no lease changes hands",
				"err", err)
		}
		k.lastRound = time.Time{}
		return
	}
	if gap := begun.Sub(k.lastRound); !k.lastRound.IsZero() && gap < k.o.Term/2 {
		k.writable += gap
	}
	k.lastRound = begun
}

// look records what has changed since the last round.
func (k *Holder) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, e := range k.leases {
		s, known := k.seen[key]
		if !known {
			s.first = k.writable
		}
		if !known || s.rev != e.rev {
			s.rev, s.since = e.rev, k.writable
		}
		k.seen[key] = s
	}
	for key := range k.seen {
		if _, there := k.leases[key]; !there {
			delete(k.seen, key)
		}
	}
}

func (k *Holder) holding(shard int) *holding {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held[shard]
}

func (k *Holder) mine(term uint64) hub.Lease {
	return hub.Lease{Holder: k.holder, Name: k.o.Name, Term: term, Shards: k.o.Shards}
}

// attending is the prefix of the keys with which processes announce themselves.
const attending = hub.Attending

func key(shard int) string { return strconv.Itoa(shard) }

// taken reports whether err means that another process has the shard.
func taken(err error) bool { return errs.Has(err, errs.Conflict) }
