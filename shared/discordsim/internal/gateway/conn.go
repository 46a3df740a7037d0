package gateway

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/discordsim/internal/etf"
	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Gateway opcodes and close codes by Discord's numbers ("Opcodes and Status Codes").
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opIdentify       = 2
	opPresence       = 3
	opVoiceState     = 4
	opResume         = 6
	opReconnect      = 7
	opRequestMembers = 8
	opInvalidSession = 9
	opHello          = 10
	opHeartbeatACK   = 11
	opSoundboard     = 31
	opChannelInfo    = 43

	closeUnknown          = 4000
	closeUnknownOpcode    = 4001
	closeDecode           = 4002
	closeNotAuthenticated = 4003
	closeBadToken         = 4004
	closeAuthenticated    = 4005
	closeInvalidSeq       = 4007
	closeRateLimited      = 4008
	closeTimedOut         = 4009
	closeInvalidShard     = 4010
	closeShardingRequired = 4011
	closeInvalidVersion   = 4012
	closeInvalidIntents   = 4013
	closeDisallowed       = 4014
)

var closeReasons = map[int]string{
	closeUnknown: "Unknown error.", closeUnknownOpcode: "Unknown opcode.",
	closeDecode: "Error while decoding payload.", closeNotAuthenticated: "Not authenticated.",
	closeBadToken: "Authentication failed.", closeAuthenticated: "Already authenticated.",
	closeInvalidSeq: "Invalid seq.", closeRateLimited: "Rate limited.", closeTimedOut: "Session timed out.",
	closeInvalidShard: "Invalid shard.", closeShardingRequired: "Sharding required.",
	closeInvalidVersion: "Invalid API version.", closeInvalidIntents: "Invalid intent(s).",
	closeDisallowed: "Disallowed intent(s).",
}

const (
	maxPayload   = 4096 // bytes a client may send in one message
	writeTimeout = 20 * time.Second
)

// conn is one client's WebSocket. Two goroutines own it: net/http's reads, and a second one
// writes; the first ends after the second. Fields below mu are guarded by it.
type conn struct {
	s       *Gateway
	ws      *websocket.Conn
	version int
	etf     bool // payloads are Erlang's terms instead of JSON
	host    string
	secure  bool
	wake    chan struct{}
	done    chan struct{} // closed when the connection should end
	cursor  atomic.Int64
	silent  atomic.Bool // half-open: nothing is answered or sent any more
	closing atomic.Bool // a close frame was sent: further messages are ignored
	overrun atomic.Bool // more was dispatched than fits in the session's log

	mu      sync.Mutex
	enc     encoder // only used by the writer; IDENTIFY may replace it
	control []frame
	sess    *session
	ended   bool
}

// frame is a message other than a dispatch; a code closes the connection after it.
type frame struct {
	data []byte
	code int
	drop bool // end the connection without a close frame
}

type payload struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
}

var upgrader = websocket.Upgrader{
	ReadBufferSize: 4096, WriteBufferSize: 4096, WriteBufferPool: &sync.Pool{},
	CheckOrigin: func(*http.Request) bool { return true },
}

// ServeHTTP serves one connection.
func (s *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has responded
	}
	c := &conn{s: s, ws: ws, host: r.Host, secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
		wake: make(chan struct{}, 1), done: make(chan struct{})}
	if !s.enter(c) {
		_ = ws.Close()
		return
	}
	defer s.leave(c)
	q := r.URL.Query()
	c.etf = q.Get("encoding") == "etf"
	c.enc = newEncoder(q.Get("compress"), c.etf)
	var wg sync.WaitGroup
	wg.Go(c.writeLoop)
	c.greet(q.Get("v"), q.Get("encoding"))
	c.readLoop()
	c.end()
	wg.Wait()
	_ = ws.Close()
	if sess := c.session(); sess != nil {
		sess.detach(c, s.now())
		s.opts.Changed()
	}
}

// greet checks the URL's query and sends HELLO, or closes if the query isn't supported.
func (c *conn) greet(version, encoding string) {
	switch version {
	case "9":
		c.version = 9
	case "10", "":
		c.version = 10
	default:
		c.closeWith(closeInvalidVersion)
		return
	}
	if encoding != "" && encoding != "json" && !c.etf {
		c.closeWith(closeDecode)
		return
	}
	if _, ok := c.s.faults.Take(faults.NoHello, faults.Target{}); ok {
		return
	}
	type hello struct {
		Interval int64    `json:"heartbeat_interval"`
		Trace    []string `json:"_trace"`
	}
	c.send(opHello, hello{c.s.opts.HeartbeatInterval.Milliseconds(), []string{`["sim",{"micros":0.0}]`}})
}

// readLoop reads until the connection ends.
func (c *conn) readLoop() {
	c.ws.SetReadLimit(1 << 20)
	c.ws.SetCloseHandler(c.closedByClient)
	c.extend()
	var sent world.Window
	for {
		kind, data, err := c.ws.ReadMessage()
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				c.closeWith(closeTimedOut)
			}
			return
		}
		if c.silent.Load() || c.closing.Load() {
			continue
		}
		if c.s.opts.Limits.GatewaySends > 0 && !sent.Allow(c.s.now(), c.s.opts.Limits.GatewaySends, time.Minute) {
			c.refuse(closeRateLimited)
			continue
		}
		p, ok := c.decode(kind, data)
		if !ok {
			c.refuse(closeDecode)
			continue
		}
		if code := c.handle(p); code != 0 {
			c.refuse(code)
		}
	}
}

// decode reads a message. That Erlang's terms are read from binary messages only is a guess.
func (c *conn) decode(kind int, data []byte) (p payload, ok bool) {
	if len(data) > maxPayload || c.etf && kind != websocket.BinaryMessage {
		return p, false
	}
	if c.etf {
		var err error
		if data, err = etf.Decode(data); err != nil {
			return p, false
		}
	}
	return p, json.Unmarshal(data, &p) == nil
}

// closedByClient ends the session before the client's close frame is answered, so that a client
// that closed with 1000 and reconnects at once finds it ended.
func (c *conn) closedByClient(code int, _ string) error {
	if sess := c.session(); sess != nil && !c.closing.Load() && endsSession(code) && sess.connection() == c {
		c.s.endSession(sess)
	}
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	return nil
}

func endsSession(code int) bool {
	return code == websocket.CloseNormalClosure || code == websocket.CloseGoingAway
}

// refuse closes the connection because of what the client sent, and ignores further messages.
func (c *conn) refuse(code int) {
	c.closing.Store(true)
	c.closeWith(code)
}

// extend gives the client another interval and a half for its next heartbeat.
func (c *conn) extend() {
	_ = c.ws.SetReadDeadline(time.Now().Add(c.s.opts.HeartbeatInterval * 3 / 2))
}

func (c *conn) session() *session { c.mu.Lock(); defer c.mu.Unlock(); return c.sess }

func (c *conn) setSession(sess *session) { c.mu.Lock(); c.sess = sess; c.mu.Unlock() }

func (c *conn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send queues a payload other than a dispatch.
func (c *conn) send(op int, d any) {
	c.queue(frame{data: form.Marshal(struct {
		T  *string `json:"t"`
		S  *int64  `json:"s"`
		Op int     `json:"op"`
		D  any     `json:"d"`
	}{Op: op, D: d})})
}

func (c *conn) queue(f frame) {
	c.mu.Lock()
	c.control = append(c.control, f)
	c.mu.Unlock()
	c.poke()
}

func (c *conn) takeControl() []frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.control
	c.control = nil
	return f
}

// closeWith sends a close frame after the queue, and ends the connection.
func (c *conn) closeWith(code int) { c.queue(frame{code: code}) }

// drop ends the connection without a close frame, like a network failure.
func (c *conn) drop() { c.queue(frame{drop: true}) }

// end makes the writer send the queue and stop. It may be called more than once.
func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended = true
		close(c.done)
	}
}

// resumeURL returns the address for resuming: the one the client connected to.
func (c *conn) resumeURL() string {
	if c.secure {
		return "wss://" + c.host
	}
	return "ws://" + c.host
}
