package live

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/protocol"
)

type metrics struct {
	counters
	flush     prometheus.Histogram
	latency   prometheus.Histogram // to the sockets
	sent      recent
	shown     prometheus.Histogram // to browsers, as they report it
	seen      recent
	closed    *prometheus.CounterVec
	refused   *prometheus.CounterVec
	snapshots *prometheus.CounterVec
	checks    *prometheus.CounterVec
	beats     prometheus.Counter
}

func newMetrics(l *Live, reg prometheus.Registerer) *metrics {
	m := &metrics{
		flush: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "snug_live_flush_seconds",
			Help:    "Time from the arrival of a room's event until it was written for the last watcher.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .3, 1},
		}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "snug_latency_seconds",
			Help:    "Time from an event's arrival from Discord until it was written for the last watcher.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .2, .3, .5, 1, 2.5},
		}),
		shown: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "snug_browser_latency_seconds",
			Help:    "Time from an event's arrival from Discord until a browser reported that it is on the screen.",
			Buckets: []float64{.0025, .005, .01, .025, .05, .1, .2, .3, .5, 1, 2.5, 5, 10},
		}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "snug_live_closed_total", Help: "Connections closed by the server, by close code."},
			[]string{"code"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "snug_live_refused_total", Help: "Connections refused before the handshake, by reason."},
			[]string{"reason"}),
		snapshots: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "snug_live_snapshots_total",
			Help: "Snapshots sent, by reason: a watcher connected or gained access, or an event was missing."},
			[]string{"reason"}),
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "snug_live_standing_checks_total", Help: "Standings requested again for connected watchers, by " +
				"result."},
			[]string{"result"}),
		beats: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "snug_live_heartbeats_encoded_total",
			Help: "Heartbeats encoded; each is sent to all watchers that get the same one."}),
	}
	if reg == nil {
		return m
	}
	count := func(name, help string, f func() uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(f()) })
	}
	gauge := func(name, help string, f func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return float64(f())
		})
	}
	for _, c := range []prometheus.Collector{
		m.flush, m.latency, m.shown, m.closed, m.refused, m.snapshots, m.checks, m.beats,
		count("snug_live_events_total", "Messages about rooms that somebody watches.", m.events.Load),
		count("snug_live_deliveries_total", "Messages times watchers.", m.deliveries.Load),
		count("snug_live_sends_total", "Hand-overs to sockets; fewer than deliveries when messages went together.",
			m.sends.Load),
		gauge("snug_live_watchers", "Connections.", func() int { return len(l.watchers) }),
		gauge("snug_live_rooms", "Rooms known.", l.countRooms),
	} {
		if err := reg.Register(c); err != nil {
			l.log.Error("live: cannot register a metric", "err", err)
		}
	}
	return m
}

func (m *metrics) flushed(events, members int, took time.Duration) {
	m.events.Add(uint64(events))
	m.deliveries.Add(uint64(events) * uint64(members))
	m.flush.Observe(took.Seconds())
}

func (m *metrics) ended(code protocol.CloseCode) {
	m.closed.WithLabelValues(strconv.Itoa(int(code))).Inc()
}

// Watchers counts the connections.
func (l *Live) Watchers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.watchers)
}
