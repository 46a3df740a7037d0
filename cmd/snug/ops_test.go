package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

// Metrics are as Prometheus reads them, and the files for operators use none that there is not.
func TestOperatorsListener(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	srv := opsServer(h.app.registry, h.app.ready, nil)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	defer func() {
		h.must(srv.Close())
		<-served
	}()
	get := func(url string) (int, []byte) {
		t.Helper()
		res, err := testkit.HTTP.Get(url)
		h.must(err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		h.must(err)
		return res.StatusCode, b
	}
	ops := "http://" + l.Addr().String()
	if status, _ := get(h.url + "/metrics"); status != http.StatusNotFound {
		t.Errorf("the public listener serves metrics: %d", status)
	}
	for _, path := range []string{"/readyz", "/debug/pprof/", "/debug/pprof/goroutine?debug=1"} {
		if status, _ := get(ops + path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	_, text := get(ops + "/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	h.must(err)
	for _, want := range []string{
		"snug_hub_bytes", "snug_hub_seconds", "snug_latency_seconds", "snug_live_watchers", "snug_rest_try_seconds",
		"snug_gateway_phase",
	} {
		if families[want] == nil {
			t.Errorf("there is no metric %s", want)
		}
	}
	// Those with labels are not told before something was counted: their names are in the code.
	known := string(text) + sources(t)
	for _, file := range []string{"../../docs/alerts.yml", "../../docs/grafana/snug.json"} {
		b, err := os.ReadFile(file)
		h.must(err)
		if strings.HasSuffix(file, ".json") && !json.Valid(b) {
			t.Errorf("%s is not JSON", file)
		}
		names := regexp.MustCompile(`\bsnug_[a-z_]+`).FindAllString(string(b), -1)
		if len(names) < 5 {
			t.Errorf("%s names %d metrics", file, len(names))
		}
		for _, name := range names {
			base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			parts := strings.SplitN(base, "_", 3) // snug, subsystem, name, as some are put together
			if families[base] == nil && !strings.Contains(known, `"`+base+`"`) &&
				!strings.Contains(known, `"`+parts[len(parts)-1]+`"`) {
				t.Errorf("%s uses %s, which there is not", file, name)
			}
		}
	}
}

func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{"../../bot", "../../dashboard", "../../shared"} {
		err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				var b []byte
				if b, err = os.ReadFile(path); err == nil && bytes.Contains(b, []byte("prometheus")) {
					all.Write(b)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// The doctor finds a Snug that is well, and says what to do where it is not.
func TestDoctor(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	run := func(change func(*doctorCmd)) (string, error) {
		c := doctorCmd{Serve: h.world.serve(h.config())}
		c.Data, c.Addr, c.OpsAddr = t.TempDir(), "127.0.0.1:0", ""
		change(&c)
		var out bytes.Buffer
		err := c.Run(world{ctx: context.Background(), out: &out, err: &out})
		return out.String(), err
	}
	if out, err := run(func(*doctorCmd) {}); err != nil || strings.Contains(out, "✗") {
		t.Errorf("%v\n%s", err, out)
	}
	_, err := h.world.discord.Inject(discordsim.Fault{Kind: discordsim.FaultRateLimit, RetryAfter: 0.2, Count: 2})
	h.must(err)
	if out, err := run(func(*doctorCmd) {}); err != nil {
		t.Errorf("asked to slow down for a moment: %v\n%s", err, out)
	}
	if out, err := run(func(c *doctorCmd) { c.MembersIntent = true }); err != nil ||
		!strings.Contains(out, "Discord allows the members intent") {
		t.Errorf("with the members intent: %v\n%s", err, out)
	}
	const day = 24 * time.Hour
	fresh := filepath.Join(t.TempDir(), "not", "there")
	if out, err := run(func(c *doctorCmd) { c.Data = fresh }); err != nil ||
		!strings.Contains(out, fresh+" can be created") {
		t.Errorf("%v\n%s", err, out)
	}
	if left, err := os.ReadDir(filepath.Dir(filepath.Dir(fresh))); err != nil || len(left) > 0 {
		t.Errorf("the doctor left %v behind, %v", left, err)
	}
	backups := t.TempDir()
	if out, err := run(func(c *doctorCmd) { c.BackupDir, c.BackupEvery, c.BackupKeep = backups, day, 7 }); err != nil ||
		!strings.Contains(out, backups+" is writable; Snug writes the first backup") {
		t.Errorf("before the first backup: %v\n%s", err, out)
	}
	h.must(os.WriteFile(filepath.Join(backups, "snug-2026-01-01T030000Z.tar"), []byte("old"), 0o600))
	h.must(os.WriteFile(filepath.Join(backups, "snug-backups.json"), []byte(`{"backups":[{
		"name":"snug-2026-01-01T030000Z.tar","size":3,"taken":"2026-01-01T03:00:00Z"}]}`), 0o600))
	modest := h.world.discord.AddApplication(discordsim.ApplicationOptions{Name: "Modest", NoPrivilegedIntents: true})
	for want, change := range map[string]func(*doctorCmd){
		"Reset it in the Developer Portal":            func(c *doctorCmd) { c.BotToken += "x" },
		"choose another":                              func(c *doctorCmd) { c.Addr = h.url[len("http://"):] },
		"Choose another with SNUG_DATA":               func(c *doctorCmd) { c.Data = "/proc/nowhere/data" },
		"Check the network":                           func(c *doctorCmd) { c.DiscordURL = "http://127.0.0.1:1" },
		"DISCORD_CLIENT_SECRET is missing":            func(c *doctorCmd) { c.ClientSecret = "" },
		"→ Reset Secret":                              func(c *doctorCmd) { c.ClientSecret = "nope" },
		"can't listen on SNUG_OPS_ADDR 203.0.113.1:1": func(c *doctorCmd) { c.OpsAddr = "203.0.113.1:1" },
		"Turn on Server Members Intent": func(c *doctorCmd) {
			c.BotToken, c.MembersIntent = modest.BotToken, true
		},
		"Set SNUG_BACKUP_DIR to one":        func(c *doctorCmd) { c.BackupDir, c.BackupEvery = "/dev/null", day },
		"Create it, with mode 700":          func(c *doctorCmd) { c.BackupDir, c.BackupEvery = fresh, day },
		"is from 2026-01-01T03:00:00Z, but": func(c *doctorCmd) { c.BackupDir, c.BackupEvery = backups, day },
		"clock: skipped":                    func(c *doctorCmd) { c.BotToken += "x" },
	} {
		if out, err := run(change); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", want, err, out)
		}
	}
}

// snug health says with its status how a running Snug is.
func TestHealth(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	ask := func(addr string) (string, error) {
		var out bytes.Buffer
		err := (&healthCmd{Addr: addr}).Run(world{ctx: t.Context(), out: &out, err: &out})
		return out.String(), err
	}
	if out, err := ask(strings.TrimPrefix(h.url, "http://")); err != nil || out != "Snug is ready.\n" {
		t.Errorf("%q, %v", out, err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(h.url, "http://"), ":")
	if _, err := ask("0.0.0.0:" + port); err != nil {
		t.Errorf("asked where it listens in a container: %v", err)
	}
	if _, err := ask("127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "Check that Snug is running") {
		t.Errorf("nobody is there: %v", err)
	}
	if _, err := ask("nowhere"); err == nil || !strings.Contains(err.Error(), "127.0.0.1:8080") {
		t.Errorf("no address: %v", err)
	}
	deaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"gateway":"not connected"}`, http.StatusServiceUnavailable)
	}))
	defer deaf.Close()
	if _, err := ask(strings.TrimPrefix(deaf.URL, "http://")); err == nil || !strings.Contains(err.Error(), "gateway") {
		t.Errorf("not ready: %v", err)
	}
}
