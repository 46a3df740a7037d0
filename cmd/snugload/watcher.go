package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"snug/shared/protocol"
)

// stampMark precedes the time of an event in its message, and stampLen is its length.
const (
	stampMark = `"username":"t`
	stampLen  = 19
)

func readFull(r io.Reader, b []byte) (int, error) { return io.ReadFull(r, b) }

// watcher is one raw connection: it reads whole frames and does little with them, so that measuring
// costs less than what is measured.
type watcher struct {
	nc       net.Conn
	received atomic.Uint64 // events
	lastN    uint64
	jumps    atomic.Uint64 // events that did not follow the previous one
	late     *histogram    // its own, read after a pause
	mute     atomic.Bool   // read nothing
	wake     chan struct{}
}

// crowd are the watchers of one sender.
type crowd struct {
	all []*watcher
	wg  sync.WaitGroup
}

// gather connects per watchers to each room, 32 at a time, and returns when all are connected.
func gather(ctx context.Context, addr string, tokens []string, per int) (*crowd, error) {
	c := &crowd{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for _, t := range tokens {
		for range per {
			g.Go(func() error {
				w, err := connect(ctx, addr, t)
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				c.all = append(c.all, w)
				c.wg.Go(w.read)
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// stop makes a watcher stop reading, with a small receive buffer.
func (w *watcher) stop() {
	w.mute.Store(true)
	if t, ok := w.nc.(*net.TCPConn); ok {
		_ = t.SetReadBuffer(4 << 10)
	}
}

func (w *watcher) resume() {
	if w.mute.Swap(false) {
		close(w.wake)
	}
}

func (c *crowd) close() {
	for _, w := range c.all {
		w.resume()
		_ = w.nc.Close()
	}
	c.wg.Wait()
}

func (c *crowd) received() (n uint64) {
	for _, w := range c.all {
		n += w.received.Load()
	}
	return n
}

// connect does the handshake, authenticates, and reads until the first message about the room.
func connect(ctx context.Context, addr, token string) (*watcher, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	w := &watcher{nc: nc, late: &histogram{}, wake: make(chan struct{})}
	if err := w.begin(addr, token); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("connecting to %s: %w", addr, err)
	}
	return w, nil
}

func (w *watcher) begin(addr, token string) error {
	_ = w.nc.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(w.nc,
		"GET /api/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		addr)
	br := bufio.NewReaderSize(w.nc, 4<<10)
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the handshake was answered with %s", res.Status)
	}
	m := protocol.Auth{Token: token}.Encode(time.Now())
	m = append(m, strings.Repeat(" ", max(0, 126-len(m)))...) // so that its length takes two bytes
	if _, err := w.nc.Write(maskedFrame(0x1, m)); err != nil {
		return err
	}
	for {
		op, p, err := readFrame(br)
		switch {
		case err != nil:
			return err
		case op == 8:
			return fmt.Errorf("refused: %s", p)
		case op == 1 && !strings.Contains(string(p), `"auth.ok"`):
			if br.Buffered() > 0 {
				return fmt.Errorf("more came at once than expected: %d bytes", br.Buffered())
			}
			return w.nc.SetDeadline(time.Time{})
		}
	}
}

// maskedFrame returns a client's frame of up to 64 KiB, masked with zeros.
func maskedFrame(op byte, p []byte) []byte {
	if len(p) < 126 {
		return append([]byte{0x80 | op, 0x80 | byte(len(p)), 0, 0, 0, 0}, p...)
	}
	return append([]byte{0x80 | op, 0x80 | 126, byte(len(p) >> 8), byte(len(p)), 0, 0, 0, 0}, p...)
}

func readFrame(br *bufio.Reader) (op byte, p []byte, err error) {
	var h [10]byte
	if _, err = readFull(br, h[:2]); err != nil {
		return 0, nil, err
	}
	n := int(h[1])
	switch n {
	case 126:
		_, err = readFull(br, h[2:4])
		n = int(binary.BigEndian.Uint16(h[2:]))
	case 127:
		_, err = readFull(br, h[2:10])
		n = int(binary.BigEndian.Uint64(h[2:]))
	}
	if err != nil {
		return 0, nil, err
	}
	p = make([]byte, n)
	_, err = readFull(br, p)
	return h[0] & 0xf, p, err
}

// read takes what comes until the connection ends.
func (w *watcher) read() {
	defer w.nc.Close()
	buf := make([]byte, 4<<10)
	have := 0
	for {
		if w.mute.Load() {
			<-w.wake
		}
		n, err := w.nc.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		now := time.Now().UnixNano()
		at := 0
		for {
			size, head := frameSize(buf[at:have])
			if size == 0 || at+size > have {
				if size > len(buf) {
					buf = append(buf, make([]byte, size)...)
				}
				break
			}
			w.take(buf[at], buf[at+head:at+size], now)
			at += size
		}
		have = copy(buf, buf[at:have])
	}
}

// frameSize returns the length of a frame and of its head, 0 if too little of it is there.
func frameSize(b []byte) (size, head int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch n := int(b[1]); {
	case n < 126:
		return 2 + n, 2
	case n == 126 && len(b) >= 4:
		return 4 + int(binary.BigEndian.Uint16(b[2:])), 4
	case n == 127 && len(b) >= 10:
		return 10 + int(binary.BigEndian.Uint64(b[2:])), 10
	}
	return 0, 0
}

func (w *watcher) take(first byte, p []byte, now int64) {
	switch first & 0xf {
	case 9:
		_, _ = w.nc.Write(maskedFrame(10, p))
	case 8:
		_, _ = w.nc.Write(maskedFrame(8, p))
	case 1:
		w.received.Add(1)
		if at := number(p, stampMark); at > 0 {
			w.late.add(now - at)
		}
		if n := uint64(number(p, `"n":`)); n > 0 {
			if w.lastN > 0 && n != w.lastN+1 && n != w.lastN {
				w.jumps.Add(1)
			}
			w.lastN = n
		}
	}
}

// number returns the digits after a mark, 0 if there are none.
func number(p []byte, mark string) int64 {
	s := string(p)
	i := strings.Index(s, mark)
	if i < 0 {
		return 0
	}
	s = s[i+len(mark):]
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, _ := strconv.ParseInt(s[:end], 10, 64)
	return n
}
