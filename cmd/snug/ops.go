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

// opsServer serves metrics, profiles and readiness to Snug's host, on a listener that isn't for the public.
// It refuses host names with dots unless they're in names, because another site could point such a name here.
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
		_, _ = w.Write([]byte("ready\n")) // the client may be gone
	})
	return &http.Server{
		Handler: hostname.Guard(mux, names...), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		IdleTimeout: 2 * time.Minute,
	}
}

// serveOps serves them until close. A nil listener serves nothing.
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
