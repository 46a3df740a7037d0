package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"snug/shared/testkit"
	"strings"
	"sync"
	"testing"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests; nothing waits that long unless it fails.
const patience = testkit.Patience

// awaited is a timeout of the shard where the test waits for it; elsewhere it
// is patience, so that a busy machine makes no shard give up.
const awaited = time.Second

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
	return fmt.Sprintf(`{"v":10,"user":{"id":"1","username":"snug","discriminator":"0","avatar":null},"guilds":[],
		"session_id":%q,"resume_gateway_url":%q,"application":{"id":"1","flags":0}}`, session, url)
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
	p.dispatch(seq, "VOICE_STATE_UPDATE",
		fmt.Sprintf(`{"guild_id":"10","channel_id":"20","user_id":"%d","session_id":"s"}`, seq))
}

func (p *peer) close(code int) {
	_ = p.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, "said so"),
		time.Now().Add(time.Second))
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
