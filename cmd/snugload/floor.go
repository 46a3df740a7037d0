package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/cmd/snugload/internal/fanout"
	"snug/shared/protocol"
	"snug/shared/room"
)

// floorSender does the minimum: one encoded frame, and one non-blocking send for each watcher, in a
// loop. What a socket doesn't accept is lost.
type floorSender struct {
	mu    sync.Mutex
	rooms map[int][]*floorConn
	frame []byte
	mark  []byte // its place in frame
}

type floorConn struct {
	net.Conn
	fd uintptr
}

func newFloor() (*floorSender, error) {
	s := &floorSender{rooms: map[int][]*floorConn{}}
	mark := fanout.AppendMark(nil, fanout.Event{At: time.Now().UnixNano()})
	b, err := protocol.EncodeEvent(&room.Live{
		Room: room.Summary{ID: roomID(499), GuildID: guildID}, N: 100_000,
		Event: &room.Event{Fact: room.VoiceJoined{Person: room.Person{
			UserID: snowflake.ID(500 << 22), Username: string(mark),
			DisplayName: "Nelly", Avatar: "a_1269e74af4df7417b13759eae50c83dc", Since: time.Now(),
		}}},
	}, "load", time.Now())
	if err != nil {
		return nil, err
	}
	s.frame = append([]byte{0x81, 126, byte(len(b) >> 8), byte(len(b))}, b...)
	at := bytes.Index(s.frame, mark)
	s.mark = s.frame[at : at+len(mark)]
	return s, nil
}

func (s *floorSender) Token(i int) (string, error) { return strconv.Itoa(i), nil }

// ServeHTTP does the handshake, reads the room's number from the auth message, and sends from then on.
func (s *floorSender) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nc, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(nc,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
			"%s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	go s.read(nc, brw.Reader)
}

func (s *floorSender) read(nc net.Conn, br *bufio.Reader) {
	defer nc.Close()
	head := make([]byte, 6)
	if _, err := io.ReadFull(br, head); err != nil || head[1]&0x7f >= 126 {
		return
	}
	m := make([]byte, int(head[1]&0x7f)) // masked with zeros, as our watchers do
	if _, err := io.ReadFull(br, m); err != nil {
		return
	}
	msg, err := protocol.DecodeClient(m)
	a, ok := msg.(protocol.Auth)
	i, err2 := strconv.Atoi(a.Token)
	if err != nil || !ok || err2 != nil {
		return
	}
	c := &floorConn{Conn: nc}
	if raw, err := nc.(*net.TCPConn).SyscallConn(); err != nil || raw.Control(func(fd uintptr) { c.fd = fd }) != nil {
		return
	}
	_ = nc.(*net.TCPConn).SetWriteBuffer(256 << 10)
	s.mu.Lock()
	s.rooms[i] = append(s.rooms[i], c)
	c.send([]byte("\x81\x02{}")) // tells the watcher that it is connected
	s.mu.Unlock()
	for b := head[:1]; err == nil; {
		_, err = br.Read(b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for j, o := range s.rooms[i] {
		if o == c {
			s.rooms[i] = append(s.rooms[i][:j], s.rooms[i][j+1:]...)
			break
		}
	}
}

func (s *floorSender) Publish(i int, mark []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	copy(s.mark, mark)
	for _, c := range s.rooms[i] {
		c.send(s.frame)
	}
}

func (s *floorSender) Watchers() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range s.rooms {
		n += len(all)
	}
	return n
}

func (s *floorSender) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range s.rooms {
		for _, c := range all {
			_ = c.SetReadDeadline(time.Unix(1, 0))
		}
	}
}
