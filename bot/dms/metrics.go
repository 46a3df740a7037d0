package dms

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/dmbudget"
	"snug/shared/errs"
)

type metrics struct {
	messages *prometheus.CounterVec
	opened   prometheus.Counter
	until    atomic.Int64 // of the last pause, in Unix seconds
}

func newMetrics(reg prometheus.Registerer, now func() time.Time) (*metrics, error) {
	m := &metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "snug", Name: "direct_messages_total",
			Help: "Direct messages by outcome: sent, closed (the user accepts none), held_bot, held_sender, " +
				"held_recipient and held_paused (a budget is exhausted), no_budget (the hub did not answer), failed.",
		}, []string{"outcome"}),
		opened: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "snug", Name: "direct_messages_opened_total",
			Help: "New DM channels that the bot opened.",
		}),
	}
	pause := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "snug", Name: "direct_messages_pause_seconds",
		Help: "How much longer this process opens no DM channels after Discord limited them; 0: not paused.",
	}, func() float64 { return max(0, time.Unix(m.until.Load(), 0).Sub(now()).Seconds()) })
	return m, errors.Join(reg.Register(m.messages), reg.Register(m.opened), reg.Register(pause))
}

func (m *metrics) paused(until time.Time) { m.until.Store(until.Unix()) }

func (m *metrics) sent(err error) {
	outcome := "failed"
	exceeded, isHeld := errors.AsType[*dmbudget.ExceededError](err)
	switch {
	case err == nil:
		outcome = "sent"
	case isHeld:
		outcome = "held_" + string(exceeded.Why)
		if exceeded.Why == dmbudget.ReasonPaused {
			m.paused(exceeded.Until)
		}
	case errs.Has(err, errs.Forbidden):
		outcome = "closed"
	case errs.Has(err, errs.Unavailable):
		outcome = "no_budget"
	}
	m.messages.WithLabelValues(outcome).Inc()
}
