package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/events"
	disgogw "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/gateway"
	"snug/bot/ratelimit"
	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/testkit/world"
)

// demo is a running simulator for Discord with a small guild in it, and what a bot hears of it.
type demo struct {
	*discordsim.Server
	discordsim.Demo
	t     *testing.T
	base  string
	moves chan move // every move the bot received, over all its lives
	ready chan int  // the voice states of each GUILD_CREATE
}

// move is a member's step into a channel, or out of voice (0).
type move struct{ user, channel snowflake.ID }

func newDemo(t *testing.T) *demo {
	limits := discordsim.NoRateLimits()
	w := world.Start(t, discordsim.Options{
		Seed: 7, Limits: &limits, HeartbeatInterval: time.Second, Wrap: openapitest.Wrap(t),
	})
	return &demo{
		Server: w.Discord, Demo: w.Demo(discordsim.ApplicationOptions{}), t: t, base: w.URL,
		moves: make(chan move, 10_000), ready: make(chan int, 100),
	}
}

// life is one process of the bot.
type life struct {
	client *bot.Client
	shard  *gateway.Shard
}

// begin starts the bot: disgo's client over Snug's REST queue and gateway.
func (w *demo) begin(from gateway.Checkpoint) life {
	w.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	limiter := ratelimit.New(ratelimit.Config{Logger: quiet, Backoff: 5 * time.Millisecond})
	client, err := disgo.New(w.Application.BotToken, bot.WithLogger(quiet),
		bot.WithRestClientConfigOpts(limiter.Options(nil)...),
		bot.WithRestClientConfigOpts(rest.WithURL(w.base+"/api/v10")),
		bot.WithCacheConfigOpts(cache.WithCaches(cache.FlagGuilds, cache.FlagChannels, cache.FlagVoiceStates)),
		bot.WithEventListenerFunc(func(e *events.GuildVoiceStateUpdate) {
			m := move{user: e.VoiceState.UserID}
			if e.VoiceState.ChannelID != nil {
				m.channel = *e.VoiceState.ChannelID
			}
			w.moves <- m
		}),
		bot.WithEventListenerFunc(func(e *events.GuildReady) { w.ready <- len(e.Guild.VoiceStates) }))
	if err != nil {
		w.t.Fatal(err)
	}
	shard, err := gateway.Attach(client, gateway.Config{
		Intents: disgogw.IntentGuilds | disgogw.IntentGuildVoiceStates, Logger: quiet, Checkpoint: from,
		Identify: free{},
		Backoff:  5 * time.Millisecond, HelloTimeout: 300 * time.Millisecond, ReadyTimeout: time.Second,
		AckTimeout: 300 * time.Millisecond,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := client.OpenGateway(ctx); err != nil {
		w.t.Fatal(err)
	}
	if !from.Resumable() {
		receive(w.t, w.ready) // earlier changes are only in GUILD_CREATE
	}
	return life{client, shard}
}

// end stops the bot like a process that is restarted.
func (l life) end(t *testing.T) gateway.Checkpoint {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l.client.Close(ctx)
	select {
	case <-l.shard.Done():
	case <-ctx.Done():
		t.Error("the shard did not end")
	}
	return l.shard.Checkpoint()
}

// TestSimulator lets members move about while the gateway fails in every way
// that leaves a session alive, and the bot itself restarts: it hears of every
// move, in order, once.
func TestSimulator(t *testing.T) {
	faults := []discordsim.Fault{
		{Kind: discordsim.FaultDrop}, {Kind: discordsim.FaultReconnect},
		{Kind: discordsim.FaultInvalidSession, Resumable: true},
		{Kind: discordsim.FaultClose, Code: 4000}, {Kind: discordsim.FaultClose, Code: 1001},
		{Kind: discordsim.FaultHeartbeat},
		{Kind: discordsim.FaultHalfOpen}, {Kind: discordsim.FaultDropResume}, {Kind: discordsim.FaultNoHello},
		{Kind: discordsim.FaultNoACK},
		{Kind: discordsim.FaultDuplicate, Event: "VOICE_STATE_UPDATE"}, {Kind: discordsim.FaultDelay, Delay: 0.05},
		{Kind: discordsim.FaultError, Route: "GET /gateway/bot", Status: 503},
		{Kind: discordsim.FaultReset, Route: "GET /gateway/bot"},
	}
	for seed := range seeds(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 0))
			w := newDemo(t)
			if _, err := w.Inject(discordsim.Fault{Kind: discordsim.FaultError, Status: 500}); err != nil {
				// meets GET /gateway/bot
				t.Fatal(err)
			}
			l := w.begin(gateway.Checkpoint{})
			session := l.shard.Checkpoint().SessionID
			var want []move
			inVoice := map[snowflake.ID]bool{}
			for i := range 200 {
				if i%8 == 0 {
					if _, err := w.Inject(faults[rnd.IntN(len(faults))]); err != nil {
						t.Fatal(err)
					}
				}
				if i%70 == 69 {
					l = w.begin(l.end(t))
				}
				want = append(want, w.step(rnd, inVoice))
			}
			for i, m := range want {
				if got := receive(t, w.moves); got != m {
					t.Fatalf("move %d was %v, expected %v", i, got, m)
				}
			}
			cp := l.end(t)
			if cp.SessionID != session {
				t.Error("the session was lost on the way")
			}
			if n := len(w.moves); n != 0 {
				t.Errorf("%d moves too many", n)
			}
		})
	}
}

// seeds gives how many seeds to try: SNUG_SEEDS, for a longer run, else n.
func seeds(n uint64) uint64 {
	if more, err := strconv.ParseUint(os.Getenv("SNUG_SEEDS"), 10, 32); err == nil {
		return more
	}
	return n
}

// step lets one member join, move or leave.
func (w *demo) step(rnd *rand.Rand, inVoice map[snowflake.ID]bool) move {
	w.t.Helper()
	user := w.Users[rnd.IntN(len(w.Users))].ID
	var err error
	m := move{user: user}
	if inVoice[user] {
		_, err = w.LeaveVoice(w.Guild.ID, user)
	} else {
		m.channel = w.Lounge.ID
		_, err = w.JoinVoice(w.Guild.ID, user, m.channel, discordsim.VoiceFlags{})
	}
	inVoice[user] = !inVoice[user]
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// TestSimulatorNewSession ends the session: the bot identifies again and is told
// the truth by GUILD_CREATE.
func TestSimulatorNewSession(t *testing.T) {
	for _, fault := range []discordsim.Fault{
		{Kind: discordsim.FaultInvalidSession}, {Kind: discordsim.FaultClose, Code: 4007},
		{Kind: discordsim.FaultClose, Code: 4009},
	} {
		t.Run(fmt.Sprint(fault.Kind, fault.Code), func(t *testing.T) {
			t.Parallel()
			w := newDemo(t)
			l := w.begin(gateway.Checkpoint{})
			defer l.end(t)
			first := l.shard.Checkpoint().SessionID
			if _, err := w.JoinVoice(w.Guild.ID, w.Owner.ID, w.Lounge.ID, discordsim.VoiceFlags{}); err != nil {
				t.Fatal(err)
			}
			receive(t, w.moves)
			if _, err := w.Inject(fault); err != nil {
				t.Fatal(err)
			}
			if n := receive(t, w.ready); n != 1 {
				t.Errorf("%d voice states in GUILD_CREATE", n)
			}
			if cp := l.shard.Checkpoint(); cp.SessionID == first {
				t.Error("the session is still the old one")
			}
		})
	}
}

// TestSimulatorRefuses a wrong token and an intent that is switched off, with the remedy.
func TestSimulatorRefuses(t *testing.T) {
	limits := discordsim.NoRateLimits()
	w := world.Start(t, discordsim.Options{Seed: 7, Limits: &limits, Wrap: openapitest.Wrap(t)})
	w.Demo(discordsim.ApplicationOptions{NoPrivilegedIntents: true})
	for name, cfg := range map[string]gateway.Config{
		"token":  {Token: "wrong", Intents: disgogw.IntentGuilds},
		"intent": {Token: w.App.BotToken, Intents: disgogw.IntentGuilds | disgogw.IntentGuildMembers},
	} {
		cfg.URL, cfg.Logger = w.URL+"/gateway", slog.New(slog.DiscardHandler)
		cfg.Handler = func(disgogw.Gateway, disgogw.EventType, int, disgogw.EventData) {}
		shard, err := gateway.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = shard.Open(t.Context())
		if err == nil || !errors.Is(shard.Err(), err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSessionGivenUp lets Discord cut a session at each RESUME, for ever, as it
// has been seen to (discord-api-docs#1619): the bot begins a new one, and hears again.
func TestSessionGivenUp(t *testing.T) {
	t.Parallel()
	w := newDemo(t)
	l := w.begin(gateway.Checkpoint{})
	for _, f := range []discordsim.Fault{{Kind: discordsim.FaultDropResume, Count: -1}, {Kind: discordsim.FaultDrop}} {
		if _, err := w.Inject(f); err != nil {
			t.Fatal(err)
		}
	}
	receive(t, w.ready) // of the new session
	if h := l.shard.History(); h.Sessions != 2 || h.Resumes != 0 {
		t.Errorf("%d sessions, %d resumes", h.Sessions, h.Resumes)
	}
	inVoice := map[snowflake.ID]bool{}
	want := w.step(rand.New(rand.NewPCG(1, 1)), inVoice)
	if got := receive(t, w.moves); got != want {
		t.Errorf("moved %v, expected %v", got, want)
	}
	l.end(t)
}
