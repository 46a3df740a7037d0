package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zstd"

	"snug/bot/gateway"
)

// open upgrades; with zstd it compresses if the client asked for it.
func (p *peer) open(compress bool) {
	up := websocket.Upgrader{}
	ws, err := up.Upgrade(p.w, p.r, nil)
	if err != nil {
		p.s.t.Errorf("upgrade: %v", err)
		close(p.gone)
		return
	}
	p.ws = ws
	if compress && p.r.URL.Query().Get("compress") == "zstd-stream" {
		p.zip, _ = zstd.NewWriter(&p.buf, zstd.WithEncoderConcurrency(1))
	}
	go p.listen()
}

// client is a shard under test and everything it reported.
type client struct {
	*gateway.Shard
	t      *testing.T
	states chan gateway.State
	events chan event
}

type event struct {
	kind disgo.EventType
	seq  int
}

// quick makes a shard that is quick to fail and to come back.
func quick(t *testing.T, s *server, change func(*gateway.Config)) *client {
	c := &client{t: t, states: make(chan gateway.State, 10000), events: make(chan event, 100000)}
	cfg := gateway.Config{
		Token: "token", Intents: disgo.IntentGuilds | disgo.IntentGuildVoiceStates, URL: s.url(),
		Handler: func(_ disgo.Gateway, kind disgo.EventType, seq int, _ disgo.EventData) {
			if kind != disgo.EventTypeHeartbeatAck {
				c.events <- event{kind, seq}
			}
		},
		Identify:     free{},
		Observer:     func(s gateway.State) { c.states <- s },
		Logger:       slog.New(slog.DiscardHandler),
		Backoff:      4 * time.Millisecond,
		HelloTimeout: patience,
		ReadyTimeout: patience,
		AckTimeout:   patience,
	}
	if change != nil {
		change(&cfg)
	}
	shard, err := gateway.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Shard = shard
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		shard.Close(ctx)
		select {
		case <-shard.Done():
		case <-ctx.Done():
			t.Error("the shard did not end")
		}
	})
	return c
}

func (c *client) open() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Open(ctx); err != nil {
		c.t.Fatalf("Open: %v", err)
	}
}

// until reads states until one has the phase.
func (c *client) until(phase gateway.Phase) gateway.State {
	c.t.Helper()
	for {
		select {
		case s := <-c.states:
			if s.Phase == phase {
				return s
			}
		case <-time.After(patience):
			c.t.Fatalf("the shard did not become %v", phase)
		}
	}
}

// handled reads the next n events.
func (c *client) handled(n int) []event {
	c.t.Helper()
	var got []event
	for len(got) < n {
		select {
		case e := <-c.events:
			got = append(got, e)
		case <-time.After(patience):
			c.t.Fatalf("%d of %d events came: %v", len(got), n, got)
		}
	}
	return got
}

// receive waits for one value, with a timeout.
func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

// free is an IdentifyLimiter without a limit.
type free struct{}

func (free) Acquire(context.Context, int, func(time.Duration)) (func(bool), error) {
	return func(bool) {}, nil
}

func (free) Update(discord.SessionStartLimit) {}

// halfOpen is a proxy that can stop passing bytes without closing anything.
type halfOpen struct {
	l      net.Listener
	target string
	frozen chan struct{}
	wg     sync.WaitGroup
	mu     sync.Mutex
	conns  []net.Conn
}

func newHalfOpen(t *testing.T, target string) *halfOpen {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &halfOpen{l: l, target: strings.TrimPrefix(target, "ws://"), frozen: make(chan struct{})}
	h.wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.pass(c, n == 0)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		h.mu.Lock()
		for _, c := range h.conns {
			_ = c.Close()
		}
		h.mu.Unlock()
		h.wg.Wait()
	})
	return h
}

func (h *halfOpen) pass(c net.Conn, freezes bool) {
	d, err := net.Dial("tcp", h.target)
	if err != nil {
		_ = c.Close()
		return
	}
	h.mu.Lock()
	h.conns = append(h.conns, c, d)
	h.mu.Unlock()
	pump := func(to, from net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := from.Read(buf)
			if freezes {
				select {
				case <-h.frozen:
					continueReading(from, err)
					return
				default:
				}
			}
			if err != nil {
				_ = to.Close()
				return
			}
			_, _ = to.Write(buf[:n])
		}
	}
	h.wg.Go(func() { pump(c, d) })
	h.wg.Go(func() { pump(d, c) })
}

// continueReading swallows what comes, so that the other side notices nothing.
func continueReading(from net.Conn, err error) {
	if err == nil {
		_, _ = io.Copy(io.Discard, from)
	}
}
