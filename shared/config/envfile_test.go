package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"snug/shared/config"
)

// program has one command that reads an environment file, and one that doesn't.
type program struct {
	Serve struct {
		Token  string `env:"DISCORD_BOT_TOKEN"`
		Secret string `env:"DISCORD_CLIENT_SECRET"`
		config.FromFile
	} `cmd:""`
	Demo struct {
		Token string `name:"demo-token" env:"DISCORD_BOT_TOKEN"`
	} `cmd:""`
}

func TestSources(t *testing.T) {
	const file, flag, variable = "of the file", "of the flag", "of the variable"
	for name, x := range map[string]struct {
		file    string // snug.env; "": there's none
		env     map[string]string
		args    []string
		want    string // of the token
		refused string
	}{
		"nothing":                {args: []string{"serve"}},
		"the file":               {"DISCORD_BOT_TOKEN=" + file, nil, []string{"serve"}, file, ""},
		"quoted, with a comment": {"# a\n\nDISCORD_BOT_TOKEN='" + file + "'\n", nil, []string{"serve"}, file, ""},
		"exported":               {"export DISCORD_BOT_TOKEN=" + file, nil, []string{"serve"}, file, ""},
		"with a dollar":          {"DISCORD_BOT_TOKEN=a$HOME", nil, []string{"serve"}, "a$HOME", ""},
		"a variable before a file": {
			"DISCORD_BOT_TOKEN=" + file, map[string]string{"DISCORD_BOT_TOKEN": variable}, []string{"serve"}, variable,
			"",
		},
		"a flag before a file": {"DISCORD_BOT_TOKEN=" + file, nil, []string{"serve", "--token", flag}, flag, ""},
		"a secret file":        {"DISCORD_BOT_TOKEN_FILE=secret", nil, []string{"serve"}, "of the secret file", ""},
		"a variable's secret file before the file": {
			"DISCORD_BOT_TOKEN=" + file, map[string]string{"DISCORD_BOT_TOKEN_FILE": "secret"}, []string{"serve"},
			"of the secret file", "",
		},
		"another file": {
			"DISCORD_BOT_TOKEN=" + file, nil, []string{"serve", "--env-file", "other.env"}, "of the other", "",
		},
		"others' variables": {"GOMEMLIMIT=1GiB\nDISCORD_BOT_TOKEN=" + file, nil, []string{"serve"}, file, ""},
		"a command without": {"DISCORD_BOT_TOKEN=" + file, nil, []string{"demo"}, "", ""},
		"a missing file":    {"", nil, []string{"serve", "--env-file", "none.env"}, "", "Create one with: snug init"},
		"no variable":       {"what", nil, []string{"serve"}, "", "snug.env, line 1"},
		"a typo": {
			"DISCORD_TOKEN=s3cret", nil, []string{"serve"}, "", "has DISCORD_TOKEN, which isn't a variable of Snug's",
		},
		"no secret file": {"DISCORD_BOT_TOKEN_FILE=none", nil, []string{"serve"}, "", "DISCORD_BOT_TOKEN_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			files := map[string]string{
				"secret": "of the secret file\n", "other.env": "DISCORD_BOT_TOKEN='of the other'",
				config.DefaultEnvFile: x.file,
			}
			if x.file == "" {
				delete(files, config.DefaultEnvFile)
			}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for name, v := range x.env {
				t.Setenv(name, v)
			}
			var c program
			p, err := kong.New(&c, config.Help(), kong.Resolvers(config.Sources()))
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Parse(x.args)
			if x.refused != "" {
				if err == nil || !strings.Contains(err.Error(), x.refused) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%v", err)
				}
				return
			}
			got := c.Serve.Token
			if x.args[0] == "demo" {
				got = c.Demo.Token
			}
			if err != nil || got != x.want || c.Serve.Secret != "" {
				t.Errorf("the token is %q: %v", got, err)
			}
		})
	}
}
