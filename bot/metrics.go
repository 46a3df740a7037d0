package bot

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/errs"
)

// metrics are what the bot itself counts; gateway and REST queue have their own.
type metrics struct {
	saves        *prometheus.CounterVec
	saveTime     *prometheus.HistogramVec
	savedGuilds  *prometheus.CounterVec
	interactions *prometheus.CounterVec
	refills      *prometheus.CounterVec
	unread       prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "snug", Name: name, Help: help}, labels)
	}
	m := &metrics{
		saves: counter("checkpoint_saves_total", "Checkpoints of gateway sessions by outcome.", "shard", "outcome"),
		saveTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "snug", Name: "checkpoint_seconds", Help: "Time a checkpoint took to be stored.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30},
		}, []string{"shard"}),
		savedGuilds: counter("checkpoint_guilds_total", "Guilds written to checkpoints.", "shard"),
		interactions: counter("interactions_passed_over_total",
			"Interactions not acted on, by reason: repeated or late.", "reason"),
		refills: counter("hub_refills_total",
			"Times that rosters and servers were published again because the hub had begun anew, by outcome.",
			"outcome"),
		unread: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "snug", Name: "discord_unread_total",
			Help: "Values in what Discord sent that Snug does not know and left out. The log names each kind once."}),
	}
	return m, errors.Join(reg.Register(m.unread), reg.Register(m.saves), reg.Register(m.saveTime),
		reg.Register(m.savedGuilds), reg.Register(m.interactions), reg.Register(m.refills))
}

func (m *metrics) saved(shard, guilds int, took time.Duration, err error) {
	label := strconv.Itoa(shard)
	m.saves.WithLabelValues(label, outcome(err)).Inc()
	if err == nil {
		m.saveTime.WithLabelValues(label).Observe(took.Seconds())
		m.savedGuilds.WithLabelValues(label).Add(float64(guilds))
	}
}

func (m *metrics) repeated()          { m.interactions.WithLabelValues("repeated").Inc() }
func (m *metrics) late()              { m.interactions.WithLabelValues("late").Inc() }
func (m *metrics) refilled(err error) { m.refills.WithLabelValues(outcome(err)).Inc() }

func outcome(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}

// missing says whether an error means that there is nothing there.
func missing(err error) bool { return errs.Has(err, errs.NotFound) }
