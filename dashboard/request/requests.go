package request

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/apitoken"
)

// Options are what Requests need. All are needed unless said otherwise.
type Options struct {
	Sessions *session.Sessions
	Cookies  session.Cookies
	View     *view.Engine

	Base  *url.URL          // what browsers reach the dashboard at
	Hosts map[string]string // accepted hosts, as PlainHost gives them → their origins
	// AuthorizeURL is Discord's consent page, which forms may lead to.
	AuthorizeURL string

	AddURL     string // Discord's page that adds the bot to a server; "" hides the link
	Demo       bool   // Discord is simulated
	DiscordURL string // where the simulated Discord's own page is; may be empty

	Limits Limits
	// Dashboards gives how many dashboards share the limits; nil: this is the only one.
	Dashboards func() int
	// RefuseEvery is the beat on which answers go out that there is no such room or server; 0: refuseEvery.
	RefuseEvery time.Duration
	// BodyTime is how long a request may take to send its body; 0: BodyTime.
	BodyTime time.Duration

	// TokenUser gives as whom an API token acts. It fails with errs.Unauthorized.
	TokenUser func(ctx context.Context, text string) (*session.Session, *apitoken.Token, error)
	// NoRoom is the error for a room that is not there, or not for this person. It goes out on the beat.
	NoRoom error
	// Hears says whether Discord is heard about all of these servers, and if not for how long it was not.
	Hears func(guilds ...snowflake.ID) (heard bool, silent time.Duration)

	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: metrics are not registered
}

// Requests is what pages and API have in common as answers to HTTP requests. It is safe for concurrent use.
type Requests struct {
	o       Options
	log     *slog.Logger
	now     func() time.Time
	Limits  Limiters
	bodies  *bodies
	metrics *metrics
	csp     map[string]string // host → Content-Security-Policy
}

// New makes Requests.
func New(o Options) (*Requests, error) {
	o.RefuseEvery = cmp.Or(o.RefuseEvery, refuseEvery)
	s := &Requests{
		o: o, log: o.Log, now: o.Now, Limits: newLimiters(o.Limits, o.Now, o.Dashboards),
		bodies: newBodies(cmp.Or(o.BodyTime, BodyTime)),
	}
	var err error
	if s.metrics, err = newMetrics(o.Registerer); err != nil {
		return nil, err
	}
	s.policies()
	return s, nil
}

// Middleware is what every request goes through before its handler, in this order.
func (rs *Requests) Middleware() []gin.HandlerFunc {
	return []gin.HandlerFunc{rs.begin, rs.recovered, rs.guard, rs.Do(rs.pace), rs.Do(rs.takeBody), rs.sameOrigin()}
}

// HTTPServer gives a server for the handler whose limits hold against slow and large requests.
func (rs *Requests) HTTPServer(h http.Handler) *http.Server {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog:  slog.NewLogLogger(rs.log.Handler(), slog.LevelDebug),
		ConnState: rs.bodies.state,
	}
	srv.RegisterOnShutdown(rs.bodies.stop)
	return srv
}
