package lease

import (
	"cmp"
	mrand "math/rand/v2"
	"strings"
)

// next chooses a free shard to take, if there is one. A process with more shards than another lets that one go first.
func (k *Holder) next() (shard int, e entry, free bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	counts := k.counts()
	first := mrand.N(k.o.Shards)
	for i := range k.o.Shards {
		shard = (first + i) % k.o.Shards
		e, known := k.leases[key(shard)]
		s := k.seen[key(shard)]
		if k.held[shard] != nil || known && s.rev != e.rev { // it changed just now: the next round decides
			continue
		}
		switch idle := k.writable - s.since; {
		case e.Holder != "" && idle < k.o.Term:
			continue
		case e.Holder == "" && counts[k.holder] > least(counts) && (!known || idle < k.o.Term/3):
			continue
		}
		return shard, e, true
	}
	return 0, entry{}, false
}

// counts returns how many shards each present process holds. The caller holds mu.
func (k *Holder) counts() map[string]int {
	counts := map[string]int{k.holder: len(k.held)}
	for key := range k.leases {
		if id, ok := strings.CutPrefix(key, attending); ok && id != k.holder &&
			k.writable-k.seen[key].since < k.o.Term {
			counts[id] += 0
		}
	}
	for key, e := range k.leases {
		if _, there := counts[e.Holder]; there && e.Holder != k.holder && !strings.HasPrefix(key, attending) {
			counts[e.Holder]++
		}
	}
	return counts
}

func least(counts map[string]int) int {
	n := -1
	for _, c := range counts {
		if n < 0 || c < n {
			n = c
		}
	}
	return n
}

// spread gives up a shard if another process, present for at least a term, has at least two fewer,
// and none has more than this one.
func (k *Holder) spread() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.held {
		if h.given || h.until.IsZero() {
			return // one after another
		}
	}
	for shard := range k.o.Shards {
		if e := k.leases[key(shard)]; e.Holder == "" && k.held[shard] == nil {
			return // somebody is about to take it
		}
	}
	counts := k.counts()
	mine := counts[k.holder]
	most, fewest := k.holder, mine
	for id, n := range counts {
		if c := cmp.Compare(n, counts[most]); c > 0 || c == 0 && id < most {
			most = id
		}
		if id != k.holder && n < fewest && k.writable-k.seen[attending+id].first >= k.o.Term {
			fewest = n
		}
	}
	if most != k.holder || mine-fewest < 2 {
		return
	}
	for shard, h := range k.held {
		k.o.Log.Info("giving a shard to a process with fewer", "shard", shard, "have", mine, "fewest", fewest)
		h.given = true
		h.end(errSpread)
		return
	}
}
