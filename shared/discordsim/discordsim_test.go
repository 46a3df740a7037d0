package discordsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a running simulator with the demo's guild in it.
type world struct {
	*discordsim.Server
	discordsim.Demo
	t    *testing.T
	base string
}

func start(t *testing.T, change ...func(*discordsim.Options)) *world {
	t.Helper()
	limits := discordsim.NoRateLimits()
	o := discordsim.Options{Seed: 1, Limits: &limits, Wrap: openapitest.Wrap(t)}
	for _, f := range change {
		f(&o)
	}
	s := discordsim.New(o)
	d, err := s.Demo(discordsim.ApplicationOptions{AnyLoopbackRedirect: true})
	if err != nil {
		t.Fatal(err)
	}
	base, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return &world{s, d, t, base}
}

// answer is what came back from a request.
type answer struct {
	status int
	header http.Header
	raw    []byte
	json   map[string]any
}

func (a answer) code() int { n, _ := a.json["code"].(float64); return int(n) }

func (a answer) str(key string) string { s, _ := a.json[key].(string); return s }

// request sends one request with any authorisation.
func (w *world) request(method, path, auth string, body any) answer {
	w.t.Helper()
	return w.requestWith(method, path, http.Header{"Authorization": {auth}}, body)
}

func (w *world) botWithReason(method, path, reason string, body any) answer {
	w.t.Helper()
	return w.requestWith(method, "/api/v10"+path,
		http.Header{"Authorization": {"Bot " + w.Application.BotToken}, "X-Audit-Log-Reason": {reason}}, body)
}

func (w *world) requestWith(method, path string, header http.Header, body any) answer {
	w.t.Helper()
	var r io.Reader
	if body != nil {
		data, ok := body.(string)
		if !ok {
			raw, err := json.Marshal(body)
			if err != nil {
				w.t.Fatal(err)
			}
			data = string(raw)
		}
		r = strings.NewReader(data)
	}
	req, err := http.NewRequest(method, w.base+path, r)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header = header
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, raw: raw}
	if bytes.HasPrefix(raw, []byte("{")) {
		if err := json.Unmarshal(raw, &a.json); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return a
}

// bot sends a request as the demo's bot.
func (w *world) bot(method, path string, body any) answer {
	w.t.Helper()
	return w.request(method, "/api/v10"+path, "Bot "+w.Application.BotToken, body)
}

// must fails the test unless the answer has the status.
func (a answer) must(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	return a
}

// client is a bare gateway connection.
type client struct {
	t    *testing.T
	ws   *websocket.Conn
	read func() ([]byte, error)
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
	if err := c.ws.WriteJSON(map[string]any{"op": op, "d": d}); err != nil {
		c.t.Fatal(err)
	}
}

type ready struct {
	SessionID string `json:"session_id"`
	ResumeURL string `json:"resume_gateway_url"`
	Guilds    []struct {
		ID          string `json:"id"`
		Unavailable bool   `json:"unavailable"`
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
func dialBench(b *testing.B, base, token string) *websocket.Conn {
	b.Helper()
	ws, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(base, "http")+"/?v=10&encoding=json", nil)
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
