package request

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of requests: routes, not paths, so that their number is bounded.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "snug_http_requests_total", Help: "HTTP requests answered.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "snug_http_request_seconds", Help: "How long HTTP requests took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}, []string{"route"}),
	}
	if r == nil {
		return m, nil
	}
	if err := errors.Join(r.Register(m.requests), r.Register(m.seconds)); err != nil {
		return nil, fmt.Errorf("dashboard: metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) request(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodPatch, http.MethodPut:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if route != LivePath {
		m.seconds.WithLabelValues(route).Observe(took.Seconds())
	}
}
