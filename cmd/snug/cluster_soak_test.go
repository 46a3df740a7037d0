//go:build unix

package main

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"snug/dashboard/lastknown"
	"snug/shared/hub"
)

// TestClusterSoak runs two dashboards and three bots, with 100 events a second and 300 watchers, and does to them, in a
// random order, what an upgrade and bad days do. SNUG_SOAK says how long, such as 1h; otherwise each happens once.
// Nothing may be lost or come twice, neither what was acknowledged nor what watchers see.
func TestClusterSoak(t *testing.T) {
	if os.Getenv("SNUG_SOAK") == "" {
		t.Skip("SNUG_SOAK=1 runs it")
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SNUG_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("to do the same again: SNUG_SEED=%d", seed)
	w := newWholeCluster(t)
	scenes := []func(){w.rolling, w.leaderAndBot, w.mostOfNATS, w.dashboardDies}
	names := []string{"a rolling restart", "a bot and NATS's leader", "two of three NATS servers", "a dashboard"}
	rng := rand.New(rand.NewPCG(seed, 0))
	long, _ := time.ParseDuration(os.Getenv("SNUG_SOAK"))
	for begun, round := time.Now(), 0; round == 0 || time.Since(begun) < long; round++ {
		for _, i := range rng.Perm(len(scenes)) {
			w.c.holders(3)
			w.audience.allLive()
			w.audience.absences()
			begun := time.Now()
			scenes[i]()
			w.audience.allLive()
			n, longest, together := w.audience.absences()
			t.Logf("%s took %v; watchers were away %d times, %v at most, and %d came back within the same 100 ms",
				names[i], time.Since(begun).Round(time.Second), n, longest.Round(10*time.Millisecond), together)
			if i == 3 && longest > 5*time.Second {
				t.Errorf("after a dashboard died, somebody was away for %v", longest)
			}
		}
	}
	w.judge()
}

// wholeCluster is a crowd with dashboards and watchers.
type wholeCluster struct {
	testing.TB
	c        *crowd
	front    *front
	audience *audience
	web      map[string]*process // dashboards, by address
}

func newWholeCluster(t *testing.T) *wholeCluster {
	t.Helper()
	w := &wholeCluster{TB: t, c: newCrowd(t), front: newFront(t), web: map[string]*process{}}
	for range 3 {
		w.c.start()
	}
	for _, p := range w.c.running {
		p.says(ready)
	}
	w.c.begin(t)
	h := w.dashboard()
	w.dashboard()
	h.url = w.front.url()
	var people []*script
	for _, u := range w.c.world.users {
		people = append(people, h.signIn(u.Username))
	}
	w.audience = w.c.watchers(w.front, people, 300)
	return w
}

// dashboard starts one behind the front.
func (w *wholeCluster) dashboard() *harness {
	w.Helper()
	p, h := w.c.dashboard("SNUG_BASE_URL=" + w.front.url())
	addr := strings.TrimPrefix(h.url, "http://")
	w.web[addr] = p
	w.front.add(addr)
	w.Cleanup(func() {
		if w.Failed() {
			w.Logf("the log of the dashboard at %s:\n%s", addr, p.log)
		}
	})
	return h
}

// rolling restarts every process, one after another, as an upgrade does.
func (w *wholeCluster) rolling() {
	w.Helper()
	for _, name := range w.c.holders(3) {
		w.c.stopped(name)
		w.c.running[w.c.start()].says(ready)
		w.c.holders(3)
	}
	for addr, p := range w.web {
		w.front.remove(addr)
		if err := p.stop(syscall.SIGTERM); err != nil {
			w.Errorf("a dashboard ended with %v", err)
		}
		delete(w.web, addr)
		w.dashboard()
	}
}

// leaderAndBot kills a bot together with the NATS server that leads the leases.
func (w *wholeCluster) leaderAndBot() {
	w.Helper()
	name, leader := w.c.holders(3)[0], w.c.leader()
	w.c.goesOn("a bot and NATS's leader were killed", 20*time.Second, func() {
		_ = w.c.running[name].cmd.Process.Signal(syscall.SIGKILL)
		w.c.nats.Kill(leader)
	}, name)
	w.c.nats.Start(leader)
	w.wellAgain()
	w.c.gone(name)
	w.c.running[w.c.start()].says(ready)
}

// mostOfNATS kills two of three NATS servers for a while. Pages show what was known, and say how old it is; afterwards
// they are of now again.
func (w *wholeCluster) mostOfNATS() {
	w.Helper()
	h := &harness{TB: w.TB}
	leader := w.c.leader()
	other := (leader + 1) % 3
	for addr := range w.web {
		w.roomPage(addr) // who was there lately goes on seeing it
	}
	cut := time.Now()
	w.c.nats.Kill(leader)
	w.c.nats.Kill(other)
	for addr := range w.web {
		var at time.Time
		h.eventually("the pages of "+addr+" say how old they are", func() bool {
			at = w.roomPage(addr)
			return !at.IsZero()
		})
		w.Logf("the pages of %s said after %v that they are of %v after two NATS servers died", addr,
			time.Since(cut).Round(10*time.Millisecond), at.Sub(cut).Round(time.Second))
	}
	time.Sleep(time.Until(cut.Add(10 * time.Second))) // it is the length of the outage that counts
	for addr := range w.web {
		// A bot reports every four seconds, and goes on for four and a half.
		if at := w.roomPage(addr); at.Before(cut.Add(-5*time.Second)) || at.After(cut.Add(5*time.Second)) {
			w.Errorf("ten seconds after two NATS servers died, the pages of %s are of %v after that", addr, at.Sub(cut))
		}
	}
	w.c.nats.Start(leader)
	w.c.nats.Start(other)
	w.c.opensAgain()
	for addr := range w.web {
		h.eventually("the pages of "+addr+" are of now", func() bool { return w.roomPage(addr).IsZero() })
	}
	w.wellAgain()
}

// wellAgain waits until NATS has a leader and every copy of each stream: what follows measures Snug.
func (w *wholeCluster) wellAgain() {
	w.Helper()
	(&harness{TB: w.TB}).eventually("NATS is well again", func() bool {
		r, err := hub.Inspect(context.Background(),
			hub.Options{URL: w.c.nats.URL(), Log: slog.New(slog.DiscardHandler)})
		return err == nil && !slices.ContainsFunc(r.Streams, func(s hub.StreamState) bool {
			return s.Silent || slices.ContainsFunc(s.Copies, func(c hub.ReplicaState) bool { return !c.Current })
		})
	})
}

// roomPage reads a room's page at a dashboard, and gives the time that it says it's of; zero if it's of now.
func (w *wholeCluster) roomPage(addr string) (at time.Time) {
	w.Helper()
	res, err := w.audience.people[0].http.Get("http://" + addr + "/game/" + w.c.rooms[0].String())
	if err != nil {
		w.Errorf("a room's page at %s: %v", addr, err)
		return at
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	asOf := res.Header.Get(lastknown.Header)
	if asOf != "" && err == nil {
		at, err = time.Parse(time.RFC3339, asOf)
	}
	says, shown := strings.Contains(string(body), `id="as-of"`), strings.Contains(string(body), "Friday")
	if err != nil || res.StatusCode != http.StatusOK || !shown || says == at.IsZero() {
		w.Errorf("a room's page at %s: %s, as of %q, which it says: %v; it shows the room: %v; %v", addr, res.Status,
			asOf, says, shown, err)
	}
	return at
}

// dashboardDies kills a dashboard. Its watchers go to the other one.
func (w *wholeCluster) dashboardDies() {
	w.Helper()
	for addr, p := range w.web {
		_ = p.stop(syscall.SIGKILL)
		w.audience.allLive()
		w.front.remove(addr)
		delete(w.web, addr)
		w.dashboard()
		return
	}
}

// judge compares, at the end, what everybody sees with Discord, and counts what was lost or came twice.
func (w *wholeCluster) judge() {
	w.Helper()
	w.c.stop()
	h := &harness{TB: w.TB}
	wrong := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if wrong = w.c.truth(); wrong == "" {
			break
		}
	}
	if wrong != "" {
		w.Error(wrong)
	}
	in := map[int]int{}
	for _, g := range w.c.world.discord.State().Guilds {
		for i, id := range w.c.guilds {
			if id == g.ID {
				in[i] = len(g.VoiceStates)
			}
		}
	}
	a := w.audience
	for addr := range w.web {
		s := &script{&harness{TB: w.TB, url: "http://" + addr}, a.people[0].http}
		for i, id := range w.c.rooms {
			_, room := s.api(http.MethodGet, "/rooms/"+id.String(), nil)
			if roster, _ := room["roster"].([]any); len(roster) != in[i] {
				w.Errorf("at %s, the room in server %d has %d people, and %d in Discord", addr, i, len(roster), in[i])
			}
		}
	}
	h.eventually("every watcher sees who is there", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		for i, seated := range a.seated {
			if len(seated) != in[i%crowded] {
				return false
			}
		}
		return true
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Logf("%d rooms opened, %d closed; somebody came %d times; watchers got %d messages, of which %d were missing "+
		"and %d came twice",
		len(w.c.opened), len(w.c.closed), w.c.joins, a.events, a.missed, a.doubled)
	if a.missed > 0 || a.doubled > 0 || len(w.c.stuck) > 0 || w.c.told > w.c.joins {
		w.Errorf("%d messages missing, %d doubled, stuck commands: %v; told of %d comings of %d", a.missed, a.doubled,
			w.c.stuck, w.c.told, w.c.joins)
	}
}
