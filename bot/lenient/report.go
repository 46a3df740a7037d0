package lenient

import (
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// maxLogged limits how many kinds of skipped values are logged; all are counted.
const maxLogged = 100

// Report counts skipped values, and logs each kind of them once, until stop is called. It fails if
// the metric is already registered.
func Report(log *slog.Logger, registerer prometheus.Registerer) (stop func(), err error) {
	count := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "snug", Name: "discord_unread_total",
		Help: "Unknown values from Discord that Snug skipped. The log names each kind once."})
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
			log.Warn("Discord sent a value that this version of Snug doesn't know: skipped it, here and from now on",
				"where", d.Where, "err", d.Err)
		}
	}), nil
}
