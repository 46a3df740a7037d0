package watch

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"snug/shared/protocol"
)

type state uint8

const (
	reads state = iota
	stalls
	ended
)

// conn is one watcher.
type conn struct {
	crowd *Crowd
	room  int
	state state
	got   uint64 // events of its room; at the end of a turn, all
	seen  uint64 // the highest number among them
	rest  []byte // the beginning of a frame
	socket
}

const bufferSize = 256 << 10

// Gather connects as many watchers to each room as per says, 32 at a time. Each token is a room's.
func (l *Loop) Gather(ctx context.Context, addr string, tokens []string, per int) (*Crowd, error) {
	c := &Crowd{
		l: l, reading: make([]int, len(tokens)), sent: make([]uint64, len(tokens)), rooms: rand.New(rand.NewPCG(1, 2)),
	}
	l.crowds = append(l.crowds, c)
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for room, t := range tokens {
		for range per {
			g.Go(func() error {
				nc, rest, err := Connect(ctx, addr, t)
				if err != nil {
					return err
				}
				w := &conn{crowd: c, room: room, rest: rest}
				if w.socket, err = newSocket(nc); err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				c.all = append(c.all, w)
				c.reading[room]++
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, w := range c.all {
		if err := l.p.add(w); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Connect opens a WebSocket, authenticates, and reads until the first message after that. What came with it is in rest.
func Connect(ctx context.Context, addr, token string) (nc net.Conn, rest []byte, err error) {
	d := net.Dialer{Timeout: 30 * time.Second}
	if nc, err = d.DialContext(ctx, "tcp", addr); err != nil {
		return nil, nil, err
	}
	if rest, err = greet(nc, addr, token); err != nil {
		_ = nc.Close()
		return nil, nil, fmt.Errorf("connecting to %s: %w", addr, err)
	}
	return nc, rest, nil
}

func greet(nc net.Conn, addr, token string) (rest []byte, err error) {
	_ = nc.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(nc,
		"GET /api/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		addr)
	br := bufio.NewReaderSize(nc, 4<<10)
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the handshake was answered with %s", res.Status)
	}
	first := []byte(token)
	if !strings.HasPrefix(token, "{") {
		first = protocol.Auth{Token: token}.Encode(time.Now())
	}
	if _, err := nc.Write(maskedFrame(0x1, first)); err != nil {
		return nil, err
	}
	for {
		op, p, err := readFrame(br)
		switch {
		case err != nil:
			return nil, err
		case op == 8:
			return nil, fmt.Errorf("refused: %s", p)
		case op == 1 && !strings.Contains(string(p), `"auth.ok"`):
			rest, _ = br.Peek(br.Buffered())
			return append([]byte(nil), rest...), nc.SetDeadline(time.Time{})
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
	head, err := br.Peek(2)
	if err != nil {
		return 0, nil, err
	}
	op = head[0] & 0xf
	size := 2
	switch head[1] {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if head, err = br.Peek(size); err != nil {
		return 0, nil, err
	}
	whole, _ := frameSize(head)
	_, _ = br.Discard(size) // just looked at
	if whole > bufferSize {
		return 0, nil, errTooLong
	}
	p = make([]byte, whole-size)
	_, err = io.ReadFull(br, p)
	return op, p, err
}

// frameSize returns the length of a server's frame, and that of its head; 0 if too little of it is there.
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
