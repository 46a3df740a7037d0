package gateway_test

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	disgogw "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"

	"snug/bot/gateway"
	"snug/shared/errs"
)

// quiet is a logger for what is meant to go wrong.
var quiet = slog.New(slog.DiscardHandler)

// TestAttach plugs a shard into a disgo client: the address comes from
// GET /gateway/bot, which fails twice first, and events come out as disgo's.
func TestAttach(t *testing.T) {
	srv := serve(t, func(p *peer) {
		p.hello(time.Minute)
		p.expect(disgogw.OpcodeIdentify)
		p.dispatch(1, "READY",
			strings.Replace(readyData("one", ""), `"guilds":[]`, `"guilds":[{"id":"10","unavailable":true}]`, 1))
		p.dispatch(2, "GUILD_CREATE",
			`{"id":"10","name":"Green Dragon","unavailable":false,
				"channels":[{"id":"20","type":2,"name":"talk","position":0,"bitrate":64000,"user_limit":4}],
				"members":[],"roles":[],"voice_states":[],"emojis":[],"stickers":[]}`)
		p.voice(3)
		p.wait()
	})
	var asked atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/gateway/bot" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		switch asked.Add(1) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			fmt.Fprint(w, `{}`)
		default:
			fmt.Fprintf(w,
				`{"url":%q,"shards":1,"session_start_limit":
					{"total":1000,"remaining":7,"reset_after":1000,"max_concurrency":1}}`,
				srv.url())
		}
	}))
	defer api.Close()

	channels := make(chan discord.Channel, 1)
	voice := make(chan int, 1)
	client, err := disgo.New(base64.RawStdEncoding.EncodeToString([]byte("123456789012345678"))+".x.y",
		bot.WithLogger(quiet),
		bot.WithCacheConfigOpts(cache.WithCaches(cache.FlagsAll)),
		bot.WithRestClientConfigOpts(rest.WithURL(api.URL), rest.WithRateLimiter(rest.NewNoopRateLimiter())),
		bot.WithEventListenerFunc(func(e *events.GuildReady) {
			if c, ok := e.Client().Caches.Channel(20); ok {
				channels <- c
			}
		}),
		bot.WithEventListenerFunc(func(e *events.GuildVoiceStateUpdate) { voice <- e.SequenceNumber() }))
	if err != nil {
		t.Fatal(err)
	}
	limiter := gateway.NewSessionStarts(quiet)
	shard, err := gateway.Attach(client, gateway.Config{
		Intents: disgogw.IntentGuilds | disgogw.IntentGuildVoiceStates, Logger: quiet, Backoff: time.Millisecond,
		Identify: limiter,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.OpenGateway(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, known := limiter.Remaining(); !known || n != 6 {
		t.Errorf("%d session starts left", n)
	}
	if c := receive(t, channels); c.Name() != "talk" {
		t.Errorf("channel %v", c)
	}
	if seq := receive(t, voice); seq != 3 {
		t.Errorf("sequence %d", seq)
	}
	client.Close(t.Context())
	<-shard.Done()
}

func TestAsk(t *testing.T) {
	status := http.StatusUnauthorized
	var asked atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 3 {
			status = http.StatusUnauthorized
		}
		w.WriteHeader(status)
	}))
	defer api.Close()
	r := rest.New(rest.NewClient("t", rest.WithURL(api.URL), rest.WithLogger(quiet),
		rest.WithRateLimiter(rest.NewNoopRateLimiter())))
	if _, err := gateway.GetGatewayBot(t.Context(), r); !errs.Has(err, errs.Unauthorized) {
		t.Errorf("a wrong token: %v", err)
	}
	asked.Store(0)
	status = http.StatusInternalServerError
	if _, err := gateway.AwaitGatewayBot(t.Context(), r, time.Millisecond, quiet); !errs.Has(err, errs.Unauthorized) ||
		asked.Load() != 3 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}
