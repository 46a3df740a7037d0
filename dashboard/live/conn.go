package live

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"snug/shared/protocol"
)

type connState uint8

const (
	connOpen    connState = iota
	connClosing           // a close frame is queued or sent, and nothing after it
	connDead              // nothing more is sent
)

// conn is the net.Conn below melody. Everything is sent through it in whole frames: events and heartbeats
// by send; melody's handshake, pongs and closes by Write. None of these block: what the socket doesn't
// accept at once is queued, and a goroutine (drain) writes the queue. A watcher whose queue exceeds
// the limit, or that accepts nothing for a while, is cut off.
//
// Only melody reads. Only the reading goroutine calls Close; all others end a connection with
// finish or kill, which make its read fail.
type conn struct {
	net.Conn
	w      *watcher
	limits *Limits
	owner  *sync.WaitGroup // waits for drain; the reading goroutine keeps it above zero
	raw    syscall.RawConn // nil if sendNow doesn't work
	fd     uintptr         // valid until connDead: whoever closes it first sets that, holding mu
	in     inbound         // only for the reading goroutine

	mu            sync.Mutex
	state         connState
	handshakeDone bool          // the handshake was answered; before that a close frame is impossible
	busy          bool          // drain is running
	drained       chan struct{} // closed when that drain has ended
	linger        bool          // the watcher may still be sending; see Close
	slow          bool          // it was cut off for being slow
	until         time.Time     // the deadline of connClosing
	pend          []byte        // the queue
	bound         int           // where the next frame begins in pend
	flying        int           // how much of pend a blocking write is currently writing
}

// newConn returns a connection without a socket; take sets it. Before that only kill and finish may be called.
func newConn(w *watcher, limits *Limits, owner *sync.WaitGroup) *conn {
	return &conn{w: w, limits: limits, owner: owner}
}

// take fails if the connection was ended before it started.
func (c *conn) take(nc net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != connOpen {
		return net.ErrClosed
	}
	c.Conn = nc
	if t, ok := nc.(*net.TCPConn); ok {
		// best effort: with a larger buffer, stalled watchers are detected later
		_ = t.SetWriteBuffer(c.limits.SendBuffer)
		c.fast(t)
	}
	return nil
}

// fast uses sendNow for the connection if possible.
func (c *conn) fast(t *net.TCPConn) {
	if !canSend {
		return
	}
	raw, err := t.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { c.fd = fd })
	}
	if err == nil {
		c.raw = raw
	}
}

// send queues whole frames, and writes them to the socket if it accepts them. It keeps no reference
// to frames. It returns false if the connection is ending.
func (c *conn) send(frames []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != connOpen {
		return false
	}
	if c.raw != nil && len(c.pend) == 0 {
		n, err := sendNow(c.fd, frames)
		if n == len(frames) {
			return true
		}
		if err != nil {
			c.killLocked()
			return false
		}
		c.pend = append(c.pend, frames...)
		c.took(n)
	} else {
		c.pend = append(c.pend, frames...)
	}
	if len(c.pend) > c.limits.MaxQueue {
		c.cut()
	}
	c.flush()
	return c.state == connOpen
}

// hold queues frames that are sent before the next ones, or by release.
func (c *conn) hold(frames []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == connOpen {
		c.pend = append(c.pend, frames...)
	}
}

func (c *conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
}

// finish sends the queue and a close frame, and gives the watcher Limits.Linger to answer.
func (c *conn) finish(code protocol.CloseCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state != connOpen:
	case c.handshakeDone:
		c.finishWith(closeFrame(code))
	default:
		c.killLocked()
	}
}

func (c *conn) finishWith(frame []byte) {
	c.pend = append(c.pend, frame...)
	c.closing(c.limits.Linger)
	c.flush()
}

// cut drops the queue of a slow watcher, except for the frame it has partly received, and sends it the reason.
func (c *conn) cut() {
	end := c.bound
	for end < c.flying {
		end += frameLen(c.pend[end:])
	}
	c.pend = append(slices.Clone(c.pend[:end]), closeFrame(protocol.ClosePolicy)...)
	c.slow = true
	c.closing(c.limits.Linger / 3)
}

func (c *conn) closing(linger time.Duration) {
	c.state = connClosing
	c.until = time.Now().Add(linger)
	_ = c.Conn.SetDeadline(c.until) // fails only if the socket is gone, which the reader notices
}

// kill ends the connection without a close frame.
func (c *conn) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killLocked()
}

// killLocked doesn't close the socket, because closing waits for the reader: it makes reading fail, and the reader
// closes.
func (c *conn) killLocked() {
	c.state, c.pend, c.bound = connDead, nil, 0
	if c.Conn != nil {
		_ = c.Conn.SetDeadline(time.Unix(1, 0))
	}
}

// took removes the first n bytes of the queue.
func (c *conn) took(n int) {
	for c.bound < n {
		c.bound += frameLen(c.pend[c.bound:])
	}
	c.pend, c.bound = c.pend[n:], c.bound-n
	if len(c.pend) == 0 {
		c.pend = nil
	}
}

// flush writes the queue to the socket, and leaves the rest to drain.
func (c *conn) flush() {
	if c.busy || len(c.pend) == 0 || c.state == connDead {
		return
	}
	if c.raw != nil {
		n, err := sendNow(c.fd, c.pend)
		if err != nil {
			c.killLocked()
			return
		}
		if c.took(n); len(c.pend) == 0 {
			return
		}
	}
	c.busy, c.drained = true, make(chan struct{})
	_ = c.Conn.SetWriteDeadline(c.patience())
	c.owner.Go(c.drain)
}

// patience returns when a watcher that accepts nothing is cut off.
func (c *conn) patience() time.Time {
	if c.state == connClosing {
		return c.until
	}
	return time.Now().Add(c.limits.Stall)
}

// drain writes the queue as fast as the watcher accepts it.
func (c *conn) drain() {
	for {
		var err error
		if c.raw != nil {
			err = c.raw.Write(c.step)
		} else {
			err = c.writeAll()
		}
		if err == nil {
			return
		}
		c.mu.Lock()
		if c.state == connOpen && errors.Is(err, os.ErrDeadlineExceeded) && c.flying == 0 {
			c.cut() // it may still accept its close frame
			c.mu.Unlock()
			continue
		}
		c.slow = c.slow || c.state == connOpen && errors.Is(err, os.ErrDeadlineExceeded)
		c.rest()
		c.killLocked()
		c.mu.Unlock()
		return
	}
}

// rest ends drain; its caller holds mu.
func (c *conn) rest() {
	c.busy = false
	close(c.drained)
}

// step is called whenever the socket may accept more; it returns true when the drain is finished.
func (c *conn) step(uintptr) (done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.state != connDead && len(c.pend) > 0 {
		n, err := sendNow(c.fd, c.pend)
		if err != nil {
			c.killLocked()
			break
		}
		if n == 0 {
			return false
		}
		c.took(n)
		_ = c.Conn.SetWriteDeadline(c.patience())
	}
	c.rest()
	return true
}

// writeAll is step for connections without sendNow (TLS, Windows): it writes one piece at a time,
// and only learns afterwards whether it was accepted.
func (c *conn) writeAll() error {
	buf := make([]byte, 4<<10)
	for {
		c.mu.Lock()
		if c.state == connDead || len(c.pend) == 0 {
			c.rest()
			c.mu.Unlock()
			return nil
		}
		n := copy(buf, c.pend)
		c.flying = n
		_ = c.Conn.SetWriteDeadline(c.patience())
		c.mu.Unlock()
		_, err := c.Conn.Write(buf[:n])
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.flying = 0
		if c.state != connDead {
			c.took(n)
		}
		c.mu.Unlock()
	}
}

// Write queues what melody sends: its handshake, or one whole control frame. It doesn't block.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state == connDead:
		return 0, net.ErrClosed
	case c.state == connClosing: // nothing follows our close frame
	case len(p) > 0 && p[0] == fin|opClose:
		c.finishWith(p)
	default:
		c.handshakeDone = true
		c.pend = append(c.pend, p...)
		c.flush()
	}
	return len(p), nil
}

// Close closes the socket once the queue, at whose end is the close frame or the refusal of a handshake, is written or
// given up. Closing a socket with unread data resets it, and the watcher might lose our close frame. If the watcher may
// still be sending, Close therefore reads for a moment and discards the data.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.busy && c.state == connOpen {
		c.closing(c.limits.Linger)
	}
	if c.busy {
		drained := c.drained
		c.mu.Unlock()
		<-drained // at c.until at the latest
		c.mu.Lock()
	}
	t, tcp := c.Conn.(*net.TCPConn)
	part := tcp && c.linger && c.state == connClosing && len(c.pend) == 0
	c.mu.Unlock()
	if part && t.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, c.Conn, 1<<20) // until the watcher closes, or c.until
	}
	c.mu.Lock()
	c.state, c.pend, c.bound = connDead, nil, 0
	c.mu.Unlock()
	return c.Conn.Close()
}

// SetReadDeadline is called by melody and limits how long the watcher may be silent. It doesn't
// extend the deadline of a closing connection.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != connOpen {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline sets the read deadline; writes don't block.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing: writes don't block.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// parting records that the connection ends because of what the watcher sent, so that more may be on its way.
func (c *conn) parting() {
	c.mu.Lock()
	c.linger = true
	c.mu.Unlock()
}

func (c *conn) wasSlow() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slow
}
