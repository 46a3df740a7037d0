package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/gateway"
	"snug/shared/errs"
	"snug/shared/testkit"
)

func TestIdentifies(t *testing.T) {
	var got disgo.MessageDataIdentify
	srv := serve(t, func(p *peer) {
		p.hello(time.Minute)
		got = p.ready("one")
		p.voice(2)
		p.wait()
	})
	c := quick(t, srv, func(cfg *gateway.Config) { cfg.ShardID, cfg.ShardCount = 1, 4 })
	c.open()
	if e := c.handled(2); e[0] != (event{"READY", 1}) || e[1] != (event{"VOICE_STATE_UPDATE", 2}) {
		t.Errorf("events %v", e)
	}
	if got.Token != "token" || *got.Shard != [2]int{1, 4} || got.Intents != c.Intents() ||
		got.Properties.Browser != "snug" || got.Compress {
		t.Errorf("IDENTIFY %+v", got)
	}
	if q := srv.dialled()[0]; q != "/?compress=zstd-stream&encoding=json&v=10" {
		t.Errorf("dialled %s", q)
	}
	for _, want := range []gateway.Phase{gateway.Connecting, gateway.Identifying, gateway.Ready} {
		if s := <-c.states; s.Phase != want {
			t.Errorf("phase %v, expected %v", s.Phase, want)
		}
	}
	if *c.SessionID() != "one" || *c.ResumeURL() != srv.url()+"/resume" || c.Status() != disgo.StatusReady {
		t.Errorf("session %s at %s, %v", *c.SessionID(), *c.ResumeURL(), c.Status())
	}
}

// TestCheckpointFollowsTheHandler reads the checkpoint inside the handler:
// the event being handled is not part of it yet.
func TestCheckpointFollowsTheHandler(t *testing.T) {
	srv := serve(t, func(p *peer) {
		p.hello(time.Minute)
		p.ready("one")
		for seq := 2; seq <= 50; seq++ {
			p.voice(seq)
		}
		p.wait()
	})
	var c *client
	c = quick(t, srv, func(cfg *gateway.Config) {
		h := cfg.Handler
		cfg.Handler = func(g disgo.Gateway, k disgo.EventType, seq int, e disgo.EventData) {
			cp := c.Checkpoint()
			if cp.Seq != seq-1 || (seq == 1) == cp.Resumable() {
				t.Errorf("checkpoint %+v while %d is handled", cp, seq)
			}
			if *g.SessionID() != "one" {
				t.Errorf("session %s", *g.SessionID())
			}
			h(g, k, seq, e)
		}
	})
	c.open()
	c.handled(50)
	testkit.Eventually(t, "every event is handled", func() bool { return c.Checkpoint().Seq == 50 })
}

// TestBadPayloads go by without harm.
func TestBadPayloads(t *testing.T) {
	reg := prometheus.NewRegistry()
	metrics, err := gateway.NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	srv := serve(t, func(p *peer) {
		p.hello(time.Minute)
		p.expect(disgo.OpcodeIdentify)
		p.dispatch(1, "READY", `{"session_id":"one","user":7}`) // does not parse as a whole
		p.dispatch(2, "VOICE_STATE_UPDATE", `{"user_id":"no snowflake"}`)
		p.dispatch(3, "VOICE_STATE_UPDATE", `[]`)
		p.send(`{"t":"VOICE_STATE_UPDATE","s":4,"op":0}`)
		p.send(`no JSON at all`)
		p.send(`{}`)
		p.send(`{"op":77,"d":{"x":1}}`)
		p.dispatch(5, "SOMETHING_NEW", `{"x":1}`)
		p.voice(6) // panics
		p.voice(7)
		p.wait()
	})
	c := quick(t, srv, func(cfg *gateway.Config) {
		h := cfg.Handler
		cfg.Metrics = metrics
		cfg.Handler = func(g disgo.Gateway, k disgo.EventType, seq int, e disgo.EventData) {
			if seq == 6 {
				panic("listener")
			}
			h(g, k, seq, e)
		}
	})
	c.open()
	if e := c.handled(2); e[0].seq != 1 || e[1].seq != 7 { // the session has begun, even if READY can't be parsed
		t.Errorf("events %v", e)
	}
	testkit.Eventually(t, "the event after the panic is handled",
		func() bool { return c.Checkpoint() == gateway.Checkpoint{SessionID: "one", Seq: 7} })
	for outcome, want := range map[string]float64{"handled": 1, "unknown": 1, "unparsable": 6, "panicked": 1} {
		if got := counted(t, reg, "snug_gateway_events_total", outcome); got != want {
			t.Errorf("%s: %v, expected %v", outcome, got, want)
		}
	}
	if len(srv.dialled()) != 1 {
		t.Error("the connection did not last")
	}
}

func counted(t *testing.T, reg *prometheus.Registry, name, value string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetValue() == value {
					return m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	return 0
}

func TestSend(t *testing.T) {
	got := make(chan message, 10)
	srv := serve(t, func(p *peer) {
		p.hello(time.Minute)
		id := p.ready("one")
		if id.Presence == nil || id.Presence.Status != discord.OnlineStatusIdle {
			p.s.t.Errorf("IDENTIFY's presence is %+v", id.Presence)
		}
		got <- p.expect(disgo.OpcodePresenceUpdate)
	}, func(p *peer) {
		p.hello(time.Minute)
		p.expect(disgo.OpcodeResume)
		p.send(`{"op":9,"d":false}`)
		p.wait()
	}, func(p *peer) {
		p.hello(time.Minute)
		if id := p.ready("two"); id.Presence == nil || id.Presence.Status != discord.OnlineStatusDND {
			p.s.t.Errorf("IDENTIFY's presence is %+v", id.Presence)
		}
		p.wait()
	})
	c := quick(t, srv, func(cfg *gateway.Config) {
		cfg.Presence = &disgo.MessageDataPresenceUpdate{Status: discord.OnlineStatusIdle}
	})
	if err := c.Send(t.Context(), disgo.OpcodePresenceUpdate,
		disgo.MessageDataPresenceUpdate{}); !errors.Is(err, discord.ErrShardNotReady) ||
		!errs.Has(err, errs.Unavailable) {
		t.Errorf("Send before Open: %v", err)
	}
	c.open()
	p := c.Presence()
	p.Status = discord.OnlineStatusDND // what disgo's client does with it
	if err := c.Send(t.Context(), disgo.OpcodePresenceUpdate, *p); err != nil {
		t.Errorf("Send: %v", err)
	}
	if m := receive(t, got); !strings.Contains(string(m.D), `"dnd"`) {
		t.Errorf("sent %s", m.D)
	}
	testkit.Eventually(t, "there is a second session",
		func() bool { return c.SessionID() != nil && *c.SessionID() == "two" })
	big := disgo.MessageDataRequestGuildMembers{Nonce: strings.Repeat("x", 5000)}
	if err := c.Send(t.Context(), disgo.OpcodeRequestGuildMembers, big); !errs.Has(err, errs.Invalid) {
		t.Errorf("a message that is too big: %v", err)
	}
}

// TestCompression reads a zstd stream over many messages and a reconnect.
func TestCompression(t *testing.T) {
	const n = 300
	stream := func(p *peer) {
		p.open(true)
		if p.zip == nil {
			p.s.t.Error("the shard did not ask for zstd-stream")
		}
		p.send(`{"op":10,"d":{"heartbeat_interval":60000}}`)
	}
	srv := serve(t, func(p *peer) {
		stream(p)
		p.ready("one")
		for seq := 2; seq <= n; seq++ {
			p.voice(seq)
		}
		p.dispatch(n+1, "GUILD_CREATE", `{"id":"10","name":"`+strings.Repeat("a long name ", 100_000)+`"}`)
		p.send(`{"op":7}`)
		p.wait()
	}, func(p *peer) {
		stream(p)
		p.dispatch(p.resume("one")+1, "RESUMED", `{}`)
		p.wait()
	})
	reg := prometheus.NewRegistry()
	metrics, _ := gateway.NewMetrics(reg)
	c := quick(t, srv, func(cfg *gateway.Config) { cfg.Metrics = metrics })
	c.open()
	for i, e := range c.handled(n + 2) {
		if e.seq != i+1 {
			t.Fatalf("event %d has sequence %d", i, e.seq)
		}
	}
	wire, plain := counted(t, reg, "snug_gateway_received_bytes_total",
		"wire"), counted(t, reg, "snug_gateway_received_bytes_total", "plain")
	if wire*4 > plain {
		t.Errorf("%v bytes on the wire for %v", wire, plain)
	}
}

// TestCompressionFallsBack where the server will not, or cannot, compress.
func TestCompressionFallsBack(t *testing.T) {
	asks := func(p *peer) bool { return p.r.URL.Query().Get("compress") != "" }
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		srv := serve(t, func(p *peer) {
			if asks(p) {
				p.w.WriteHeader(http.StatusBadRequest)
				return
			}
			calm("one")(p)
		})
		quick(t, srv, nil).open()
	})
	t.Run("plain JSON in binary frames", func(t *testing.T) {
		t.Parallel()
		srv := serve(t, func(p *peer) {
			p.open(false)
			_ = p.ws.WriteMessage(websocket.BinaryMessage, []byte(`{"op":10,"d":{"heartbeat_interval":60000}}`))
			p.ready("one")
			p.wait()
		})
		quick(t, srv, nil).open()
	})
	t.Run("a broken stream", func(t *testing.T) {
		t.Parallel()
		srv := serve(t, func(p *peer) {
			if asks(p) {
				p.open(false)
				_ = p.ws.WriteMessage(websocket.BinaryMessage,
					[]byte("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff"))
				p.wait()
				return
			}
			calm("one")(p)
		})
		quick(t, srv, nil).open()
	})
}

// TestLocate asks for the address again while it cannot be had or reached.
func TestLocate(t *testing.T) {
	srv := serve(t, calm("one"))
	answers := []string{"", "nonsense://", "ws://127.0.0.1:1", srv.url()}
	var asked atomic.Int64
	c := quick(t, srv, func(cfg *gateway.Config) {
		cfg.URL = ""
		cfg.Locate = func(context.Context) (string, error) {
			u := answers[min(int(asked.Add(1))-1, len(answers)-1)]
			if u == "" {
				return "", errs.E(errs.DiscordUnavailable, "not now")
			}
			return u, nil
		}
	})
	c.open()
	if asked.Load() != 4 {
		t.Errorf("asked %d times", asked.Load())
	}
	flaky := serve(t, func(p *peer) { p.open(false) }, calm("one")) // its address cannot be asked for again
	var told atomic.Bool
	quick(t, flaky, func(cfg *gateway.Config) {
		cfg.URL = ""
		cfg.Locate = func(context.Context) (string, error) {
			if told.Swap(true) {
				return "", errs.E(errs.DiscordUnavailable, "not now")
			}
			return flaky.url(), nil
		}
	}).open()
	refused := quick(t, srv, func(cfg *gateway.Config) {
		cfg.URL = ""
		cfg.Locate = func(context.Context) (string, error) { return "", errs.E(errs.Unauthorized, "wrong token") }
	})
	if err := refused.Open(t.Context()); !errs.Has(err, errs.Unauthorized) {
		t.Errorf("Open: %v", err)
	}
}

func TestConfigTellsEverything(t *testing.T) {
	_, err := gateway.New(gateway.Config{
		ShardID: 3, ShardCount: 2, Checkpoint: gateway.Checkpoint{SessionID: "x", ResumeURL: "ftp://x"},
	})
	for _, want := range []string{"token", "Shard 3 of 2", "URL or Locate", "checkpoint"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %q", err, want)
		}
	}
}
