package discordsim

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"snug/shared/discordsim/internal/control"
	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/gateway"
	"snug/shared/discordsim/internal/oauth"
	"snug/shared/discordsim/internal/rest"
	"snug/shared/discordsim/internal/world"
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
	// called after each request to an application's interactions endpoint, whose address is its Path; from several
	// goroutines
	OnPost func(Request)
	// called after each request to the control interface that changes something, on the request's goroutine: what
	// people do, and what those who run the world do, over HTTP. Methods of Server aren't reported.
	OnAct func(Act)

	// EndpointsAnywhere lets applications have interactions endpoints on other machines. By default, the simulator
	// sends requests to this one alone.
	EndpointsAnywhere bool

	// ShowAllChannels sends bots the names and settings of channels they can't view, as Discord did until 16 November
	// 2026.
	ShowAllChannels bool

	// TLS makes Start serve https and wss, with a certificate of its own that Certificate returns.
	TLS bool
	// URL is what clients reach a started simulator at, without a trailing slash; default: the address it listens on.
	// Attachments' addresses begin with it.
	URL string
	// ControlToken is asked of everybody who acts as a person or runs the world: on the page, over HTTP under /_sim/,
	// and where people authorize an application. With it, Start serves addresses that others can reach, too. At least
	// 16 characters.
	ControlToken string

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

// Server is a simulated Discord. Its methods are safe for concurrent use, but must not be called from its hooks.
type Server struct {
	log     *slog.Logger
	handler http.Handler
	faults  *faults.Set
	world   *world.World
	rest    *rest.API
	gateway *gateway.Gateway
	oauth   *oauth.Server
	control *control.Control
	acting  http.Handler // the control interface, for those who may act
	clock   *clock
	opts    Options

	mu      sync.Mutex // guards the following; nothing else is locked while holding it
	closing bool
	server  *http.Server
	base    string
	roots   []byte // the certificate
	serving sync.WaitGroup
}

// New makes a simulator with an empty world. It starts nothing.
func New(o Options) *Server {
	o.fill()
	clock := &clock{now: o.Now}
	o.Now = clock.Now
	s := &Server{log: o.Log, faults: faults.New(o.Seed, o.Now), clock: clock, opts: o}
	s.world = world.New(world.Options{Seed: o.Seed, Founded: o.Founded, Now: o.Now, Limits: o.Limits,
		ShowAllChannels: o.ShowAllChannels, TokenLife: o.TokenLife, AccessTokenLife: o.AccessTokenLife, Files: s.files})
	s.rest = rest.New(s.world, s.faults, rest.Options{Log: o.Log, Now: o.Now, Limits: o.Limits,
		OnRequest: s.sawRequest, FirstAnswer: o.FirstAnswer, Anywhere: o.EndpointsAnywhere, OnPost: s.sawPost})
	s.gateway = gateway.New(s.world, s.faults, gateway.Options{Log: o.Log, Now: o.Now, Limits: o.Limits,
		HeartbeatInterval: o.HeartbeatInterval, ResumeWindow: o.ResumeWindow, ReplayEvents: o.ReplayEvents,
		ReplayBytes: o.ReplayBytes, OnDispatch: s.sawDispatch, Changed: func() { s.control.BotsChanged() }})
	s.oauth = oauth.New(s.world, s.faults)
	s.control = control.New(s.world, s.faults, s.gateway, control.Options{FirstAnswer: o.FirstAnswer,
		Advance: clock.advance, As: s.rest.As})
	s.world.Tell(s.gateway, s.rest, s.control.Watcher())
	s.handler = s.routes()
	if o.Wrap != nil {
		s.handler = o.Wrap(s.handler)
	}
	s.handler = noticing(s.handler)
	if o.ControlToken == "" { // which another site's page hasn't, whatever name it has for this machine
		s.handler = hostname.Guard(s.handler)
	}
	return s
}

// sawRequest shows a request to those who look, and to the hook.
func (s *Server) sawRequest(q Request) {
	s.control.Passed(func() control.Passage {
		return control.Passage{Time: q.Time, Kind: "request", App: q.Caller, What: q.Method + " " + q.Path,
			Status: q.Status, Refusal: q.Refusal, Fault: q.Injected, Took: q.Took.Seconds()}
	})
	if s.opts.OnRequest != nil {
		s.opts.OnRequest(q)
	}
}

// sawPost does the same with an interaction that went to an endpoint.
func (s *Server) sawPost(q Request) {
	s.control.Passed(func() control.Passage {
		return control.Passage{Time: q.Time, Kind: "interaction", App: q.Caller, What: q.Method + " " + q.Path,
			Status: q.Status, Refusal: q.Refusal, Took: q.Took.Seconds()}
	})
	if s.opts.OnPost != nil {
		s.opts.OnPost(q)
	}
}

// sawDispatch does the same with an event.
func (s *Server) sawDispatch(d Dispatch) {
	s.control.Passed(func() control.Passage {
		return control.Passage{Time: d.Time, Kind: "event", App: d.Application, What: d.Event}
	})
	if s.opts.OnDispatch != nil {
		s.opts.OnDispatch(d)
	}
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
		next.ServeHTTP(w, hangup.Notice(r, rest.MaxBody))
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
	o.Founded = cmp.Or(o.Founded, o.Now().AddDate(-1, 0, 0))
	o.HeartbeatInterval = cmp.Or(o.HeartbeatInterval, 41250*time.Millisecond)
	o.ResumeWindow = cmp.Or(o.ResumeWindow, 5*time.Minute)
	o.ReplayEvents = cmp.Or(o.ReplayEvents, 20000)
	o.ReplayBytes = cmp.Or(o.ReplayBytes, 32<<20)
	o.FirstAnswer = cmp.Or(o.FirstAnswer, 3*time.Second)
	o.TokenLife = cmp.Or(o.TokenLife, 15*time.Minute)
	o.AccessTokenLife = cmp.Or(o.AccessTokenLife, 7*24*time.Hour)
}

// Handler returns the whole service: REST, gateway, OAuth2, control API and page. Start serves it;
// use Handler only to run it in your own server.
func (s *Server) Handler() http.Handler { return s.handler }

// Start listens on an address such as "127.0.0.1:0" and serves until Close. It returns the base URL, without a trailing
// slash. Without Options.ControlToken it only listens on loopback addresses.
func (s *Server) Start(addr string) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("discordsim: address %q: %w; give host:port, such as 127.0.0.1:8081", addr, err)
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) && s.opts.ControlToken == "" {
		return "", fmt.Errorf("discordsim: %q is not a loopback address: anybody can act as anybody here, "+
			"so without a control token it only serves 127.0.0.1, [::1] or localhost. Set one, for example in "+
			"DISCORDSIM_CONTROL_TOKEN", addr)
	}
	if t := s.opts.ControlToken; t != "" && len(t) < minControlToken {
		return "", fmt.Errorf("discordsim: the control token has %d characters; give it at least %d",
			len(t), minControlToken)
	}
	ln, roots, err := s.listen(addr, host)
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil || s.closing {
		_ = ln.Close()
		return "", errors.New("discordsim: already started; make another with New")
	}
	s.server, s.base, s.roots = srv, "http://"+reachable(ln.Addr()), roots
	if roots != nil {
		s.base = "https://" + reachable(ln.Addr())
	}
	s.base = cmp.Or(s.opts.URL, s.base)
	s.serving.Go(func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("simulator stopped serving", "err", err)
		}
	})
	return s.base, nil
}

// reachable returns the address at which this machine reaches a listener: nobody can open 0.0.0.0.
func reachable(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(t.Port))
	}
	return a.String()
}

// listen opens the socket. With TLS, roots is the certificate.
func (s *Server) listen(addr, host string) (ln net.Listener, roots []byte, err error) {
	if ln, err = net.Listen("tcp", addr); err != nil {
		return nil, nil, fmt.Errorf("discordsim: listen: %w", err)
	}
	if !s.opts.TLS {
		return ln, nil, nil
	}
	cert, roots, err := selfSigned(host)
	if err != nil {
		return nil, nil, errors.Join(err, ln.Close())
	}
	// WebSockets need HTTP/1.1, and so does hanging up in the middle of a response.
	return tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}}), roots, nil
}

// Certificate returns the certificate in PEM after a Start with Options.TLS, nil otherwise. It is its own root.
func (s *Server) Certificate() []byte { s.mu.Lock(); defer s.mu.Unlock(); return s.roots }

// URL returns the base URL after Start, "" before.
func (s *Server) URL() string { s.mu.Lock(); defer s.mu.Unlock(); return s.base }

// Close ends every connection and waits for all goroutines. Running requests may finish until ctx
// ends; then they are cut off.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	srv := s.server
	s.mu.Unlock()
	s.control.Close(ctx)
	s.rest.Close()
	s.gateway.Close(ctx)
	s.faults.Stop()
	var err error
	if srv != nil {
		if err = srv.Shutdown(ctx); err != nil {
			err = errors.Join(fmt.Errorf("discordsim: %w", err), srv.Close())
		}
	}
	s.serving.Wait()
	return err
}

// files returns the base URL of attachments, before Start one that leads nowhere.
func (s *Server) files() string { return cmp.Or(s.URL(), "http://sim.invalid") }

// routes mounts the parts of the service.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	api := s.rest.Handler()
	for _, prefix := range []string{"/api/v10", "/api/v9", "/api"} {
		mux.Handle(prefix+"/", http.StripPrefix(prefix, api))
	}
	mux.Handle("/gateway", s.gateway)
	mux.Handle("/gateway/", s.gateway)
	asked := func(h http.Handler) http.Handler { return gate(s.opts.ControlToken, h) }
	s.oauth.Mount(mux, asked)
	people := http.NewServeMux()
	s.control.Mount(people)
	s.acting = acted(people, s.opts.OnAct)
	mux.Handle("/", asked(s.acting))
	all := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && isUpgrade(r) || r.URL.Path == "" {
			s.gateway.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	if s.opts.Named {
		return refuseUnnamed(all)
	}
	return all
}
