package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"snug/dashboard/actions"
	"snug/dashboard/api"
	"snug/dashboard/live"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/web"
	"snug/dashboard/wire"
	"snug/shared/hostname"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/pages"
	"snug/shared/text"
	"snug/static"
	"snug/templates"
)

// Discord is where browsers and the dashboard meet Discord. Empty fields are Discord's own addresses.
type Discord struct {
	AuthorizeURL string // OAuth2's consent page, for browsers
	TokenURL     string
	RevokeURL    string
	APIURL       string // REST, for instance https://discord.com/api/v10
	CDNURL       string // avatars and icons
	// what the address of an invite of Discord's begins with, for instance https://discord.com/invite
	InviteURL   string
	ChannelsURL string // what a channel's deep link begins with, for instance https://discord.com/channels
}

func (d Discord) withDefaults() Discord {
	return Discord{
		AuthorizeURL: cmp.Or(d.AuthorizeURL, "https://discord.com/oauth2/authorize"),
		TokenURL:     cmp.Or(d.TokenURL, "https://discord.com/api/oauth2/token"),
		RevokeURL:    cmp.Or(d.RevokeURL, "https://discord.com/api/oauth2/token/revoke"),
		APIURL:       strings.TrimRight(cmp.Or(d.APIURL, "https://discord.com/api/v10"), "/"),
		CDNURL:       strings.TrimRight(cmp.Or(d.CDNURL, view.DiscordCDN), "/"),
		InviteURL:    strings.TrimRight(cmp.Or(d.InviteURL, "https://discord.com/invite"), "/"),
		ChannelsURL:  strings.TrimRight(cmp.Or(d.ChannelsURL, "https://discord.com/channels"), "/"),
	}
}

// Options of New.
type Options struct {
	Texts *text.Catalog // what people read; nil: made anew
	View  *view.Engine  // renders pages; nil: made of Texts, Discord.CDNURL and Version
	Hub   *hub.Hub
	Live  *live.Live
	Keys  *keyring.Keyring

	// BaseURL is what browsers reach the dashboard at: scheme and host, https or a loopback http address.
	BaseURL string
	// ExtraHosts are further host names, with port, that are accepted as
	// they are, each with its own sign-in. All others are sent to BaseURL.
	ExtraHosts []string

	Discord      Discord
	ClientID     string
	ClientSecret string
	AddURL       string // Discord's page that adds the bot to a server; "" hides the link
	Demo         bool   // Discord is simulated
	DiscordURL   string // where the simulated Discord's own page is

	// Host says who runs this Snug and how to reach them, for /privacy and /terms, and what these pages say instead of
	// their own text, where the host has written one.
	Host view.Host

	// TrustedProxies are the addresses or networks (CIDR) whose X-Forwarded-For is believed.
	TrustedProxies []string
	Limits         request.Limits

	// RefuseEvery is the beat on which answers go out that there is no such room or server; 0: refuseEvery.
	RefuseEvery time.Duration

	// BodyTime is how long a request may take to send its body; 0: as the API's description has it.
	BodyTime time.Duration

	// SessionLifetime is how long a session lasts after it was last used,
	// WholeSessionLifetime in all; 0: as package session has it.
	SessionLifetime, WholeSessionLifetime time.Duration

	Version    string
	Log        *slog.Logger
	Now        func() time.Time      // default time.Now
	HTTP       *http.Client          // for calls to Discord; default: one with a time limit
	Registerer prometheus.Registerer // default: metrics are not registered
	Gatherer   prometheus.Gatherer   // default: there is no /metrics
	// Ready says why the process cannot serve, for /readyz; nil asks the hub and the live tables alone.
	Ready func(context.Context) error
}

// Server is the dashboard.
type Server struct {
	o        Options
	base     *url.URL
	hosts    map[string]string // accepted host → its origin
	cookies  session.Cookies
	view     *view.Engine
	sessions *session.Sessions
	actions  *actions.Actions
	requests *request.Requests
	site     *web.Site
	api      *api.Service
	engine   *gin.Engine
	handler  http.Handler

	ctx  context.Context // ends with Close
	stop context.CancelFunc
}

// New checks the options and makes a Server. It follows the hub until Close.
func New(o Options) (*Server, error) {
	o.Discord = o.Discord.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Server{o: o}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if err := s.addresses(); err != nil {
		return nil, err
	}
	if o.Hub == nil || o.Live == nil || o.Keys == nil {
		return nil, errors.New("dashboard: Hub, Live and Keys are required")
	}
	if err := s.parts(); err != nil {
		return nil, err
	}
	var err error
	if s.handler, err = s.routes(); err != nil {
		return nil, err
	}
	return s, s.actions.Follow()
}

// parts makes what the routes are put together of, each from what lies below it.
func (s *Server) parts() (err error) {
	o := &s.o
	if s.view = o.View; s.view == nil {
		s.view, err = view.New(view.Config{
			Templates: templates.FS, Static: static.FS, Text: o.Texts, CDN: o.Discord.CDNURL, Version: o.Version,
		})
		if err != nil {
			return err
		}
	}
	s.sessions, err = session.New(session.Options{
		Sessions: sealed{b: o.Hub.Sessions}, Logins: sealed{b: o.Hub.Logins, exact: true}, Keys: o.Keys,
		ClientID: o.ClientID, ClientSecret: o.ClientSecret,
		Discord: session.Discord{
			AuthorizeURL: o.Discord.AuthorizeURL, TokenURL: o.Discord.TokenURL, RevokeURL: o.Discord.RevokeURL,
			APIURL: o.Discord.APIURL,
		},
		HTTP: o.HTTP, Now: o.Now, Log: o.Log, Ended: s.sessionsEnded,
		Lifetime: o.SessionLifetime, WholeLifetime: o.WholeSessionLifetime,
	})
	if err != nil {
		return err
	}
	s.actions, err = actions.New(actions.Options{
		Hub: o.Hub, Live: o.Live, Keys: o.Keys, Sessions: s.sessions, Ready: o.Ready, Now: o.Now,
		Log: o.Log,
	})
	if err != nil {
		return err
	}
	s.requests, err = request.New(request.Options{
		Sessions: s.sessions, Cookies: s.cookies, View: s.view, Base: s.base, Hosts: s.hosts,
		AuthorizeURL: o.Discord.AuthorizeURL,
		AddURL:       o.AddURL, Demo: o.Demo, DiscordURL: o.DiscordURL, Limits: o.Limits, RefuseEvery: o.RefuseEvery,
		BodyTime: o.BodyTime, Dashboards: o.Hub.Dashboards,
		TokenUser: s.actions.TokenUser, NoRoom: actions.ErrNoRoom, Hears: o.Live.Hears, Now: o.Now, Log: o.Log,
		Registerer: o.Registerer,
	})
	if err != nil {
		return err
	}
	s.site, err = web.New(web.Options{
		Requests: s.requests, Actions: s.actions, Links: s.links(), Sessions: s.sessions, Cookies: s.cookies,
		View: s.view, Live: o.Live, Keys: o.Keys,
		Base: s.base, Demo: o.Demo, Host: o.Host, SessionLifetime: o.SessionLifetime,
		WholeSessionLifetime: o.WholeSessionLifetime,
		Reference:            func() []view.ReferenceGroup { return s.api.Reference() }, Now: o.Now, Log: o.Log,
		Registerer: o.Registerer,
	})
	return err
}

// sessionsEnded closes the sockets of sessions that ended, and has their browsers get no more notifications.
func (s *Server) sessionsEnded(ctx context.Context, keys ...string) {
	actions.Sockets{Hub: s.o.Hub, Live: s.o.Live, Log: s.o.Log}.Close(ctx, keys...)
	s.actions.SessionsEnded(ctx, keys...)
}

func (s *Server) links() wire.Links {
	return wire.Links{
		Site:     pages.Site{Base: s.base.String()},
		Channels: s.o.Discord.ChannelsURL,
		Invites:  s.o.Discord.InviteURL,
	}
}

// addresses reads the base address and the extra hosts.
func (s *Server) addresses() error {
	u, err := url.Parse(strings.TrimRight(s.o.BaseURL, "/"))
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("dashboard: the base address %q is not scheme and host; set SNUG_BASE_URL to something "+
			"like https://snug.example.org",
			s.o.BaseURL)
	}
	if u.Scheme == "http" && !hostname.Local(u.Hostname()) {
		return fmt.Errorf("dashboard: the base address %s is http, which is for loopback addresses only: put a "+
			"proxy with https in front and set SNUG_BASE_URL to its address",
			u)
	}
	s.base = u
	s.cookies = session.NewCookies(u.Scheme == "https")
	s.hosts = map[string]string{}
	for _, h := range append([]string{u.Host}, s.o.ExtraHosts...) {
		h = request.PlainHost(u.Scheme, h)
		if u.Scheme == "http" && !hostname.Local(hostname.Of(h)) {
			return fmt.Errorf("dashboard: the extra host %s is not a loopback one, and the base address is http", h)
		}
		s.hosts[h] = u.Scheme + "://" + h
	}
	return nil
}

// Handler serves everything. Serve it with HTTPServer, or with limits as good.
func (s *Server) Handler() http.Handler { return s.handler }

// Route is a way into the dashboard: a method and a path as gin writes it, for instance GET /game/:channel.
type Route struct{ Method, Path string }

// Routes gives every route, so that each can be looked at: who may use it, and what it answers everybody else.
func (s *Server) Routes() []Route {
	var all []Route
	for _, r := range s.engine.Routes() {
		all = append(all, Route{r.Method, r.Path})
	}
	return all
}

// HTTPServer gives a server for the handler whose limits hold against slow and large requests.
// Whoever serves with it shuts it down before Close.
func (s *Server) HTTPServer() *http.Server { return s.requests.HTTPServer(s.handler) }

// Run reports which rooms are watched until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	t := time.NewTicker(actions.SeenEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.ctx.Done():
			return nil
		case <-t.C:
			s.actions.ReportSeen(ctx)
			s.actions.MarkUptime(ctx)
			s.requests.Limits.Sweep()
		}
	}
}

// Close stops following the hub and waits for it. Sockets are dashboard/live's to close, and before.
func (s *Server) Close(ctx context.Context) error {
	s.stop()
	s.view.Close()
	return s.actions.Close(ctx)
}

// engine is gin without its own logger, recovery and warnings.
func engine(proxies []string) (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	// gin would answer before guard has looked, and believe X-Forwarded-Prefix; noRoute does it
	e.RedirectTrailingSlash = false
	e.UseRawPath = false
	e.ContextWithFallback = false
	e.MaxMultipartMemory = request.MaxBody
	if err := e.SetTrustedProxies(proxies); err != nil {
		return nil, fmt.Errorf("dashboard: trusted proxies: %w; give addresses or networks like 10.0.0.0/8", err)
	}
	return e, nil
}
