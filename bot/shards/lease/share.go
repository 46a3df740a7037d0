package lease

import (
	mrand "math/rand/v2"
	"strings"

	"snug/shared/hub"
)

// present is a process that may hold shards, as of now.
type present struct {
	has     int   // shards
	takes   []int // the only ones it may have; empty: any
	settled bool  // it has been there for at least a term
}

// next chooses a free shard to take, if there is one. A process with more shards than another lets that one go first.
func (k *Holder) next() (shard int, e entry, free bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := k.present()
	first := mrand.N(k.o.Shards)
	for i := range k.o.Shards {
		shard = (first + i) % k.o.Shards
		if k.held[shard] != nil || !takes(k.o.Takes, shard) {
			continue
		}
		e, known := k.leases[k.key(shard)]
		switch idle := k.writable - e.since; {
		case e.Holder != "" && idle < k.o.Term:
			continue
		case e.Holder == "" && len(k.held) > least(all, shard) && (!known || idle < k.o.Term/3):
			continue
		}
		return shard, e, true
	}
	return 0, entry{}, false
}

// present returns the processes that may hold shards, by holder. The caller holds mu.
func (k *Holder) present() map[string]*present {
	all := map[string]*present{k.holder: {has: len(k.held), takes: k.o.Takes, settled: true}}
	for key, e := range k.leases {
		id, ok := strings.CutPrefix(key, attending)
		if ok && id != k.holder && k.counts(e) && k.writable-e.since < k.o.Term {
			all[id] = &present{takes: e.Process.Takes, settled: k.writable-e.first >= k.o.Term}
		}
	}
	for key, e := range k.leases {
		if shards, _, ok := hub.ParseLeaseKey(key); ok && shards == k.o.Shards && e.Holder != k.holder {
			if p := all[e.Holder]; p != nil {
				p.has++
			}
		}
	}
	return all
}

// counts reports whether the process that wrote an entry may hold this bot's shards.
func (k *Holder) counts(e entry) bool {
	return e.Process != nil && e.Process.Bot && e.Shards == k.o.Shards
}

// least returns how many shards those have who have fewest of those who may take a shard.
func least(all map[string]*present, shard int) int {
	n := -1
	for _, p := range all {
		if takes(p.takes, shard) && (n < 0 || p.has < n) {
			n = p.has
		}
	}
	return n
}

// spread gives up a shard if another process that may take it, present for at least a term, has at least two fewer, and
// none of those who could give one has more than this one.
func (k *Holder) spread() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.held {
		if h.given || h.until.IsZero() {
			return // one after another
		}
	}
	all := k.present()
	giver, give, fewest := "", 0, 0
	for shard := range k.o.Shards {
		holder := k.leases[k.key(shard)].Holder
		switch {
		case k.held[shard] != nil:
			holder = k.holder
		case holder == k.holder: // given up a moment ago, but this process hasn't heard of that yet
			holder = ""
		}
		if holder == "" && least(all, shard) >= 0 {
			return // somebody is about to take it
		}
		from := all[holder]
		if from == nil {
			continue
		}
		n := from.has - 1
		for id, p := range all {
			if id != holder && p.settled && takes(p.takes, shard) {
				n = min(n, p.has)
			}
		}
		if n > from.has-2 {
			continue
		}
		if g := all[giver]; g == nil || from.has > g.has || from.has == g.has && holder < giver {
			giver, give, fewest = holder, shard, n
		}
	}
	if giver != k.holder {
		return
	}
	h := k.held[give]
	k.o.Log.Info("giving a shard to a process with fewer", "shard", give, "have", len(k.held), "fewest", fewest)
	h.given = true
	h.end(errSpread)
}
