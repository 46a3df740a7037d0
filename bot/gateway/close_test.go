package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"

	"snug/bot/gateway"
	"snug/shared/testkit"
)

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
	testkit.Eventually(t, "Discord has the close code", func() bool { return code.Load() != 0 })
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
	if n := receive(t, code); n != 1000 || c.Checkpoint().Resumable() || c.SessionID() != nil || c.ResumeURL() != nil ||
		c.LastSequenceReceived() != nil {
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
			if d := time.Since(began); d > patience/2 {
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
