package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/protocol"
	"snug/shared/room"
)

// floorSender does the minimum: one encoded frame, and one non-blocking send for each watcher, in a
// loop. What a socket doesn't accept is lost.
type floorSender struct {
	mu    sync.Mutex
	rooms map[int][]*floorConn
	frame []byte
	stamp int // offset of the time in frame
}

type floorConn struct {
	net.Conn
	fd uintptr
}

func newFloor() *floorSender {
	s := &floorSender{rooms: map[int][]*floorConn{}}
	now := time.Now()
	b, err := protocol.EncodeEvent(&room.Live{
		Room: room.Summary{ID: roomID(499), GuildID: guildID}, N: 100_000,
		Event: &room.Event{Fact: room.VoiceJoined{Person: room.Person{
			UserID: snowflake.ID(500 << 22), Username: "t" + strconv.FormatInt(now.UnixNano(), 10),
			DisplayName: "Nelly", Avatar: "a_1269e74af4df7417b13759eae50c83dc", Since: now,
		}}},
	}, "load", now)
	if err != nil {
		panic(err) // protocol knows VoiceJoined
	}
	s.frame = append([]byte{0x81, 126, byte(len(b) >> 8), byte(len(b))}, b...)
	s.stamp = strings.Index(string(s.frame), stampMark) + len(stampMark)
	return s
}

func (s *floorSender) token(i int) (string, error) { return strconv.Itoa(i), nil }

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
	head := make([]byte, 8)
	if _, err := readFull(br, head); err != nil || head[1]&0x7f != 126 {
		return
	}
	m := make([]byte, int(head[2])<<8|int(head[3])) // masked with zeros, as our watchers do
	if _, err := readFull(br, m); err != nil {
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
	s.mu.Unlock()
	c.send(s.frame) // tells the watcher that it is connected
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

func (s *floorSender) publish(i int, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	strconv.AppendInt(s.frame[s.stamp:s.stamp], at.UnixNano(), 10)
	for _, c := range s.rooms[i] {
		c.send(s.frame)
	}
}

func (s *floorSender) watchers() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range s.rooms {
		n += len(all)
	}
	return n
}

func (s *floorSender) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range s.rooms {
		for _, c := range all {
			_ = c.SetReadDeadline(time.Unix(1, 0))
		}
	}
}
