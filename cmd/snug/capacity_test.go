package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// What TestCapacity puts on one process.
const (
	capacityRooms    = 20
	capacityWatchers = 300
	capacityEvents   = 2000
	capacityEvery    = 10 * time.Millisecond
)

// TestCapacity measures what one process of `snug serve` needs: the figures in docs/capacity.md. Run it alone, on Linux
// and without the race detector: SNUG_SOAK=1 go test -count=1 -v -run TestCapacity ./cmd/snug
func TestCapacity(t *testing.T) {
	if os.Getenv("SNUG_SOAK") == "" {
		t.Skip("measures for half a minute; set SNUG_SOAK=1")
	}
	limits := discordsim.NoRateLimits()
	world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 9, Limits: &limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(t.Context()) })
	begun := time.Now()
	snug, h := serving(t, world, "SNUG_LOG_LEVEL=warn")()
	ready := time.Since(begun)
	at := func() usage { return usageOf(t, snug.cmd.Process.Pid) }
	first := at()
	time.Sleep(10 * time.Second) // nothing happens, and that's what is measured
	idle := at()

	scripts := make([]*script, len(world.users))
	for i, u := range world.users {
		scripts[i] = h.signIn(u.Username)
	}
	if status, out := h.signIn("alice").api(http.MethodPatch, "/guilds/"+world.guild.String()+"/settings",
		map[string]any{"settings": map[string]any{"rooms_per_member": 20}}); status != http.StatusOK {
		t.Fatalf("the settings: %d %v", status, out)
	}
	before := at()
	var rooms []string
	for i := range capacityRooms {
		rooms = append(rooms, scripts[i%len(scripts)].open(fmt.Sprint("Table ", i)))
	}
	opened := at()
	var reading sync.WaitGroup
	for i := range capacityWatchers {
		conn := watch(h, scripts[i%len(scripts)], world.guild.String(), rooms[i%len(scripts)])
		defer conn.Close()
		reading.Go(func() {
			for {
				if _, _, err := conn.ReadMessage(); err != nil {
					return
				}
			}
		})
	}
	watched := at()
	tick := time.NewTicker(capacityEvery)
	defer tick.Stop()
	for i := range capacityEvents {
		<-tick.C
		who := i % len(world.users)
		muted := i/len(world.users)%2 == 0
		_, err := world.discord.JoinVoice(world.guild, world.users[who].ID, idOf(t, rooms[who]),
			discordsim.VoiceFlags{SelfMute: &muted})
		h.must(err)
	}
	busy := at()
	t.Logf("ready after %v", ready.Round(10*time.Millisecond))
	t.Logf("idle: %d MB, %.2f %% of a core", idle.rss>>20, 100*(idle.cpu-first.cpu).Seconds()/10)
	t.Logf("a room: %d kB, %.1f ms of CPU to open", (opened.rss-before.rss)/capacityRooms>>10,
		(opened.cpu-before.cpu).Seconds()*1000/capacityRooms)
	t.Logf("a watcher: %d kB, %.2f ms of CPU to connect", (watched.rss-opened.rss)/capacityWatchers>>10,
		(watched.cpu-opened.cpu).Seconds()*1000/capacityWatchers)
	t.Logf("an event for %d watchers: %.0f µs of CPU", capacityWatchers/len(scripts),
		(busy.cpu-watched.cpu).Seconds()*1e6/capacityEvents)
	if err := snug.stop(os.Interrupt); err != nil {
		t.Errorf("stopping: %v", err)
	}
	reading.Wait()
}

// usage is what a process has used.
type usage struct {
	rss int64 // bytes
	cpu time.Duration
}

func usageOf(t *testing.T, pid int) usage {
	t.Helper()
	read := func(name string) string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Skip("only Linux says what a process uses")
		}
		return string(b)
	}
	_, rest, _ := strings.Cut(read("stat"), ") ")
	fields := strings.Fields(rest) // from the third on, see proc_pid_stat(5)
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	ticks := number(fields[11]) + number(fields[12])
	return usage{
		rss: number(strings.Fields(read("statm"))[1]) * int64(os.Getpagesize()),
		cpu: time.Duration(ticks) * 10 * time.Millisecond,
	}
}

func idOf(t *testing.T, s string) discordsim.ID {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return discordsim.ID(n)
}
