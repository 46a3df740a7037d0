package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/hub/hubtest"
	"snug/shared/room"
)

// crowd is several processes on a cluster of three NATS servers, with a shard for each of some servers, in which people
// come and go and ask for the list of rooms all the time.
type crowd struct {
	*parts
	nats   *hubtest.Cluster
	guilds []discordsim.ID
	rooms  []snowflake.ID // one in each server
	watch  *hub.Hub

	stop context.CancelFunc
	wg   sync.WaitGroup

	mu       sync.Mutex
	joins    int             // how often somebody came, in all servers
	told     map[string]int  // by room: how often followers were told that somebody came
	answered []time.Duration // how long Discord waited for each first answer
	failed   []string        // what wasn't answered
}

const crowded = 3 // servers, and shards

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	limits := discordsim.NoRateLimits()
	limits.Recommended = 1 // servers a shard
	world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 5, Limits: &limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(context.Background()) })
	c := &crowd{told: map[string]int{}, guilds: []discordsim.ID{world.guild}}
	shards := map[uint64]bool{uint64(world.guild) >> 22 % crowded: true}
	for i := 0; len(c.guilds) < crowded; i++ {
		g, err := world.discord.AddGuild(fmt.Sprint("Server ", i), world.users[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		shard := uint64(g.ID) >> 22 % crowded
		if shards[shard] {
			continue // each shard gets one server here
		}
		shards[shard] = true
		for _, u := range world.users[1:] {
			if err := world.discord.AddMember(g.ID, u.ID, ""); err != nil {
				t.Fatal(err)
			}
		}
		err = world.discord.InstallBot(g.ID, world.app.ID, discordsim.Permissions(discordapi.Permissions))
		if err != nil {
			t.Fatal(err)
		}
		c.guilds = append(c.guilds, g.ID)
	}
	c.nats = hubtest.StartCluster(t)
	c.parts = &parts{t, world, []string{
		"SNUG_NATS_URL=" + c.nats.URL(), "SNUG_DISCORD_URL=" + world.url, "SNUG_DATA=" + t.TempDir(),
		"SESSION_SECRET=6f1c8e0b5a7d4932c8e1f0a9b3d2746558fa01cc9d3e7b2640a1f5e8d7c6b394",
		"DISCORD_BOT_TOKEN=", "DISCORD_CLIENT_SECRET=", "DISCORD_CLIENT_ID=",
		"SNUG_SHARD_COUNT=" + strconv.Itoa(crowded),
	}}
	return c
}

// begin opens a room in each server, and has people move and ask, once every shard is held.
func (c *crowd) begin(t *testing.T) {
	t.Helper()
	var err error
	c.watch, err = hub.Open(t.Context(), hub.Options{URL: c.nats.URL(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{TB: t, world: c.world}
	for _, g := range c.guilds {
		h.eventually("a room is opened", func() bool {
			r, err := hub.OpenRoom.Call(t.Context(), c.watch, g, room.OpenRequest{
				Actor: access.Actor{UserID: c.world.users[0].ID, Via: access.ViaWeb}, Name: "Friday", Private: new(bool),
			})
			if err == nil {
				c.rooms = append(c.rooms, r.Room.ID)
			}
			return err == nil
		})
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	wait, err := c.watch.Rosters.Follow(ctx, hub.Follower[room.Live]{Change: c.changed})
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.guilds {
		c.wg.Go(func() { c.move(ctx, i) })
		c.wg.Go(func() { c.ask(ctx, i) })
	}
	t.Cleanup(func() {
		stop()
		c.wg.Wait()
		wait()
		_ = c.watch.Close(context.Background())
	})
}

func (c *crowd) changed(ch hub.Change[room.Live]) {
	if ch.Value == nil || ch.Value.Event == nil || ch.Old {
		return
	}
	if _, joined := ch.Value.Event.Fact.(room.VoiceJoined); joined {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.told[ch.Key]++
	}
}

// move has somebody come and go, a hundred times a second in all servers.
func (c *crowd) move(ctx context.Context, i int) {
	who := c.world.users[2].ID
	for ctx.Err() == nil {
		if _, err := c.world.discord.JoinVoice(c.guilds[i], who, c.rooms[i], discordsim.VoiceFlags{}); err == nil {
			c.mu.Lock()
			c.joins++
			c.mu.Unlock()
		}
		time.Sleep(30 * time.Millisecond) // people aren't faster
		_, _ = c.world.discord.LeaveVoice(c.guilds[i], who)
		time.Sleep(30 * time.Millisecond)
	}
}

// ask types a command, again and again.
func (c *crowd) ask(ctx context.Context, i int) {
	for ctx.Err() == nil {
		begun := time.Now()
		one, cancel := context.WithTimeout(context.Background(), patience)
		_, err := c.world.discord.RunCommand(one, c.world.users[1].ID,
			discordsim.CommandRun{Guild: c.guilds[i], Name: "rooms"})
		cancel()
		c.mu.Lock()
		if c.answered = append(c.answered, time.Since(begun)); err != nil && ctx.Err() == nil {
			c.failed = append(c.failed, fmt.Sprintf("in server %d after %v: %v", i, time.Since(begun), err))
		}
		c.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
	}
}

// answers gives how many commands were answered since it was last asked, the slowest answer, and what failed.
func (c *crowd) answers() (n int, slowest time.Duration, failed []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, failed = len(c.answered), c.failed
	if n > 0 {
		slowest = slices.Max(c.answered)
	}
	c.answered, c.failed = nil, nil
	return n, slowest, failed
}

// held waits until every shard is held and reported, and gives who holds how many.
func (c *crowd) held(t *testing.T) map[string]int {
	t.Helper()
	var by map[string]int
	h := &harness{TB: t}
	h.eventually("every shard is held", func() bool {
		list, err := c.watch.Leases.List(t.Context(), strconv.Itoa(crowded))
		by = map[string]int{}
		for _, e := range list {
			if e.Value.Holder != "" {
				by[e.Value.Name]++
			}
		}
		n := 0
		for _, k := range by {
			n += k
		}
		return err == nil && n == crowded
	})
	return by
}

// TestHandOver stops one of three processes that share a bot, while people come and go: its sessions go on in another
// one soon enough for commands that were on their way. Then it kills one, and its sessions go on when its leases end.
func TestHandOver(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	running := map[string]*process{}
	start := func() {
		p := c.bot()
		host, _ := os.Hostname()
		running[fmt.Sprintf("%s, process %d", host, p.cmd.Process.Pid)] = p
	}
	start()
	c.begin(t)
	start()
	start()
	h := &harness{TB: t}
	h.eventually("the shards are spread", func() bool { return len(c.held(t)) == 3 })

	rounds := []struct {
		how  os.Signal
		most time.Duration // generous: the machine may be busy
	}{{syscall.SIGTERM, 5 * time.Second}, {syscall.SIGKILL, 16 * time.Second}}
	if os.Getenv("SNUG_SOAK") != "" {
		for range 4 {
			rounds = append(rounds, rounds[:2]...)
		}
	}
	for _, round := range rounds {
		by := c.held(t)
		var victim string
		for name := range by {
			victim = name
		}
		resumed := func() (n int) {
			for name, p := range running {
				if name != victim {
					n += strings.Count(p.log.String(), "resumed=true")
				}
			}
			return n
		}
		c.answers()
		before, begun := resumed(), time.Now()
		_ = running[victim].cmd.Process.Signal(round.how)
		h.eventually("another process goes on with the sessions", func() bool { return resumed() >= before+by[victim] })
		gap := time.Since(begun)
		<-running[victim].exited
		running[victim].exited <- nil
		t.Logf("after %v: its %d sessions went on after %v; the process ended after %v", round.how, by[victim], gap,
			time.Since(begun))
		if gap > round.most {
			t.Errorf("after %v, the sessions went on only after %v", round.how, gap)
		}
		time.Sleep(time.Second) // the last commands of before are answered, or not
		n, slowest, failed := c.answers()
		t.Logf("%d commands, the slowest answer after %v, %d without one", n, slowest, len(failed))
		if round.how == syscall.SIGTERM && len(failed) > 0 {
			t.Errorf("not answered: %v", failed)
		}
		delete(running, victim)
		start()
		h.eventually("the shards are spread again", func() bool { return len(c.held(t)) == 3 })
	}
	c.stop()
	c.wg.Wait()
	h.eventually("everybody has left, as followers see it", func() bool {
		for i, g := range c.guilds {
			l, _, err := c.watch.Rosters.Get(t.Context(), fmt.Sprintf("%d.%d", g, c.rooms[i]))
			if err != nil || len(l.Roster) != 0 {
				return false
			}
		}
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	told := 0
	for _, n := range c.told {
		told += n
	}
	t.Logf("somebody came %d times, followers were told of %d", c.joins, told)
	if told > c.joins {
		t.Errorf("somebody came %d times, and followers were told of %d", c.joins, told)
	}
	for name, p := range running {
		if strings.Contains(p.log.String(), "level=ERROR") || strings.Contains(p.log.String(), "panic") {
			t.Errorf("the log of %s:\n%s", name, p.log)
		}
	}
}
