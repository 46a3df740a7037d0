package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/gateway"
	"snug/shared/errs"
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
	if got.Token != "token" || *got.Shard != [2]int{1, 4} || got.Intents != c.Intents() || got.Properties.Browser != "snug" || got.Compress {
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

// TestKeepsTheSession plays every way to lose a connection that leaves the
// session alive: the shard resumes at the resume address with the last
// handled sequence, and every event is handled exactly once.
func TestKeepsTheSession(t *testing.T) {
	ways := map[string]func(p *peer){
		"drop":                  func(p *peer) {},
		"op 7":                  func(p *peer) { p.send(`{"op":7,"d":null}`); p.wait() },
		"op 9 resumable":        func(p *peer) { p.send(`{"op":9,"d":true}`); p.wait() },
		"close 1000":            func(p *peer) { p.close(1000) },
		"close 1001":            func(p *peer) { p.close(1001) },
		"close 4000":            func(p *peer) { p.close(4000) },
		"close 4001":            func(p *peer) { p.close(4001) },
		"close 4002":            func(p *peer) { p.close(4002) },
		"close 4003":            func(p *peer) { p.close(4003) },
		"close 4005":            func(p *peer) { p.close(4005) },
		"close 4008":            func(p *peer) { p.close(4008) },
		"an unknown close code": func(p *peer) { p.close(4999) },
	}
	for name, lose := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(p *peer) {
				p.hello(time.Minute)
				p.ready("one")
				p.voice(2)
				p.voice(3)
				lose(p)
			}, func(p *peer) {
				p.hello(time.Minute)
				if seq := p.resume("one"); seq != 3 {
					t.Errorf("resumed after %d, expected 3", seq)
				}
				p.voice(3) // a server may repeat itself
				p.voice(4)
				p.dispatch(5, "RESUMED", `{}`)
				p.voice(6)
				p.wait()
			})
			c := quick(t, srv, nil)
			c.open()
			want := []event{{"READY", 1}, {"VOICE_STATE_UPDATE", 2}, {"VOICE_STATE_UPDATE", 3}, {"VOICE_STATE_UPDATE", 4}, {"RESUMED", 5}, {"VOICE_STATE_UPDATE", 6}}
			if got := c.handled(len(want)); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("events %v\nexpected %v", got, want)
			}
			if d := srv.dialled(); len(d) != 2 || !strings.HasPrefix(d[1], "/resume?") {
				t.Errorf("dialled %v", d)
			}
			c.until(gateway.Ready)
			if s := c.until(gateway.Ready); !s.Resumed {
				t.Errorf("state %v", s)
			}
		})
	}
}

// TestLosesTheSession plays what kills a session: the shard identifies again.
func TestLosesTheSession(t *testing.T) {
	ways := map[string]func(p *peer){
		"op 9":       func(p *peer) { p.send(`{"op":9,"d":false}`); p.wait() },
		"close 4007": func(p *peer) { p.close(4007) },
		"close 4009": func(p *peer) { p.close(4009) },
	}
	for name, lose := range ways {
		for when, start := range map[string]func(p *peer){
			"when ready":      func(p *peer) { p.dispatch(p.resume("old")+1, "RESUMED", `{}`) },
			"while resuming":  func(p *peer) { p.resume("old") },
			"before anything": func(p *peer) {},
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				srv := serve(t, func(p *peer) {
					p.hello(time.Minute)
					start(p)
					lose(p)
				}, calm("new"))
				c := quick(t, srv, func(cfg *gateway.Config) {
					cfg.Checkpoint = gateway.Checkpoint{SessionID: "old", ResumeURL: srv.url(), Seq: 7}
				})
				c.open()
				c.until(gateway.Identifying)
				c.until(gateway.Ready)
				for c.handled(1)[0].kind != disgo.EventTypeReady {
				}
				waitFor(t, func() bool { return c.Checkpoint().SessionID == "new" })
				if cp := c.Checkpoint(); cp.Seq != 1 {
					t.Errorf("checkpoint %+v", cp)
				}
			})
		}
	}
}

// waitFor waits for a fact that no channel tells.
func waitFor(t *testing.T, fact func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !fact(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come true")
		}
	}
}

// TestSurvivesBadResumes plays what goes wrong before RESUMED: the session is
// kept through all of it.
func TestSurvivesBadResumes(t *testing.T) {
	cut := func(p *peer) { p.hello(time.Minute); p.resume("old") }
	srv := serve(t,
		func(p *peer) { p.open(false); p.wait() }, // no HELLO
		cut, // dropped during RESUME
		func(p *peer) { p.hello(time.Minute); p.resume("old"); p.wait() },                           // no RESUMED
		func(p *peer) { p.hello(time.Minute); p.resume("old"); p.send(`{"op":7}`); p.wait() },       // op 7 during RESUME
		func(p *peer) { p.open(false); p.send(`{"op":10,"d":{"heartbeat_interval":0}}`); p.wait() }, // a broken HELLO
		func(p *peer) { p.w.WriteHeader(http.StatusServiceUnavailable) },                            // no WebSocket
		func(p *peer) { p.hello(time.Minute); p.resume("old"); p.voice(8); p.voice(9) },             // dropped during the replay
		func(p *peer) {
			p.hello(time.Minute)
			if seq := p.resume("old"); seq != 9 {
				t.Errorf("resumed after %d, expected 9", seq)
			}
			p.dispatch(10, "RESUMED", `{}`)
			p.wait()
		})
	c := quick(t, srv, func(cfg *gateway.Config) {
		cfg.Checkpoint = gateway.Checkpoint{SessionID: "old", ResumeURL: srv.url() + "/resume", Seq: 7}
	})
	c.open()
	if got := fmt.Sprint(c.handled(3)); got != "[{VOICE_STATE_UPDATE 8} {VOICE_STATE_UPDATE 9} {RESUMED 10}]" {
		t.Errorf("events %s", got)
	}
	for {
		s := <-c.states
		if s.Phase == gateway.Ready {
			break
		}
		if s.Phase == gateway.Waiting && (s.Delay <= 0 || s.Reason == nil) {
			t.Errorf("state %+v", s)
		}
	}
}

// TestUnreachableResumeURL resumes at the common address when the session's own is dead.
func TestUnreachableResumeURL(t *testing.T) {
	srv := serve(t, resumes("old"))
	c := quick(t, srv, func(cfg *gateway.Config) {
		cfg.Checkpoint = gateway.Checkpoint{SessionID: "old", ResumeURL: "ws://127.0.0.1:1", Seq: 7}
	})
	c.open()
	if s := c.until(gateway.Ready); !s.Resumed {
		t.Errorf("state %+v", s)
	}
}

func TestMissingReady(t *testing.T) {
	srv := serve(t, func(p *peer) { p.hello(time.Minute); p.expect(disgo.OpcodeIdentify); p.wait() }, calm("one"))
	c := quick(t, srv, nil)
	c.open()
	if s := c.until(gateway.Waiting); s.Failures != 1 || !strings.Contains(s.Reason.Error(), "READY") {
		t.Errorf("state %+v", s)
	}
}

// TestFatalCodes ends the shard with the remedy.
func TestFatalCodes(t *testing.T) {
	for code, want := range map[int]struct {
		code errs.Code
		says string
	}{
		4004: {errs.Unauthorized, "Reset Token"},
		4010: {errs.Invalid, "shard count"},
		4011: {errs.Invalid, "Raise the shard count"},
		4012: {errs.Internal, "Update Snug"},
		4013: {errs.Internal, "Update Snug"},
		4014: {errs.MissingPermission, "Server Members Intent"},
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(p *peer) { p.hello(time.Minute); p.expect(disgo.OpcodeIdentify); p.close(code) })
			c := quick(t, srv, func(cfg *gateway.Config) { cfg.Intents |= disgo.IntentGuildMembers })
			err := c.Open(t.Context())
			<-c.Done()
			if err == nil || c.Err() == nil || !errs.Has(err, want.code) || !strings.Contains(err.Error(), want.says) {
				t.Errorf("Open: %v; Err: %v", err, c.Err())
			}
			var ce *websocket.CloseError
			if !errors.As(err, &ce) || ce.Code != code {
				t.Errorf("the cause is not the close code: %v", err)
			}
			if s := c.State(); s.Phase != gateway.Stopped || s.Reason == nil {
				t.Errorf("state %+v", s)
			}
			if len(srv.dialled()) != 1 {
				t.Errorf("dialled %v", srv.dialled())
			}
		})
	}
}

// TestZombie notices a server that answers no heartbeat, and resumes.
func TestZombie(t *testing.T) {
	srv := serve(t, func(p *peer) {
		p.mute = true
		p.hello(100 * time.Millisecond)
		p.ready("one")
		p.wait()
	}, resumes("one"))
	c := quick(t, srv, nil)
	c.open()
	if s := c.until(gateway.Waiting); !strings.Contains(s.Reason.Error(), "half-open") {
		t.Errorf("state %+v", s)
	}
	c.until(gateway.Ready)
}

// TestHalfOpen freezes an established connection: nobody closes anything, no byte passes.
func TestHalfOpen(t *testing.T) {
	const interval, ack = 200 * time.Millisecond, 100 * time.Millisecond
	srv := serve(t, func(p *peer) { p.hello(interval); p.ready("one"); p.wait() }, resumes("one"))
	proxy := newHalfOpen(t, srv.url())
	c := quick(t, srv, func(cfg *gateway.Config) {
		cfg.URL, cfg.AckTimeout = "ws://"+proxy.l.Addr().String(), ack
	})
	c.open()
	waitFor(t, func() bool { return c.Latency() > 0 })
	close(proxy.frozen)
	frozen := time.Now()
	c.until(gateway.Waiting)
	if d := time.Since(frozen); d > interval+ack+time.Second {
		t.Errorf("noticed after %v", d)
	}
	c.until(gateway.Ready)
}

// TestSlowHandler is no zombie: the ACK waits behind the handler.
func TestSlowHandler(t *testing.T) {
	srv := serve(t, func(p *peer) {
		p.hello(60 * time.Millisecond)
		p.ready("one")
		p.voice(2)
		p.wait()
	})
	held := make(chan struct{})
	var slow sync.Once
	c := quick(t, srv, func(cfg *gateway.Config) {
		h := cfg.Handler
		cfg.AckTimeout = 40 * time.Millisecond
		cfg.Handler = func(g disgo.Gateway, k disgo.EventType, seq int, e disgo.EventData) {
			if seq == 2 {
				slow.Do(func() { <-held })
			}
			h(g, k, seq, e)
		}
	})
	c.open()
	time.AfterFunc(400*time.Millisecond, func() { close(held) })
	c.handled(2)
	waitFor(t, func() bool { return c.Latency() > 0 })
	if n := len(srv.dialled()); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestHeartbeats(t *testing.T) {
	done := make(chan []int, 1)
	srv := serve(t, func(p *peer) {
		p.hello(time.Minute) // none by itself for a while
		p.ready("one")
		p.voice(41)
		for range 3 {
			p.send(`{"op":1,"d":null}`)
			n := 0
			waitFor(p.s.t, func() bool {
				p.wmu.Lock()
				defer p.wmu.Unlock()
				was := n
				n = len(p.beat)
				return n > was
			})
		}
		p.wmu.Lock()
		done <- p.beat
		p.wmu.Unlock()
		p.wait()
	})
	c := quick(t, srv, func(cfg *gateway.Config) { cfg.Rand = func() float64 { return .99 } })
	c.open()
	beats := receive(t, done)
	if len(beats) == 0 || beats[len(beats)-1] != 41 {
		t.Errorf("heartbeats %v", beats)
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
	waitFor(t, func() bool { return c.Checkpoint().Seq == 50 })
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
	if e := c.handled(1)[0]; e.seq != 7 {
		t.Errorf("event %v", e)
	}
	waitFor(t, func() bool { return c.Checkpoint() == gateway.Checkpoint{SessionID: "one", Seq: 7} })
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

// TestNeverGivesUp fails ten times over and calls for help once.
func TestNeverGivesUp(t *testing.T) {
	reg := prometheus.NewRegistry()
	metrics, _ := gateway.NewMetrics(reg)
	scenes := make([]scene, 10)
	for i := range scenes {
		scenes[i] = func(p *peer) { p.open(false) }
	}
	srv := serve(t, append(scenes, calm("one"))...)
	c := quick(t, srv, func(cfg *gateway.Config) { cfg.Metrics, cfg.Backoff = metrics, time.Millisecond })
	c.open()
	var delays []time.Duration
	for s := range c.states {
		if s.Phase == gateway.Ready {
			break
		}
		if s.Phase == gateway.Waiting {
			delays = append(delays, s.Delay)
		}
	}
	for i, d := range delays {
		if mid := time.Millisecond << min(i, 4); d < mid*8/10 || d > mid*12/10 {
			t.Errorf("delay %d is %v, expected about %v", i, d, mid)
		}
	}
	if len(delays) != 10 || counted(t, reg, "snug_gateway_alerts_total", "0") != 1 {
		t.Errorf("%d delays, %v alerts", len(delays), counted(t, reg, "snug_gateway_alerts_total", "0"))
	}
	if c.State().Failures != 0 {
		t.Errorf("state %+v", c.State())
	}
}

// TestPlainDropIsQuick uses the standard delays: a drop must not wait for them.
func TestPlainDropIsQuick(t *testing.T) {
	drop := make(chan struct{})
	srv := serve(t, func(p *peer) {
		p.hello(time.Minute)
		p.ready("one")
		<-drop
	}, resumes("one"))
	c := quick(t, srv, func(cfg *gateway.Config) { cfg.Backoff = 0 })
	c.open()
	began := time.Now()
	close(drop)
	c.until(gateway.Waiting)
	c.until(gateway.Ready)
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("recovered after %v", d)
	}
}

// TestCloseKeepsTheSession hands it over to the next process, which misses nothing.
func TestCloseKeepsTheSession(t *testing.T) {
	var code atomic.Int64
	srv := serve(t, func(p *peer) {
		p.hello(time.Minute)
		p.ready("one")
		p.voice(2)
		<-p.gone
		code.Store(int64(p.code))
	}, resumes("one"))
	first := quick(t, srv, nil)
	first.open()
	first.handled(2)
	first.Close(t.Context())
	select {
	case <-first.Done():
	default:
		t.Error("Close returned before the shard had ended")
	}
	waitFor(t, func() bool { return code.Load() != 0 })
	if n := code.Load(); n == 1000 || n == 1001 {
		t.Errorf("closed with %d, which ends the session", n)
	}
	if err := first.Err(); err != nil || first.Open(t.Context()) == nil {
		t.Errorf("Err is %v", err)
	}
	second := quick(t, srv, func(cfg *gateway.Config) { cfg.Checkpoint = first.Checkpoint() })
	second.open()
	if e := second.handled(1)[0]; e != (event{"RESUMED", 3}) {
		t.Errorf("event %v", e)
	}
}

// TestCloseWithCode 1000 ends the session.
func TestCloseWithCode(t *testing.T) {
	code := make(chan int, 1)
	srv := serve(t, func(p *peer) { p.hello(time.Minute); p.ready("one"); <-p.gone; code <- p.code })
	c := quick(t, srv, nil)
	c.open()
	c.CloseWithCode(t.Context(), websocket.CloseNormalClosure, "bye")
	if n := receive(t, code); n != 1000 || c.Checkpoint().Resumable() || c.SessionID() != nil || c.ResumeURL() != nil || c.LastSequenceReceived() != nil {
		t.Errorf("closed with %d, checkpoint %+v", n, c.Checkpoint())
	}
}

// TestCloseAnywhere closes a shard in each of its phases; none may hang or come back.
func TestCloseAnywhere(t *testing.T) {
	asks := func(op disgo.Opcode) scene {
		return func(p *peer) { p.hello(time.Minute); p.expect(op) }
	}
	phases := map[string]scene{
		"before HELLO":  func(p *peer) { p.open(false) },
		"dialling":      func(*peer) {},
		"identifying":   asks(disgo.OpcodeIdentify),
		"waiting":       func(p *peer) { p.w.WriteHeader(http.StatusBadGateway) },
		"during RESUME": asks(disgo.OpcodeResume),
		"during a replay": func(p *peer) {
			asks(disgo.OpcodeResume)(p)
			p.voice(8)
		},
	}
	for name, play := range phases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{})
			srv := serve(t, func(p *peer) {
				play(p)
				close(reached)
				if p.ws != nil {
					p.wait()
				} else if name == "dialling" {
					<-p.s.stop
				}
			})
			c := quick(t, srv, func(cfg *gateway.Config) {
				cfg.Backoff, cfg.HelloTimeout, cfg.ReadyTimeout = time.Hour, time.Hour, time.Hour
				if strings.HasPrefix(name, "during") {
					cfg.Checkpoint = gateway.Checkpoint{SessionID: "old", ResumeURL: srv.url(), Seq: 7}
				}
			})
			opened := make(chan error, 1)
			go func() { opened <- c.Open(context.Background()) }()
			<-reached
			began := time.Now()
			c.Close(t.Context())
			if err := <-opened; err == nil {
				t.Error("Open succeeded")
			}
			if d := time.Since(began); d > 3*time.Second {
				t.Errorf("closing took %v", d)
			}
			if n := len(srv.dialled()); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	srv := serve(t, func(p *peer) { p.open(false); p.wait() })
	c := quick(t, srv, nil)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := c.Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}
	<-c.Done()
}

func TestCloseBeforeOpen(t *testing.T) {
	c := quick(t, serve(t, calm("one")), nil)
	c.Close(t.Context())
	<-c.Done()
	if c.Open(t.Context()) == nil || c.State().Phase != gateway.Stopped {
		t.Error("it opened")
	}
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
	if err := c.Send(t.Context(), disgo.OpcodePresenceUpdate, disgo.MessageDataPresenceUpdate{}); !errors.Is(err, discord.ErrShardNotReady) || !errs.Has(err, errs.Unavailable) {
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
	waitFor(t, func() bool { return c.SessionID() != nil && *c.SessionID() == "two" })
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
	wire, plain := counted(t, reg, "snug_gateway_received_bytes_total", "wire"), counted(t, reg, "snug_gateway_received_bytes_total", "plain")
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
				_ = p.ws.WriteMessage(websocket.BinaryMessage, []byte("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff"))
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
	refused := quick(t, srv, func(cfg *gateway.Config) {
		cfg.URL = ""
		cfg.Locate = func(context.Context) (string, error) { return "", errs.E(errs.Unauthorized, "wrong token") }
	})
	if err := refused.Open(t.Context()); !errs.Has(err, errs.Unauthorized) {
		t.Errorf("Open: %v", err)
	}
}

func TestConfigTellsEverything(t *testing.T) {
	_, err := gateway.New(gateway.Config{ShardID: 3, ShardCount: 2, Checkpoint: gateway.Checkpoint{SessionID: "x", ResumeURL: "ftp://x"}})
	for _, want := range []string{"token", "Shard 3 of 2", "URL or Locate", "checkpoint"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %q", err, want)
		}
	}
}
