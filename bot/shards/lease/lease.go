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
// The keys of leases carry the number of shards. Processes that count differently would each serve a guild as part of
// another shard, so one number counts at a time: see generation.go.
//
// The package is for snug/bot. Start a Holder once, with Run; its other methods are safe for concurrent use.
package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"snug/shared/hub"
)

// Term is the default of Options.Term. A shorter one makes up for a dead process sooner, and pauses more shards while
// the hub elects a leader, because a holder relies on its lease for three quarters of it.
const Term = 6 * time.Second

// Options of a Holder. Leases and Shards are required.
type Options struct {
	Leases *hub.Bucket[hub.Lease]
	Shards int           // of the whole bot
	Takes  []int         // the only shards to take; empty: any
	Name   string        // where this process runs, for the logs of other processes
	Term   time.Duration // how long a lease must stay unchanged before it is taken over; default Term
	Log    *slog.Logger
	// About is what this process says about itself; Bot and Takes are set here. It is called in every round.
	About func() hub.Process
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

	stood bool // it stands by because the bot has another number of shards; for Run's goroutine, to log it once

	mu        sync.Mutex
	lastRound time.Time     // when the last round began in which this process could write; zero: it couldn't
	writable  time.Duration // how long this process could write, in total
	held      map[int]*holding
	leases    map[string]entry // the hub's latest entries, by key
	refused   map[string]refusals
	caught    bool // all of them are known
}

// entry is the hub's value of a key: since when it has been unchanged, and since when the key exists, both measured in
// Holder.writable.
type entry struct {
	hub.Lease
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
		o.Term = Term
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.About == nil {
		o.About = func() hub.Process { return hub.Process{} }
	}
	return &Holder{
		o: o, holder: rand.Text(), wakeup: make(chan struct{}, 1),
		held: map[int]*holding{}, leases: map[string]entry{}, refused: map[string]refusals{},
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
	wait, err := k.o.Leases.Follow(following, hub.Follower[hub.Lease]{
		Reset: k.reset, Change: k.changed, Caught: k.caughtUp,
	})
	if err != nil {
		return err
	}
	defer wait()
	defer stop()
	defer k.free()
	for ctx.Err() == nil {
		k.round(ctx, hold)
		pause := time.NewTimer(min(k.o.Term/6+mrand.N(k.o.Term/12+1), k.nextEnd()))
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
	var writes sync.WaitGroup // at the same time, so that a slow hub delays no renewal twice
	writes.Go(func() { k.announce(ctx) })
	k.renew(ctx)
	writes.Wait()
	if ctx.Err() != nil || !k.mayJudge() || !k.current(ctx) {
		return
	}
	k.take(ctx, hold)
	k.spread()
}

// mayJudge reports whether this process could write to the hub in this round, and knows all leases.
func (k *Holder) mayJudge() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.lastRound.IsZero() && k.caught
}

// nextEnd returns how long it takes until the first lease of another process can be taken over, if nobody renews it.
func (k *Holder) nextEnd() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	left := k.o.Term
	if k.lastRound.IsZero() {
		return left
	}
	now := k.now()
	for key, e := range k.leases {
		_, _, ok := hub.ParseLeaseKey(key)
		if d := k.o.Term - (now - e.since); ok && e.Holder != "" && e.Holder != k.holder && d > 0 {
			left = min(left, d+time.Millisecond)
		}
	}
	return left
}

// now returns how long this process could write, if the round that is to come succeeds. The caller holds mu.
func (k *Holder) now() time.Duration {
	if k.lastRound.IsZero() {
		return k.writable
	}
	return k.writable + time.Since(k.lastRound)
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
	k.caught = false
}

func (k *Holder) caughtUp() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.caught = true
	k.wake()
}

// changed handles a change in the hub; a freed shard wakes the next round, and so does another number of shards.
func (k *Holder) changed(c hub.Change[hub.Lease]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.Value == nil {
		delete(k.leases, c.Key)
	} else {
		was, known := k.leases[c.Key]
		e := entry{Lease: *c.Value, rev: c.Rev, since: k.now(), first: was.first}
		if !known {
			e.first = e.since
		}
		k.leases[c.Key] = e
		k.remember(c.Key, e)
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
	about := k.o.About()
	about.Bot, about.Takes = true, k.o.Takes
	me := k.mine(0)
	me.Process = &about
	_, err := k.o.Leases.Put(writing, attending+k.holder, me, hub.TTL(4*k.o.Term))
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil && !k.lastRound.IsZero() {
			k.o.Log.Warn("cannot announce this process to the others: until the hub is back, no lease changes hands",
				"err", err)
		}
		k.pause()
		return
	}
	if k.lastRound.IsZero() || begun.Sub(k.lastRound) >= k.o.Term/2 {
		k.pause()
	} else {
		k.writable += begun.Sub(k.lastRound)
	}
	k.lastRound = begun
}

// pause stops the time during which this process can write. What changed since the last round changed at its
// beginning: nothing is older than the time that counts. The caller holds mu.
func (k *Holder) pause() {
	k.lastRound = time.Time{}
	for key, e := range k.leases {
		e.since, e.first = min(e.since, k.writable), min(e.first, k.writable)
		k.leases[key] = e
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

func (k *Holder) key(shard int) string { return hub.LeaseKey(k.o.Shards, shard) }

// takes reports whether a process with this list of shards may take a shard.
func takes(list []int, shard int) bool { return len(list) == 0 || slices.Contains(list, shard) }
