package hub

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/testkit"
)

// onlySoak skips a test of what others imitate.
func onlySoak(t *testing.T) {
	t.Helper()
	if os.Getenv("SNUG_SOAK") == "" {
		t.Skip("SNUG_SOAK=1 runs it")
	}
}

// TestOldServers opens a hub on servers that are too old, as they are; tooOld imitates one.
func TestOldServers(t *testing.T) {
	onlySoak(t)
	for _, version := range []string{"2.9.25", "2.10.29"} {
		t.Run(version, func(t *testing.T) {
			h, err := Open(t.Context(), Options{
				URL: startOld(t, version), Log: logTo(t), ConnectTimeout: time.Millisecond,
			})
			if err == nil {
				closeHub(t, h)
			}
			wantCode(t, err, errs.Unavailable)
			says := errs.Public(err).Message
			for _, part := range []string{"is version " + version, "Snug needs 2.11 or newer", "on every server"} {
				if !strings.Contains(says, part) {
					t.Errorf("it says %q", says)
				}
			}
		})
	}
}

// startOld builds and starts a NATS server of an earlier version.
func startOld(t *testing.T, version string) (url string) {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "install", "github.com/nats-io/nats-server/v2@v"+version)
	build.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skip("needs a network to build it:", err, string(out))
	}
	cmd := exec.Command(filepath.Join(dir, "nats-server"), "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", dir,
		"--ports_file_dir", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	testkit.Eventually(t, "it listens", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("nats-server_%d.ports", cmd.Process.Pid)))
		var ports struct{ Nats []string }
		if err != nil || json.Unmarshal(b, &ports) != nil || len(ports.Nats) == 0 {
			return false
		}
		url = ports.Nats[0]
		return true
	})
	return url
}

// TestFullDiskOutside is TestFullDisk for a NATS server: what can be read is read, writes fail, readiness says what to
// do, and once that is done, everything is there.
func TestFullDiskOutside(t *testing.T) {
	onlySoak(t)
	dir := smallDisk(t)
	o := startOutside(t, func(s *server.Options) { s.StoreDir = dir })
	h := openHub(t, Options{URL: o.url})
	ctx := t.Context()
	ballast := fillDisk(t, dir)
	acked := 0
	var err error
	for err == nil {
		_, err = h.Members.Put(ctx, guildKey(1, acked), room.Preferences{Name: strings.Repeat("x", 50)})
		if err == nil {
			acked++
		}
	}
	wantCode(t, err, errs.Unavailable)
	ready := h.probe(ctx)
	wantCode(t, ready, errs.Unavailable)
	if !strings.Contains(errs.Public(ready).Message, "Restart a server whose disk was full") {
		t.Error("readiness doesn't say what to do:", ready)
	}
	must(h.Rosters.Put(ctx, "1.1", named("live")))(t)
	must(h.Members.List(ctx, ""))(t)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Members.Put(ctx, "2.2", room.Preferences{}); err == nil {
		t.Error("it stores again without a restart: say so")
	}
	o.stop()
	o.start()
	testkit.Eventually(t, "ready again", func() bool { return h.probe(ctx) == nil })
	must(h.Members.Put(ctx, "2.2", room.Preferences{}))(t)
	must(h.Rosters.Put(ctx, "1.1", named("live")))(t)
	for i := range acked {
		if _, _, err := h.Members.Get(ctx, guildKey(1, i)); err != nil {
			t.Fatal("lost:", i, err)
		}
	}
}
