package discordsim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hangup"
	"snug/shared/hostname"
)

// Options configure a simulator. The zero value behaves like Discord.
type Options struct {
	Log  *slog.Logger // default: discard
	Seed uint64       // for ids, tokens and random faults; 0: random
	// the time at which the initial objects' ids start; default a year ago
	Founded    time.Time
	Now        func() time.Time // the clock for ids, limits and expiry; default time.Now
	Limits     *Limits          // default DiscordLimits
	OnDispatch func(Dispatch)   // called before each event is written, by a goroutine of its session; must not block
	// Wrap wraps the whole service: openapitest.Wrap checks every request and response against
	// Discord's OpenAPI description. Around adds another wrapper.
	Wrap      func(http.Handler) http.Handler
	OnRequest func(Request) // called after each REST response, on the request's goroutine

	// ShowAllChannels sends bots the names and settings of channels they can't view, as Discord did until 16 November
	// 2026.
	ShowAllChannels bool

	// Named rejects clients whose User-Agent doesn't have the form that Discord requires, as Cloudflare
	// may. Otherwise any client is accepted, including curl.
	Named bool

	HeartbeatInterval time.Duration // sent in HELLO; default 41.25 s
	ResumeWindow      time.Duration // how long a disconnected session can be resumed; default 5 min
	ReplayEvents      int           // events kept for RESUME; default 20,000
	ReplayBytes       int           // and their size in bytes; default 32 MiB
	FirstAnswer       time.Duration // how long an interaction waits for its first response; default 3 s
	TokenLife         time.Duration // of interaction tokens; default 15 min
	AccessTokenLife   time.Duration // of OAuth2 access tokens; default 7 days
}

// Request describes a REST request after the response.
type Request struct {
	Time     time.Time // when it arrived
	Took     time.Duration
	Method   string
	Route    string // as in the package's table of routes; "" if it isn't there
	Path     string
	Status   int
	Reason   string // X-Audit-Log-Reason, decoded
	Injected bool   // the response came from a fault
}

// Server is a simulated Discord. Its methods are safe for concurrent use, but must not be called from its hooks.
//
// Lock order: mu (the world), then page.mu, session.mu, gatewayConn.mu, faults.mu, connMu; no
// callbacks are called while holding any of them.
type Server struct {
	opts    Options
	log     *slog.Logger
	now     func() time.Time
	handler http.Handler
	faults  *faults
	page    *pageHub
	limiter *limiter

	mu         sync.RWMutex // guards the world: everything below
	rng        *rand.Rand
	lastMS     int64
	lastInc    uint64
	foundingMS int64
	founded    int64
	users      map[ID]*user
	apps       map[ID]*application
	guilds     map[ID]*guild
	channels   map[ID]*channel
	dms        map[[2]ID]*channel
	messages   map[ID][]*message
	botTokens  map[string]*application
	userTokens map[string]*user
	sessions   map[string]*session
	invites    map[string]*invite
	listed     map[[2]ID]time.Time // when an application last requested all members of a guild
	hidden     map[[2]ID]struct{}  // channels that a bot can't view, by application and channel
	oauth      oauthState
	acts       map[ID]*interaction
	actTokens  map[string]*interaction
	modals     map[string]*interaction // the modal that a user has open, by user and custom id
	ownHosts   []string                // sites with a host name for each person

	connMu  sync.Mutex // guards the following
	conns   map[*gatewayConn]struct{}
	closing bool
	server  *http.Server
	base    string
	wg      sync.WaitGroup // gateway and page connections
	serving sync.WaitGroup
	stopped chan struct{} // closed by Close
}

// New makes a simulator with an empty world. It starts nothing.
func New(o Options) *Server {
	o.fill()
	s := &Server{opts: o, log: o.Log, now: o.Now, rng: newRand(o.Seed), faults: newFaults(o.Seed, o.Now),
		users: map[ID]*user{}, apps: map[ID]*application{}, guilds: map[ID]*guild{}, channels: map[ID]*channel{},
		dms: map[[2]ID]*channel{}, messages: map[ID][]*message{}, botTokens: map[string]*application{},
		userTokens: map[string]*user{},
		sessions:   map[string]*session{}, invites: map[string]*invite{}, hidden: map[[2]ID]struct{}{},
		listed: map[[2]ID]time.Time{}, oauth: newOAuthState(),
		acts: map[ID]*interaction{}, actTokens: map[string]*interaction{}, modals: map[string]*interaction{},
		conns: map[*gatewayConn]struct{}{}, stopped: make(chan struct{}), limiter: newLimiter()}
	s.foundingMS = o.Founded.UnixMilli() - snowflake.Epoch
	s.page = newPageHub(s)
	s.handler = s.routes()
	if o.Wrap != nil {
		s.handler = o.Wrap(s.handler)
	}
	s.handler = hostname.Guard(noticing(s.handler))
	return s
}

// Around adds wrap around the current Wrap.
func (o *Options) Around(wrap func(http.Handler) http.Handler) {
	inner := o.Wrap
	if inner == nil {
		o.Wrap = wrap
		return
	}
	o.Wrap = func(h http.Handler) http.Handler { return wrap(inner(h)) }
}

// noticing makes requests that wait for a fault or an application notice that their client hung up.
func noticing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(
		w http.ResponseWriter, r *http.Request,
	) {
		next.ServeHTTP(w, hangup.Notice(r, maxBody))
	})
}

func (o *Options) fill() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Limits == nil {
		l := DiscordLimits()
		o.Limits = &l
	}
	orElse(&o.Founded, o.Now().AddDate(-1, 0, 0))
	orElse(&o.HeartbeatInterval, 41250*time.Millisecond)
	orElse(&o.ResumeWindow, 5*time.Minute)
	orElse(&o.ReplayEvents, 20000)
	orElse(&o.ReplayBytes, 32<<20)
	orElse(&o.FirstAnswer, 3*time.Second)
	orElse(&o.TokenLife, 15*time.Minute)
	orElse(&o.AccessTokenLife, 7*24*time.Hour)
}

func orElse[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Handler returns the whole service: REST, gateway, OAuth2, control API and page. Start serves it;
// use Handler only to run it in your own server.
func (s *Server) Handler() http.Handler { return s.handler }

// Start listens on a loopback address such as "127.0.0.1:0" and serves until Close. It returns the
// base URL, without a trailing slash.
func (s *Server) Start(addr string) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("discordsim: address %q: %w; give host:port, such as 127.0.0.1:8081", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("discordsim: %q is not a loopback address: anybody can act as anybody here, "+
			"so it only serves 127.0.0.1, [::1] or localhost", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("discordsim: listen: %w", err)
	}
	srv := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	s.connMu.Lock()
	defer s.connMu.Unlock()
	if s.server != nil || s.closing {
		_ = ln.Close()
		return "", errors.New("discordsim: already started; make another with New")
	}
	s.server, s.base = srv, "http://"+ln.Addr().String()
	s.serving.Go(func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("simulator stopped serving", "err", err)
		}
	})
	return s.base, nil
}

// URL returns the base URL after Start, "" before.
func (s *Server) URL() string { s.connMu.Lock(); defer s.connMu.Unlock(); return s.base }

// Close ends every connection and waits for all goroutines. Running requests may finish until ctx
// ends; then they are cut off.
func (s *Server) Close(ctx context.Context) error {
	s.failOpenInteractions()
	s.page.close()
	s.closeGateway(ctx)
	s.connMu.Lock()
	select {
	case <-s.stopped:
	default:
		close(s.stopped)
	}
	srv := s.server
	s.connMu.Unlock()
	var err error
	if srv != nil {
		if err = srv.Shutdown(ctx); err != nil {
			err = errors.Join(fmt.Errorf("discordsim: %w", err), srv.Close())
		}
	}
	s.serving.Wait()
	return err
}

// routes mounts the parts of the service.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	api := s.restHandler()
	for _, prefix := range []string{"/api/v10", "/api/v9", "/api"} {
		mux.Handle(prefix+"/", http.StripPrefix(prefix, api))
	}
	mux.HandleFunc("/gateway", s.serveGateway)
	mux.HandleFunc("/gateway/", s.serveGateway)
	s.oauthPages(mux)
	s.controlRoutes(mux)
	s.pageRoutes(mux)
	all := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && isUpgrade(r) || r.URL.Path == "" {
			s.serveGateway(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	if s.opts.Named {
		return refuseUnnamed(all)
	}
	return all
}
