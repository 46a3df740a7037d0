package request

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzhttp"

	"snug/dashboard/lastknown"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/pages"
)

// gzipLevel takes half the time of the default for a page that is 7 % larger.
const gzipLevel = 3

// Wrap is what comes before gin: HEAD is served as GET (net/http drops the
// body), bodies are bounded, and pages are compressed. Jitter in the compressed length keeps it
// from telling what a page holds beside what a stranger put there.
func Wrap(inner http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.CompressionLevel(gzipLevel),
		gzhttp.EnableZstd(false), gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		return nil, fmt.Errorf("dashboard: compression: %w", err)
	}
	zipped := wrap(inner)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == LivePath {
			inner.ServeHTTP(w, r)
			return
		}
		if r.Body != nil { // here, where net/http's own writer is at hand: it then closes instead of reading the rest
			limited := *r
			limited.Body = http.MaxBytesReader(w, r.Body, MaxBody)
			r = &limited
		}
		if r.Method == http.MethodHead {
			get := *r
			get.Method = http.MethodGet
			r = &get
		}
		zipped.ServeHTTP(w, r)
	}), nil
}

// begin names the request, bounds it, and tells the log and the metrics how it went.
func (rs *Requests) begin(c *gin.Context) {
	started := time.Now()
	v := InfoOf(c)
	c.Header("X-Request-Id", v.ID)
	r := c.Request
	ctx := lastknown.WithAsOf(hub.WithRequestID(r.Context(), v.ID), c.Writer.Header())
	if r.URL.Path != LivePath {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, Timeout)
		defer cancel()
	}
	c.Request = r.WithContext(ctx)
	c.Next()
	took := time.Since(started)
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	rs.metrics.request(route, r.Method, c.Writer.Status(), took)
	level := slog.LevelInfo
	if quiet(r.URL.Path) {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("request_id", v.ID), slog.String("method", r.Method), slog.String("path", loggedPath(r.URL.Path)),
		slog.Int("status", c.Writer.Status()),
		slog.Int("bytes", max(0, c.Writer.Size())), slog.Duration("took", took), slog.String("address", c.ClientIP()),
	}
	if q := maskQuery(r.URL.Query()); q != "" {
		attrs = append(attrs, slog.String("query", q))
	}
	if v.me != nil {
		attrs = append(attrs, slog.Any("user_id", v.me.User.ID))
	}
	if v.code != "" {
		attrs = append(attrs, slog.String("code", string(v.code)))
	}
	rs.log.LogAttrs(c, level, "request", attrs...)
}

// quiet says whether a request is too ordinary for the log.
func quiet(path string) bool {
	return strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, pages.Card.Root()) ||
		path == "/healthz" || path == "/readyz" || path == "/metrics" ||
		path == "/favicon.ico" || path == APIPrefix+HeardPath
}

// loggedQuery are the query parameters whose values the log may have. All others may be tokens, codes and states.
var loggedQuery = []string{"joined", "saved", "kept"}

// maskQuery gives a query for the log: names, and the values of a few.
func maskQuery(q url.Values) string {
	var parts []string
	for name, values := range q {
		value := "…"
		if slices.Contains(loggedQuery, name) && len(values) == 1 && len(values[0]) <= 20 {
			value = values[0]
		}
		parts = append(parts, fmt.Sprintf("%.40s=%s", name, value))
	}
	slices.Sort(parts)
	return strings.Join(parts[:min(len(parts), 20)], "&")
}

// recovered answers a panicking handler's request. http.ErrAbortHandler stays what it is: a wish to be cut off.
func (rs *Requests) recovered(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && err == http.ErrAbortHandler { //nolint:errorlint // panicked as it is
			panic(p)
		}
		rs.log.ErrorContext(c, "handler panicked", "request_id", InfoOf(c).ID, "route", c.FullPath(),
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		rs.Fail(c, errs.E(errs.Internal, "Something went wrong on Snug's side. Try again in a moment."))
		c.Abort()
	}()
	c.Next()
}

// sameOrigin refuses what other sites have browsers send. Browsers that say how
// the two sites stand (Sec-Fetch-Site) compare whole origins; of those that
// only name the origin it has to be ours, scheme and port included. Who says neither is no browser.
func (rs *Requests) sameOrigin() gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return rs.Do(func(c *gin.Context) error {
		r := c.Request
		if r.URL.Path == LivePath {
			return nil // dashboard/live checks the origin itself, and asks for more
		}
		err := protection.Check(r)
		origin := r.Header.Get("Origin")
		if safe := r.Method == http.MethodGet || r.Method == http.MethodOptions; err == nil && !safe &&
			r.Header.Get("Sec-Fetch-Site") == "" && origin != "" && !strings.EqualFold(origin, InfoOf(c).Origin) {
			err = fmt.Errorf("the origin is %.100q", origin)
		}
		if err != nil {
			return errs.E(errs.Forbidden,
				"This request came from another site, so Snug didn't carry it out. Do it on Snug's own page.").
				Because(err)
		}
		return nil
	})
}
