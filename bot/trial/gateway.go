package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/agent"
)

// gateway is a minimal gateway connection: JSON, no compression. One goroutine reads and one sends heartbeats until
// close.
type gateway struct {
	conn   *websocket.Conn
	write  sync.Mutex
	wg     sync.WaitGroup
	stop   chan struct{}
	events chan payload

	session, resumeURL string
	seqMu              sync.Mutex
	seq                int64
}

type payload struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
	S  int64           `json:"s"`
	T  string          `json:"t"`
}

const (
	opHeartbeat  = 1
	opIdentify   = 2
	opVoiceState = 4
	opResume     = 6
	opMembers    = 8
	opInvalid    = 9
	opHello      = 10

	intents = 1<<0 | 1<<7 // GUILDS and GUILD_VOICE_STATES, as Snug
)

// dial connects and waits for HELLO.
func dial(ctx context.Context, url string, wait time.Duration) (*gateway, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, res, err := websocket.DefaultDialer.DialContext(ctx, url+"/?v=10&encoding=json",
		http.Header{"User-Agent": {agent.Discord}})
	if err != nil {
		return nil, errors.New("the gateway does not answer")
	}
	res.Body.Close()
	g := &gateway{conn: conn, stop: make(chan struct{}), events: make(chan payload, 4096)}
	var hello struct {
		Op int `json:"op"`
		D  struct {
			Interval int `json:"heartbeat_interval"`
		} `json:"d"`
	}
	_ = conn.SetReadDeadline(time.Now().Add(wait))
	if err := conn.ReadJSON(&hello); err != nil || hello.Op != opHello || hello.D.Interval <= 0 {
		conn.Close()
		return nil, errors.New("the gateway did not send HELLO")
	}
	_ = conn.SetReadDeadline(time.Time{})
	g.wg.Go(g.read)
	g.wg.Go(func() { g.beat(time.Duration(hello.D.Interval) * time.Millisecond) })
	return g, nil
}

func (g *gateway) read() {
	defer close(g.events)
	for {
		var p payload
		if err := g.conn.ReadJSON(&p); err != nil {
			return
		}
		g.seqMu.Lock()
		g.seq = max(g.seq, p.S)
		g.seqMu.Unlock()
		if p.Op == opHeartbeat {
			_ = g.send(opHeartbeat, g.last()) // read reports a broken connection
		}
		select {
		case g.events <- p:
		case <-g.stop:
			return
		}
	}
}

func (g *gateway) last() int64 {
	g.seqMu.Lock()
	defer g.seqMu.Unlock()
	return g.seq
}

func (g *gateway) beat(every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			_ = g.send(opHeartbeat, g.last())
		case <-g.stop:
			return
		}
	}
}

func (g *gateway) send(op int, d any) error {
	g.write.Lock()
	defer g.write.Unlock()
	_ = g.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	return g.conn.WriteJSON(map[string]any{"op": op, "d": d})
}

// close drops the connection without a close frame, like a network failure, so that the session can be resumed.
func (g *gateway) close() {
	select {
	case <-g.stop:
		return
	default:
		close(g.stop)
	}
	g.conn.Close()
	g.wg.Wait()
}

var errRefused = errors.New("the gateway refused the session")

// until reads events until one matches.
func (g *gateway) until(ctx context.Context, wait time.Duration, right func(payload) bool) (payload, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case p, ok := <-g.events:
			switch {
			case !ok:
				return p, errors.New("the gateway closed the connection")
			case p.Op == opInvalid:
				return p, errRefused
			case right(p):
				return p, nil
			}
		case <-timer.C:
			return payload{}, errors.New("the event did not arrive")
		case <-ctx.Done():
			return payload{}, ctx.Err()
		}
	}
}

// event waits for a gateway event and records whether it arrived; with own, also its shape.
func (t *trial) event(
	ctx context.Context, out *Outcome, own bool, name string, right func(json.RawMessage) bool,
) payload {
	if t.gw == nil {
		return payload{}
	}
	p, err := t.gw.until(ctx, t.o.Wait, func(p payload) bool { return p.T == name && (right == nil || right(p.D)) })
	e := Event{Name: name, Arrived: err == nil}
	if own && err == nil {
		e.Body = shapeOf(p.D)
	}
	if err != nil {
		out.err = fmt.Errorf("%s: %w", name, err)
	}
	out.Events = append(out.Events, e)
	return p
}

// about reports whether a field of an event is the id.
func about(field, id string) func(json.RawMessage) bool {
	return func(d json.RawMessage) bool {
		var m map[string]json.RawMessage
		_ = json.Unmarshal(d, &m)
		var s string
		_ = json.Unmarshal(m[field], &s)
		return s == id
	}
}
