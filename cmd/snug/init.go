package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/agent"
	"snug/shared/config"
	"snug/shared/pages"
	"snug/shared/terminal"
)

type initCmd struct {
	BotToken     string    `env:"DISCORD_BOT_TOKEN" placeholder:"TOKEN" help:"The bot's token."`
	ClientSecret string    `env:"DISCORD_CLIENT_SECRET" placeholder:"SECRET" help:"${client_secret}"`
	ClientID     config.ID `env:"DISCORD_CLIENT_ID" placeholder:"ID" help:"${init_client_id}"`
	BaseURL      string    `env:"SNUG_BASE_URL" placeholder:"URL" help:"The dashboard's address as browsers see it."`
	DiscordURL   string    `env:"SNUG_DISCORD_URL" default:"https://discord.com" hidden:""`

	EnvFile string `name:"env-file" default:"snug.env" placeholder:"FILE" help:"The file to write."`
	Systemd string `placeholder:"FILE" help:"${init_systemd}"`
	Force   bool   `help:"Replace the file if it exists."`
}

// Help returns examples.
func (*initCmd) Help() string {
	return examples(
		"snug init", "Ask for everything, and write snug.env.",
		"snug init --systemd /etc/systemd/system/snug.service --env-file /etc/snug/snug.env",
		"Write a systemd unit, too.",
		"DISCORD_BOT_TOKEN=… DISCORD_CLIENT_SECRET=… snug init --base-url https://snug.example.org </dev/null",
		"Ask nothing. Variables keep secrets out of the list of processes.",
	)
}

// Run asks for what Snug needs, checks each value with Discord, and writes the configuration.
func (c *initCmd) Run(w world) error {
	for _, path := range []string{c.EnvFile, c.Systemd} {
		if err := c.free(path); err != nil {
			return err
		}
	}
	s := &setupSession{
		world: w, ask: newAsker(w.ctx, w.in, w.out),
		d: &doctor{http: agent.Client(10 * time.Second), now: time.Now},
	}
	s.d.c.DiscordURL = strings.TrimRight(c.DiscordURL, "/")
	s.d.c.Addr = "127.0.0.1:8080"
	for _, step := range []func(*initCmd) error{s.token, s.secret, s.address, s.redirect} {
		if err := step(c); err != nil {
			return err
		}
	}
	if err := c.write(s.d.c); err != nil {
		return err
	}
	s.say("\nWrote %s. Only you can read it: it holds the token and the secret.\n", c.EnvFile)
	if err := s.unit(c); err != nil {
		return err
	}
	s.say("\n%s\n", terminal.Paint(w.out, terminal.Bold, "Next"))
	if c.Systemd == "" {
		s.say("  Start Snug:                 snug serve%s\n", c.flagOfFile())
	}
	s.say("  Add the bot to your server: %s\n", addURL(setup{Serve: s.d.c}))
	s.say("  Then type in your server:   /snug setup\n")
	if strings.HasPrefix(s.d.c.BaseURL, "https:") {
		s.say("  In front of Snug:           a proxy for %s that passes WebSockets on to %s\n",
			s.d.c.BaseURL, s.d.c.Addr)
	}
	return nil
}

// free returns an error if something is at a path and may not be replaced.
func (c *initCmd) free(path string) error {
	if path == "" || path == "-" || c.Force {
		return nil
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists. Choose another file, or replace it with --force", path)
	}
	return nil
}

// flagOfFile is what a command needs on its line to read the file.
func (c *initCmd) flagOfFile() string {
	if c.EnvFile == config.DefaultEnvFile {
		return ""
	}
	return " --env-file " + c.EnvFile
}

// setupSession is one run of init: what has been answered is in d.c.
type setupSession struct {
	world

	ask *asker
	d   *doctor
}

func (s *setupSession) say(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

func (s *setupSession) step(title, what string) {
	s.say("\n%s %s\n", terminal.Paint(s.out, terminal.Bold, title), what)
}

func (s *setupSession) found(c terminal.Colour, mark, what string) {
	s.say("  %s %s\n", terminal.Paint(s.out, c, mark), what)
}

// checked asks for a value until it passes its check. A value that was given is asked for only if it fails.
func (s *setupSession) checked(name, given string, ask func(string) (string, error),
	check func(context.Context, string) (found string, err error)) error {
	for value := given; ; value = "" {
		if value == "" {
			var err error
			if value, err = ask(name); err != nil {
				return err
			}
		}
		ctx, cancel := context.WithTimeout(s.ctx, 20*time.Second)
		found, err := check(ctx, strings.TrimSpace(value))
		cancel()
		if err == nil {
			s.found(terminal.Green, "✓", found)
			return nil
		}
		if !s.ask.people || s.ctx.Err() != nil {
			return err
		}
		s.found(terminal.Red, "✗", strings.TrimRight(strings.Join(sentences(err), " "), ".")+".")
	}
}

// token asks for the bot's token, which also says which application it is.
func (s *setupSession) token(c *initCmd) error {
	s.say("Snug needs an application: https://discord.com/developers/applications → New Application.\n")
	s.step("1. The bot's token.", "In the Developer Portal, open Bot, and press Reset Token.")
	return s.checked("Token", c.BotToken, s.ask.secret, func(ctx context.Context, v string) (string, error) {
		s.d.c.BotToken = v
		found, err := s.d.token(ctx)
		if err != nil {
			return "", err
		}
		var app struct {
			ID snowflake.ID `json:"id"`
		}
		if _, err := s.d.ask(ctx, "/applications/@me", &app); err != nil {
			return "", err
		}
		if c.ClientID.ID != 0 && c.ClientID.ID != app.ID {
			return "", fmt.Errorf("this token is of the application %d, and DISCORD_CLIENT_ID or --client-id says %d. "+
				"Use both from the same application", app.ID, c.ClientID.ID)
		}
		s.d.c.ClientID = config.ID{ID: app.ID}
		return fmt.Sprintf("%s; the Application ID is %d", found, app.ID), nil
	})
}

func (s *setupSession) secret(c *initCmd) error {
	s.step("2. The client secret.", "Open OAuth2, and press Reset Secret.")
	return s.checked("Secret", c.ClientSecret, s.ask.secret, func(ctx context.Context, v string) (string, error) {
		s.d.c.ClientSecret = v
		return s.d.secret(ctx)
	})
}

func (s *setupSession) address(c *initCmd) error {
	s.step("3. The dashboard's address.",
		"The one that browsers open. Press Enter to use Snug only on this machine.")
	const here = "http://127.0.0.1:8080"
	ask := func(name string) (string, error) {
		v, err := s.ask.line(name + " [" + here + "]")
		return cmp.Or(v, here), err
	}
	return s.checked("Address", c.BaseURL, ask, func(_ context.Context, v string) (string, error) {
		if !strings.Contains(v, "://") {
			v = "https://" + v
		}
		s.d.c.BaseURL = strings.TrimRight(v, "/")
		if err := s.d.c.Check(); err != nil {
			return "", err
		}
		if u, err := url.Parse(s.d.c.BaseURL); err == nil && u.Scheme == "http" {
			s.d.c.Addr = u.Host
		} else {
			s.d.c.TrustedProxies = []string{"127.0.0.1", "::1"}
		}
		return s.d.c.BaseURL, nil
	})
}

// redirect has people add the redirect, and checks whether it's there as far as Discord says.
func (s *setupSession) redirect(*initCmd) error {
	s.step("4. The redirect.", "Open OAuth2, and add this redirect. Otherwise nobody can sign in:")
	s.say("\n  %s\n\n", s.d.c.BaseURL+string(pages.Callback))
	for {
		if s.ask.people {
			if _, err := s.ask.line("Press Enter when you've saved it"); err != nil {
				return err
			}
		}
		ctx, cancel := context.WithTimeout(s.ctx, 20*time.Second)
		found, err := s.d.redirect(ctx)
		cancel()
		if err == nil {
			s.found(terminal.Green, "✓", found)
			return nil
		}
		s.found(terminal.Red, "✗", strings.Join(sentences(err), " ")+".")
		if !s.ask.people {
			return nil // it can be added later; doctor and serve say so again
		}
		again, err := s.ask.line("Check again? [Y/n]")
		if err != nil || strings.HasPrefix(strings.ToLower(again), "n") {
			return err
		}
	}
}

//go:embed snug.env.tmpl
var envFile string

// write writes the environment file, readable only by its owner.
func (c *initCmd) write(s config.Serve) error {
	t, err := template.New("").Parse(envFile)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, s); err != nil {
		return err
	}
	return writeWhole(c.EnvFile, b.Bytes(), 0o600)
}

//go:embed snug.service
var unitFile string

// unit writes the systemd unit for this binary and this file, and says how to install it.
func (s *setupSession) unit(c *initCmd) error {
	if c.Systemd == "" {
		return nil
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	env, err := filepath.Abs(c.EnvFile)
	if err != nil {
		return err
	}
	unit := strings.NewReplacer("/usr/local/bin/snug", binary, "/etc/snug/snug.env", env).Replace(unitFile)
	if c.Systemd == "-" {
		_, err := io.WriteString(s.out, "\n"+unit)
		return err
	}
	if err := writeWhole(c.Systemd, []byte(unit), 0o644); err != nil {
		return err
	}
	s.say("Wrote %s. Start Snug with:\n\n", c.Systemd)
	for _, line := range []string{
		"sudo useradd --system --no-create-home --shell /usr/sbin/nologin snug",
		"sudo chown root:root " + env,
		"sudo systemctl daemon-reload",
		"sudo systemctl enable --now " + strings.TrimSuffix(filepath.Base(c.Systemd), ".service"),
	} {
		s.say("  %s\n", line)
	}
	return nil
}

// writeWhole writes a file, or leaves what was there.
func writeWhole(path string, b []byte, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".snug-*")
	if err != nil {
		return fmt.Errorf("can't write %s: %w. Choose a folder that exists and that you may write to", path, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("can't write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// examples formats pairs of a command line and what it does.
func examples(pairs ...string) string {
	var b strings.Builder
	b.WriteString("Examples:")
	for pair := range slices.Chunk(pairs, 2) {
		fmt.Fprintf(&b, "\n\n  %s\n      %s", pair[0], pair[1])
	}
	return b.String()
}
