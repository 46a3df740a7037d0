package live

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"github.com/olahol/melody"

	"snug/shared/protocol"
)

// newMelody configures melody: it does the handshake, reading, and the answers to pings.
func (l *Live) newMelody() *melody.Melody {
	m := melody.New()
	m.Config.MaxMessageSize = protocol.MaxClientMessage
	m.Config.MessageBufferSize = 1             // melody's own queue is never used
	m.Config.PingPeriod = 365 * 24 * time.Hour // heartbeats have pings in them
	m.Config.PongWait = l.o.Limits.SilentFor
	m.Upgrader.ReadBufferSize = 256
	m.Upgrader.WriteBufferSize = 256 // control frames and the handshake
	m.Upgrader.WriteBufferPool = &sync.Pool{}
	m.Upgrader.CheckOrigin = func(*http.Request) bool { return true } // Handler has checked it
	m.HandleConnect(func(s *melody.Session) {
		w := watcherOf(s)
		l.guard(w, func() { l.connected(s, w) })
	})
	m.HandleMessage(func(s *melody.Session, b []byte) {
		w := watcherOf(s)
		if w.authed {
			l.guard(w, func() { l.receive(w, b) })
			return
		}
		// Authentication needs a deep stack once. Running it in another goroutine keeps the reader's stack small.
		done := make(chan struct{})
		l.wg.Go(func() {
			defer close(done)
			l.guard(w, func() { l.receive(w, b) })
		})
		<-done
	})
	m.HandleMessageBinary(func(s *melody.Session, _ []byte) { l.end(watcherOf(s), protocol.CloseBinary) })
	m.HandleError(func(s *melody.Session, err error) {
		var network net.Error
		var ended *websocket.CloseError
		if !errors.As(err, &network) && !errors.As(err, &ended) {
			watcherOf(s).conn.parting() // gorilla rejected a frame: too big, or malformed
		}
	})
	return m
}

func watcherOf(s *melody.Session) *watcher {
	return s.WebsocketConnection().NetConn().(*conn).w
}

// guard stops a panic before it reaches melody, which would keep the session forever.
func (l *Live) guard(w *watcher, f func()) {
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("live: panic in a handler", "panic", r, "stack", string(debug.Stack()))
			l.end(w, protocol.CloseInternal)
		}
	}()
	f()
}

// connected is called before the first read. Nothing is sent before it: a watcher gets events after it has
// authenticated.
func (l *Live) connected(s *melody.Session, w *watcher) {
	s.Request = nil // no longer needed
	if w.refused {
		l.end(w, protocol.CloseTooMany)
		return
	}
	ws := s.WebsocketConnection()
	pong := ws.PingHandler()
	ws.SetPingHandler(func(data string) error {
		if !w.allow() {
			l.end(w, protocol.ClosePolicy)
			return nil
		}
		return pong(data)
	})
}

// Handler serves GET /api/ws. It checks the origin and the limits, takes the connection over from net/http
// and returns, so that what net/http and gin allocate for a request is freed while somebody watches.
//
// It counts gin's ClientIP: configure the engine to trust the proxies in front of it, and no others.
func (l *Live) Handler() gin.HandlerFunc {
	return func(c *gin.Context) {
		l.upgrade(c.Writer, c.Request, c.ClientIP())
		c.Abort()
	}
}

// ServeHTTP is Handler without gin, for programs without the dashboard.
func (l *Live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.RemoteAddr) // "" counts as one address
	l.upgrade(w, r, host)
}

func (l *Live) upgrade(rw http.ResponseWriter, r *http.Request, ip string) {
	if !r.ProtoAtLeast(1, 1) || !websocket.IsWebSocketUpgrade(r) || r.Header.Get("Sec-Websocket-Version") != "13" {
		rw.Header().Set("Upgrade", "websocket")
		rw.Header().Set("Connection", "Upgrade")
		rw.Header().Set("Sec-WebSocket-Version", "13")
		l.refuse(rw, http.StatusUpgradeRequired, "upgrade", "This address speaks WebSocket; docs/protocol.md says how.")
		return
	}
	if !l.allowOrigin(r.Header["Origin"]) {
		l.refuse(rw, http.StatusForbidden, "origin",
			"Pages of this origin may not connect. Open Snug at its own address, or have its operator list this "+
				"origin.")
		return
	}
	w, full := l.arrive(ip)
	if w == nil {
		rw.Header().Set("Retry-After", "1")
		why, say := "closing", "Snug is stopping. Try again in a moment."
		if full {
			why, say = "full", "Snug has reached its connection limit. Try again later."
		}
		l.refuse(rw, http.StatusServiceUnavailable, why, say)
		return
	}
	nc, brw, err := http.NewResponseController(rw).Hijack()
	if err == nil {
		if err = l.detach(w, r, nc, brw); err == nil {
			return
		}
	} else {
		l.refuse(rw, http.StatusInternalServerError, "takeover",
			"Something went wrong on Snug's side. Try again in a moment.")
	}
	l.gone(w)
	l.wg.Done()
	l.log.Warn("live: cannot take over a connection", "err", err)
}

func (l *Live) refuse(rw http.ResponseWriter, status int, why, say string) {
	l.metrics.refused.WithLabelValues(why).Inc()
	http.Error(rw, say, status)
}

// arrive counts a connection, for which l.wg then waits. It returns nil if none is accepted; full
// means that a limit is reached.
func (l *Live) arrive(ip string) (w *watcher, full bool) {
	addr, _ := netip.ParseAddr(ip)
	if addr = addr.Unmap(); addr.Is6() {
		if p, err := addr.Prefix(64); err == nil { // usually one household
			addr = p.Addr()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return nil, false
	}
	if most := l.o.Limits.Total; most > 0 && len(l.watchers) >= most {
		return nil, true
	}
	w = &watcher{addr: addr}
	if most := l.o.Limits.PerAddress; most > 0 && l.byAddr[addr] >= most {
		w.refused = true
	}
	w.conn = newConn(w, &l.o.Limits, &l.wg)
	w.number, w.came = l.arrived, time.Now().UnixNano()
	l.arrived++
	l.watchers[w] = struct{}{}
	l.byAddr[addr]++
	l.wg.Add(1)
	return w, false
}

// detach passes a connection to melody, in a goroutine of its own. On an error the connection is closed.
func (l *Live) detach(w *watcher, r *http.Request, nc net.Conn, brw *bufio.ReadWriter) error {
	req := &http.Request{Method: r.Method, Header: http.Header{}, Host: strings.Clone(r.Host)}
	for _, k := range []string{"Connection", "Upgrade", "Sec-Websocket-Version", "Sec-Websocket-Key"} {
		for _, v := range r.Header[k] {
			req.Header.Add(k, strings.Clone(v)) // the clone releases the request's buffer
		}
	}
	if brw.Reader.Buffered() > 0 {
		return errors.Join(errors.New("live: the client sent data before the handshake was over"), nc.Close())
	}
	if err := w.conn.take(nc); err != nil {
		return errors.Join(err, nc.Close())
	}
	w.timer = time.AfterFunc(l.o.Limits.AuthWithin, func() { l.end(w, protocol.CloseNoAuth) })
	sh := &shim{
		c: w.conn, h: http.Header{},
		brw: bufio.NewReadWriter(bufio.NewReaderSize(w.conn, 16), bufio.NewWriterSize(w.conn, 16)),
	}
	go l.serve(w, sh, req)
	return nil
}

// serve is a connection's goroutine, for which l.wg waits.
func (l *Live) serve(w *watcher, sh *shim, req *http.Request) {
	defer l.wg.Done()
	defer l.gone(w)
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("live: panic in a connection", "panic", r, "stack", string(debug.Stack()))
		}
		_ = w.conn.Close() // already closed, unless something went wrong
	}()
	if err := l.m.HandleRequestWithKeys(sh, req, nil); err != nil {
		l.log.Debug("live: handshake failed", "err", err)
	}
}

// shim is a response writer for melody, on top of our connection.
type shim struct {
	c   *conn
	brw *bufio.ReadWriter
	h   http.Header
}

func (s *shim) Header() http.Header { return s.h }

func (s *shim) Write(b []byte) (int, error) { return s.c.Write(b) }

// WriteHeader is called when gorilla refuses a handshake.
func (s *shim) WriteHeader(code int) {
	fmt.Fprintf(s.c, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n", code,
		http.StatusText(code))
}

func (s *shim) Hijack() (net.Conn, *bufio.ReadWriter, error) { return s.c, s.brw, nil }

// origin is an origin whose pages may connect.
type origin struct {
	scheme, host string // host with its port, unless that is the scheme's default
	below        bool   // every host below it
}

func parseOrigin(s string) (origin, error) {
	u, err := url.Parse(s)
	if err != nil {
		return origin{}, err
	}
	if u.Scheme == "" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		return origin{}, fmt.Errorf("%q is not an origin; write it like https://snug.example", s)
	}
	o := origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Host)}
	if p := map[string]string{"http": ":80", "https": ":443"}[o.scheme]; p != "" {
		o.host = strings.TrimSuffix(o.host, p)
	}
	o.host, o.below = strings.CutPrefix(o.host, "*.")
	return o, nil
}

func (l *Live) allowOrigin(header []string) bool {
	if len(header) == 0 {
		return l.o.AllowNoOrigin
	}
	if len(header) > 1 {
		return false
	}
	got, err := parseOrigin(header[0])
	if err != nil || got.below {
		return false
	}
	for _, o := range l.origins {
		if o.scheme == got.scheme && (!o.below && o.host == got.host ||
			o.below && strings.HasSuffix(got.host, "."+o.host)) {
			return true
		}
	}
	return false
}
