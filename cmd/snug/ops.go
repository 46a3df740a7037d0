package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"snug/shared/hostname"
)

// opsServer serves whoever runs Snug, on a listener of its own that is not for the public: metrics, profiles,
// readiness. A name of the internet is refused, unless it is one of names: a page of another site could have
// it lead here.
func opsServer(g prometheus.Gatherer, ready func(context.Context) error, names []string) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n")) // who asked may have gone
	})
	return &http.Server{
		Handler: hostname.Guard(mux, names...), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		IdleTimeout: 2 * time.Minute,
	}
}

// ops serves them until close.
func (a *app) serveOps(l net.Listener, names []string, run func(string, func() error)) {
	if l == nil {
		return
	}
	a.ops = opsServer(a.registry, a.ready, names)
	run("operations", func() error {
		if err := a.ops.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}
