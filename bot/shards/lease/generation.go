package lease

import (
	"context"
	"errors"
	"strings"

	"snug/shared/errs"
	"snug/shared/hub"
)

// The bot has one number of shards at a time, its generation: the value of the key hub.Generation.
//
// A process takes shards only while its own number is the generation, and looks once more, with the leader, after it
// has written a lease. A process with another number makes that the generation when nobody of the present one is left:
// no process that announces itself, and no lease that is renewed. It then takes away the leases of those that only
// seem to be gone, as in a take-over, before it takes any of its own. Both write to one stream, so each either
// sees what the other has written, or has written before the other looks.

var errGeneration = errors.New("lease: the bot has another number of shards now")

// Generation returns how many shards the bot has, if processes that are running, or were until a moment ago, say so;
// otherwise 0.
func Generation(ctx context.Context, leases *hub.Bucket[hub.Lease]) (shards int, err error) {
	g, _, err := leases.Latest(ctx, hub.Generation)
	if errs.Has(err, errs.NotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	list, err := leases.List(ctx, strings.TrimSuffix(attending, "."))
	for _, e := range list {
		if p := e.Value.Process; p != nil && p.Bot && e.Value.Shards == g.Shards {
			return g.Shards, nil
		}
	}
	return 0, err
}

// current reports whether this process may take shards.
func (k *Holder) current(ctx context.Context) bool {
	k.mu.Lock()
	g, known := k.leases[hub.Generation]
	k.mu.Unlock()
	switch {
	case !known:
		k.begins(ctx, 0)
		return false // the next round has heard of it
	case g.Shards != k.o.Shards:
		k.dropAll(errGeneration)
		if by := k.others(g.Shards); by != "" {
			if !k.stood {
				k.o.Log.Warn("standing by: other processes run this bot with another number of shards. Set "+
					"SNUG_SHARD_COUNT to the same number for all, or stop the others to change it",
					"shards", k.o.Shards, "theirs", g.Shards, "process", by)
			}
			k.stood = true
			return false
		}
		k.begins(ctx, g.rev)
		return false
	}
	k.stood = false
	return k.fence(ctx)
}

// begins makes this process's number of shards the generation, unless another process is faster.
func (k *Holder) begins(ctx context.Context, was hub.Rev) {
	writing, cancel := k.writing(ctx)
	defer cancel()
	g := hub.Lease{Name: k.o.Name, Shards: k.o.Shards}
	var err error
	if was == 0 {
		_, err = k.o.Leases.Create(writing, hub.Generation, g)
	} else {
		_, err = k.o.Leases.Update(writing, hub.Generation, g, was)
	}
	switch {
	case err == nil:
		k.o.Log.Info("this bot's number of shards is set", "shards", k.o.Shards)
		k.wake()
	case !taken(err) && ctx.Err() == nil:
		k.o.Log.Warn("cannot set the number of shards; retrying", "shards", k.o.Shards, "err", err)
	}
}

// others names a process that runs the bot with a number of shards; "" if there's none.
func (k *Holder) others(shards int) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, e := range k.leases {
		if k.writable-e.since >= k.o.Term {
			continue
		}
		if n, _, ok := hub.ParseLeaseKey(key); ok && n == shards && e.Holder != "" {
			return e.Name
		}
		if strings.HasPrefix(key, attending) && e.Process != nil && e.Process.Bot && e.Shards == shards {
			return e.Name
		}
	}
	return ""
}

// fence takes away the leases of another number of shards. It returns false while one of them may still be relied on.
func (k *Holder) fence(ctx context.Context) bool {
	k.mu.Lock()
	old := map[string]entry{}
	for key, e := range k.leases {
		if n, _, ok := hub.ParseLeaseKey(key); ok && n != k.o.Shards && e.Holder != "" {
			old[key] = e
		}
	}
	writable := k.writable
	k.mu.Unlock()
	for key, e := range old {
		if writable-e.since < k.o.Term {
			return false
		}
		writing, cancel := k.writing(ctx)
		_, err := k.o.Leases.Update(writing, key, hub.Lease{Name: e.Name, Term: e.Term, Shards: e.Shards}, e.rev)
		cancel()
		if err != nil && !taken(err) {
			return false
		}
		k.o.Log.Warn("took a shard away from a process that no longer renews its lease: the bot has another number "+
			"of shards now", "shards", k.o.Shards, "from", e.Name)
	}
	return len(old) == 0 // else the next round sees what became of them
}

// still reports whether this process's number of shards is the generation, as the hub's leader knows it.
func (k *Holder) still(ctx context.Context) bool {
	g, _, err := k.o.Leases.Latest(ctx, hub.Generation)
	return err == nil && g.Shards == k.o.Shards
}

// dropAll ends all holds, for a reason other than that another process has them.
func (k *Holder) dropAll(why error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.held {
		if !h.given {
			h.given = true
			h.end(why)
		}
	}
}

// highest returns the highest term of any lease, of whatever number of shards. Terms only increase, so that of two
// leases the later one is known by it.
func (k *Holder) highest() (term uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, e := range k.leases {
		if _, _, ok := hub.ParseLeaseKey(key); ok {
			term = max(term, e.Term)
		}
	}
	return term
}

// taken reports whether err means that another process was faster.
func taken(err error) bool { return errs.Has(err, errs.Conflict) }
