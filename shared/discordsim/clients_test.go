package discordsim_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestClients runs the programs of clients/: our own client, and libraries that are not Snug's. They need node, what
// `make clients` does before, and discord.py, so they run when SNUG_CLIENTS is set.
func TestClients(t *testing.T) {
	if os.Getenv("SNUG_CLIENTS") == "" {
		t.Skip("run make clients")
	}
	scripts, err := filepath.Glob("clients/*.mjs")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no clients: %v", err)
	}
	built := t.TempDir()
	program, arikawa := filepath.Join(built, "discordsim"), filepath.Join(built, "arikawa")
	build(t, ".", program, "../../cmd/discordsim")
	build(t, "clients/arikawa", arikawa, ".")
	for _, script := range scripts {
		runClient(t, filepath.Base(script), program, "node", script)
	}
	for _, compress := range []string{"", "zlib-stream"} {
		runClient(t, "oceanic.mjs in ETF", program, "env", "NODE_PATH=clients/etf/node_modules", "ENCODING=etf",
			"COMPRESS="+compress, "node", "clients/oceanic.mjs")
	}
	runClient(t, "arikawa", program, arikawa)
	python, err := pythonWithDiscord()
	if err != nil {
		t.Fatal(err)
	}
	runClient(t, "discord.py", program, python, "clients/discordpy.py")
}

// build builds a program of a module in a folder.
func build(t *testing.T, folder, program, what string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", "build", "-o", program, what)
	c.Dir = folder
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// pythonWithDiscord finds a Python that has discord.py: the first of the path or, where that is another one, the
// system's.
func pythonWithDiscord() (string, error) {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import discord").Run() == nil {
			return python, nil
		}
	}
	return "", errors.New("no Python here has discord.py. Install it with: apt-get install python3-discord, " +
		"or: pip install discord.py")
}

// runClient runs a program against a simulator of its own.
func runClient(t *testing.T, name, discordsim string, command ...string) {
	t.Run(name, func(t *testing.T) {
		w := start(t)
		run := exec.CommandContext(t.Context(), command[0], append(command[1:], w.base)...)
		run.Env = append(os.Environ(), "DISCORDSIM="+discordsim)
		out, err := run.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Error(err)
		}
	})
}
