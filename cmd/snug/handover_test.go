//go:build unix

package main

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"snug/shared/discordsim"
	"snug/shared/hub"
)

// TestHandOver has three processes share a bot while people come and go, ask, and open and close rooms. One process is
// stopped, one hangs, one is cut off from NATS, one is killed, and at last a NATS server is. Each time others go on
// with the sessions, except that nobody loses a shard to an election in NATS. Nothing that was acknowledged is lost,
// and nothing is done or told twice. SNUG_SOAK=1 repeats all but the last.
func TestHandOver(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	c.start()
	c.begin(t)
	c.start()
	cut := c.start("SNUG_NATS_URL=" + c.proxies[0].URL() + "," + c.proxies[1].URL() + "," + c.proxies[2].URL())
	c.spread(3)
	rounds := 1
	if os.Getenv("SNUG_SOAK") != "" {
		rounds = 10
	}
	for range rounds {
		name := c.other(cut)
		c.goesOn(name, "it was stopped", soon, func(p *process) { _ = p.cmd.Process.Signal(syscall.SIGTERM) })
		if _, _, failed := c.answers(); len(failed) > 0 {
			t.Errorf("commands without an answer: %v", failed)
		}
		c.gone(name)
		c.start()

		name = c.other(cut)
		c.goesOn(name, "it hung", late, func(p *process) { _ = p.cmd.Process.Signal(syscall.SIGSTOP) })
		_ = c.running[name].cmd.Process.Signal(syscall.SIGCONT)
		c.running[name].says(tookOver)

		c.goesOn(cut, "it was cut off", late, func(*process) {
			for _, p := range c.proxies {
				p.Freeze()
			}
		})
		for _, p := range c.proxies {
			p.Thaw()
		}
		c.running[cut].says(tookOver)

		name = c.other(cut)
		c.goesOn(name, "it was killed", late, func(p *process) { _ = p.cmd.Process.Signal(syscall.SIGKILL) })
		c.gone(name)
		c.start()
		c.spread(3)
	}
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
	soon = 5 * time.Second  // generous, as the machine may be busy: it takes a quarter of one
	late = 16 * time.Second // the same: it takes six
	// tookOver is what a process logs that finds its lease taken.
	tookOver = "another process took over a shard"
)

// other gives a process that holds a shard, but not this one.
func (c *crowd) other(not string) (name string) {
	c.Helper()
	h := &harness{TB: c.TB}
	h.eventually("another process holds a shard", func() bool {
		for shard, l := range c.leases() {
			if p := c.running[l.Name]; l.Name != not && p != nil && c.connects(p, shard) > 0 {
				name = l.Name
			}
		}
		return name != ""
	})
	return name
}

// goesOn does something to a process, and waits until others go on with its sessions. Somebody comes meanwhile and
// stays.
func (c *crowd) goesOn(name, what string, most time.Duration, do func(*process)) {
	c.Helper()
	h := &harness{TB: c.TB, world: c.world}
	var shards []int
	h.eventually("it holds a shard", func() bool {
		shards = nil
		for shard, l := range c.leases() {
			if l.Name == name && c.connects(c.running[name], shard) > 0 {
				shards = append(shards, shard)
			}
		}
		return len(shards) > 0
	})
	resumes := func() (n int) {
		for other, p := range c.running {
			for _, shard := range shards {
				if other != name {
					n += c.connects(p, shard)
				}
			}
		}
		return n
	}
	c.answers()
	before, begun := resumes(), time.Now()
	do(c.running[name])
	for _, shard := range shards {
		_, err := c.world.discord.JoinVoice(c.guilds[shard], c.world.users[4].ID, c.rooms[shard],
			discordsim.VoiceFlags{})
		h.must(err)
	}
	h.eventually("others go on after "+what, func() bool { return resumes() >= before+len(shards) })
	gap := time.Since(begun)
	time.Sleep(time.Second) // the last commands of before are answered, or not
	c.note(func() {
		c.Logf("after %s, its %d sessions went on after %v; of %d commands %d had no answer", what, len(shards),
			gap.Round(time.Millisecond), len(c.answered), len(c.failed))
	})
	if gap > most {
		c.Errorf("after %s, its sessions went on only after %v", what, gap)
	}
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
	leader := -1
	h.eventually("the leases have a leader", func() bool {
		r, err := hub.Inspect(c.Context(), hub.Options{URL: c.nats.URL(), Log: slog.New(slog.DiscardHandler)})
		for _, s := range r.Streams {
			if s.Name == c.watch.Leases.Name() && s.Leader != "" {
				leader = int(s.Leader[len(s.Leader)-1] - '0')
			}
		}
		return err == nil && leader >= 0
	})
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
	time.Sleep(2 * time.Second) // what waits for the leader goes on
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
