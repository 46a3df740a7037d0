package backups

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"snug/shared/hub"
	"snug/shared/hub/hubtest"
	"snug/shared/push"
	"snug/shared/testkit"
)

var monday = time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)

// process makes what takes backups in a process, with a hub of its own. Its backups hold nothing; each calls during.
func process(t *testing.T, o hub.Options, folder string, clock *testkit.Clock, during func()) *Backups {
	t.Helper()
	o.Log = testkit.Logger()
	h, err := hub.Open(t.Context(), o)
	testkit.NoError(t, err)
	t.Cleanup(func() { testkit.NoError(t, h.Close(context.Background())) })
	b, err := New(Options{
		Folder: folder, Every: 24 * time.Hour, Keep: 2, Hub: h, Now: clock.Now, Log: testkit.Logger(),
	}, prometheus.NewRegistry())
	testkit.NoError(t, err)
	b.write = func(_ context.Context, w io.Writer) error {
		during()
		_, err := io.WriteString(w, "a backup")
		return err
	}
	b.verify = func(context.Context, io.Reader) error { return nil }
	return b
}

// value reads a metric.
func value(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var d dto.Metric
	testkit.NoError(t, m.Write(&d))
	return d.GetCounter().GetValue() + d.GetGauge().GetValue()
}

func TestDue(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) time.Time { return monday.Add(d) }
	const every = 24 * time.Hour
	for _, c := range []struct {
		name string
		turn hub.BackupTurn
		want bool
	}{
		{"never", hub.BackupTurn{}, true},
		{"just now", hub.BackupTurn{Last: monday}, false},
		{"almost", hub.BackupTurn{Last: at(-every + 1)}, false},
		{"a day ago", hub.BackupTurn{Last: at(-every)}, true},
		{"just failed", hub.BackupTurn{Last: at(-9 * every), Failed: 1, Tried: at(-again + 1)}, false},
		{"failed a while ago", hub.BackupTurn{Last: at(-9 * every), Failed: 1, Tried: at(-again)}, true},
		{"died of it, perhaps", hub.BackupTurn{Last: at(-every), Holder: "x", Began: at(-again + 1)}, false},
		{"died a while ago", hub.BackupTurn{Last: at(-every), Holder: "x", Began: at(-again)}, true},
		{"by a clock that is a little ahead", hub.BackupTurn{Last: at(skew)}, false},
		{"by a clock that was wrong", hub.BackupTurn{Last: at(skew + 1)}, true},
		{"failed by such a clock", hub.BackupTurn{Failed: 1, Tried: at(every)}, true},
		{"died by such a clock", hub.BackupTurn{Holder: "x", Began: at(every)}, true},
	} {
		if got := due(c.turn, monday, every); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestOneOfTwoTakesIt runs two processes on one NATS server.
func TestOneOfTwoTakesIt(t *testing.T) {
	t.Parallel()
	nats, dir, clock := hubtest.Start(t), t.TempDir(), testkit.NewStoppedClock(monday)
	taken := 0
	var mu sync.Mutex
	count := func() {
		mu.Lock()
		defer mu.Unlock()
		taken++
	}
	begun, goOn := make(chan struct{}), make(chan struct{})
	hold := false
	a := process(t, hub.Options{URL: nats.URL()}, dir, clock, func() {
		if count(); hold {
			close(begun)
			<-goOn
		}
	})
	b := process(t, hub.Options{URL: nats.URL()}, dir, clock, count)
	both := func() {
		t.Helper()
		var all sync.WaitGroup
		all.Go(func() { testkit.NoError(t, a.Run(t.Context())) })
		all.Go(func() { testkit.NoError(t, b.Run(t.Context())) })
		all.Wait()
	}
	expect := func(when string, want int) {
		t.Helper()
		if taken != want {
			t.Fatalf("%s: %d were taken, want %d", when, taken, want)
		}
	}
	both()
	expect("at first", 1)
	clock.Forward(24*time.Hour - time.Second)
	both()
	expect("before it's time", 1)
	clock.Forward(time.Second)
	both()
	expect("a day later", 2)

	// While one takes it, the other leaves it alone, until that takes too long.
	clock.Forward(24 * time.Hour)
	hold = true
	var slow sync.WaitGroup
	slow.Go(func() {
		if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another process has taken over") {
			t.Errorf("the one that took too long says %v", err)
		}
	})
	<-begun
	clock.Forward(tooLong)
	testkit.NoError(t, b.Run(t.Context()))
	expect("while the other one takes it", 3)
	clock.Forward(time.Second)
	testkit.NoError(t, b.Run(t.Context()))
	expect("when the other one takes too long", 4)
	turn, _, err := b.o.Hub.Backups.Latest(t.Context(), hub.BackupKey)
	testkit.NoError(t, err)
	close(goOn)
	slow.Wait()
	late, _, err := b.o.Hub.Backups.Latest(t.Context(), hub.BackupKey)
	if err != nil || !late.Last.Equal(turn.Last) || late.Holder != "" || late.Failed != 0 {
		t.Errorf("the one that took too long made %+v of %+v: %v", late, turn, err)
	}
	if left := names(t, dir); len(left) != 2 {
		t.Errorf("there are %v", left)
	}
}

// TestAnotherOneGoesOn takes the backup of a process that was killed, though not at once: it may have died of that.
func TestAnotherOneGoesOn(t *testing.T) {
	t.Parallel()
	nats, dir, clock := hubtest.Start(t), t.TempDir(), testkit.NewStoppedClock(monday)
	b := process(t, hub.Options{URL: nats.URL()}, dir, clock, func() {})
	for _, c := range []struct {
		name    string
		forward time.Duration
		last    time.Time
	}{
		{"at once", 0, time.Time{}},
		{"a quarter of an hour later", again, monday.Add(again)},
	} {
		if c.forward == 0 { // it died with its claim
			_, err := b.o.Hub.Backups.Put(t.Context(), hub.BackupKey, hub.BackupTurn{Holder: "dead", Began: monday})
			testkit.NoError(t, err)
		}
		clock.Forward(c.forward)
		testkit.NoError(t, b.Run(t.Context()))
		turn, _, err := b.o.Hub.Backups.Latest(t.Context(), hub.BackupKey)
		if err != nil || !turn.Last.Equal(c.last) {
			t.Errorf("%s: %+v, %v", c.name, turn, err)
		}
	}
}

// TestFailures: each says what to do next, leaves nothing behind, is counted and noted for the others, and is tried
// again after a quarter of an hour.
func TestFailures(t *testing.T) {
	t.Parallel()
	clock := testkit.NewStoppedClock(monday)
	b := process(t, hub.Options{Dir: t.TempDir()}, "", clock, func() {})
	write, verify := b.write, b.verify
	failing := func(err error) func() {
		return func() {
			b.write = func(ctx context.Context, w io.Writer) error {
				return errors.Join(write(ctx, w), &os.PathError{Op: "write", Path: b.o.Folder, Err: err})
			}
		}
	}
	for i, c := range []struct {
		name   string
		change func()
		want   string // in the error
	}{
		{
			"a missing folder", func() { b.o.Folder = filepath.Join(b.o.Folder, "missing") },
			"Create it, with mode 700, for the user that Snug runs as",
		},
		{
			"a file in its place", func() {
				put(t, b.o.Folder, "file", "x")
				b.o.Folder = filepath.Join(b.o.Folder, "file")
			}, "isn't a folder",
		},
		{"a full disk", failing(syscall.ENOSPC), "lower SNUG_BACKUP_KEEP"},
		{"a full quota", failing(syscall.EDQUOT), "lower SNUG_BACKUP_KEEP"},
		{"systemd's protection", failing(syscall.EROFS), "add the folder to ReadWritePaths"},
		{"others' folder", failing(syscall.EACCES), "Make the user that Snug runs as its owner"},
		{"a broken disk", failing(syscall.EIO), "input/output error"},
		{"a file that holds something else", func() {
			b.verify = func(context.Context, io.Reader) error { return errors.New("it holds something else") }
		}, "can't be restored: it holds something else. Check the disk"},
		{"a damaged list", func() { put(t, b.o.Folder, listName, "{") }, "Remove that file"},
	} {
		dir := t.TempDir()
		b.o.Folder, b.write, b.verify = dir, write, verify
		c.change()
		if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if left := names(t, dir); len(left) > 0 && left[0] != "file" {
			t.Errorf("%s: it left %v", c.name, left)
		}
		turn, _, err := b.o.Hub.Backups.Latest(t.Context(), hub.BackupKey)
		if err != nil || turn.Failed != 1 || !strings.Contains(turn.Error, c.want) || turn.Holder != "" {
			t.Errorf("%s: noted as %+v, %v", c.name, turn, err)
		}
		if got := value(t, b.failed); got != float64(i+1) {
			t.Errorf("%s: %v failures are counted", c.name, got)
		}
		b.o.Folder, b.write, b.verify = t.TempDir(), write, verify
		clock.Forward(again - time.Second)
		if err := b.Run(t.Context()); err != nil || len(names(t, b.o.Folder)) > 0 {
			t.Errorf("%s: tried again too soon: %v", c.name, err)
		}
		clock.Forward(time.Second)
		if err := b.Run(t.Context()); err != nil || len(names(t, b.o.Folder)) != 1 {
			t.Errorf("%s: not tried again: %v", c.name, err)
		}
		if got := value(t, b.last); got != float64(clock.Now().Unix()) {
			t.Errorf("%s: the last good one is from %v by the metric", c.name, got)
		}
		turn, _, err = b.o.Hub.Backups.Latest(t.Context(), hub.BackupKey)
		if err != nil || turn.Failed != 0 || turn.Error != "" {
			t.Errorf("%s: afterwards: %+v, %v", c.name, turn, err)
		}
		clock.Forward(24 * time.Hour)
	}
}

// TestStopping leaves the backup to the next start.
func TestStopping(t *testing.T) {
	t.Parallel()
	clock, dir := testkit.NewStoppedClock(monday), t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	b := process(t, hub.Options{Dir: t.TempDir()}, dir, clock, func() {})
	write := b.write
	b.write = func(ctx context.Context, w io.Writer) error {
		stop()
		return errors.Join(write(ctx, w), ctx.Err())
	}
	if err := b.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped, it says %v", err)
	}
	turn, _, err := b.o.Hub.Backups.Latest(t.Context(), hub.BackupKey)
	if err != nil || turn.Failed != 0 || turn.Holder != "" || len(names(t, dir)) > 0 ||
		value(t, b.failed) != 0 {
		t.Errorf("stopped, it noted %+v, %v, and left %v", turn, err, names(t, dir))
	}
	b.write = write
	testkit.NoError(t, b.Run(t.Context()))
	if left := names(t, dir); len(left) != 1 {
		t.Errorf("started again, there are %v", left)
	}
}

// TestRealBackup writes one that can be restored.
func TestRealBackup(t *testing.T) {
	t.Parallel()
	clock, dir := testkit.NewStoppedClock(monday), t.TempDir()
	fake := process(t, hub.Options{Dir: t.TempDir()}, dir, clock, func() {})
	b, err := New(fake.o, prometheus.NewRegistry())
	testkit.NoError(t, err)
	_, err = b.o.Hub.Notify.Put(t.Context(), "1", push.Person{})
	testkit.NoError(t, err)
	testkit.NoError(t, b.Run(t.Context()))
	newest, ok, err := Look(dir)
	if err != nil || !ok {
		t.Fatalf("there is %v, %v", newest, err)
	}
	f, err := os.Open(filepath.Join(dir, newest.Name))
	testkit.NoError(t, err)
	defer f.Close()
	r, err := hub.VerifyBackup(t.Context(), hub.Options{Log: testkit.Logger()}, f)
	if err != nil || !r.Noted || r.Values != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
