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
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/hub/hubtest"
	"snug/shared/room"
)

// crowd is several processes on a cluster of three NATS servers, with a shard for each of some servers, in which people
// come and go, ask for the list of rooms, and open and close rooms all the time.
type crowd struct {
	*parts
	nats    *hubtest.Cluster
	proxies [3]*hubtest.Proxy // before the NATS servers
	running map[string]*process
	guilds  []discordsim.ID // one in each shard
	rooms   []snowflake.ID  // one in each server
	watch   *hub.Hub

	pace time.Duration // how much slower than in the long form people are
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu       sync.Mutex
	joins    int                     // how often somebody came, in all servers
	told     int                     // how often followers were told that somebody came
	asked    []int                   // commands that ended, by server
	answered []time.Duration         // how long each took
	failed   []string                // commands that nobody acknowledged
	stuck    []string                // commands that were acknowledged and never answered
	reads    int                     // of what is stored
	unread   []string                // reads that failed
	slowest  time.Duration           // of the rooms that were opened
	opened   map[string]snowflake.ID // by name; what was acknowledged
	closed   map[string]bool         // by name; the same
	refused  map[string]error        // by name; why closing it failed last
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
	c := &crowd{
		guilds: make([]discordsim.ID, crowded), rooms: make([]snowflake.ID, crowded), running: map[string]*process{},
		opened: map[string]snowflake.ID{}, closed: map[string]bool{}, refused: map[string]error{},
		nats: hubtest.StartClosedCluster(t), pace: 3, asked: make([]int, crowded),
	}
	if os.Getenv("SNUG_SOAK") != "" {
		c.pace = 1
	}
	for i := range c.proxies {
		c.proxies[i] = hubtest.StartProxy(t, strings.TrimPrefix(c.nats.URL(i), "nats://"))
	}
	c.guilds[shardOf(world.guild)] = world.guild
	for i := 0; slices.Contains(c.guilds, 0); i++ {
		g, err := world.discord.AddGuild(fmt.Sprint("Server ", i), world.users[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if c.guilds[shardOf(g.ID)] != 0 {
			continue // each shard gets one server here
		}
		c.guilds[shardOf(g.ID)] = g.ID
		for _, u := range world.users[1:] {
			if err := world.discord.AddMember(g.ID, u.ID, ""); err != nil {
				t.Fatal(err)
			}
		}
		err = world.discord.InstallBot(g.ID, world.app.ID, discordsim.Permissions(discordapi.Permissions))
		if err != nil {
			t.Fatal(err)
		}
	}
	c.parts = &parts{t, world, []string{
		"SNUG_NATS_URL=" + c.nats.URL(), "SNUG_DISCORD_URL=" + world.url, "SNUG_DATA=" + t.TempDir(),
		"SESSION_SECRET=6f1c8e0b5a7d4932c8e1f0a9b3d2746558fa01cc9d3e7b2640a1f5e8d7c6b394",
		"DISCORD_BOT_TOKEN=", "DISCORD_CLIENT_SECRET=", "DISCORD_CLIENT_ID=",
		"SNUG_SHARD_COUNT=" + strconv.Itoa(crowded),
	}}
	return c
}

func shardOf(guild discordsim.ID) int { return int(uint64(guild) >> 22 % crowded) }

// start starts a process that may not be ready yet, and gives its name in leases.
func (c *crowd) start(env ...string) string {
	c.Helper()
	p := c.launch(env...)
	host, _ := os.Hostname()
	name := fmt.Sprintf("%s, process %d", host, p.cmd.Process.Pid)
	c.running[name] = p
	c.Cleanup(func() {
		if c.Failed() {
			c.Logf("the log of %s:\n%s", name, p.log)
		}
	})
	return name
}

// begin opens a room in each server, and has people move, ask, and open rooms.
func (c *crowd) begin(t *testing.T) {
	t.Helper()
	var err error
	c.watch, err = hub.Open(t.Context(), hub.Options{URL: c.nats.URL(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{TB: t, world: c.world}
	for i, g := range c.guilds {
		h.eventually("many rooms are allowed", func() bool {
			_, err := hub.SaveSettings.Call(t.Context(), c.watch, g, room.SettingsRequest{
				Actor: c.actor(0), JSON: []byte(`{"rooms_per_member":50,"rooms_per_guild":200}`),
			})
			return err == nil
		})
		h.eventually("a room is opened", func() bool {
			r, err := hub.OpenRoom.Call(t.Context(), c.watch, g,
				room.OpenRequest{Actor: c.actor(0), Name: "Friday", Private: new(bool)})
			c.rooms[i] = r.Room.ID
			return err == nil
		})
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = func() { stop(); c.wg.Wait() }
	wait, err := c.watch.Rosters.Follow(ctx, hub.Follower[room.Live]{Change: c.changed})
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.guilds {
		c.wg.Go(func() { c.move(ctx, i) })
		c.wg.Go(func() { c.ask(ctx, i) })
		c.wg.Go(func() { c.open(ctx, i) })
		c.wg.Go(func() { c.read(ctx, i) })
	}
	t.Cleanup(func() {
		c.stop()
		wait()
		_ = c.watch.Close(context.Background())
	})
}

func (c *crowd) actor(user int) access.Actor {
	return access.Actor{UserID: c.world.users[user].ID, Via: access.ViaWeb}
}

func (c *crowd) changed(ch hub.Change[room.Live]) {
	if ch.Value == nil || ch.Value.Event == nil || ch.Old {
		return
	}
	if _, joined := ch.Value.Event.Fact.(room.VoiceJoined); joined {
		c.note(func() { c.told++ })
	}
}

func (c *crowd) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// move has somebody come and go; at full pace, a hundred times a second in all servers.
func (c *crowd) move(ctx context.Context, i int) {
	who := c.world.users[2].ID
	next := time.NewTicker(c.pace * 30 * time.Millisecond) // people aren't faster
	defer next.Stop()
	for ctx.Err() == nil {
		if _, err := c.world.discord.JoinVoice(c.guilds[i], who, c.rooms[i], discordsim.VoiceFlags{}); err == nil {
			c.note(func() { c.joins++ })
		}
		<-next.C
		_, _ = c.world.discord.LeaveVoice(c.guilds[i], who)
		<-next.C
	}
}

// ask types a command, again and again.
func (c *crowd) ask(ctx context.Context, i int) {
	for ctx.Err() == nil {
		begun := time.Now()
		one, cancel := context.WithTimeout(context.Background(), patience)
		_, err := c.world.discord.RunCommand(one, c.world.users[1].ID,
			discordsim.CommandRun{Guild: c.guilds[i], Name: "rooms"})
		late := one.Err() != nil
		cancel()
		c.note(func() {
			c.asked[i]++
			c.answered = append(c.answered, time.Since(begun))
			if err == nil {
				return
			}
			what := fmt.Sprintf("in server %d after %v: %v", i, time.Since(begun), err)
			if c.failed = append(c.failed, what); late {
				c.stuck = append(c.stuck, what)
			}
		})
		time.Sleep(c.pace * 50 * time.Millisecond)
	}
}

// askAgain waits until every command of before has ended, and in each server another one has.
func (c *crowd) askAgain() {
	c.Helper()
	var before []int
	c.note(func() { before = slices.Clone(c.asked) })
	for i, n := range before {
		(&harness{TB: c.TB}).eventually("commands go on", func() (ok bool) {
			c.note(func() { ok = c.asked[i] >= n+2 })
			return ok
		})
	}
}

// open opens a room and closes it, again and again, and records what was acknowledged.
func (c *crowd) open(ctx context.Context, i int) {
	actor := c.actor(3)
	for n := 0; ctx.Err() == nil; n++ {
		name, begun := fmt.Sprintf("Round %d of %d", n, i), time.Now()
		r, err := hub.OpenRoom.Call(context.Background(), c.watch, c.guilds[i],
			room.OpenRequest{Actor: actor, Name: name, Private: new(bool)})
		if err == nil {
			c.note(func() { c.opened[name], c.slowest = r.Room.ID, max(c.slowest, time.Since(begun)) })
		}
		time.Sleep(500 * time.Millisecond)
		for err == nil && ctx.Err() == nil {
			_, e := hub.CloseRoom.Call(context.Background(), c.watch, c.guilds[i],
				room.Request{Actor: actor, RoomID: r.Room.ID})
			if e == nil || errs.Has(e, errs.RoomNotFound) { // closed, though nobody heard of it
				c.note(func() { c.closed[name] = true })
				break
			}
			c.note(func() { c.refused[name] = e })
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// read reads what is stored of a room.
func (c *crowd) read(ctx context.Context, i int) {
	key := fmt.Sprintf("%d.%d", c.guilds[i], c.rooms[i])
	for ctx.Err() == nil {
		_, _, one := c.watch.Rooms.Get(context.Background(), key)
		_, _, other := c.watch.Rosters.Get(context.Background(), key)
		c.note(func() {
			c.reads += 2
			for _, err := range []error{one, other} {
				if err != nil {
					c.unread = append(c.unread, err.Error())
				}
			}
		})
		time.Sleep(c.pace * 50 * time.Millisecond)
	}
}

// answers gives how many commands were answered since it was last asked, the slowest answer, and what failed.
func (c *crowd) answers() (n int, slowest time.Duration, failed []string) {
	c.note(func() {
		n, failed = len(c.answered), c.failed
		if n > 0 {
			slowest = slices.Max(c.answered)
		}
		c.answered, c.failed = nil, nil
	})
	return n, slowest, failed
}

// leases gives the shards' leases; nil while one of them is free.
func (c *crowd) leases() map[int]hub.Lease {
	list, err := c.watch.Leases.List(context.Background(), strconv.Itoa(crowded))
	all := map[int]hub.Lease{}
	for _, e := range list {
		if _, shard, ok := hub.ParseLeaseKey(e.Key); ok && e.Value.Holder != "" {
			all[shard] = e.Value
		}
	}
	if err != nil || len(all) < crowded {
		return nil
	}
	return all
}

// holders waits until there are so many processes that hold a shard and have connected it, all of them running and none
// of them left out, and gives their names.
func (c *crowd) holders(n int, without ...string) (names []string) {
	c.Helper()
	h := &harness{TB: c.TB}
	h.eventually(fmt.Sprintf("%d processes hold the shards", n), func() bool {
		names = nil
		for shard, l := range c.leases() {
			p := c.running[l.Name]
			if p == nil || c.connects(p, shard) == 0 {
				return false
			}
			if !slices.Contains(names, l.Name) && !slices.Contains(without, l.Name) {
				names = append(names, l.Name)
			}
		}
		return len(names) >= n
	})
	return names
}

// connects gives how often a process has connected a shard.
func (c *crowd) connects(p *process, shard int) int {
	return strings.Count(p.log.String(), fmt.Sprintf("%q shard=%d ", connected, shard))
}

// truth compares with Discord what followers know, and with what was acknowledged what is there. "" means all is well.
func (c *crowd) truth() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	channels := map[string]int{}
	for _, g := range c.world.discord.State().Guilds {
		i := slices.Index(c.guilds, g.ID)
		if i < 0 {
			continue
		}
		for _, ch := range g.Channels {
			channels[ch.Name]++
		}
		l, _, err := c.watch.Rosters.Get(context.Background(), fmt.Sprintf("%d.%d", g.ID, c.rooms[i]))
		if err != nil || len(l.Roster) != len(g.VoiceStates) {
			return fmt.Sprintf("server %d: followers know of %d people, Discord of %d; %v", i, len(l.Roster),
				len(g.VoiceStates), err)
		}
	}
	for name := range c.opened {
		switch n := channels[name]; {
		case c.closed[name] && n > 0:
			return name + " was closed, and its channel is there"
		case !c.closed[name] && n != 1:
			return fmt.Sprintf("%s was opened, and has %d channels; closing it: %v", name, n, c.refused[name])
		}
	}
	for name, n := range channels {
		if n > 1 && strings.HasPrefix(name, "Round ") {
			return fmt.Sprintf("%s has %d channels", name, n)
		}
	}
	return ""
}
