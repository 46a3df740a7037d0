package live

import (
	"encoding/binary"
	"errors"
	"time"

	"snug/shared/protocol"
)

// Limits on the frames of a connection: enough for every message in several fragments.
const (
	frameBurst   = 8 * protocol.MessageBurst
	framesPerSec = 8 * protocol.MessagesPerSec
)

var errInbound = errors.New("live: the client sent frames that violate RFC 6455, or too many")

// inbound checks the frames that a watcher sends before gorilla reads them, for what gorilla
// accepts: lengths that aren't encoded in the fewest bytes or have their first bit set (section
// 5.2), a close frame with half a code (5.5.1), and floods of frames that form no message, such as
// empty fragments and pongs. Only the reading goroutine uses it.
type inbound struct {
	head   [10]byte
	have   int
	skip   uint64 // remaining bytes of mask and payload
	tokens float64
	filled time.Time
}

// feed checks what was read and returns the close code for it, or 0.
func (p *inbound) feed(b []byte, now func() time.Time) protocol.CloseCode {
	for len(b) > 0 {
		if p.skip > 0 {
			n := min(uint64(len(b)), p.skip)
			p.skip -= n
			b = b[n:]
			continue
		}
		p.head[p.have] = b[0]
		p.have++
		b = b[1:]
		if p.have < p.headLen() {
			continue
		}
		if code := p.frame(now()); code != 0 {
			return code
		}
		p.have = 0
	}
	return 0
}

// headLen returns the length of the frame's header without the mask, as far as it is known.
func (p *inbound) headLen() int {
	if p.have < 2 {
		return 2
	}
	switch p.head[1] & 0x7f {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

// frame checks a complete header.
func (p *inbound) frame(now time.Time) protocol.CloseCode {
	size := uint64(p.head[1] & 0x7f)
	least := uint64(0)
	switch size {
	case 126:
		size, least = uint64(binary.BigEndian.Uint16(p.head[2:])), 126
	case 127:
		size, least = binary.BigEndian.Uint64(p.head[2:]), 1<<16
	}
	masked := p.head[1]&0x80 != 0
	if size < least || size >= 1<<63 || p.head[0]&0xf == opClose && size == 1 {
		return protocol.CloseProtocol
	}
	p.skip = size
	if masked {
		p.skip += 4
	}
	if p.filled.IsZero() {
		p.tokens = frameBurst
	} else {
		p.tokens = min(frameBurst, p.tokens+now.Sub(p.filled).Seconds()*framesPerSec)
	}
	p.filled = now
	if p.tokens--; p.tokens < 0 {
		return protocol.ClosePolicy
	}
	return 0
}

// Read is called by melody, through gorilla. A violation ends the connection.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if code := c.in.feed(b[:n], time.Now); code != 0 {
		c.parting()
		c.finish(code)
		return 0, errInbound
	}
	return n, err
}
