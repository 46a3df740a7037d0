//go:build unix

package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"snug/shared/discordsim"
	"snug/shared/hub"
)

// TestHandOver has three processes share a bot while people come and go, ask, and open and close rooms. One process is
// stopped, then one hangs while another one is cut off from NATS, one is killed, and at last a NATS server is. Each
// time others go on with the sessions, except that nobody loses a shard to an election in NATS. Nothing that was
// acknowledged is lost, and nothing is done or told twice. SNUG_SOAK=1 repeats all but the last, in more of a hurry,
// and measures: only there does the machine do nothing else.
func TestHandOver(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	c.start()
	c.start()
	cut := c.start("SNUG_NATS_URL=" + c.proxies[0].URL() + "," + c.proxies[1].URL() + "," + c.proxies[2].URL())
	for _, p := range c.running {
		p.says(ready)
	}
	c.begin(t)
	rounds := 1
	if os.Getenv("SNUG_SOAK") != "" {
		rounds = 10
	}
	for round := range rounds {
		if round > 0 {
			c.start()
		}
		c.stopped(c.holders(1, cut)[0])
		c.running[c.start()].says(ready)

		hung := c.hungAndCut(cut)
		c.woken(hung, cut)

		name := c.holders(1, hung, cut)[0]
		c.goesOn("one was killed", late, func() { _ = c.running[name].cmd.Process.Signal(syscall.SIGKILL) }, name)
		c.gone(name)
	}
	c.holders(2)
	c.election()
	c.stop()
	wrong := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if wrong = c.truth(); wrong == "" {
			break
		}
	}
	if wrong != "" {
		t.Error(wrong)
	}
	t.Logf("%d rooms opened, %d closed; somebody came %d times, followers were told of %d", len(c.opened),
		len(c.closed), c.joins, c.told)
	if len(c.stuck) > 0 {
		t.Errorf("commands were acknowledged and never answered: %v", c.stuck)
	}
	if c.told > c.joins {
		t.Error("followers were told of more people than came")
	}
	for name, p := range c.running {
		if log := p.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "panic") {
			t.Errorf("the log of %s:\n%s", name, log)
		}
	}
}

const (
	soon = 1500 * time.Millisecond
	late = 8 * time.Second
	// tookOver is what a process logs that finds its lease taken.
	tookOver = "another process took over a shard"
)

// stopped stops a process as an upgrade does. Where others go on within a second, every command has its answer.
func (c *crowd) stopped(name string) {
	c.Helper()
	gap := c.goesOn("one was stopped", soon, func() { _ = c.running[name].cmd.Process.Signal(syscall.SIGTERM) }, name)
	if _, _, failed := c.answers(); len(failed) > 0 && gap < time.Second {
		c.Errorf("commands without an answer: %v", failed)
	}
	c.gone(name)
}

// hungAndCut has one process hang and cuts another one off from NATS, and gives the one that hangs.
func (c *crowd) hungAndCut(cut string) (hung string) {
	c.Helper()
	names := c.holders(2)
	(&harness{TB: c.TB}).eventually("the one to be cut off holds a shard", func() bool {
		names = c.holders(2)
		return slices.Contains(names, cut)
	})
	hung = names[(slices.Index(names, cut)+1)%len(names)]
	c.goesOn("one hung and one was cut off", late, func() {
		_ = c.running[hung].cmd.Process.Signal(syscall.SIGSTOP)
		for _, p := range c.proxies {
			p.Freeze()
		}
	}, hung, cut)
	return hung
}

// woken undoes hungAndCut. Both find out that they have lost their shards.
func (c *crowd) woken(hung, cut string) {
	c.Helper()
	_ = c.running[hung].cmd.Process.Signal(syscall.SIGCONT)
	for _, p := range c.proxies {
		p.Thaw()
	}
	c.running[hung].says(tookOver)
	c.running[cut].says(tookOver)
}

// goesOn does something to processes, and waits until others go on with their sessions; it gives how long that took.
// Somebody comes meanwhile and stays.
func (c *crowd) goesOn(what string, most time.Duration, do func(), names ...string) (gap time.Duration) {
	c.Helper()
	h := &harness{TB: c.TB, world: c.world}
	elsewhere := func() (n [crowded]int) {
		for other, p := range c.running {
			for shard := range n {
				if !slices.Contains(names, other) {
					n[shard] += c.connects(p, shard)
				}
			}
		}
		return n
	}
	var shards []int
	var before [crowded]int
	h.eventually("each of them holds a shard", func() bool {
		shards, before = nil, elsewhere() // first, in case a shard is just being given away
		holding := map[string]bool{}
		for shard, l := range c.leases() {
			if slices.Contains(names, l.Name) && c.connects(c.running[l.Name], shard) > 0 {
				shards, holding[l.Name] = append(shards, shard), true
			}
		}
		return len(holding) == len(names)
	})
	c.answers()
	begun := time.Now()
	do()
	for _, shard := range shards {
		_, err := c.world.discord.JoinVoice(c.guilds[shard], c.world.users[4].ID, c.rooms[shard],
			discordsim.VoiceFlags{})
		h.must(err)
	}
	h.eventually("others go on after "+what, func() bool {
		now := elsewhere()
		return !slices.ContainsFunc(shards, func(shard int) bool { return now[shard] <= before[shard] })
	})
	gap = time.Since(begun)
	c.askAgain()
	c.note(func() {
		c.Logf("after %s, %d sessions went on after %v; of %d commands, nobody took %d", what, len(shards),
			gap.Round(time.Millisecond), len(c.answered), len(c.failed))
	})
	if gap > most && os.Getenv("SNUG_SOAK") != "" {
		c.Errorf("after %s, its sessions went on only after %v", what, gap)
	}
	return gap
}

// gone waits until a process has ended.
func (c *crowd) gone(name string) {
	c.Helper()
	if err := c.running[name].stop(syscall.SIGCONT); err != nil && !strings.Contains(err.Error(), "killed") {
		c.Errorf("it ended with %v\n%s", err, c.running[name].log)
	}
	delete(c.running, name)
}

// election kills the NATS server that leads the stream of leases: while there is no leader, nobody can renew, and
// nobody loses a shard.
func (c *crowd) election() {
	c.Helper()
	h := &harness{TB: c.TB}
	leader := c.leader()
	before, revs := c.leases(), c.revisions()
	c.note(func() { c.reads, c.unread, c.slowest = 0, nil, 0 })
	begun := time.Now()
	c.nats.Kill(leader)
	h.eventually("every lease is renewed", func() bool {
		now := c.revisions()
		for shard, rev := range revs {
			if now[shard] == rev {
				return false
			}
		}
		return len(now) == crowded
	})
	renewed := time.Since(begun)
	c.opensAgain()
	c.note(func() {
		c.Logf("without a leader, all leases were renewed after %v; of %d reads %d failed; a room opened within %v",
			renewed.Round(time.Millisecond), c.reads, len(c.unread), c.slowest.Round(time.Millisecond))
		if len(c.unread) > 0 {
			c.Errorf("reads failed while NATS had no leader: %v", c.unread)
		}
	})
	for shard, l := range c.leases() {
		if was := before[shard]; l.Term != was.Term {
			c.Errorf("shard %d went from %s to %s though all processes are well", shard, was.Name, l.Name)
		}
	}
}

// opensAgain waits until rooms are opened that nobody had asked for yet.
func (c *crowd) opensAgain() {
	c.Helper()
	opened := 0
	c.note(func() { opened = len(c.opened) })
	(&harness{TB: c.TB}).eventually("rooms are opened again", func() (ok bool) {
		c.note(func() { ok = len(c.opened) > opened+crowded })
		return ok
	})
}

// leader gives the NATS server that leads the stream of leases.
func (c *crowd) leader() int {
	c.Helper()
	leader := -1
	(&harness{TB: c.TB}).eventually("the leases have a leader", func() bool {
		r, err := hub.Inspect(c.Context(), hub.Options{URL: c.nats.URL(), Log: slog.New(slog.DiscardHandler)})
		for _, s := range r.Streams {
			if s.Name == c.watch.Leases.Name() && s.Leader != "" {
				leader = int(s.Leader[len(s.Leader)-1] - '0')
			}
		}
		return err == nil && leader >= 0
	})
	return leader
}

// revisions gives the leases' revisions.
func (c *crowd) revisions() map[int]hub.Rev {
	all := map[int]hub.Rev{}
	list, err := c.watch.Leases.List(context.Background(), strconv.Itoa(crowded))
	for _, e := range list {
		if _, shard, ok := hub.ParseLeaseKey(e.Key); ok && err == nil {
			all[shard] = e.Rev
		}
	}
	return all
}
