package dashboard

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

	"snug/shared/errs"
	"snug/shared/hostname"
	"snug/shared/hub"
)

const (
	livePath    = "/api/ws"
	requestTime = 20 * time.Second // how long a handler may take
)

// outer is what comes before gin: HEAD is served as GET (net/http drops the
// body), bodies are bounded, and pages are compressed. Jitter in the compressed length keeps it
// from telling what a page holds beside what a stranger put there.
func outer(inner http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.EnableZstd(false), gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		return nil, fmt.Errorf("dashboard: compression: %w", err)
	}
	zipped := wrap(inner)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == livePath {
			inner.ServeHTTP(w, r)
			return
		}
		if r.Body != nil { // here, where net/http's own writer is at hand: it then closes instead of reading the rest
			limited := *r
			limited.Body = http.MaxBytesReader(w, r.Body, maxBody)
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
func (s *Server) begin(c *gin.Context) {
	started := time.Now()
	v := visitOf(c)
	c.Header("X-Request-Id", v.id)
	r := c.Request
	ctx := withAsOf(hub.WithRequestID(r.Context(), v.id), c.Writer.Header())
	if r.URL.Path != livePath {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTime)
		defer cancel()
	}
	c.Request = r.WithContext(ctx)
	c.Next()
	took := time.Since(started)
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	s.metrics.request(route, r.Method, c.Writer.Status(), took)
	level := slog.LevelInfo
	if quiet(r.URL.Path) {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("request_id", v.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
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
	s.log.LogAttrs(c, level, "request", attrs...)
}

// quiet says whether a request is too ordinary for the log.
func quiet(path string) bool {
	return strings.HasPrefix(path, "/static/") || path == "/healthz" || path == "/readyz" || path == "/metrics" ||
		path == "/favicon.ico" || path == "/heard"
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
func (s *Server) recovered(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && err == http.ErrAbortHandler { //nolint:errorlint // panicked as it is
			panic(p)
		}
		s.log.ErrorContext(c, "handler panicked", "request_id", visitOf(c).id, "route", c.FullPath(),
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		s.fail(c, errs.E(errs.Internal, "Something broke on our side. Please try again in a moment."))
		c.Abort()
	}()
	c.Next()
}

// policies makes the Content-Security-Policy of each host.
func (s *Server) policies() {
	s.csp = map[string]string{}
	ws := "ws"
	if s.base.Scheme == "https" {
		ws = "wss"
	}
	for host := range s.hosts {
		s.csp[host] = strings.Join([]string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'", "manifest-src 'self'",
			"img-src 'self' " + s.view.CDN(),
			"connect-src 'self' " + ws + "://" + host,
			// Chromium follows a form's redirects, and signing in redirects to Discord.
			"form-action 'self' " + originOf(s.o.Discord.AuthorizeURL),
			"base-uri 'none'", "frame-ancestors 'none'",
		}, "; ")
	}
}

func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Scheme + "://" + u.Host
}

// guard sends other host names to the base address, and tells browsers what pages may do.
func (s *Server) guard(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address of an invite's page is the invite
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if s.base.Scheme == "https" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	host := plainHost(s.base.Scheme, c.Request.Host)
	origin, ok := s.hosts[host]
	if !ok {
		h.Set("Content-Security-Policy", s.csp[plainHost(s.base.Scheme, s.base.Host)])
		s.otherHost(c)
		return
	}
	h.Set("Content-Security-Policy", s.csp[host])
	visitOf(c).origin = origin
}

// otherHost answers a request to a name that is not ours. Probes come by
// address or by a name inside a cluster, and are served; not by a name of the
// internet, which somebody could have lead here (DNS rebinding).
func (s *Server) otherHost(c *gin.Context) {
	visitOf(c).origin = s.base.String()
	switch c.Request.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		if hostname.Inside(c.Request.Host) {
			return
		}
	}
	if c.Request.Method == http.MethodGet && c.GetHeader("Upgrade") == "" {
		to := *s.base
		to.Path, to.RawPath, to.RawQuery = c.Request.URL.Path, c.Request.URL.RawPath, c.Request.URL.RawQuery
		private(c)
		c.Redirect(http.StatusTemporaryRedirect, to.String())
		c.Abort()
		return
	}
	s.fail(c,
		&statusError{
			http.StatusMisdirectedRequest,
			errs.E(errs.Invalid, "This is not the address of this dashboard. Please use %s.", s.base),
		})
	c.Abort()
}

// sameOrigin refuses what other sites have browsers send. Browsers that say how
// the two sites stand (Sec-Fetch-Site) compare whole origins; of those that
// only name the origin it has to be ours, scheme and port included. Who says neither is no browser.
func (s *Server) sameOrigin() gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return s.do(func(c *gin.Context) error {
		r := c.Request
		if r.URL.Path == livePath {
			return nil // dashboard/live checks the origin itself, and asks for more
		}
		err := protection.Check(r)
		origin := r.Header.Get("Origin")
		if safe := r.Method == http.MethodGet || r.Method == http.MethodOptions; err == nil && !safe &&
			r.Header.Get("Sec-Fetch-Site") == "" && origin != "" && !strings.EqualFold(origin, visitOf(c).origin) {
			err = fmt.Errorf("the origin is %.100q", origin)
		}
		if err != nil {
			return errs.E(errs.Forbidden,
				"This came from another site and was not done. Please do it on Snug's own page.").Because(err)
		}
		return nil
	})
}
