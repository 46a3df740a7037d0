package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/agent"
	"snug/shared/config"
	"snug/shared/discordsim"
	"snug/shared/testkit"
)

// TestInit sets Snug up against the simulator, and serves the result's variables with doctor.
func TestInit(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const site = "https://snug.example.org"
	mine := h.world.discord.AddApplication(discordsim.ApplicationOptions{
		Name: "Mine", RedirectURIs: []string{site + "/auth/discord/callback"},
	})
	other := h.world.discord.AddApplication(discordsim.ApplicationOptions{
		Name: "Other", RedirectURIs: []string{"https://other.example"},
	})
	for name, x := range map[string]struct {
		typed  []string
		change func(*initCmd)
		want   []string // in what's printed
		fails  string
		env    []string // lines of the file
	}{
		"everything typed": {
			typed: []string{mine.BotToken, mine.ClientSecret, "snug.example.org"},
			want: []string{
				site + "/auth/discord/callback is registered", "Wrote ",
				"/oauth2/authorize?client_id=" + mine.ID.String(), "snug serve --env-file ",
			},
			env: []string{
				"DISCORD_CLIENT_ID=" + mine.ID.String(), "DISCORD_BOT_TOKEN=" + mine.BotToken, "SNUG_BASE_URL=" + site,
				"SNUG_ADDR=127.0.0.1:8080", "SNUG_TRUSTED_PROXIES=127.0.0.1,::1", "SNUG_DISCORD_URL=" + h.world.url,
			},
		},
		"everything given": {
			change: func(c *initCmd) {
				c.BotToken, c.ClientSecret, c.BaseURL = mine.BotToken, mine.ClientSecret, "http://localhost:9000/"
				c.Systemd = "-"
			},
			want: []string{"isn't registered, so nobody can sign in", "EnvironmentFile=/", "/snug.env\n"},
			env:  []string{"SNUG_BASE_URL=http://localhost:9000", "SNUG_ADDR=localhost:9000"},
		},
		"on this machine": {
			typed: []string{mine.BotToken, mine.ClientSecret, ""},
			env:   []string{"SNUG_BASE_URL=http://127.0.0.1:8080"},
		},
		"a wrong token":  {typed: []string{"nope"}, fails: "Discord rejects the token"},
		"a wrong secret": {typed: []string{mine.BotToken, "nope"}, fails: "Discord rejects the client secret"},
		"another's secret": {
			typed: []string{mine.BotToken, other.ClientSecret}, fails: "Discord rejects the client secret",
		},
		"another application": {
			typed: []string{mine.BotToken}, change: func(c *initCmd) { c.ClientID = config.ID{ID: 1} },
			fails: "Use both from the same application",
		},
		"a plain address": {
			typed: []string{mine.BotToken, mine.ClientSecret, "http://snug.example.org"},
			fails: "must start with https://",
		},
		"nobody there": {typed: []string{}, fails: "Run snug init in a terminal"},
		"Discord is away": {
			typed: []string{mine.BotToken}, change: func(c *initCmd) { c.DiscordURL = "http://127.0.0.1:1" },
			fails: "doesn't answer",
		},
		"a file that exists": {
			change: func(c *initCmd) { h.must(os.WriteFile(c.EnvFile, []byte("mine"), 0o600)) },
			fails:  "replace it with --force", env: []string{"mine"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := initCmd{EnvFile: filepath.Join(t.TempDir(), "snug.env"), DiscordURL: h.world.url}
			if x.change != nil {
				x.change(&c)
			}
			var out bytes.Buffer
			in := strings.NewReader(strings.Join(append(x.typed, ""), "\n"))
			err := c.Run(world{t.Context(), in, &out, &out})
			if (err == nil) != (x.fails == "") || err != nil && !strings.Contains(err.Error(), x.fails) {
				t.Fatalf("%v\n%s", err, out.String())
			}
			for _, want := range x.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), mine.BotToken) || strings.Contains(out.String(), mine.ClientSecret) {
				t.Errorf("it prints secrets:\n%s", out.String())
			}
			b, err := os.ReadFile(c.EnvFile)
			if x.env == nil {
				if !os.IsNotExist(err) {
					t.Errorf("it left a file: %v", err)
				}
				return
			}
			h.must(err)
			for _, line := range x.env {
				if !strings.Contains("\n"+string(b)+"\n", "\n"+line+"\n") {
					t.Errorf("no line %q in\n%s", line, b)
				}
			}
			if info, err := os.Stat(c.EnvFile); err != nil || info.Mode() != 0o600 {
				t.Errorf("others may read it: %v, %v", info.Mode(), err)
			}
			if x.fails != "" {
				return
			}
			var p cli
			parser, err := newParser(&p)
			h.must(err)
			if _, err := config.ReadEnvFile(c.EnvFile, config.Variables(parser.Model)); err != nil {
				t.Errorf("serve can't read it: %v", err)
			}
		})
	}
}

// TestServeExamines: what would only fail when somebody signs in or opens a room is in the log at the start.
func TestServeExamines(t *testing.T) {
	t.Parallel()
	var log testkit.Log
	h := newHarness(t, func(p *plan) { p.log = log.Logger() })
	mine := h.world.discord.AddApplication(discordsim.ApplicationOptions{
		Name: "Mine", RedirectURIs: []string{"https://elsewhere.example"},
	})
	c := h.world.serve(h.config())
	c.BotToken, c.ClientSecret, c.ClientID = mine.BotToken, mine.ClientSecret, config.ID{ID: snowflake.ID(mine.ID)}
	h.app.examine(&doctor{c: c, http: agent.Client(patience), now: h.clock.Now})
	if want := h.url + "/auth/discord/callback isn't registered"; !strings.Contains(log.String(), want) {
		t.Errorf("no %q in the log:\n%s", want, log.String())
	}
}

// TestShell: scripts complete commands and flags, and the manual page has every command.
func TestShell(t *testing.T) {
	for line, want := range map[string]string{
		"snug ser": "serve\n", "snug serve --nats-u": "--nats-url\n", "snug completion f": "fish\n",
	} {
		t.Run(line, func(t *testing.T) {
			t.Setenv("COMP_LINE", line)
			var out bytes.Buffer
			if status := run(t.Context(), nil, &out, &out); status != 0 || out.String() != want {
				t.Errorf("%d %q, want %q", status, out.String(), want)
			}
		})
	}
	for shell, want := range map[string]string{
		"bash": "complete -C snug snug", "zsh": "bashcompinit", "fish": "COMP_LINE",
	} {
		var out bytes.Buffer
		if status := run(t.Context(), []string{"completion", shell}, &out, &out); status != 0 ||
			!strings.Contains(out.String(), want) {
			t.Errorf("%s: %d %s", shell, status, out.String())
		}
	}
	var page bytes.Buffer
	if status := run(t.Context(), []string{"man"}, &page, &page); status != 0 {
		t.Fatal(page.String())
	}
	parser, err := newParser(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range parser.Model.Children {
		if !strings.Contains(page.String(), "\n\\fB"+c.Name) {
			t.Errorf("the manual page doesn't have %s", c.Name)
		}
	}
}
