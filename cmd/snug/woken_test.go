//go:build unix

package main

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStoppedAndWoken stops the process that holds the shard, as a suspended
// machine does, until another has taken over: meanwhile pages show what was known, with its age. Woken up, it leaves
// the session to its successor and stands by.
func TestStoppedAndWoken(t *testing.T) {
	t.Parallel()
	if os.Getenv("SNUG_SOAK") == "" {
		t.Skip("takes a lease's term and more; set SNUG_SOAK=1")
	}
	serve := cluster(t)
	const resuming = "gateway resuming"
	holder, _ := serve()
	holder.says(connected)
	standby, h := serve()
	alice := h.signIn("alice")
	room := alice.open("Friday")
	if status, _ := alice.api(http.MethodGet, "/rooms/"+room, nil); status != http.StatusOK {
		t.Fatalf("the room: %d", status)
	}
	time.Sleep(3 * time.Second) // a checkpoint is saved, and the holder is a holder for a while

	if err := holder.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begun, reads, old, failed := time.Now(), 0, 0, 0
	for !strings.Contains(standby.log.String(), connected) && time.Since(begun) < time.Minute {
		req, err := http.NewRequest(http.MethodGet, h.url+"/api/v1/rooms/"+room, nil)
		h.must(err)
		res, err := alice.http.Do(req)
		h.must(err)
		res.Body.Close()
		reads++
		if res.Header.Get("Snug-As-Of") != "" {
			old++
		}
		if res.StatusCode != http.StatusOK {
			failed++
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("taken over after %v; %d reads meanwhile, %d with their age, %d failed",
		time.Since(begun).Round(100*time.Millisecond), reads, old, failed)
	standby.says("resumed=true")
	if failed > 0 || old == 0 {
		t.Errorf("while nobody held the server: %d of %d reads failed, %d had their age", failed, reads, old)
	}
	before := strings.Count(holder.log.String(), resuming)
	if err := holder.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	holder.says("another process took over a shard")
	for range 20 {
		if status, out := alice.api(http.MethodPost, "/rooms/"+room+"/rename",
			map[string]any{"name": "Saturday"}); status >= 500 {
			t.Errorf("a call after the first process woke up: %d %v", status, out)
		}
	}
	time.Sleep(5 * time.Second)
	if n := strings.Count(holder.log.String(), resuming); n != before {
		t.Errorf("the process that woke up resumed %d times", n-before)
	}
	if n := strings.Count(standby.log.String(), resuming); n != 1 {
		t.Errorf("its successor resumed %d times", n)
	}
	// It is a standby now.
	if err := standby.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	holder.says("resumed=true")
}
