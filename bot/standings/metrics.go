package standings

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the metrics of a Cache.
type metrics struct {
	asked  prometheus.Counter
	people prometheus.Counter
	spared prometheus.Counter
}

func (m *metrics) register(reg prometheus.Registerer, t *Cache) error {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "snug", Subsystem: "standings", Name: name, Help: help}
	}
	m.asked = prometheus.NewCounter(prometheus.CounterOpts(opts("asks_total",
		"Requests for guild members sent over the gateway.")))
	m.people = prometheus.NewCounter(prometheus.CounterOpts(opts("people_asked_total", "Members requested in them.")))
	m.spared = prometheus.NewCounter(prometheus.CounterOpts(opts("asked_aside_total",
		"Members fetched by REST because gateway requests did not reach them in time.")))
	followed := prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("followed",
		"People who watch the dashboard, own a room or are guests of one.")), func() float64 {
		n, _ := t.followed()
		return float64(n)
	})
	oldest := prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("oldest_seconds",
		"Age of the oldest answer of Discord about one of them.")), func() float64 {
		_, age := t.followed()
		return age.Seconds()
	})
	return errors.Join(reg.Register(m.asked), reg.Register(m.people), reg.Register(m.spared), reg.Register(followed),
		reg.Register(oldest))
}

// followed returns how many people are followed, and the age of the oldest answer about one of them.
func (t *Cache) followed() (n int, oldest time.Duration) {
	now := t.o.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.guilds {
		for _, e := range g {
			if !e.inRoom && e.followedUntil.Before(now) {
				continue
			}
			n++
			if e.known {
				oldest = max(oldest, now.Sub(e.st.CheckedAt))
			}
		}
	}
	return n, oldest
}
