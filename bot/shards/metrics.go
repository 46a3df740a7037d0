package shards

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the shards' collectors besides those of the gateway.
type metrics struct {
	saves        *prometheus.CounterVec
	saveTime     *prometheus.HistogramVec
	savedGuilds  *prometheus.CounterVec
	interactions *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "snug", Name: name, Help: help}, labels)
	}
	m := &metrics{
		saves: counter("checkpoint_saves_total", "Saves of gateway checkpoints, by outcome.", "shard", "outcome"),
		saveTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "snug", Name: "checkpoint_seconds", Help: "Time to save a checkpoint.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30},
		}, []string{"shard"}),
		savedGuilds: counter("checkpoint_guilds_total", "Guilds written to checkpoints.", "shard"),
		interactions: counter("interactions_passed_over_total",
			"Interactions that were not handled, by reason: repeated or late.", "reason"),
	}
	return m, errors.Join(reg.Register(m.saves), reg.Register(m.saveTime), reg.Register(m.savedGuilds),
		reg.Register(m.interactions))
}

func (m *metrics) saved(shard, guilds int, took time.Duration, err error) {
	label, outcome := strconv.Itoa(shard), "ok"
	if err != nil {
		outcome = "failed"
	}
	m.saves.WithLabelValues(label, outcome).Inc()
	if err == nil {
		m.saveTime.WithLabelValues(label).Observe(took.Seconds())
		m.savedGuilds.WithLabelValues(label).Add(float64(guilds))
	}
}

func (m *metrics) repeated() { m.interactions.WithLabelValues("repeated").Inc() }
func (m *metrics) late()     { m.interactions.WithLabelValues("late").Inc() }
