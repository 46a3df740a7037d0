package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"snug/bot"
	"snug/bot/discordapi"
	"snug/bot/schedule"
	"snug/dashboard"
	"snug/dashboard/lastknown"
	"snug/dashboard/live"
	"snug/dashboard/view"
	"snug/shared/backups"
	"snug/shared/config"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/metrics"
	"snug/shared/pages"
	"snug/shared/text"
)

// stopWithin is how long a graceful stop may take, and endAfter when the process ends whatever is left to do.
const (
	stopWithin = 20 * time.Second
	endAfter   = 25 * time.Second
)

// app is a running Snug: the hub, and the bot and the dashboard, or the one that this process is for.
type app struct {
	log  *slog.Logger
	hub  *hub.Hub
	live *live.Live // nil without the dashboard, like dash and http
	dash *dashboard.Server
	bot  *bot.Bot // nil without the bot
	http *http.Server
	ops  *http.Server // nil without a listener for it

	registry *prometheus.Registry
	schedule *schedule.Schedule // of backups; nil without

	ctx    context.Context // of the parts that run until close
	stop   context.CancelFunc
	wg     sync.WaitGroup
	failed chan error
}

// setup is what start needs beyond the configuration.
type setup struct {
	config.Serve
	listener   net.Listener // where the dashboard serves; nil without it
	ops        net.Listener // where metrics and profiles are served; nil for nowhere
	log        *slog.Logger
	now        func() time.Time
	extraHosts []string
	demo       bool
	// refuseEvery is dashboard.Options.RefuseEvery; 0 for the dashboard's default.
	refuseEvery time.Duration
	askEvery    time.Duration  // how often a process asks the hub whether a backup is due; 0 for a minute
	requests    int            // bot.Options.Requests; 0 for the bot's default
	pushRoots   *x509.CertPool // bot.Options.PushRoots
}

// start puts together what the process's roles need, and returns once it serves; connect then connects the bot. After
// an error, nothing is left running.
func start(ctx context.Context, s setup) (_ *app, err error) {
	a := &app{log: s.log, failed: make(chan error, 3)}
	a.ctx, a.stop = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.registry = registry
	counted, err := metrics.NewHub(registry)
	if err != nil {
		return nil, err
	}
	if a.hub, err = openHub(ctx, s.Serve, s.log, counted.Observe); err != nil {
		return nil, err
	}
	if err := metrics.Usage(registry, a.hub); err != nil {
		return nil, err
	}
	keys, err := s.Keys()
	if err != nil {
		return nil, err
	}
	texts, err := text.New()
	if err != nil {
		return nil, err
	}
	if s.Bot() {
		if err := a.newBot(s, texts, keys); err != nil {
			return nil, err
		}
	}
	if s.Dashboard() {
		if err := a.newDashboard(s, texts, keys); err != nil {
			return nil, err
		}
	}
	if s.BackupDir != "" {
		if err := a.backUp(s); err != nil {
			return nil, err
		}
	}
	a.serve(s.listener, s.ops, s.OpsHosts)
	if !s.Bot() { // a bot announces itself, with its leases
		a.wg.Go(func() { a.hub.Attend(a.ctx, hub.Where(), about(s)) })
	}
	return a, nil
}

// newBot makes the bot. It connects later.
func (a *app) newBot(s setup, texts *text.Catalog, keys *keyring.Keyring) error {
	networks, err := s.Networks()
	if err != nil {
		return err
	}
	a.bot, err = bot.New(bot.Options{
		Texts: texts,
		Token: s.BotToken, DiscordURL: s.DiscordURL, GuildID: s.GuildID.ID, Hub: a.hub, Keys: keys,
		Shared: s.NATSURL != "", Shards: s.Shards, ShardCount: int(s.ShardCount), About: about(s),
		Members: s.MembersIntent,
		Pages:   pages.Site{Base: s.BaseURL}, Now: s.now, Log: s.log, Registerer: a.registry, HookNetworks: networks,
		DirectMessages: s.DirectMessages(), Requests: s.requests, Contact: pushContact(s.HostContact),
		PushRoots: s.pushRoots,
	})
	return err
}

// newDashboard makes what serves the web.
func (a *app) newDashboard(s setup, texts *text.Catalog, keys *keyring.Keyring) (err error) {
	a.live = live.New(live.Options{
		Hears: true,
		Keys:  keys, Rosters: a.hub.Rosters, Guilds: a.hub.Guilds, Standing: lastknown.StandingFrom(a.hub),
		Standings: lastknown.StandingsFrom(a.hub),
		Origins:   origins(s), AllowNoOrigin: true, Now: s.now, Log: s.log, Registerer: a.registry,
	})
	a.dash, err = dashboard.New(dashboard.Options{
		Texts: texts,
		Hub:   a.hub, Live: a.live, Keys: keys, BaseURL: s.BaseURL, ExtraHosts: s.extraHosts,
		Discord:  endpoints(s.DiscordURL),
		ClientID: s.ClientID.String(), ClientSecret: s.ClientSecret, AddURL: addURL(s), Demo: s.demo,
		DiscordURL:     s.DiscordURL,
		Host:           view.Host{Name: s.HostName, Contact: s.HostContact, Privacy: s.Privacy, Terms: s.Terms},
		TrustedProxies: s.TrustedProxies, Version: versionName(), Log: s.log, Now: s.now, Registerer: a.registry,
		RefuseEvery: s.refuseEvery, Ready: a.ready, SessionLifetime: days(s.SessionIdleDays),
		WholeSessionLifetime: days(s.SessionDays),
	})
	return err
}

// backUp takes backups on a schedule, whatever the process's roles: of those that share a hub, one takes each.
func (a *app) backUp(s setup) error {
	o := backups.Options{
		Folder: s.BackupDir, Every: s.BackupEvery, Keep: s.BackupKeep, Hub: a.hub, Now: s.now, Log: s.log,
	}
	if s.NATSURL == "" {
		o.Temp = s.Data
	}
	b, err := backups.New(o, a.registry)
	if err != nil {
		return err
	}
	a.schedule = schedule.New()
	ask := func() { _ = b.Run(a.ctx) } // it logs what fails
	if err := a.schedule.Every(cmp.Or(s.askEvery, time.Minute), ask); err != nil {
		return err
	}
	a.schedule.Start()
	return nil
}

// about is what the process says about itself to the others.
func about(s setup) hub.Process {
	p := hub.Process{Version: versionName(), Started: s.now()}
	if s.Bot() {
		p.Roles = append(p.Roles, config.RoleBot)
	}
	if s.Dashboard() {
		p.Roles = append(p.Roles, config.RoleDashboard)
	}
	return p
}

// pushContact gives the host's contact to push services, if it is an address of the two kinds that they take.
func pushContact(contact string) string {
	if _, err := mail.ParseAddress(contact); err == nil || strings.HasPrefix(contact, "https://") {
		return contact
	}
	return ""
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// openHub opens the hub that the configuration names, and creates its data folder.
func openHub(ctx context.Context, c config.Serve, log *slog.Logger, observe func(hub.Observation)) (*hub.Hub, error) {
	if c.NATSURL == "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return nil, fmt.Errorf("can't create the data folder: %w. Choose another with --data or SNUG_DATA", err)
		}
	}
	o := hubOptions(c, log)
	o.Observe = observe
	return hub.Open(ctx, o)
}

func hubOptions(c config.Serve, log *slog.Logger) hub.Options {
	o := hub.Options{URL: c.NATSURL, CredsFile: c.NATSCreds, CAFile: c.NATSCA, Replicas: c.NATSReplicas, Log: log}
	if c.NATSURL == "" {
		o.Dir = c.Data
	}
	return o
}

// serve runs the parts that run until close.
func (a *app) serve(l, ops net.Listener, opsNames []string) {
	run := func(what string, f func() error) {
		a.wg.Go(func() {
			if err := f(); err != nil && a.ctx.Err() == nil {
				a.failed <- fmt.Errorf("%s: %w", what, err)
			}
		})
	}
	a.serveOps(ops, opsNames, run)
	if a.dash == nil {
		return
	}
	a.http = a.dash.HTTPServer()
	run("dashboard", func() error {
		if err := a.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	run("live", func() error { return a.live.Run(a.ctx) })
	run("dashboard", func() error { return a.dash.Run(a.ctx) })
}

// connect connects the bot, if there's one. It returns when Discord is ready, or the reason why it can't be.
func (a *app) connect(ctx context.Context) error {
	if a.bot == nil {
		return nil
	}
	return a.bot.Start(ctx)
}

// wait returns nil when ctx ends, or the reason when a part fails for good.
func (a *app) wait(ctx context.Context) error {
	var ended <-chan error
	if a.bot != nil {
		ended = a.bot.Done()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	case err := <-a.failed:
		return err
	}
}

// ready returns why the process can't serve everything that it's for, for /readyz, or nil.
func (a *app) ready(ctx context.Context) error {
	if a.bot != nil {
		if err := a.bot.Ready(); err != nil {
			return err
		}
	}
	return a.hub.Ready(ctx)
}

// close stops everything: watchers are told to reconnect, HTTP drains, the gateway's session is kept for resuming, and
// the hub is closed last.
func (a *app) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	defer time.AfterFunc(endAfter, func() { stuck(os.Stderr, os.Exit) }).Stop()
	var all []error
	if a.live != nil {
		all = append(all, a.live.Close(ctx))
	}
	if a.http != nil {
		all = append(all, a.http.Shutdown(ctx))
	}
	if a.ops != nil {
		all = append(all, a.ops.Close())
	}
	if a.bot != nil {
		all = append(all, a.bot.Close(ctx))
	}
	a.stop()
	if a.schedule != nil {
		a.schedule.Stop()
	}
	a.wg.Wait()
	if a.dash != nil {
		all = append(all, a.dash.Close(ctx))
	}
	if a.hub != nil {
		all = append(all, a.hub.Close(ctx))
	}
	return errors.Join(all...)
}

// stuck ends a process that can't stop, and writes what it waits for. It would keep its shards' leases: others go on
// with the shards once it's gone.
func stuck(w io.Writer, exit func(int)) {
	fmt.Fprintln(w, "Snug can't stop, and ends now. If you report this, please include what follows.")
	_ = pprof.Lookup("goroutine").WriteTo(w, 2)
	exit(1)
}

// endpoints returns the addresses of Discord's parts: Discord's own, or all at another address.
func endpoints(discordURL string) dashboard.Discord {
	if discordURL == "https://discord.com" {
		return dashboard.Discord{}
	}
	return dashboard.Discord{
		AuthorizeURL: discordURL + "/oauth2/authorize", TokenURL: discordURL + "/api/oauth2/token",
		RevokeURL: discordURL + "/api/oauth2/token/revoke",
		APIURL:    discordURL + "/api/v10", CDNURL: discordURL, ChannelsURL: discordURL + "/channels",
		InviteURL: discordURL + "/invite",
	}
}

// addURL is Discord's page that adds the bot to a server with the permissions it needs.
func addURL(s setup) string {
	q := url.Values{
		"client_id": {s.ClientID.String()}, "scope": {"bot applications.commands"},
		"permissions": {fmt.Sprint(int64(discordapi.Permissions))},
	}
	if s.GuildID.ID != 0 {
		q.Set("guild_id", s.GuildID.String())
	}
	return s.DiscordURL + "/oauth2/authorize?" + q.Encode()
}

// origins are the pages' origins that may open the WebSocket.
func origins(s setup) []string {
	all := append([]string{s.BaseURL}, s.AllowedOrigins...)
	for _, h := range s.extraHosts {
		all = append(all, "http://"+h)
	}
	return all
}
