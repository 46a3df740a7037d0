// Package metrics counts what the hub does, on an injected registry. Gateway,
// REST queue, watchers and pages have collectors of their own, beside what they measure.
//
// A Hub's Observe may be called from any goroutine, also on hot paths.
package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/hub"
)

// Hub counts what the hub tells of itself.
type Hub struct {
	took   *prometheus.HistogramVec
	failed *prometheus.CounterVec
}

// NewHub registers the collectors.
func NewHub(r prometheus.Registerer) (*Hub, error) {
	m := &Hub{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "snug_hub_seconds", Help: "How long the hub took, by what was done.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5},
		}, []string{"op"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "snug_hub_failures_total", Help: "What the hub could not do, by what it was and where.",
		},
			[]string{"op", "bucket"}),
	}
	return m, errors.Join(r.Register(m.took), r.Register(m.failed))
}

// Observe is hub.Options.Observe.
func (m *Hub) Observe(o hub.Observation) {
	m.took.WithLabelValues(o.Op).Observe(o.Took.Seconds())
	if o.Err != nil {
		m.failed.WithLabelValues(o.Op, o.Bucket).Inc()
	}
}

// Usage tells how full the buckets are whenever metrics are asked for.
func Usage(r prometheus.Registerer, h *hub.Hub) error { return r.Register(usage{h}) }

type usage struct{ h *hub.Hub }

var (
	bytesDesc = prometheus.NewDesc("snug_hub_bytes", "Bytes in a bucket.", []string{"bucket"}, nil)
	limitDesc = prometheus.NewDesc("snug_hub_bytes_limit", "Most bytes of a bucket.", []string{"bucket"}, nil)
)

// Describe tells what Collect gives.
func (usage) Describe(c chan<- *prometheus.Desc) {
	c <- bytesDesc
	c <- limitDesc
}

// Collect asks the hub. While it does not answer, nothing is told.
func (u usage) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	list, err := u.h.Usage(ctx)
	if err != nil {
		return
	}
	for _, b := range list {
		c <- prometheus.MustNewConstMetric(bytesDesc, prometheus.GaugeValue, float64(b.Bytes), b.Name)
		c <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, float64(b.MaxBytes), b.Name)
	}
}
