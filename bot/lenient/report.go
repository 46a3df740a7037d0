package lenient

import (
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// maxLogged is how many different things that were left out are logged; all are counted.
const maxLogged = 100

// Report counts what is left out, and logs each kind of it once, until stop.
// It fails if the metric is registered already.
func Report(log *slog.Logger, registerer prometheus.Registerer) (stop func(), err error) {
	count := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "snug", Name: "discord_unread_total",
		Help: "Values in what Discord sent that Snug does not know and left out. The log names each kind once."})
	if err := registerer.Register(count); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	logged := map[string]bool{}
	return OnDrop(func(d Drop) {
		count.Inc()
		mu.Lock()
		first := !logged[d.Where] && len(logged) < maxLogged
		if first {
			logged[d.Where] = true
		}
		mu.Unlock()
		if first {
			log.Warn("Discord sent something that Snug does not know; it is left out, here and from now on."+
				" A newer Snug may know it", "where", d.Where, "err", d.Err)
		}
	}), nil
}
