package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"snug/shared/protocol"
	"snug/shared/testkit"
)

// wireClient speaks WebSocket byte by byte, so that it can also speak it wrongly.
type wireClient struct {
	t    testing.TB
	conn net.Conn
}

const wireKey = "dGhlIHNhbXBsZSBub25jZQ=="

// connect opens a TCP connection and sends a handshake; header lines replace those of the same name, an empty
// value removes one.
func (h *harness) connect(t testing.TB, line string, header ...string) (*wireClient, string) {
	t.Helper()
	nc, err := net.Dial("tcp", h.srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patient))
	lines := []string{
		"Host", "x", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", wireKey,
	}
	for i := 0; i < len(header); i += 2 {
		at := -1
		for j := 0; j < len(lines); j += 2 {
			if lines[j] == header[i] {
				at = j
			}
		}
		switch {
		case at < 0:
			lines = append(lines, header[i], header[i+1])
		case header[i+1] == "":
			lines = append(lines[:at], lines[at+2:]...)
		default:
			lines[at+1] = header[i+1]
		}
	}
	var b strings.Builder
	b.WriteString(line + "\r\n")
	for i := 0; i < len(lines); i += 2 {
		b.WriteString(lines[i] + ": " + lines[i+1] + "\r\n")
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(nc, b.String()); err != nil {
		t.Fatal(err)
	}
	c := &wireClient{t, nc}
	var head []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := io.ReadFull(nc, one); err != nil {
			t.Fatalf("%v after %q", err, head)
		}
		head = append(head, one...)
	}
	return c, string(head)
}

func (c *wireClient) write(b []byte) {
	_, _ = c.conn.Write(b) // the server may have closed already; what it said is read then
}

// wireFrame is a masked frame: first byte, how its length is written (0: in the fewest bytes), payload.
func wireFrame(first byte, lengthBytes int, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case lengthBytes == 8 || lengthBytes == 0 && n >= 1<<16:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	case lengthBytes == 2 || lengthBytes == 0 && n >= 126:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = append(b, 0x80|byte(n))
	}
	mask := []byte{0x3a, 0x91, 0x07, 0xc4}
	b = append(b, mask...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

// next reads a frame of the server's.
func (c *wireClient) next() (first byte, payload []byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(c.conn, head); err != nil {
		return 0, nil, err
	}
	if head[1]&0x80 != 0 {
		c.t.Error("5.1: the server masked a frame")
	}
	n := uint64(head[1])
	switch n {
	case 126:
		b := make([]byte, 2)
		_, err = io.ReadFull(c.conn, b)
		n = uint64(binary.BigEndian.Uint16(b))
	case 127:
		b := make([]byte, 8)
		_, err = io.ReadFull(c.conn, b)
		n = binary.BigEndian.Uint64(b)
	}
	if err == nil {
		payload = make([]byte, n)
		_, err = io.ReadFull(c.conn, payload)
	}
	return head[0], payload, err
}

// outcome reads to the end and says what came: messages by their name, pongs,
// the close code ("close" for a close frame without one), and whether TCP ended after it.
func (c *wireClient) outcome() string {
	var said []string
	for {
		first, p, err := c.next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET) && len(said) > 0:
			// reset: we had sent more, which nobody reads
			return strings.Join(said, " ") + " EOF"
		case err != nil:
			return strings.Join(said, " ") + " " + err.Error()
		case first == fin|opClose && len(p) >= 2:
			_ = c.conn.(*net.TCPConn).CloseWrite() // section 7.1.1: now the server closes
			said = append(said, fmt.Sprint(binary.BigEndian.Uint16(p)))
		case first == fin|opClose:
			said = append(said, "close")
		case first == fin|0xa:
			said = append(said, fmt.Sprintf("pong(%.10s)", p))
		case first == fin|opText && bytes.Contains(p, []byte(`"auth.ok"`)):
			said = append(said, "auth.ok")
		case first == fin|opText && bytes.Contains(p, []byte(`"type":"error"`)):
			said = append(said, "error")
		case first == fin|opText: // what happens in the room
		default:
			said = append(said, fmt.Sprintf("frame %x", first))
		}
	}
}

// TestRFC6455Handshake: sections 4 and 9 from the server's side.
func TestRFC6455Handshake(t *testing.T) {
	h := newHarness(t, setup{})
	const get = "GET /api/ws HTTP/1.1"
	for _, c := range []struct {
		section, line string
		header        []string
		status        string
		has, hasNot   string
	}{
		{"4.2.2 a handshake", get, nil, "101", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", ""},
		{"4.2.1.1 another method", "POST /api/ws HTTP/1.1", nil, "404", "", ""},
		{"4.2.1.1 HTTP/1.0", "GET /api/ws HTTP/1.0", nil, "426", "", ""},
		{"4.2.1.2 no Host", get, []string{"Host", ""}, "400", "", ""},
		{"4.2.1.3 no Upgrade", get, []string{"Upgrade", ""}, "426", "Upgrade: websocket", ""},
		{"4.2.1.3 another Upgrade", get, []string{"Upgrade", "h2c"}, "426", "Upgrade: websocket", ""},
		{"4.2.1.3 in any case", get, []string{"Upgrade", "WebSocket"}, "101", "", ""},
		{"4.2.1.4 no Connection", get, []string{"Connection", ""}, "426", "", ""},
		{"4.2.1.4 a list", get, []string{"Connection", "keep-alive, upgrade"}, "101", "", ""},
		{"4.2.1.5 no key", get, []string{"Sec-WebSocket-Key", ""}, "400", "", ""},
		{"4.2.1.5 a short key", get, []string{"Sec-WebSocket-Key", "c2hvcnQ="}, "400", "", ""},
		{"4.2.1.5 no base64", get, []string{"Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!=="}, "400", "", ""},
		{"4.4 an older version", get, []string{"Sec-WebSocket-Version", "8"}, "426", "Sec-Websocket-Version: 13", ""},
		{"4.4 no version", get, []string{"Sec-WebSocket-Version", ""}, "426", "Sec-Websocket-Version: 13", ""},
		{
			"4.2.2.5.4 a subprotocol nobody speaks", get, []string{"Sec-WebSocket-Protocol", "chat, superchat"}, "101",
			"", "Sec-WebSocket-Protocol",
		},
		{
			"9.1 an extension nobody speaks", get, []string{"Sec-WebSocket-Extensions", "permessage-deflate, x"}, "101",
			"", "Sec-WebSocket-Extensions",
		},
	} {
		_, head := h.connect(t, c.line, c.header...)
		_, status, _ := strings.Cut(head, " ")
		if !strings.HasPrefix(status, c.status) || !strings.Contains(head, c.has) ||
			c.hasNot != "" && strings.Contains(head, c.hasNot) {
			t.Errorf("%s: %s", c.section, head)
		}
	}
}

// TestRFC6455 drives the connection by the sections of the RFC. Each case ends
// with a close frame of the client's, unless the server closes first.
func TestRFC6455(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	auth := string(protocol.Auth{Token: h.token(owner, roomA)}.Encode(time.Now()))
	half := len(auth) / 2
	pad := func(n int) string { // a message of n bytes that the protocol takes
		m := strings.TrimSuffix(auth, "}")
		return m + strings.Repeat(" ", n-len(m)-1) + "}"
	}
	const (
		text, binaryOp, cont, ping, pong, end = 1, 2, 0, 9, 10, 8
		bye                                   = "\x03\xe8" // 1000
	)
	f := func(first byte, payload string) []byte { return wireFrame(first, 0, payload) }
	cat := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	ok := f(fin|text, auth)
	unmasked := append([]byte{fin | text, byte(len("{}"))}, "{}"...)
	cases := []struct {
		section string
		send    []byte
		want    string
	}{
		{"5.1 a frame without mask", unmasked, "1002 EOF"},
		{"5.2 a message in one frame", cat(ok, f(fin|end, bye)), "auth.ok 1000 EOF"},
		{"5.2 RSV1 without extension", f(fin|0x40|text, auth), "1002 EOF"},
		{"5.2 RSV2", f(fin|0x20|text, auth), "1002 EOF"},
		{"5.2 RSV3", f(fin|0x10|text, auth), "1002 EOF"},
		{"5.2 reserved opcode 3", f(fin|3, "x"), "1002 EOF"},
		{"5.2 reserved opcode 7", f(fin|7, "x"), "1002 EOF"},
		{"5.2 reserved opcode 11", f(fin|11, ""), "1002 EOF"},
		{"5.2 reserved opcode 15", f(fin|15, ""), "1002 EOF"},
		{
			"5.2 a length of 125", cat(f(fin|ping, strings.Repeat("p", 125)), f(fin|end, bye)),
			"pong(pppppppppp) 1000 EOF",
		},
		{"5.2 a short length in two bytes", wireFrame(fin|text, 2, "{}"), "1002 EOF"},
		{"5.2 a short length in eight bytes", wireFrame(fin|text, 8, auth), "1002 EOF"},
		{
			"5.2 a length with its first bit set",
			[]byte{fin | text, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, "1002 EOF",
		},
		{
			"5.2 a length no machine has",
			[]byte{fin | text, 0x80 | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, "1009 EOF",
		},
		{
			"5.2 the largest message", cat(f(fin|text, pad(protocol.MaxClientMessage)), f(fin|end, bye)),
			"auth.ok 1000 EOF",
		},
		{"5.2 a byte more", f(fin|text, pad(protocol.MaxClientMessage+1)), "1009 EOF"},
		{"5.2 announced and not sent", []byte{fin | text, 0x80 | 127, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0}, "1009 EOF"},

		{"5.4 two fragments", cat(f(text, auth[:half]), f(fin|cont, auth[half:]), f(fin|end, bye)), "auth.ok 1000 EOF"},
		{"5.4 a byte at a time", cat(append(frameEach(auth, 40), f(fin|end, bye))...), "auth.ok 1000 EOF"},
		{"5.4 empty fragments", cat(f(text, ""), f(cont, auth), f(fin|cont, ""), f(fin|end, bye)), "auth.ok 1000 EOF"},
		{
			"5.4 a ping between fragments",
			cat(f(text, auth[:half]), f(fin|ping, "here?"), f(fin|cont, auth[half:]), f(fin|end, bye)),
			"pong(here?) auth.ok 1000 EOF",
		},
		{"5.4 a close between fragments", cat(f(text, auth[:half]), f(fin|end, bye)), "1000 EOF"},
		{"5.4 a message within a message", cat(f(text, auth[:half]), f(fin|text, auth)), "1002 EOF"},
		{"5.4 nothing to continue", f(fin|cont, auth), "1002 EOF"},
		{"5.4 continued after its end", cat(ok, f(fin|cont, "{}")), "auth.ok 1002 EOF"},
		{"5.4 fragments too big together", cat(f(text, pad(4000)), f(fin|cont, strings.Repeat(" ", 97))), "1009 EOF"},

		{"5.5 a control frame of 126", f(fin|ping, strings.Repeat("p", 126)), "1002 EOF"},
		{"5.5 a control frame in fragments", f(ping, "x"), "1002 EOF"},
		{"5.5 a close in fragments", f(end, bye), "1002 EOF"},
		{"5.5.1 close without code", f(fin|end, ""), "close EOF"},
		{"5.5.1 half a code", f(fin|end, "\x03"), "1002 EOF"},
		{"5.5.1 after a close nothing counts", cat(f(fin|end, bye), ok), "1000 EOF"},
		{"5.5.1 a reason that is no UTF-8", f(fin|end, bye+"\xff\xfe"), "1002 EOF"},
		{"5.5.2 an empty ping", cat(f(fin|ping, ""), f(fin|end, bye)), "pong() 1000 EOF"},
		{"5.5.3 a pong nobody asked for", cat(f(fin|pong, "hello"), ok, f(fin|end, bye)), "auth.ok 1000 EOF"},
		{"5.6 a binary message", f(fin|binaryOp, auth), "1003 EOF"},
		{"5.6 an empty message", f(fin|text, ""), "error 1002 EOF"},

		{"8.1 a byte that is never UTF-8", f(fin|text, "{\"v\":1,\"\xff\":1}"), "1007 EOF"},
		{"8.1 written too long", f(fin|text, "{\"\xc0\xaf\":1}"), "1007 EOF"},
		{"8.1 a surrogate", f(fin|text, "{\"\xed\xa0\x80\":1}"), "1007 EOF"},
		{"8.1 beyond Unicode", f(fin|text, "{\"\xf4\x90\x80\x80\":1}"), "1007 EOF"},
		{"8.1 cut in the middle", f(fin|text, "\xe2\x82"), "1007 EOF"},
		{"8.1 a character across fragments", cat(f(text, "{\"\xe2\x82"), f(fin|cont, "\xac\":1}")), "error 1002 EOF"},
	}
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		cases = append(cases, struct {
			section string
			send    []byte
			want    string
		}{
			fmt.Sprintf("7.4 close with %d", code), f(fin|end, string(binary.BigEndian.AppendUint16(nil, code))),
			fmt.Sprintf("%d EOF", code),
		})
	}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535} {
		cases = append(cases, struct {
			section string
			send    []byte
			want    string
		}{
			fmt.Sprintf("7.4.2 close with %d, which is nobody's", code),
			f(fin|end, string(binary.BigEndian.AppendUint16(nil, code))), "1002 EOF",
		})
	}
	for _, flood := range []struct {
		section string
		one     []byte
	}{
		{"5.4 fragments without end", f(cont, "")}, {"5.5.3 a flood of pongs", f(fin|pong, "")},
		{"5.5.2 a flood of pings", f(fin|ping, "")},
	} {
		send := f(text, "")
		if flood.one[0]&fin != 0 {
			send = nil
		}
		cases = append(cases, struct {
			section string
			send    []byte
			want    string
		}{flood.section, append(send, bytes.Repeat(flood.one, 5000)...), "1008 EOF"})
	}
	for _, c := range cases {
		t.Run(c.section, func(t *testing.T) {
			w, head := h.connect(t, "GET /api/ws HTTP/1.1")
			if !strings.HasPrefix(head, "HTTP/1.1 101") {
				t.Fatal(head)
			}
			w.write(c.send)
			got := w.outcome()
			if strings.HasPrefix(c.section, "5.5.2 a flood") { // some are answered before it is too much
				got = got[max(0, strings.LastIndex(got, "1008")):]
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	testkit.Eventually(t, "all are gone", func() bool { return h.l.m.Len() == 0 })
}

// frameEach cuts a message into fragments of n bytes.
func frameEach(m string, n int) (frames [][]byte) {
	first := byte(opText)
	for len(m) > n {
		frames = append(frames, wireFrame(first, 0, m[:n]))
		first, m = 0, m[n:]
	}
	return append(frames, wireFrame(first|fin, 0, m))
}
