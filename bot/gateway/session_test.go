package gateway_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/gateway"
	"snug/shared/errs"
	"snug/shared/testkit"
)

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
			want := []event{
				{"READY", 1}, {"VOICE_STATE_UPDATE", 2}, {"VOICE_STATE_UPDATE", 3}, {"VOICE_STATE_UPDATE", 4},
				{"RESUMED", 5}, {"VOICE_STATE_UPDATE", 6},
			}
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
				testkit.Eventually(t, "there is a new session",
					func() bool { return c.Checkpoint().SessionID == "new" })
				if cp := c.Checkpoint(); cp.Seq != 1 {
					t.Errorf("checkpoint %+v", cp)
				}
			})
		}
	}
}

// TestSurvivesBadResumes plays what goes wrong before RESUMED: the session is
// kept through all of it, as long as Discord does not refuse it thrice with nothing between.
func TestSurvivesBadResumes(t *testing.T) {
	t.Parallel()
	cut := func(p *peer) { p.hello(time.Minute); p.resume("old") }
	srv := serve(t,
		func(p *peer) { p.open(false); p.wait() }, // no HELLO
		cut, // dropped during RESUME
		func(p *peer) { p.hello(time.Minute); p.resume("old"); p.wait() },                           // no RESUMED
		func(p *peer) { p.open(false); p.send(`{"op":10,"d":{"heartbeat_interval":0}}`); p.wait() }, // a broken HELLO
		func(p *peer) { p.w.WriteHeader(http.StatusServiceUnavailable) },                            // no WebSocket
		// dropped during the replay
		func(p *peer) { p.hello(time.Minute); p.resume("old"); p.voice(8); p.voice(9) },
		func(p *peer) { p.hello(time.Minute); p.resume("old"); p.send(`{"op":7}`); p.wait() }, // op 7 during RESUME
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
		cfg.HelloTimeout, cfg.ReadyTimeout = awaited, awaited
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
	t.Parallel()
	srv := serve(t, func(p *peer) { p.hello(time.Minute); p.expect(disgo.OpcodeIdentify); p.wait() }, calm("one"))
	c := quick(t, srv, func(cfg *gateway.Config) { cfg.ReadyTimeout = awaited })
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
	testkit.Eventually(t, "a heartbeat was acknowledged", func() bool { return c.Latency() > 0 })
	close(proxy.frozen)
	frozen := time.Now()
	c.until(gateway.Waiting)
	if d := time.Since(frozen); d > patience/2 {
		t.Errorf("noticed after %v", d)
	}
	c.until(gateway.Ready)
}

// TestSlowHandler isn't a zombie connection: the ACK is waiting behind the handler.
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
	testkit.Eventually(t, "a heartbeat was acknowledged", func() bool { return c.Latency() > 0 })
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
			testkit.Eventually(p.s.t, "a heartbeat comes", func() bool {
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
