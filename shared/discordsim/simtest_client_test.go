package discordsim_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim"
	"snug/shared/discordsim/internal/etf"
	"snug/shared/testkit"
)

// client is a bare gateway connection.
type client struct {
	t    *testing.T
	ws   *websocket.Conn
	read func() ([]byte, error)
	etf  bool // payloads are Erlang's terms
	seq  int64
}

type packet struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
	S  *int64          `json:"s"`
	T  string          `json:"t"`
}

func (w *world) dial(query string) *client {
	w.t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.base, "http")+"/"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	c := &client{t: w.t, ws: ws}
	c.read = func() ([]byte, error) { _, b, err := ws.ReadMessage(); return b, err }
	w.t.Cleanup(func() { ws.Close() })
	return c
}

// next reads the next payload.
func (c *client) next() packet {
	c.t.Helper()
	p, err := c.tryNext()
	if err != nil {
		c.t.Fatalf("reading the gateway: %v", err)
	}
	return p
}

func (c *client) tryNext() (p packet, err error) {
	if err = c.ws.SetReadDeadline(time.Now().Add(testkit.Patience)); err != nil {
		return p, err
	}
	raw, err := c.read()
	if err == nil && c.etf {
		raw, err = etf.DecodeSent(raw)
	}
	if err != nil {
		return p, err
	}
	if err = json.Unmarshal(raw, &p); err == nil && p.S != nil {
		c.seq = *p.S
	}
	return p, err
}

// until reads up to an event and decodes it.
func (c *client) until(event string, into any) packet {
	c.t.Helper()
	for {
		p := c.next()
		if p.T == event {
			if into != nil {
				if err := json.Unmarshal(p.D, into); err != nil {
					c.t.Fatal(err)
				}
			}
			return p
		}
	}
}

// closed reads until the server closes and gives the code.
func (c *client) closed() int {
	c.t.Helper()
	for {
		if _, err := c.tryNext(); err != nil {
			if e, ok := errors.AsType[*websocket.CloseError](err); ok {
				return e.Code
			}
			c.t.Fatalf("no close frame: %v", err)
		}
	}
}

func (c *client) send(op int, d any) {
	c.t.Helper()
	if err := c.ws.WriteMessage(c.encode(op, d)); err != nil {
		c.t.Fatal(err)
	}
}

// encode gives a payload's kind of message and its bytes.
func (c *client) encode(op int, d any) (int, []byte) {
	c.t.Helper()
	p := map[string]any{"op": op, "d": d}
	if c.etf {
		return websocket.BinaryMessage, append([]byte{131}, c.term(p)...)
	}
	b, err := json.Marshal(p)
	if err != nil {
		c.t.Fatal(err)
	}
	return websocket.TextMessage, b
}

// term encodes a value as erlpack does.
func (c *client) term(v any) []byte {
	counted := func(tag byte, n int) []byte { return binary.BigEndian.AppendUint32([]byte{tag}, uint32(n)) }
	switch v := v.(type) {
	case nil:
		return []byte("s\x03nil")
	case bool:
		return append([]byte{'s', byte(len(strconv.FormatBool(v)))}, strconv.FormatBool(v)...)
	case int:
		return counted('b', v)
	case int64:
		return counted('b', int(v))
	case discordsim.ID:
		return append([]byte{'n', 8, 0}, binary.LittleEndian.AppendUint64(nil, uint64(v))...)
	case string:
		return append(counted('m', len(v)), v...)
	case []any:
		b := counted('l', len(v))
		for _, item := range v {
			b = append(b, c.term(item)...)
		}
		return append(b, 'j')
	case map[string]string:
		b := counted('t', len(v))
		for k, item := range v {
			b = append(append(b, c.term(k)...), c.term(item)...)
		}
		return b
	case map[string]any:
		b := counted('t', len(v))
		for k, item := range v {
			b = append(append(b, c.term(k)...), c.term(item)...)
		}
		return b
	}
	c.t.Fatalf("%T has no term here", v)
	return nil
}

type ready struct {
	SessionID string `json:"session_id"`
	ResumeURL string `json:"resume_gateway_url"`
	Guilds    []struct {
		ID          json.Number `json:"id"` // in JSON it's a string, in ETF a number
		Unavailable bool        `json:"unavailable"`
	} `json:"guilds"`
	Shard [2]int `json:"shard"`
	V     int    `json:"v"`
}

const allIntents = 1<<17 - 1

// identify logs in and reads up to READY.
func (c *client) identify(token string, more map[string]any) ready {
	c.t.Helper()
	d := map[string]any{"token": token, "intents": allIntents,
		"properties": map[string]string{"os": "linux", "browser": "test", "device": "test"}}
	for k, v := range more {
		d[k] = v
	}
	c.send(2, d)
	var r ready
	c.until("READY", &r)
	return r
}

// login opens a connection, identifies and waits for the demo's guild.
func (w *world) login(more map[string]any) (*client, ready) {
	w.t.Helper()
	c := w.dial("?v=10&encoding=json")
	c.hello()
	r := c.identify(w.Application.BotToken, more)
	c.until("GUILD_CREATE", nil)
	return c, r
}

func (c *client) hello() {
	c.t.Helper()
	if p := c.next(); p.Op != 10 {
		c.t.Fatalf("op %d instead of HELLO", p.Op)
	}
}

// dialBench logs a bot in and reads up to the guild.
func dialBench(b *testing.B, base, token, compress string) *websocket.Conn {
	b.Helper()
	url := "ws" + strings.TrimPrefix(base, "http") + "/?v=10&encoding=json&compress=" + compress
	ws, res, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		b.Fatal(err)
	}
	res.Body.Close()
	b.Cleanup(func() { ws.Close() })
	if err := ws.WriteJSON(map[string]any{
		"op": 2, "d": map[string]any{"token": token, "intents": 129, "properties": map[string]any{}},
	}); err != nil {
		b.Fatal(err)
	}
	for range 3 { // HELLO, READY, GUILD_CREATE
		if _, _, err := ws.ReadMessage(); err != nil {
			b.Fatal(err)
		}
	}
	return ws
}
