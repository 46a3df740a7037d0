package main

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"snug/shared/discordsim"
)

// parts starts processes of one Snug, each with its own roles, on a NATS server and a simulated Discord. A dashboard
// has no bot token, and a bot no client secret.
type parts struct {
	testing.TB
	world demoWorld
	env   []string
}

func newParts(t *testing.T) *parts {
	t.Helper()
	limits := discordsim.DiscordLimits()
	limits.IdentifyWindow = 0
	world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 5, Limits: &limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(context.Background()) })
	return &parts{t, world, []string{
		"SNUG_NATS_URL=" + natsServer(t), "SNUG_DISCORD_URL=" + world.url, "SNUG_DATA=" + t.TempDir(),
		"SESSION_SECRET=6f1c8e0b5a7d4932c8e1f0a9b3d2746558fa01cc9d3e7b2640a1f5e8d7c6b394",
		"DISCORD_BOT_TOKEN=", "DISCORD_CLIENT_SECRET=", "DISCORD_CLIENT_ID=",
	}}
}

// ready is what a process logs once it serves what it's for.
const ready = "Snug is ready"

// launch starts a process that only connects to Discord. It may not be ready yet.
func (p *parts) launch(env ...string) *process {
	p.Helper()
	return execute(p, slices.Concat(p.env, []string{
		"SNUG_ROLES=bot", "DISCORD_BOT_TOKEN=" + p.world.app.BotToken, "SNUG_BASE_URL=http://127.0.0.1:1",
	}, env), "serve")
}

// bot is launch, until it's ready.
func (p *parts) bot(env ...string) *process {
	p.Helper()
	b := p.launch(env...)
	b.says(ready)
	return b
}

// dashboard starts a process that only serves the web.
func (p *parts) dashboard(env ...string) (*process, *harness) {
	p.Helper()
	l, err := listen("127.0.0.1:0", "--addr")
	if err != nil {
		p.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close() // the program listens there from now on
	h := &harness{TB: p.TB, world: p.world, url: "http://" + addr}
	d := execute(p, slices.Concat(p.env, []string{
		"SNUG_ROLES=dashboard", "DISCORD_CLIENT_ID=" + p.world.app.ID.String(),
		"DISCORD_CLIENT_SECRET=" + p.world.app.ClientSecret, "SNUG_BASE_URL=" + h.url, "SNUG_ADDR=" + addr,
	}, env), "serve")
	h.ready()
	return d, h
}

// TestRolesApart runs bots and dashboards as processes of their own: somebody who is signed in goes on at another
// dashboard when theirs dies, and the bot's sessions go on in another process when its own stops.
func TestRolesApart(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	first := p.bot()
	first.says(connected)
	web, h := p.dashboard()
	_, other := p.dashboard()
	alice := h.signIn("alice")
	room := alice.open("Friday")

	_ = web.stop(syscall.SIGKILL)
	alice.harness = other // cookies don't know ports
	if status, text := alice.page("/game/" + room); status != http.StatusOK || !strings.Contains(text, "Friday") {
		t.Errorf("at the other dashboard, the room's page: %d", status)
	}
	h.must(other.join("alice", room))
	seated := func() bool {
		_, out := alice.api(http.MethodGet, "/rooms/"+room, nil)
		roster, _ := out["roster"].([]any)
		return len(roster) == 1
	}
	other.eventually("she is in the room", seated)

	next := p.bot()
	if err := first.stop(syscall.SIGTERM); err != nil {
		t.Errorf("the bot ended with %v:\n%s", err, first.log)
	}
	next.says("resumed=true")
	other.eventually("she is still in the room", seated)
	if status, out := alice.api(http.MethodPost, "/rooms/"+room+"/close", map[string]any{}); status >= 300 {
		t.Errorf("the room could not be closed: %d %v", status, out)
	}
	for _, log := range []string{first.log.String(), next.log.String(), web.log.String()} {
		if strings.Contains(log, "level=ERROR") || strings.Contains(log, "panic") {
			t.Errorf("a log:\n%s", log)
		}
	}
}

// TestHealthOfABot asks a process without the dashboard where it serves metrics.
func TestHealthOfABot(t *testing.T) {
	t.Parallel()
	p := newParts(t)
	l, err := listen("127.0.0.1:0", "--addr")
	if err != nil {
		t.Fatal(err)
	}
	ops := l.Addr().String()
	l.Close() // the program listens there from now on
	p.bot("SNUG_OPS_ADDR=" + ops)
	health := func(args ...string) int {
		return run(t.Context(), append([]string{"health", "--roles", "bot"}, args...), io.Discard, io.Discard)
	}
	// It is ready as long as it has no shard, too, and then again once the one that it gets is connected.
	(&harness{TB: t}).eventually("it is ready", func() bool { return health("--ops-addr", ops) == 0 })
	if status := health("--ops-addr", "", "--addr", ops); status != 1 {
		t.Errorf("where nobody answers: status %d", status)
	}
}
