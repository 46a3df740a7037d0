package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"snug/shared/errs"
	"snug/shared/hub/hubtest"
	"snug/shared/room"
	"snug/shared/testkit"
)

func TestMain(m *testing.M) {
	hubtest.Main()
	if dir := os.Getenv("SNUG_HUB_CHILD"); dir != "" {
		child(dir)
		return
	}
	// The server's clock for access times counts its users, and a deleted or broken stream does not
	// always release it: one goroutine of the server's, not of the hub's.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}

// logTo writes log lines to the test's log.
func logTo(t testing.TB) *slog.Logger {
	level := slog.LevelWarn
	if testing.Verbose() {
		level = slog.LevelInfo
	}
	w := &testWriter{t: t}
	t.Cleanup(w.end)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

type testWriter struct {
	mu sync.Mutex
	t  testing.TB
}

func (w *testWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.t != nil {
		w.t.Log(strings.TrimSuffix(string(b), "\n"))
	}
	return len(b), nil
}

func (w *testWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = nil
}

// openHub opens a hub on a folder, or with the given options, and closes it at the end of the test.
func openHub(t testing.TB, o Options) *Hub {
	t.Helper()
	if o.Dir == "" && o.URL == "" {
		o.Dir = t.TempDir()
	}
	if o.Log == nil {
		o.Log = logTo(t)
	}
	h, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeHub(t, h) })
	return h
}

func closeHub(t testing.TB, h *Hub) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Error("close:", err)
	}
}

// outside is a NATS server on a loopback port that can be stopped and restarted.
type outside struct {
	t    testing.TB
	opts server.Options
	s    *server.Server
	url  string
}

func startOutside(t testing.TB, change func(*server.Options)) *outside {
	t.Helper()
	o := &outside{t: t, opts: server.Options{
		ServerName: "outside", Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, JetStreamMaxMemory: 4 << 30,
		JetStreamMaxStore: 16 << 30,
	}}
	if change != nil {
		change(&o.opts)
	}
	o.start()
	o.opts.Port = o.s.Addr().(*net.TCPAddr).Port
	o.url = fmt.Sprintf("nats://127.0.0.1:%d", o.opts.Port)
	t.Cleanup(o.stop)
	return o
}

func (o *outside) start() {
	o.t.Helper()
	opts := o.opts
	s, err := server.NewServer(&opts)
	if err != nil {
		o.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(testkit.Patience) {
		o.t.Fatal("the NATS server is not ready")
	}
	o.s = s
}

func (o *outside) stop() {
	if o.s != nil {
		o.s.Shutdown()
		o.s.WaitForShutdown()
		o.s = nil
	}
}

// wantCode fails the test unless err has the code.
func wantCode(t testing.TB, err error, code errs.Code) {
	t.Helper()
	if !errs.Has(err, code) {
		t.Fatalf("got %v, want code %s", err, code)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func guildKey(g, c int) string { return fmt.Sprintf("%d.%d", g, c) }

func named(name string) room.Live { return room.Live{Room: room.Summary{Name: name}} }

func TestOpenCloseOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := Options{Dir: dir, Log: logTo(t)}
	h := must(Open(t.Context(), o))(t)
	if _, err := h.Members.Put(t.Context(), "1.2", room.Preferences{}); err != nil {
		t.Fatal(err)
	}
	if err := h.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeHub(t, h)
	closeHub(t, h) // a second time does nothing
	_, err := h.Members.Put(t.Context(), "1.2", room.Preferences{})
	wantCode(t, err, errs.Unavailable)
	wantCode(t, h.probe(t.Context()), errs.Unavailable)

	begun := time.Now()
	h = must(Open(t.Context(), o))(t)
	t.Logf("opened again in %v", time.Since(begun))
	if _, _, err := h.Members.Get(t.Context(), "1.2"); err != nil {
		t.Fatal(err)
	}
	closeHub(t, h)
}

func TestFolderIsLocked(t *testing.T) {
	t.Parallel()
	h := openHub(t, Options{})
	_, err := Open(t.Context(), Options{Dir: h.o.Dir, Log: logTo(t)})
	wantCode(t, err, errs.Conflict)
	if !strings.Contains(errs.Public(err).Message, h.o.Dir) {
		t.Errorf("the error does not name the folder: %v", err)
	}
	if _, err := h.Members.Put(t.Context(), "1.2", room.Preferences{}); err != nil {
		t.Error("the first is disturbed:", err)
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	plain := startOutside(t, func(o *server.Options) { o.JetStream = false })
	guarded := startOutside(t, func(o *server.Options) { o.Username, o.Password = "snug", "right" })
	for name, c := range map[string]struct {
		o    Options
		code errs.Code
		says string
	}{
		"neither":          {Options{}, errs.Invalid, "--data"},
		"both":             {Options{Dir: "x", URL: "nats://y"}, errs.Invalid, "SNUG_NATS_URL"},
		"folder is a file": {Options{Dir: file}, errs.Unavailable, file},
		"nobody there":     {Options{URL: "nats://127.0.0.1:1"}, errs.Unavailable, "127.0.0.1:1"},
		"not an address":   {Options{URL: "nats://u:secret@[x"}, errs.Invalid, "SNUG_NATS_URL"},
		"no JetStream":     {Options{URL: plain.url}, errs.Unavailable, "-js"},
		"wrong password": {
			Options{URL: strings.Replace(guarded.url, "//", "//snug:secret@", 1)}, errs.Unauthorized, "credentials",
		},
		"no credentials": {
			Options{URL: guarded.url, CredsFile: filepath.Join(t.TempDir(), "none")}, errs.Invalid, "SNUG_NATS_CREDS",
		},
		"too many copies": {
			Options{URL: startOutside(t, nil).url, Replicas: 3}, errs.Unavailable, "SNUG_NATS_REPLICAS",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Log, c.o.ConnectTimeout = logTo(t), time.Millisecond
			_, err := Open(t.Context(), c.o)
			wantCode(t, err, c.code)
			if !strings.Contains(errs.Public(err).Message, c.says) {
				t.Errorf("%q does not say %q", errs.Public(err).Message, c.says)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is in the error: %v", err)
			}
		})
	}
}

func TestReadyTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := startOutside(t, nil)
	h := openHub(t, Options{URL: s.url, WriteTimeout: 300 * time.Millisecond})
	if err := h.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.stop()
	testkit.Eventually(t, "not ready", func() bool { return h.probe(t.Context()) != nil })
	_, err := h.Members.Put(t.Context(), "1.2", room.Preferences{})
	wantCode(t, err, errs.Unavailable)
	if errors.Is(err, ErrUnknownOutcome) {
		t.Error("a write that was never sent is called unknown:", err)
	}
	s.start()
	testkit.Eventually(t, "ready again", func() bool { return h.probe(t.Context()) == nil })
}

var testGuild = snowflake.ID(81384788765712384)
