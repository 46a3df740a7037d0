package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"snug/bot/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests; nothing waits that long unless it fails.
const patience = 10 * time.Second

// scene is what the server does with one connection. When it returns, the
// socket is cut without a close frame.
type scene func(p *peer)

// server is a Discord gateway that plays one scene a connection, in order;
// the last one is played for every further connection.
type server struct {
	t      *testing.T
	http   *httptest.Server
	scenes []scene

	mu    sync.Mutex
	dials []string // query of each
	peers sync.WaitGroup
	stop  chan struct{}
}

func serve(t *testing.T, scenes ...scene) *server {
	s := &server{t: t, scenes: scenes, stop: make(chan struct{})}
	s.http = httptest.NewServer(http.HandlerFunc(s.accept))
	t.Cleanup(func() {
		close(s.stop)
		s.http.CloseClientConnections()
		s.peers.Wait()
		s.http.Close()
	})
	return s
}

func (s *server) url() string { return "ws" + strings.TrimPrefix(s.http.URL, "http") }

func (s *server) accept(w http.ResponseWriter, r *http.Request) {
	s.peers.Add(1)
	defer s.peers.Done()
	s.mu.Lock()
	n := len(s.dials)
	s.dials = append(s.dials, r.URL.RequestURI())
	s.mu.Unlock()
	play := s.scenes[min(n, len(s.scenes)-1)]
	p := &peer{s: s, w: w, r: r, n: n, in: make(chan message, 1000), gone: make(chan struct{})}
	play(p)
	if p.ws != nil {
		_ = p.ws.Close()
		<-p.gone
	}
}

func (s *server) dialled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.dials...)
}

type message struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
}

// peer is the server's end of one connection.
type peer struct {
	s    *server
	w    http.ResponseWriter
	r    *http.Request
	n    int // which connection, from 0
	ws   *websocket.Conn
	wmu  sync.Mutex
	mute bool // answer no heartbeats
	zip  *zstd.Encoder
	buf  bytes.Buffer
	in   chan message  // everything but heartbeats
	gone chan struct{} // the client's end is over
	code int           // the code it closed with; read after gone
	beat []int         // sequence of each heartbeat; guarded by wmu
}

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

func (p *peer) listen() {
	defer close(p.gone)
	p.ws.SetCloseHandler(func(code int, text string) error {
		p.code = code
		msg := websocket.FormatCloseMessage(code, "")
		_ = p.ws.WriteControl(websocket.CloseMessage, msg, time.Now().Add(time.Second))
		return nil
	})
	for {
		_, b, err := p.ws.ReadMessage()
		if err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(b, &m); err != nil {
			p.s.t.Errorf("the shard sent %q", b)
			return
		}
		if m.Op != 1 {
			p.in <- m
			continue
		}
		var seq int
		_ = json.Unmarshal(m.D, &seq)
		p.wmu.Lock()
		p.beat = append(p.beat, seq)
		mute := p.mute
		p.wmu.Unlock()
		if !mute {
			p.send(`{"op":11}`)
		}
	}
}

func (p *peer) send(text string) {
	p.wmu.Lock()
	defer p.wmu.Unlock()
	if p.zip == nil {
		_ = p.ws.WriteMessage(websocket.TextMessage, []byte(text))
		return
	}
	p.buf.Reset()
	_, _ = io.WriteString(p.zip, text)
	_ = p.zip.Flush()
	_ = p.ws.WriteMessage(websocket.BinaryMessage, p.buf.Bytes())
}

func (p *peer) hello(interval time.Duration) {
	p.open(false)
	p.send(fmt.Sprintf(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":%d}}`, interval.Milliseconds()))
}

func (p *peer) expect(op disgo.Opcode) message {
	select {
	case m := <-p.in:
		if m.Op != int(op) {
			p.s.t.Errorf("connection %d: the shard sent op %d %s, expected %d", p.n, m.Op, m.D, op)
		}
		return m
	case <-p.gone:
	case <-time.After(patience):
	}
	p.s.t.Errorf("connection %d: the shard did not send op %d", p.n, op)
	return message{}
}

// ready accepts an IDENTIFY with a session that is resumed at /resume.
func (p *peer) ready(session string) disgo.MessageDataIdentify {
	var id disgo.MessageDataIdentify
	if err := json.Unmarshal(p.expect(disgo.OpcodeIdentify).D, &id); err != nil {
		p.s.t.Errorf("IDENTIFY: %v", err)
	}
	p.dispatch(1, "READY", readyData(session, p.s.url()+"/resume"))
	return id
}

func readyData(session, url string) string {
	return fmt.Sprintf(`{"v":10,"user":{"id":"1","username":"snug","discriminator":"0","avatar":null},"guilds":[],"session_id":%q,"resume_gateway_url":%q,"application":{"id":"1","flags":0}}`, session, url)
}

// resume expects a RESUME of the session and gives its sequence.
func (p *peer) resume(session string) int {
	var d disgo.MessageDataResume
	if err := json.Unmarshal(p.expect(disgo.OpcodeResume).D, &d); err != nil {
		p.s.t.Errorf("RESUME: %v", err)
	}
	if d.SessionID != session || d.Token != "token" {
		p.s.t.Errorf("resumed session %q, expected %q", d.SessionID, session)
	}
	return d.Seq
}

func (p *peer) dispatch(seq int, kind, data string) {
	p.send(fmt.Sprintf(`{"t":%q,"s":%d,"op":0,"d":%s}`, kind, seq, data))
}

// voice sends the event these tests count by.
func (p *peer) voice(seq int) {
	p.dispatch(seq, "VOICE_STATE_UPDATE", fmt.Sprintf(`{"guild_id":"10","channel_id":"20","user_id":"%d","session_id":"s"}`, seq))
}

func (p *peer) close(code int) {
	_ = p.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, "said so"), time.Now().Add(time.Second))
	p.wait()
}

// wait stays until the client goes or the test ends.
func (p *peer) wait() {
	select {
	case <-p.gone:
	case <-p.s.stop:
		_ = p.ws.Close()
	}
}

// calm is the scene of a server where nothing happens: READY or RESUMED, then heartbeats.
func calm(session string) scene {
	return func(p *peer) {
		p.hello(time.Minute)
		p.ready(session)
		p.wait()
	}
}

// resumes plays a RESUME that succeeds and replays nothing.
func resumes(session string) scene {
	return func(p *peer) {
		p.hello(time.Minute)
		seq := p.resume(session)
		p.dispatch(seq+1, "RESUMED", `{}`)
		p.wait()
	}
}

// client is a shard under test with everything it told.
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
		HelloTimeout: 150 * time.Millisecond,
		ReadyTimeout: 150 * time.Millisecond,
		AckTimeout:   150 * time.Millisecond,
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

// receive waits for one value, not for ever.
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
