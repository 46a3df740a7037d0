package hub

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/testkit"
)

// child is the other process of TestKill: it writes and prints what was acknowledged, until it is
// killed.
func child(dir string) {
	h, err := Open(context.Background(), Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("%d.%d", os.Getpid(), i)
		if _, err := h.Members.Put(context.Background(), key, room.Preferences{Name: key}); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		if _, err := os.Stdout.WriteString(key + "\n"); err != nil {
			os.Exit(1)
		}
	}
}

// kill -9 loses no acknowledged write, and the lock is released with the process.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acked []string
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SNUG_HUB_CHILD="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Fatal(lines.Text())
			}
			acked = append(acked, lines.Text())
			if n == 100+50*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
	}
	h := openHub(t, Options{Dir: dir})
	for _, key := range acked {
		if v, _, err := h.Members.Get(t.Context(), key); err != nil || v.Name != key {
			t.Fatal(key, v, err)
		}
	}
	t.Logf("%d acknowledged writes, all there", len(acked))
}

// A full disk: writes fail with a clear error, Ready reports it, publishers continue, no
// acknowledged write is lost, and once there is space again everything works.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	h := openHub(t, Options{Dir: dir, Log: slog.New(slog.DiscardHandler), diskPause: 20 * time.Millisecond})
	ctx := t.Context()
	epochs := make(chan string, 4)
	must(h.Rosters.Epochs(ctx, func(e string) { epochs <- e }))(t)
	<-epochs
	if err := h.probe(ctx); err != nil {
		t.Fatal(err)
	}
	ballast := fillDisk(t, dir)
	acked := 0
	var err error
	for err == nil {
		if _, err = h.Members.Put(ctx, guildKey(1, acked),
			room.Preferences{Name: strings.Repeat("x", 50)}); err == nil {
			acked++
		}
	}
	t.Logf("%d writes, then: %v", acked, err)
	wantCode(t, err, errs.Unavailable)
	if !strings.Contains(err.Error(), "disk") {
		t.Error("the error does not speak of the disk")
	}
	_, again := h.Rooms.Put(ctx, "1.1", room.Room{})
	wantCode(t, again, errs.Unavailable)
	if errors.Is(again, ErrUnknownOutcome) {
		t.Error("a write that was not tried is called unknown:", again)
	}
	ready := h.probe(ctx)
	wantCode(t, ready, errs.Unavailable)
	if !strings.Contains(errs.Public(ready).Message, dir) {
		t.Error("readiness does not name the folder:", ready)
	}
	if _, err := h.Rosters.Put(ctx, "1.1", named("live")); err != nil {
		t.Error("the fast lane stands still:", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "ready again", func() bool { return h.probe(ctx) == nil })
	must(h.Members.Put(ctx, "2.2", room.Preferences{}))(t)
	<-epochs // the writer of the rosters is asked to fill them again
	must(h.Rosters.Put(ctx, "1.1", named("live")))(t)
	for i := range acked {
		if _, _, err := h.Members.Get(ctx, guildKey(1, i)); err != nil {
			t.Fatal("lost:", i, err)
		}
	}
}

// smallDisk mounts a folder with a small file system of its own.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=48m", "none",
		dir).CombinedOutput(); runtime.GOOS != "linux" ||
		err != nil {
		t.Skip("needs a small file system of its own:", err, string(out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Log("umount:", err, string(out))
		}
	})
	return dir
}

// fillDisk leaves some space on the disk of a folder, and gives the file that takes the rest.
func fillDisk(t *testing.T, dir string) (ballast string) {
	t.Helper()
	ballast = dir + "/ballast"
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size >= 1<<12; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(ballast, mustStat(t, ballast)-256<<10); err != nil { // some space
		t.Fatal(err)
	}
	return ballast
}

func mustStat(t *testing.T, path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
