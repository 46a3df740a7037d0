package gateway

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the Prometheus collectors of a process's shards. A nil *Metrics counts nothing. Safe for concurrent use.
type Metrics struct {
	phase       *prometheus.GaugeVec
	connects    *prometheus.CounterVec
	disconnects *prometheus.CounterVec
	failures    *prometheus.GaugeVec
	alerts      *prometheus.CounterVec
	recovery    *prometheus.HistogramVec
	latency     *prometheus.GaugeVec
	events      *prometheus.CounterVec
	gaps        *prometheus.CounterVec
	sends       *prometheus.CounterVec
	received    *prometheus.CounterVec
}

// NewMetrics registers the collectors. It fails if they are already registered.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(
			prometheus.GaugeOpts{Namespace: "snug", Subsystem: "gateway", Name: name, Help: help},
			append([]string{"shard"}, labels...))
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(
			prometheus.CounterOpts{Namespace: "snug", Subsystem: "gateway", Name: name, Help: help},
			append([]string{"shard"}, labels...))
	}
	m := &Metrics{
		phase:       gauge("phase", "1 for the phase the shard is in, 0 for the others.", "phase"),
		connects:    counter("connects_total", "Sessions started or resumed, by kind.", "kind"),
		disconnects: counter("disconnects_total", "Ended attempts and connections, by reason.", "reason"),
		failures:    gauge("failures", "Consecutive attempts that did not become ready."),
		alerts:      counter("alerts_total", "Times that five consecutive attempts failed."),
		recovery: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "snug", Subsystem: "gateway", Name: "recovery_seconds",
			Help:    "Time from detecting a lost connection to READY or RESUMED.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2, 5, 10, 20, 30, 60, 300},
		}, []string{"shard", "kind"}),
		latency: gauge("heartbeat_latency_seconds", "Time from the last heartbeat to its ACK."),
		events:  counter("events_total", "Dispatches, by outcome.", "outcome"),
		gaps:    counter("sequence_gaps_total", "Dispatches whose sequence number did not follow the previous one."),
		sends:   counter("sends_total", "Messages sent."),
		received: counter("received_bytes_total", "Bytes of messages received, before and after decompression.",
			"stage"),
	}
	var failed []error
	for _, c := range []prometheus.Collector{
		m.phase, m.connects, m.disconnects, m.failures, m.alerts, m.recovery, m.latency, m.events, m.gaps, m.sends,
		m.received,
	} {
		failed = append(failed, reg.Register(c))
	}
	return m, errors.Join(failed...)
}

// The outcomes of a dispatch.
const (
	outcomeHandled   = "handled"
	outcomeUnknown   = "unknown"    // disgo doesn't know the event
	outcomeBroken    = "unparsable" // the payload doesn't parse
	outcomeDuplicate = "duplicate"  // already handled in this session
	outcomePanicked  = "panicked"   // the handler panicked
)

// gauges are one shard's view of Metrics, with its label filled in.
type gauges struct {
	m      *Metrics
	shard  string
	counts map[string]prometheus.Counter // by outcome, looked up once: every event passes here
	wire   prometheus.Counter
	plain  prometheus.Counter
}

func (m *Metrics) of(shard int) gauges {
	g := gauges{m: m, shard: strconv.Itoa(shard)}
	if m == nil {
		return g
	}
	g.counts = map[string]prometheus.Counter{}
	for _, o := range []string{outcomeHandled, outcomeUnknown, outcomeBroken, outcomeDuplicate, outcomePanicked} {
		g.counts[o] = m.events.WithLabelValues(g.shard, o)
	}
	g.wire = m.received.WithLabelValues(g.shard, "wire")
	g.plain = m.received.WithLabelValues(g.shard, "plain")
	return g
}

func (g gauges) entered(s State) {
	if g.m == nil {
		return
	}
	for _, p := range Phases() {
		v := 0.0
		if p == s.Phase {
			v = 1
		}
		g.m.phase.WithLabelValues(g.shard, p.String()).Set(v)
	}
	g.m.failures.WithLabelValues(g.shard).Set(float64(s.Failures))
}

func (g gauges) connected(resumed bool, lost time.Time) {
	if g.m == nil {
		return
	}
	kind := "identify"
	if resumed {
		kind = "resume"
	}
	g.m.connects.WithLabelValues(g.shard, kind).Inc()
	if !lost.IsZero() {
		g.m.recovery.WithLabelValues(g.shard, kind).Observe(time.Since(lost).Seconds())
	}
}

func (g gauges) ended(reason string) {
	if g.m != nil {
		g.m.disconnects.WithLabelValues(g.shard, reason).Inc()
	}
}

func (g gauges) alert() {
	if g.m != nil {
		g.m.alerts.WithLabelValues(g.shard).Inc()
	}
}

func (g gauges) acked(d time.Duration) {
	if g.m != nil {
		g.m.latency.WithLabelValues(g.shard).Set(d.Seconds())
	}
}

func (g gauges) event(outcome string) {
	if g.m != nil {
		g.counts[outcome].Inc()
	}
}

func (g gauges) gap() {
	if g.m != nil {
		g.m.gaps.WithLabelValues(g.shard).Inc()
	}
}

func (g gauges) sent() {
	if g.m != nil {
		g.m.sends.WithLabelValues(g.shard).Inc()
	}
}

func (g gauges) read(wire, plain int) {
	if g.m != nil {
		g.wire.Add(float64(wire))
		g.plain.Add(float64(plain))
	}
}
