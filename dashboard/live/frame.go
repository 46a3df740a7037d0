package live

import (
	"encoding/binary"

	"snug/shared/protocol"
)

// Frames sent by a server (RFC 6455, section 5.2): whole messages, not masked.

const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	fin     = 0x80
)

var pingFrame = []byte{fin | opPing, 0}

// appendFrame appends a message as one frame.
func appendFrame(b []byte, op byte, payload []byte) []byte {
	switch n := len(payload); {
	case n < 126:
		b = append(b, fin|op, byte(n))
	case n < 1<<16:
		b = append(b, fin|op, 126, byte(n>>8), byte(n))
	default:
		b = append(b, fin|op, 127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, payload...)
}

// textFrame returns a text message as a frame.
func textFrame(payload []byte) []byte {
	return appendFrame(make([]byte, 0, len(payload)+10), opText, payload)
}

// closeFrame returns a close frame with a code and its reason.
func closeFrame(code protocol.CloseCode) []byte {
	p := binary.BigEndian.AppendUint16(nil, uint16(code))
	return appendFrame(nil, opClose, append(p, code.Meaning()...))
}

// frameLen returns the length of the frame that b starts with, or len(b) if b doesn't start with
// one of our frames (the handshake).
func frameLen(b []byte) int {
	if len(b) < 2 || b[0]&fin == 0 {
		return len(b)
	}
	n := len(b)
	switch size := b[1] & 0x7f; {
	case size < 126:
		n = 2 + int(size)
	case size == 126 && len(b) >= 4:
		n = 4 + int(binary.BigEndian.Uint16(b[2:]))
	case size == 127 && len(b) >= 10:
		n = 10 + int(binary.BigEndian.Uint64(b[2:]))
	}
	return min(n, len(b))
}

// framesWithin returns the total length of the whole frames at the start of b that fit into limit
// bytes; at least one frame.
func framesWithin(b []byte, limit int) int {
	if len(b) <= limit {
		return len(b)
	}
	n := frameLen(b)
	for n < len(b) {
		next := frameLen(b[n:])
		if n+next > limit {
			break
		}
		n += next
	}
	return n
}
