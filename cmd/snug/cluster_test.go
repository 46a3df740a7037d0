package main

import (
	"context"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"snug/shared/discordsim"
)

// TestCluster runs two processes on one NATS server: the first connects to
// Discord, the second serves the web and stands by, and when the first stops,
// goes on with its gateway session where it left off. The longer form kills it
// without a word instead, which takes the lease's term.
func TestCluster(t *testing.T) {
	t.Parallel()
	signals := []os.Signal{syscall.SIGTERM}
	if os.Getenv("SNUG_SOAK") != "" {
		signals = append(signals, syscall.SIGKILL)
	}
	serve := cluster(t)
	holder, _ := serve()
	holder.says(connected)
	for _, how := range signals {
		standby, h := serve()
		if strings.Contains(standby.log.String(), connected) {
			t.Fatalf("both processes connected the same shard:\n%s", standby.log)
		}
		alice := h.signIn("alice")
		room := alice.open("Friday")
		if err := holder.stop(how); how == syscall.SIGTERM && err != nil {
			t.Errorf("it ended with %v:\n%s", err, holder.log)
		}
		h.must(h.join("alice", room)) // while nobody is connected
		standby.says("resumed=true")
		h.eventually("the room's page shows who came meanwhile", func() bool {
			_, out := alice.api(http.MethodGet, "/rooms/"+room, nil)
			roster, _ := out["roster"].([]any)
			return len(roster) == 1
		})
		h.leave("alice")
		if status, out := alice.api(http.MethodPost, "/rooms/"+room+"/close", map[string]any{}); status >= 300 {
			t.Errorf("after %v, the room could not be closed: %d %v", how, status, out)
		}
		holder = standby
	}
}

// connected is what the program logs once it has the gateway's session.
const connected = "Discord Gateway initialized successfully"

// cluster gives what starts one more process on a NATS server and a simulated Discord that all of them share.
func cluster(t *testing.T) (serve func() (*process, *harness)) {
	t.Helper()
	limits := discordsim.DiscordLimits()
	limits.IdentifyWindow = 0
	world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 5, Limits: &limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(context.Background()) })
	nats := natsServer(t)
	return func() (*process, *harness) {
		return serving(t, world, "SNUG_NATS_URL="+nats,
			"SESSION_SECRET=6f1c8e0b5a7d4932c8e1f0a9b3d2746558fa01cc9d3e7b2640a1f5e8d7c6b394")()
	}
}

// natsServer runs a NATS server with JetStream, as an operator would have one, and gives its address.
func natsServer(t testing.TB) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "outside", Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true,
		StoreDir:   t.TempDir(),
		SyncAlways: true, JetStreamMaxMemory: 4 << 30, JetStreamMaxStore: 16 << 30,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server is not ready")
	}
	return s.ClientURL()
}
