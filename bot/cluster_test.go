package bot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot"
	"snug/bot/discordapi"
	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/hub"
	"snug/shared/hub/hubtest"
	"snug/shared/room"
)

// another starts a further process of the bot, which ends with the test.
func (h *harness) another(nats string) *running {
	h.Helper()
	r, _ := h.process(nats)
	h.Must(r.bot.Start(context.Background()))
	ended := false
	r.wait = func(wait func()) func() { return func() { ended = true; wait() } }(r.wait)
	h.Cleanup(func() {
		if !ended {
			h.end(r)
		}
	})
	return r
}

func (h *harness) connects(r *running, kind string) int {
	return int(h.countedOf(r, "snug_gateway_connects_total", "kind="+kind))
}

// attend waits until so many processes say that they are there.
func (h *harness) attend(n int) {
	h.Helper()
	h.eventually("all processes are there", func() bool {
		keys, err := h.hub.Leases.Keys(context.Background(), strings.TrimSuffix(hub.Attending, "."))
		return err == nil && len(keys) == n
	})
}

// TestCutOffFromTheHub cuts a process off from the hub, but not from Discord: it
// leaves the gateway's session alone before the standby resumes it, and when
// it is back, forgets what it knew and stands by.
func TestCutOffFromTheHub(t *testing.T) {
	t.Parallel()
	server := hubtest.Start(t)
	proxy := hubtest.StartProxy(t, strings.TrimPrefix(server.URL(), "nats://"))
	h := newHarnessWith(t, func(h *harness) { h.nats, h.term = proxy.URL(), 1500*time.Millisecond },
		openapitest.Wrap(t))
	h.settings(`{"private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")
	h.eventually("a checkpoint is saved", func() bool {
		_, _, err := h.hub.Shards.Get(context.Background(), "1.0.head")
		return err == nil
	})
	cut := h.running
	standby := h.another(server.URL())
	h.attend(2)

	proxy.Freeze()
	begun := time.Now()
	h.running = standby
	h.eventually("the standby goes on with the session", func() bool { return h.connects(standby, "resume") == 1 })
	t.Logf("taken over %.1f terms after the cut", float64(time.Since(begun))/float64(h.term))
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "jonas", "kiyo")
	for late := time.Now().Add(2 * h.term); time.Now().Before(late); time.Sleep(10 * time.Millisecond) {
		if a, b := h.connects(cut, "resume")+h.connects(cut, "identify"), h.connects(standby, "resume"); a != 1 ||
			b != 1 {
			t.Fatalf("they fight for the session: connected %d and %d times", a, b)
		}
	}
	proxy.Thaw()
	h.attend(2)
	select {
	case err := <-cut.bot.Done():
		t.Errorf("a process that lost its shard ended: %v", err)
	case <-time.After(2 * h.term): // it has noticed by then
	}
	if _, err := call(h, hub.ViewRoom, h.request("jonas", id)); err != nil {
		t.Errorf("after the cut process is back: %v", err)
	}

	h.end(standby)
	h.running = cut
	h.eventually("it goes on with the session when it is its turn",
		func() bool { return h.connects(cut, "resume") == 1 })
	h.Leave("kiyo")
	h.awaitRoster(id, "jonas")
	if n := h.connects(cut, "identify"); n != 1 {
		t.Errorf("it identified %d times", n)
	}
}

// TestShardsAreGivenToWhoComes starts a second process beside one that holds
// both shards: one shard goes over while people come and go, every roster is right after it, and nothing is told twice.
func TestShardsAreGivenToWhoComes(t *testing.T) {
	t.Parallel()
	server := hubtest.Start(t)
	var second snowflake.ID
	h := newHarnessWith(t, func(h *harness) {
		h.nats, h.term = server.URL(), 1500*time.Millisecond
		g, err := h.Discord.AddGuild("Second", h.People["mara"])
		h.Must(err)
		second = g.ID
		for _, n := range names[1:] {
			h.Must(h.Discord.AddMember(g.ID, h.People[n], ""))
		}
		h.Must(h.Discord.InstallBot(g.ID, h.App.ID, discordsim.Permissions(discordapi.Permissions)))
	}, openapitest.Wrap(t), func(l *discordsim.Limits) { l.Recommended = 1 })
	rooms := map[snowflake.ID]snowflake.ID{}
	for _, g := range []snowflake.ID{h.Guild, second} {
		h.eventually("the server is served", func() bool {
			r, err := hub.OpenRoom.Call(t.Context(), h.hub, g,
				room.OpenRequest{Actor: h.actor("mara"), Name: "Friday", Private: new(bool)})
			rooms[g] = r.Room.ID
			return err == nil
		})
	}
	second2 := h.another(server.URL())
	come := 0
	begun := time.Now()
	h.eventually("one of two shards is the other's", func() bool {
		for g, id := range rooms {
			_, err := h.Discord.JoinVoice(discordsim.ID(g), h.People["kiyo"], id, discordsim.VoiceFlags{})
			h.Must(err)
			_, err = h.Discord.LeaveVoice(g, h.People["kiyo"])
			h.Must(err)
		}
		come++
		time.Sleep(20 * time.Millisecond) // Discord's people are not faster
		return h.connects(second2, "resume") == 1
	})
	t.Logf("given after %.1f terms", float64(time.Since(begun))/float64(h.term))
	for g, id := range rooms {
		_, err := h.Discord.JoinVoice(discordsim.ID(g), h.People["ada"], id, discordsim.VoiceFlags{})
		h.Must(err)
		h.awaitRoster(id, "ada")
		if _, err := hub.ViewRoom.Call(t.Context(), h.hub, g, h.request("mara", id)); err != nil {
			t.Errorf("a room of server %d: %v", g, err)
		}
	}
	if n := h.connects(second2, "identify") + h.connects(h.running, "resume"); n != 0 {
		t.Errorf("%d sessions were begun anew or resumed by the wrong process", n)
	}
	h.facts.mu.Lock()
	defer h.facts.mu.Unlock()
	joined := 0
	for _, what := range h.facts.story {
		if what == "joined kiyo" {
			joined++
		}
	}
	// Who came and went while the shard was nobody's was never in the room, as far as followers can tell.
	if joined > 2*come || joined < 2*come-40 {
		t.Errorf("kiyo came %d times, followers saw %d", 2*come, joined)
	}
}

// TestAskedWhileStarting asks whether the bot is ready while it starts, as /readyz does.
func TestAskedWhileStarting(t *testing.T) {
	t.Parallel()
	stop, ended := make(chan struct{}), make(chan struct{})
	server := hubtest.Start(t)
	h := newHarnessWith(t, func(h *harness) {
		h.nats, h.term = server.URL(), time.Second
		h.begun = func(b *bot.Bot) {
			go func() {
				defer close(ended)
				for {
					select {
					case <-stop:
						return
					default:
						_ = b.Ready()
					}
				}
			}()
		}
	}, openapitest.Wrap(t))
	close(stop)
	<-ended
	h.Must(h.bot.Ready())
}

// TestClosedWhileOpening stops a process whose shard Discord does not let in: it does not wait for that.
func TestClosedWhileOpening(t *testing.T) {
	t.Parallel()
	server := hubtest.Start(t)
	h := newHarnessWith(t, func(h *harness) { h.nats, h.term = server.URL(), time.Second }, openapitest.Wrap(t))
	h.shut()
	_, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultNoHello, Chance: 1})
	h.Must(err)
	r, _ := h.process(server.URL())
	h.Must(r.bot.Start(context.Background()))
	h.eventually("it opens the shard",
		func() bool { return r.bot.Ready() != nil && strings.Contains(r.bot.Ready().Error(), "Shard 0") })
	begun := time.Now()
	h.end(r)
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("it took %v to stop", took)
	}
}
