package hub

import (
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	dashboardRole = "dashboard"
	// lingers is how long a process still counts after its key is gone. The keys of all of them expire while nobody can
	// write to the hub, and each comes back when its process next announces itself.
	lingers = 4 * attendEvery
)

// dashboards counts the processes that serve the web, from what they announce.
type dashboards struct {
	mu    sync.Mutex
	until map[string]time.Time // by process; zero: it is announced, otherwise how long it still counts
}

// learn takes a change of the bucket of leases.
func (d *dashboards) learn(key string, l *Lease, now time.Time) {
	id, ok := strings.CutPrefix(key, Attending)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch until, known := d.until[id]; {
	case l != nil && l.Process != nil && slices.Contains(l.Process.Roles, dashboardRole):
		if d.until == nil {
			d.until = map[string]time.Time{}
		}
		d.until[id] = time.Time{}
	case known && until.IsZero():
		d.until[id] = now.Add(lingers)
	}
}

// reset expects all of them to be announced again.
func (d *dashboards) reset(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, until := range d.until {
		if until.IsZero() {
			d.until[id] = now.Add(lingers)
		}
	}
}

// count returns how many there are, this process included: at least one.
func (d *dashboards) count(now time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, until := range d.until {
		if !until.IsZero() && !now.Before(until) {
			delete(d.until, id)
		}
	}
	return max(1, len(d.until))
}

// Dashboards returns how many processes serve the web with this hub, as far as this one knows, and at least one. One
// that has stopped still counts for some seconds; one that died, for half a minute. While the hub is away, the number
// stays what it was.
func (h *Hub) Dashboards() int { return h.dashboards.count(time.Now()) }
