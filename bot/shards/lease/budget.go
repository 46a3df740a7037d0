package lease

import (
	"strings"
	"time"
)

// A lease is also the right to use what Discord counts for the whole bot: each shard's holder has as large a part of it
// as its shards are of all. So the parts never add up to more than the whole, whatever the processes know of each
// other, and a process that can't reach the hub has none when its leases end.

// Part returns how much of a whole that Discord counts for all shards, such as requests a second, is for this process.
// A process that gives a shard away has already less.
func (k *Holder) Part(whole int) float64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, h := range k.held {
		if !h.given && !h.until.IsZero() {
			n++
		}
	}
	return float64(whole) * float64(n) / float64(k.o.Shards)
}

// Present returns how many processes may hold shards, as far as this one knows, with itself.
func (k *Holder) Present() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 1
	for key, e := range k.leases {
		if id, ok := strings.CutPrefix(key, attending); ok && id != k.holder && e.Process != nil && e.Process.Bot {
			n++
		}
	}
	return n
}

// refusals is how many requests of a process Discord has refused, as that process last said.
type refusals struct {
	n  int
	at time.Time
}

// refusedFor is how long refused requests count: Discord bans an address with too many in ten minutes.
const refusedFor = 10 * time.Minute

// remember records how many requests of another process were refused. The caller holds mu.
func (k *Holder) remember(key string, e entry) {
	id, ok := strings.CutPrefix(key, attending)
	if !ok || id == k.holder || e.Process == nil {
		return
	}
	if e.Process.Refused == 0 {
		delete(k.refused, id)
		return
	}
	k.refused[id] = refusals{e.Process.Refused, time.Now()}
}

// RefusedElsewhere returns how many requests of other processes Discord refused in the last ten minutes, as far as they
// have said, including processes that are gone.
func (k *Holder) RefusedElsewhere() (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, r := range k.refused {
		if time.Since(r.at) > refusedFor {
			delete(k.refused, id)
			continue
		}
		n += r.n
	}
	return n
}
