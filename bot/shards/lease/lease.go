// Package lease decides which of several processes holds which of the bot's
// shards, so that each shard is connected once, and a standby takes over what
// a process that died has held.
//
// A lease is a key of the hub that its holder writes again and again. Nobody
// compares clocks of two machines: a process takes a lease over when it has
// itself watched it stay the same for a whole term, in which it could write
// there itself: while nobody can write, nobody loses a lease. Every step is a
// compare-and-set, and the holder stops relying on its lease well before
// another may take it. Each tenure has a number of its own, its term, which
// calls meant for the holder carry.
//
// Every process also writes that it is there. Shards are shared evenly among
// those that are: who holds more than others gives one up after the other.
//
// The package is for snug/bot. A Holder is started once, with Run; its other
// methods may be called from anywhere.
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

// Options of a Holder. Leases and Shards are needed.
type Options struct {
	Leases *hub.Bucket[hub.Lease]
	Shards int           // of the whole bot
	Name   string        // where this process runs, told to the others' logs
	Term   time.Duration // how long a lease must stay the same to be taken over; default 15 s
	Log    *slog.Logger
}

// ErrLost is the cause that a hold's context ends with when another process
// has the lease: whatever this process knows of the shard is void, and none of
// it may be written. Any other cause leaves the lease this process's until the hold returns.
var ErrLost = errors.New("lease: another process took the shard over")

var errSpread = errors.New("lease: the shard goes to a process that holds fewer")

// Holder keeps the leases of one process.
type Holder struct {
	o      Options
	holder string
	poke   chan struct{} // something happened that the next round need not wait for

	// Of Run's goroutine alone.
	ran  time.Time     // when the last round in which this process could write began; zero: it could not
	able time.Duration // how long this process could write, in all
	seen map[string]sight

	mu     sync.Mutex
	held   map[int]*holding
	leases map[string]entry // as the hub told last, by key
}

// entry is what the hub holds under a key.
type entry struct {
	hub.Lease
	rev hub.Rev
}

// sight is what was seen of an entry: since when it is as it is, and since when it is there at all, in able time.
type sight struct {
	rev          hub.Rev
	since, first time.Duration
}

// holding is a lease this process holds. Its rev is of Run's goroutine alone.
type holding struct {
	rev   hub.Rev
	term  uint64
	until time.Time // guarded by Holder.mu; zero: the lease is lost
	end   context.CancelCauseFunc
	given bool          // it is on its way to another process
	stale bool          // the last renewal failed, and the log says so
	ended chan struct{} // closed when the hold has returned
}

// New makes a Holder that holds nothing yet.
func New(o Options) *Holder {
	if o.Term <= 0 {
		o.Term = 15 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Holder{
		o: o, holder: rand.Text(), poke: make(chan struct{}, 1),
		seen: map[string]sight{}, held: map[int]*holding{}, leases: map[string]entry{},
	}
}

// Held reports whether the shard's lease is surely this process's at this moment.
// It is false after a while without the hub, and true again when the hub is
// back and nobody took the lease meanwhile.
func (k *Holder) Held(shard int) bool { return k.Left(shard) > 0 }

// Left returns how long the shard's lease is surely this process's from now
// on, unless it is renewed; 0 when it is not. It asks the clock, so a process
// that was stopped and goes on gets 0 before it does anything.
func (k *Holder) Left(shard int) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.held[shard]
	if h == nil || h.until.IsZero() {
		return 0
	}
	// The monotonic clock stands still while a machine sleeps, the wall clock does not.
	now := time.Now()
	return max(0, min(h.until.Sub(now), h.until.Round(0).Sub(now.Round(0))))
}

// Any reports whether any shard's lease is surely this process's.
func (k *Holder) Any() bool {
	for _, s := range k.shards() {
		if k.Held(s) {
			return true
		}
	}
	return false
}

// Term returns the number of the tenure in which this process holds the shard; 0 when it does not.
func (k *Holder) Term(shard int) uint64 {
	if h := k.holding(shard); h != nil && k.Held(shard) {
		return h.term
	}
	return 0
}

// shards lists the shards held, in no order.
func (k *Holder) shards() []int {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []int
	for s := range k.held {
		list = append(list, s)
	}
	return list
}

// Run takes free shards, one a round so that processes which start together
// share them, until ctx ends. For each it runs hold in a goroutine of its own.
// Its context ends when the shard is to be given up: with ErrLost when another
// process has it already. A hold that returns gives the shard up. When ctx
// ends, Run waits for every hold and then frees the leases, so that the next
// process need not wait for the term.
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
		case <-k.poke:
			// Those who hear of the same thing do not all come at once.
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
	k.attend(ctx)
	k.renew(ctx)
	if ctx.Err() != nil || k.ran.IsZero() {
		return
	}
	k.look()
	k.take(ctx, hold)
	k.spread()
}

// wake has the next round begin at once.
func (k *Holder) wake() {
	select {
	case k.poke <- struct{}{}:
	default:
	}
}

func (k *Holder) reset(string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.leases)
}

// changed takes what the hub tells; a shard that came free is news.
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

// attend writes that this process is there, and counts the time in which it could write.
func (k *Holder) attend(ctx context.Context) {
	begun := time.Now()
	writing, cancel := k.writing(ctx)
	defer cancel()
	_, err := k.o.Leases.Put(writing, attending+k.holder, k.mine(0), hub.TTL(4*k.o.Term))
	if err != nil {
		if ctx.Err() == nil && !k.ran.IsZero() {
			k.o.Log.Warn("this process cannot write that it is there; no lease changes hands meanwhile", "err", err)
		}
		k.ran = time.Time{}
		return
	}
	if gap := begun.Sub(k.ran); !k.ran.IsZero() && gap < k.o.Term/2 {
		k.able += gap
	}
	k.ran = begun
}

// look notes what has changed since the last round.
func (k *Holder) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, e := range k.leases {
		s, known := k.seen[key]
		if !known {
			s.first = k.able
		}
		if !known || s.rev != e.rev {
			s.rev, s.since = e.rev, k.able
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

// attending begins the keys by which processes say that they are there.
const attending = hub.Attending

func key(shard int) string { return strconv.Itoa(shard) }

// taken says that somebody else has a shard.
func taken(err error) bool { return errs.Has(err, errs.Conflict) }
