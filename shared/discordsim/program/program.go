// Package program is the Discord simulator as a program of its own: cmd/discordsim, and a subcommand of others.
package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"snug/shared/discordsim"
	"snug/shared/discordsim/plan"
)

// Flags are the command line of the simulator, for kong. Help explains them.
type Flags struct {
	Addr     string    `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"${discordsim_addr}"`
	World    string    `placeholder:"FILE" help:"${discordsim_world}"`
	Bot      []string  `sep:"none" placeholder:"TOKEN@PERMISSIONS" help:"${discordsim_bot}"`
	Seed     uint64    `placeholder:"NUMBER" help:"${discordsim_seed}"`
	Founded  time.Time `placeholder:"TIME" help:"${discordsim_founded}"`
	At       time.Time `placeholder:"TIME" help:"${discordsim_at}"`
	NoLimits bool      `help:"Don't limit how fast bots send requests and start sessions."`
	JSON     bool      `help:"Print addresses, tokens and people as a line of JSON, for scripts."`
	Trace    bool      `help:"Print every request and every event on standard error."`
	Record   string    `placeholder:"FILE" help:"${discordsim_record}"`
	Replay   string    `placeholder:"FILE" help:"${discordsim_replay}"`
	Open     bool      `help:"Open the page on which you act as the people."`
	Health   bool      `help:"Ask the simulator that runs at --addr whether it's ready, and end: with 0 if it is."`

	ReplayFast bool          `help:"Replay without the pauses between what people did."`
	ReplayWait time.Duration `default:"5s" placeholder:"TIME" help:"${discordsim_replay_wait}"`

	URL          string `placeholder:"URL" help:"${discordsim_url}"`
	TLS          bool   `help:"${discordsim_tls}"`
	Certificate  string `placeholder:"FILE" help:"Write the certificate of --tls to this file, too."`
	Endpoints    bool   `name:"endpoints-anywhere" help:"${discordsim_endpoints}"`
	ControlToken string `env:"DISCORDSIM_CONTROL_TOKEN" placeholder:"TOKEN" help:"${discordsim_control_token}"`
}

// Help returns the variables in the flags' help.
func Help() map[string]string {
	return map[string]string{
		"discordsim_addr": "The address it listens on. Anybody who reaches it can be anybody, so without a control " +
			"token it must be this machine's.",
		"discordsim_world": "A file in YAML or JSON that describes people, applications and guilds. " +
			"By default, there is a server of nine friends with a bot.",
		"discordsim_bot": "Add a bot with this token to every server, with permissions by Discord's names, such as " +
			"VIEW_CHANNEL,CONNECT, or as a number. Without @ it is an administrator. Can be given more than once.",
		"discordsim_seed":    "The same seed makes the same tokens and, with --founded, the same ids.",
		"discordsim_founded": "When the first ids were made, such as 2026-01-01T00:00:00Z. By default, a year ago.",
		"discordsim_at": "Stop the world's clock at this time, so that ids and times are the same each time. " +
			"Then there are no rate limits, and only scripts advance it.",
		"discordsim_record": "Write what people do, every request and every event to this file, as lines of JSON " +
			"without tokens.",
		"discordsim_replay": "Do again what people did in a file of --record, in the same world, report what the bot " +
			"does differently, and end: with 1 if there is something.",
		"discordsim_replay_wait": "How long --replay waits, before each act, for what the bot did before it.",
		"discordsim_url": "What bots reach it at, if that isn't --addr: http://discord:8081 in a network of " +
			"containers.",
		"discordsim_tls": "Serve https and wss, with a certificate of its own, which it prints.",
		"discordsim_endpoints": "Let bots have interactions endpoints on other machines. By default, interactions " +
			"are posted to this one alone.",
		"discordsim_control_token": "Ask for this token on the page and in the interface for scripts. " +
			"At least 16 characters; with it, --addr may be an address that others reach.",
	}
}

// closing is how long running requests may take when the program ends.
const closing = 5 * time.Second

// Serve runs the simulator until ctx ends. It writes to out where to connect, and to errw what goes wrong. An error
// says what to do.
func (f *Flags) Serve(ctx context.Context, out, errw io.Writer) (err error) {
	if f.Health {
		return f.ask(ctx, out)
	}
	if f.Certificate != "" && !f.TLS {
		return errors.New("--certificate writes the certificate of --tls; add --tls, or leave it out")
	}
	o := f.options(errw)
	r, err := f.openRecords(&o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	s := discordsim.New(o)
	w, err := f.fill(s)
	if err == nil {
		err = r.begin(s)
	}
	if err != nil {
		return err
	}
	url, err := s.Start(f.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("another program uses %s. Choose another address with --addr", f.Addr)
	}
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		err = errors.Join(err, s.Close(ctx))
	}()
	w.at(url)
	if w.Certificate = string(s.Certificate()); f.Certificate != "" {
		if err := os.WriteFile(f.Certificate, s.Certificate(), 0o644); err != nil {
			return err
		}
	}
	if f.JSON {
		err = json.NewEncoder(out).Encode(w)
	} else {
		err = w.print(out)
	}
	if err != nil {
		return err
	}
	if f.Open {
		if err := browse(ctx, url); err != nil {
			fmt.Fprintf(errw, "no browser could be opened: %v. Open %s yourself\n", err, url)
		}
	}
	if r.player != nil {
		return f.replay(ctx, s, r.player, out, errw)
	}
	<-ctx.Done()
	return nil
}

func (f *Flags) options(errw io.Writer) discordsim.Options {
	o := discordsim.Options{Seed: f.Seed, Founded: f.Founded, TLS: f.TLS, URL: f.URL, ControlToken: f.ControlToken,
		EndpointsAnywhere: f.Endpoints,
		Log:               slog.New(slog.NewTextHandler(errw, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if !f.At.IsZero() {
		o.Now = func() time.Time { return f.At }
	}
	l := discordsim.DiscordLimits()
	if l.Sliding = true; f.NoLimits || !f.At.IsZero() {
		l = discordsim.NoRateLimits()
	}
	o.Limits = &l
	if f.Trace {
		t := &trace{to: errw}
		t.follow(&o)
	}
	return o
}

// fill makes the world, and returns what a bot and a script need of it.
func (f *Flags) fill(s *discordsim.Server) (*welcome, error) {
	w := &welcome{}
	if f.World == "" {
		d, err := s.Demo(discordsim.ApplicationOptions{Name: "My bot", AnyLoopbackRedirect: true})
		if err != nil {
			return nil, err
		}
		w.Applications, w.Guilds, w.Users = append(w.Applications, d.Application), append(w.Guilds, d.Guild), d.Users
	} else if err := w.build(s, f.World); err != nil {
		return nil, fmt.Errorf("%s: %w", f.World, err)
	}
	for i, bot := range f.Bot {
		a, err := addBot(s, fmt.Sprintf("Bot %d", i+1), bot, w.Guilds)
		if err != nil {
			return nil, fmt.Errorf("--bot: %w", err)
		}
		w.Applications = append(w.Applications, a)
	}
	return w, s.MarkStart()
}

// addBot adds a bot to guilds, from TOKEN@PERMISSIONS.
func addBot(s *discordsim.Server, name, bot string, guilds []discordsim.Guild) (discordsim.Application, error) {
	token, names, given := strings.Cut(bot, "@")
	permissions := discordsim.PermAdministrator
	if given {
		var err error
		if permissions, err = discordsim.ParsePermissions(names); err != nil {
			return discordsim.Application{}, err
		}
	}
	a := s.AddApplication(discordsim.ApplicationOptions{Name: name, Token: token, AnyLoopbackRedirect: true})
	if token != "" && a.BotToken != token {
		return a, errors.New("two bots have the same token")
	}
	for _, g := range guilds {
		if err := s.InstallBot(g.ID, a.ID, permissions); err != nil {
			return a, err
		}
	}
	return a, nil
}

// welcome is what bots and scripts need. It is what --json prints.
type welcome struct {
	URL          string                   `json:"url"`
	API          string                   `json:"api_url"`
	Gateway      string                   `json:"gateway_url"`
	Applications []discordsim.Application `json:"applications"`
	Guilds       []discordsim.Guild       `json:"guilds"`
	Users        []discordsim.User        `json:"users"`
	Certificate  string                   `json:"certificate,omitempty"` // in PEM
}

// build makes the world that a file describes.
func (w *welcome) build(s *discordsim.Server, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return errors.Unwrap(err) // whose file it is, the caller says
	}
	if snapshotted(data) {
		return w.restore(s, data)
	}
	p, err := plan.Read(data)
	if err != nil {
		return err
	}
	built, err := plan.Build(s, p)
	if err != nil {
		return err
	}
	for _, u := range p.People {
		w.Users = append(w.Users, built.People[u.Username])
	}
	for _, a := range p.Applications {
		w.Applications = append(w.Applications, built.Applications[a.Name])
	}
	for _, g := range built.Guilds {
		w.Guilds = append(w.Guilds, g.Guild)
	}
	return nil
}

// snapshotted reports whether a file is one that a simulator saved.
func snapshotted(data []byte) bool {
	var s struct {
		Format int `json:"discordsim_snapshot"`
	}
	return json.Unmarshal(data, &s) == nil && s.Format != 0
}

// restore makes the world of a snapshot.
func (w *welcome) restore(s *discordsim.Server, data []byte) error {
	if err := s.RestoreSnapshot(data); err != nil {
		return err
	}
	w.Applications, w.Guilds, w.Users = s.Applications(), s.Guilds(), s.People()
	return nil
}

func (w *welcome) at(url string) {
	w.URL, w.API, w.Gateway = url, url+"/api/v10", "ws"+strings.TrimPrefix(url, "http")
}

// print writes what to tell a bot, for people.
func (w *welcome) print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nDiscord simulator: %s\n\n  REST API  %s\n  Gateway   %s\n", w.URL, w.API, w.Gateway)
	for _, a := range w.Applications {
		fmt.Fprintf(&b, "\n%s\n  id        %s\n  token     %s\n  secret    %s\n",
			a.Name, a.ID, a.BotToken, a.ClientSecret)
	}
	for _, g := range w.Guilds {
		fmt.Fprintf(&b, "\nServer %q\n  id        %s\n", g.Name, g.ID)
	}
	if w.Certificate != "" {
		fmt.Fprintf(&b, "\nIts certificate, which libraries have to trust:\n\n%s", w.Certificate)
	}
	fmt.Fprintf(&b, "\nOpen %s to act as its people. Press Ctrl-C to stop.\n", w.URL)
	_, err := io.WriteString(out, b.String())
	return err
}

// browse opens an address in the person's browser.
func browse(ctx context.Context, url string) error {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	return exec.CommandContext(ctx, name, args...).Run()
}
