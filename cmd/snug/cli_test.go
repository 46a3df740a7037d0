package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/testkit"
)

// TestWhatIsTyped tries common mistakes on the command line. Each gets an error that says what to do.
func TestWhatIsTyped(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("no tar"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"help":                {[]string{"help"}, 0, "Run the bot and the dashboard."},
		"help with a command": {[]string{"help", "serve"}, 0, "--bot-token"},
		"help with a typo": {
			[]string{"help", "sreve"}, 2, `there is no command "sreve". Did you mean "serve"?`,
		},
		"a typo": {[]string{"doctr"}, 2, `there is no command "doctr". Did you mean "doctor"?`},
		"no command": {
			[]string{"frobnicate"}, 2, `there is no command "frobnicate". Choose one of demo, init, serve, doctor`,
		},
		"a flag's typo": {[]string{"serve", "--client-secrt=x"}, 2, `did you mean "--client-secret"?`},
		"a secret with a dash": {
			[]string{"serve", "--client-secret", "-x", "--bot-token", "--y"}, 1, "DISCORD_BOT_TOKEN isn't a bot token",
		},
		"a flag instead of a value": {[]string{"serve", "--client-secret", "--data", "x"}, 2, "--client-secret"},
		"an option of a switch":     {[]string{"serve", "--members-intent", "-x"}, 2, "unknown flag -x"},
		"no value":                  {[]string{"serve", "--client-secret"}, 2, "--client-secret"},
		"a negative number":         {[]string{"serve", "--nats-replicas", "-1"}, 1, "SNUG_NATS_REPLICAS is -1"},
		"nothing set up": {
			[]string{"serve"}, 1, "To set it up, run: snug init\nTo try it without Discord, run: snug demo",
		},
		"demo's log level": {
			[]string{"demo", "--log-level", "loud"}, 1, `"loud" isn't a log level. Choose debug, info, warn or error.`,
		},
		"demo's log format": {[]string{"demo", "--log-format", "xml"}, 1,
			`"xml" isn't a log format. Choose text or json.`},
		"serve's log level": {[]string{"serve", "--log-level", "loud"}, 1, `"loud" isn't a log level`},
		"doctor's log level": {
			[]string{"doctor", "--log-level", "loud", "--discord-url", "http://127.0.0.1:1", "--data", t.TempDir()}, 1,
			`"loud" isn't a log level`,
		},
		"backup's log level":  {[]string{"backup", "--log-level", "loud", "-"}, 1, `"loud" isn't a log level`},
		"restore's log level": {[]string{"restore", "--log-level", "loud", junk}, 1, `"loud" isn't a log level`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if status := run(t.Context(), x.args, &out, &out); status != x.status ||
				!strings.Contains(out.String(), x.want) {
				t.Errorf("status %d, want %d with %q:\n%s", status, x.status, x.want, out.String())
			}
		})
	}
}

// TestErrorsOnTheirWayToPeople has errors of every build: what stands in them for people is never hidden by
// their causes.
func TestErrorsOnTheirWayToPeople(t *testing.T) {
	t.Parallel()
	remedy := errs.E(errs.Unavailable, "The hub is silent. Check the network.")
	late := context.DeadlineExceeded
	for name, x := range map[string]struct {
		err  error
		want string
	}{
		"plain": {errors.New("no"), "snug: no\n"},
		"coded": {remedy, "snug: The hub is silent. Check the network.\n"},
		"with a cause": {
			remedy.Because(late),
			"snug: The hub is silent. Check the network. (UNAVAILABLE: context deadline exceeded)\n",
		},
		"with two causes": {
			remedy.Because(fmt.Errorf("%w (%w)", late, syscall.EPIPE)),
			"snug: The hub is silent. Check the network. (UNAVAILABLE: context deadline exceeded (broken pipe))\n",
		},
		"with joined causes": {
			remedy.Because(errors.Join(late, nil)),
			"snug: The hub is silent. Check the network. (UNAVAILABLE: context deadline exceeded)\n",
		},
		"wrapped": {fmt.Errorf("hub: %w", remedy), "snug: The hub is silent. Check the network.\n"},
		"wrapped with another": {
			fmt.Errorf("%w: %w", late, remedy), "snug: The hub is silent. Check the network.\n",
		},
		"joined": {
			errors.Join(remedy.Because(late), errors.New("and this")),
			"snug: The hub is silent. Check the network. (UNAVAILABLE: context deadline exceeded)\nsnug: and this\n",
		},
		"joined within": {
			errors.Join(errors.Join(remedy), nil), "snug: The hub is silent. Check the network.\n",
		},
		"two causes, own sentence": {
			fmt.Errorf("cannot listen: %w, %w. Choose another", late, syscall.EPIPE),
			"snug: cannot listen: context deadline exceeded, broken pipe. Choose another\n",
		},
	} {
		var out strings.Builder
		if tell(&out, x.err); out.String() != x.want {
			t.Errorf("%s: %q, want %q", name, out.String(), x.want)
		}
	}
}

// TestFailedRestore leaves the data folder as it was: not there, empty, or with what is in it.
func TestFailedRestore(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("no tar"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		folder string
		before []string
	}{
		"not there": {"a/b", nil}, "empty": {"", nil}, "with something": {"", []string{"note"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, f := range x.before {
				if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			if status := run(t.Context(), []string{"restore", "--data", filepath.Join(dir, x.folder), junk}, &out,
				&out); status != 1 ||
				!strings.Contains(out.String(), "a complete Snug backup") {
				t.Errorf("status %d: %s", status, out.String())
			}
			left, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			if x.before == nil && len(left) > 0 {
				t.Errorf("it left %v", left)
			}
			if _, err := os.Stat(filepath.Join(dir, "note")); x.before != nil && err != nil {
				t.Errorf("what was there is gone: %v", err)
			}
		})
	}
}

// TestServeWithAWrongClientSecret ends with what to do, before anybody fails to sign in.
func TestServeWithAWrongClientSecret(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	c := &serveCmd{Serve: h.world.serve(h.config())}
	c.Data, c.Addr, c.OpsAddr, c.ClientSecret = t.TempDir(), "127.0.0.1:0", "", "nope"
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out testkit.Log
	err := c.Run(world{ctx: ctx, out: &out, err: &out})
	if err == nil || !strings.Contains(err.Error(), "DISCORD_CLIENT_SECRET") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// TestDoctorBesideARunningSnug finds nothing wrong with what the running one uses.
func TestDoctorBesideARunningSnug(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := newHarness(t, func(p *plan) { p.serve.Data = dir })
	c := doctorCmd{Serve: h.world.serve(h.config())}
	c.Data, c.Addr, c.OpsAddr = dir, strings.TrimPrefix(h.url, "http://"), ""
	var out bytes.Buffer
	if err := c.Run(world{ctx: t.Context(), out: &out, err: &out}); err != nil ||
		!strings.Contains(out.String(), "in use by a running Snug") ||
		!strings.Contains(out.String(), c.Addr+" in use by the running Snug") {
		t.Errorf("%v\n%s", err, out.String())
	}
	h.must(h.app.bot.Close(t.Context()))
	out.Reset()
	if err := c.Run(world{ctx: t.Context(), out: &out, err: &out}); err == nil ||
		!strings.Contains(out.String(), "✗ ports: Snug isn't ready") {
		t.Errorf("beside one that is not ready: %v\n%s", err, out.String())
	}
}

// TestFolderThatCannotBeUsed is told at once, not after the patience for a server that starts slowly.
func TestFolderThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600); err != nil {
		// where a folder should be made; root may write anywhere else
		t.Fatal(err)
	}
	var out bytes.Buffer
	begun := time.Now()
	if status := run(t.Context(), []string{"backup", "--data", dir, "-"}, &out, &out); status != 1 ||
		!strings.Contains(out.String(), "did not start in "+dir) {
		t.Errorf("status %d: %s", status, out.String())
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
