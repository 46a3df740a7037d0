package ratelimit

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are a Limiter's Prometheus collectors. A nil *Metrics counts nothing. Safe for concurrent use.
type Metrics struct {
	queue     *prometheus.GaugeVec
	waits     *prometheus.HistogramVec
	refusals  *prometheus.CounterVec
	answers   *prometheus.CounterVec
	limits    *prometheus.CounterVec
	retries   *prometheus.CounterVec
	invalids  prometheus.Gauge
	buckets   prometheus.Gauge
	durations prometheus.Histogram
}

// NewMetrics registers the collectors. It fails if they are already registered.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "snug", Subsystem: "rest", Name: name, Help: help}
	}
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), []string{label})
	}
	times := []float64{.001, .005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	m := &Metrics{
		queue: prometheus.NewGaugeVec(
			prometheus.GaugeOpts(opts("queue", "Requests waiting to start.")), []string{"priority"}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "snug", Subsystem: "rest", Name: "wait_seconds",
			Help: "Time requests waited to start, including repeats.", Buckets: times,
		}, []string{"priority"}),
		refusals: counter("refused_total", "Requests that ended while waiting.", "priority"),
		answers:  counter("answers_total", "Responses from Discord, by status.", "status"),
		limits:   counter("limited_total", "429 responses, by scope.", "scope"),
		retries:  counter("retries_total", "Repeated requests, by reason.", "reason"),
		invalids: prometheus.NewGauge(prometheus.GaugeOpts(opts("invalid",
			"Invalid requests (401, 403, 429) of the last ten minutes; Discord bans the address at 10,000."))),
		buckets: prometheus.NewGauge(prometheus.GaugeOpts(opts("buckets", "Buckets in memory."))),
		durations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "snug", Subsystem: "rest", Name: "try_seconds",
			Help: "Time from sending a request to the end of its response.", Buckets: times,
		}),
	}
	var failed []error
	for _, c := range []prometheus.Collector{
		m.queue, m.waits, m.refusals, m.answers, m.limits, m.retries, m.invalids, m.buckets, m.durations,
	} {
		failed = append(failed, reg.Register(c))
	}
	return m, errors.Join(failed...)
}

func (m *Metrics) queued(w *waiter) {
	if m != nil {
		m.queue.WithLabelValues(w.priority.String()).Inc()
	}
}

// left records the end of a wait, whether or not the request started.
func (m *Metrics) left(w *waiter, now time.Time) {
	if m != nil {
		m.queue.WithLabelValues(w.priority.String()).Dec()
		m.waits.WithLabelValues(w.priority.String()).Observe(now.Sub(w.since).Seconds())
	}
}

func (m *Metrics) refused(w *waiter) {
	if m != nil {
		m.refusals.WithLabelValues(w.priority.String()).Inc()
	}
}

func (m *Metrics) answered(status int) {
	if m != nil {
		m.answers.WithLabelValues(strconv.Itoa(status)).Inc()
	}
}

func (m *Metrics) limited(s scope) {
	if m != nil {
		m.limits.WithLabelValues(string(s)).Inc()
	}
}

func (m *Metrics) retried(reason string) {
	if m != nil {
		m.retries.WithLabelValues(reason).Inc()
	}
}

func (m *Metrics) invalid(n int) {
	if m != nil {
		m.invalids.Set(float64(n))
	}
}

func (m *Metrics) known(n int) {
	if m != nil {
		m.buckets.Set(float64(n))
	}
}

func (m *Metrics) tried(d time.Duration) {
	if m != nil {
		m.durations.Observe(d.Seconds())
	}
}
