package live

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"snug/shared/hub"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/testkit"
)

// TestOrder: among 500 rooms of 4 watchers, who come while everything happens
// at once, each gets its room's snapshot and then every later event of that
// room, once, in order, and nothing of another.
func TestOrder(t *testing.T) {
	const rooms, each, events = 500, 4, 12
	h := newHarness(t,
		setup{options: func(o *Options) { o.Limits.Shards, o.Limits.PerUser, o.Limits.PerAddress = 3, -1, -1 }})
	id := func(i int) snowflake.ID { return snowflake.ID(i+1) << 22 }
	for i := range rooms {
		h.open(id(i), private)
	}
	watch := func(i int, coming chan struct{}) {
		c, _ := h.watch(owner, id(i))
		last := c.expect(protocol.RoomSnapshot).Rev.N
		<-coming
		for last < events+1 {
			m, err := c.next()
			if err != nil {
				t.Errorf("room %d after %d: %v", i, last, err)
				return
			}
			if m.Event == protocol.Beat {
				continue // it has no revision, and comes in between where this takes long
			}
			if v := as[protocol.Voice](t, m); v.ChannelID != id(i) || m.Rev.N != last+1 {
				t.Errorf("room %d got %d of room %d after %d", i, m.Rev.N, v.ChannelID>>22-1, last)
				return
			}
			last = m.Rev.N
		}
		c.ws.Close()
	}
	var wg sync.WaitGroup
	var mu sync.Mutex // a follower's callbacks come one after the other
	coming := make(chan struct{}, 32)
	for i := range rooms {
		for range each {
			coming <- struct{}{}
			wg.Go(func() { watch(i, coming) })
		}
		wg.Go(func() {
			for n := range events {
				time.Sleep(time.Duration(n) * time.Millisecond) // while they come
				mu.Lock()
				h.change(id(i), joined(snowflake.ID(n+1)), nil)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// stalled is a watcher that reads auth.ok and its snapshot and then nothing more.
func stalled(h *harness) *client {
	c, _ := h.watch(guest, roomA)
	c.expect(protocol.RoomSnapshot)
	c.readBuffer(8 << 10) // so that its kernel does not read for it
	return c
}

func (c *client) readBuffer(size int) {
	nc := c.ws.NetConn()
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	_ = nc.(*net.TCPConn).SetReadBuffer(size)
}

// TestSlowWatcher: who takes nothing is cut off within two seconds, and the others get everything.
func TestSlowWatcher(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	slow := stalled(h)
	const events = 2000
	var wg sync.WaitGroup
	for range 5 {
		c, _ := h.watch(owner, roomA)
		c.expect(protocol.RoomSnapshot)
		wg.Go(func() {
			for last := uint64(1); last < events+1; last++ {
				if m, err := c.next(); err != nil || m.Rev.N != last+1 {
					t.Errorf("after %d came %+v, %v", last, m.Rev, err)
					return
				}
			}
		})
	}
	full := func() bool { // the kernel takes no more for it
		w := h.watcherOf(guest)
		if w == nil {
			return true
		}
		w.conn.mu.Lock()
		defer w.conn.mu.Unlock()
		return w.conn.busy
	}
	var began time.Time
	for n := range events {
		h.join(roomA, other)
		if began.IsZero() && full() {
			began = time.Now()
		}
		if n%50 == 0 {
			time.Sleep(time.Millisecond) // a pace the others can keep under the race detector
		}
	}
	wg.Wait()
	testkit.Eventually(t, "the slow one is gone", func() bool { return h.watcherOf(guest) == nil })
	if began.IsZero() {
		t.Fatal("the slow one was never full; the test sends too little")
	}
	if took := time.Since(began); took > 2*time.Second+patient/10 {
		t.Errorf("it took %v", took)
	}
	for { // it may still read what was on its way; then it ends
		if _, err := slow.next(); err != nil {
			break
		}
	}
}

func (h *harness) watcherOf(user snowflake.ID) *watcher {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	for w := range h.l.watchers {
		if w.admission.user == user {
			return w
		}
	}
	return nil
}

// TestSlowWatcherIsTold: one that reads again in time gets whole messages and then the reason, over plain and
// over blocking connections.
func TestSlowWatcherIsTold(t *testing.T) {
	for _, c := range []struct {
		name string
		tls  bool
	}{{"plain", false}, {"TLS", true}} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, setup{tls: c.tls, options: func(o *Options) {
				o.Limits.MaxQueue, o.Limits.Stall, o.Limits.Linger = 1, patient, patient
			}})
			h.open(roomA, func(l *room.Live) { l.Room.Name = strings.Repeat("n", 1000) })
			slow := stalled(h)
			w := h.watcherOf(guest)
			for !w.conn.wasSlow() {
				h.change(roomA, room.Changed{}, nil)
			}
			slow.readBuffer(1 << 20)
			last := uint64(1)
			for {
				m, err := slow.next()
				if err != nil {
					var ended *websocket.CloseError
					if !errors.As(err, &ended) || ended.Code != int(protocol.ClosePolicy) {
						t.Errorf("ended with %v", err)
					}
					break
				}
				if m.Rev.N != last+1 && m.Event != protocol.RoomSnapshot {
					// it comes in the place of more than anybody should read
					t.Errorf("got %d after %d", m.Rev.N, last)
				}
				last = m.Rev.N
			}
		})
	}
}

func TestOverTLS(t *testing.T) {
	h := newHarness(t, setup{tls: true})
	h.open(roomA, nil)
	c, _ := h.watch(owner, roomA)
	if _, ok := h.watcherOf(owner).conn.Conn.(*tls.Conn); !ok {
		t.Fatal("this is not TLS")
	}
	c.expect(protocol.RoomSnapshot)
	for n := range uint64(300) {
		h.join(roomA, other)
		if m := c.expect(protocol.VoiceJoined); m.Rev.N != n+2 {
			t.Fatalf("got %d, want %d", m.Rev.N, n+2)
		}
	}
	h.l.EndSession("s" + owner.String())
	c.expectClose(protocol.CloseSessionOver)
}

// TestBigRoom: a room above the limit is flushed at intervals, and nothing is lost by that.
func TestBigRoom(t *testing.T) {
	reg := prometheus.NewRegistry()
	h := newHarness(t, setup{options: func(o *Options) {
		o.Limits.BigRoom, o.Limits.Gap, o.Limits.Shards, o.Registerer = 2, 5*time.Millisecond, 1, reg
	}})
	h.open(roomA, nil)
	h.open(roomB, nil)
	var all []*client
	for range 3 {
		c, _ := h.watch(owner, roomA)
		c.expect(protocol.RoomSnapshot)
		all = append(all, c)
	}
	const events = 200
	for range events {
		h.join(roomA, other)
	}
	for _, c := range all {
		for n := range uint64(events) {
			if m := c.expect(protocol.VoiceJoined); m.Rev.N != n+2 {
				t.Fatalf("got %d, want %d", m.Rev.N, n+2)
			}
		}
	}
	testkit.Eventually(t, "the count", func() bool { return h.l.metrics.deliveries.Load() == 3*events })
	if n := h.l.metrics.sends.Load(); n >= 3*events/2 {
		t.Errorf("%d sends for %d deliveries: nothing went together", n, 3*events)
	}
	families, err := reg.Gather()
	if err != nil || !slices.ContainsFunc(families, func(f *dto.MetricFamily) bool {
		return f.GetName() == "snug_live_deliveries_total" && f.GetMetric()[0].GetCounter().GetValue() == 3*events
	}) {
		t.Errorf("metrics %v, %v", families, err)
	}
	_ = New(Options{Registerer: reg, Log: discard()}) // a second one goes without metrics, not without life
}

// TestBacklog: more than anybody could read is replaced by a snapshot.
func TestBacklog(t *testing.T) {
	l := New(Options{})
	s := l.shards[0] // not running
	q := &queue{s: s}
	message := make([]byte, 1000)
	snapshots := 0
	snap := func() []byte { snapshots++; return []byte("whole") }
	q.publish(message, snap)
	q.add(&subscription{conn: newConn(nil, &l.o.Limits, &l.wg)}, nil)
	kept := len(q.pend)
	for range backlog/1000 + 1 {
		q.publish(message, snap)
	}
	if snapshots != 1 || !bytes.HasPrefix(q.pend[kept:], textFrame([]byte("whole"))) || len(q.pend) > 10_000 {
		t.Errorf("%d snapshots, %d bytes kept", snapshots, len(q.pend))
	}
	if !s.take(q) || len(q.cur.ops) != 1 || q.cur.ops[0].at != kept {
		t.Errorf("the subscription moved: %+v", q.cur.ops)
	}
}

func TestPings(t *testing.T) {
	h := newHarness(t,
		setup{
			options: func(o *Options) {
				o.Limits.BeatEvery, o.Limits.Sweep = 10*time.Millisecond, 10*time.Millisecond
				o.Limits.PingEvery, o.Limits.SilentFor = 20*time.Millisecond, 150*time.Millisecond
			},
		})
	h.open(roomA, nil)
	alive, _ := h.watch(owner, roomA)
	alive.expect(protocol.RoomSnapshot)
	h.watch(guest, roomA) // reads no more, so it answers no pings
	pings := make(chan struct{}, 100)
	pong := alive.ws.PingHandler()
	alive.ws.SetPingHandler(func(s string) error { pings <- struct{}{}; return pong(s) })
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m := (message{Event: protocol.Beat}); m.Event != protocol.VoiceJoined; {
			var err error
			if m, err = alive.next(); err != nil || m.Event != protocol.Beat && m.Event != protocol.VoiceJoined {
				t.Errorf("waiting for the event came %+v, %v", m, err)
				return
			}
		}
	}()
	for range 12 {
		<-pings
	}
	testkit.Eventually(t, "the silent one is gone", func() bool { return h.l.m.Len() == 1 })
	h.join(roomA, other)
	<-done
}

// TestHub: the hub's own bucket as the source.
func TestHub(t *testing.T) {
	hb, err := hub.Open(t.Context(), hub.Options{Dir: t.TempDir(), Log: discard()})
	if err != nil {
		t.Fatal(err)
	}
	defer hb.Close(t.Context())
	h := newHarness(t, setup{early: true, options: func(o *Options) { o.Rosters, o.Guilds = hb.Rosters, hb.Guilds }})
	put := func(v *room.Live) {
		h.rooms[roomA] = v
		if _, err := hb.Rosters.Put(t.Context(), key(roomA), *v); err != nil {
			t.Fatal(err)
		}
	}
	v := &room.Live{
		N: 1, Room: room.Summary{ID: roomA, GuildID: guildA, Name: "Friday", Access: room.Access{OwnerID: owner}},
		Event: &room.Event{Fact: room.Opened{}},
	}
	put(v)
	if _, err := hb.Guilds.Put(t.Context(), guildA.String(), room.GuildInfo{ID: guildA, Ready: true}); err != nil {
		t.Fatal(err)
	}
	c, _ := h.watch(owner, roomA)
	if m := c.expect(protocol.RoomSnapshot); m.Rev.N != 1 || m.Rev.Epoch == "" {
		t.Errorf("rev %+v", m.Rev)
	}
	for n := range uint64(50) {
		v.N, v.Event = n+2, &room.Event{Fact: joined(guest), At: time.Now()}
		put(v)
		if m := c.expect(protocol.VoiceJoined); m.Rev.N != n+2 {
			t.Fatalf("got %d, want %d", m.Rev.N, n+2)
		}
	}
	if err := hb.Rosters.Delete(t.Context(), key(roomA)); err != nil {
		t.Fatal(err)
	}
	c.expect(protocol.RoomDeleted)
	h.once.Do(h.close) // before the hub
}

func TestFrames(t *testing.T) {
	var all []byte
	var ends []int
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 70000} {
		f := textFrame(make([]byte, n))
		if got := frameLen(append(f, "more"...)); got != len(f) {
			t.Errorf("a message of %d is a frame of %d, measured %d", n, len(f), got)
		}
		all = append(all, f...)
		ends = append(ends, len(all))
	}
	all = append(all, closeFrame(protocol.CloseRestart)...)
	ends = append(ends, len(all))
	for limit := 1; limit < len(all)+10; limit += 97 {
		want := ends[0]
		for _, e := range ends {
			if e <= limit {
				want = e
			}
		}
		if got := framesWithin(all, limit); got != want {
			t.Errorf("within %d: %d, want %d", limit, got, want)
		}
	}
	c := &conn{pend: append([]byte(nil), all...)}
	for step := 1; len(c.pend) > 0; step = step*2 + 1 {
		c.took(min(step, len(c.pend)))
		done := len(all) - len(c.pend)
		for _, e := range ends {
			if e >= done {
				if c.bound != e-done && len(c.pend) > 0 {
					t.Fatalf("after %d the next frame is at %d, want %d", done, c.bound, e-done)
				}
				break
			}
		}
	}
	if n := frameLen([]byte("HTTP/1.1 101")); n != 12 {
		t.Errorf("the handshake is %d long", n)
	}
}

// TestRawClient: frames as they are on the wire, without a library to mend them.
func TestRawClient(t *testing.T) {
	h := newHarness(t, setup{})
	h.open(roomA, nil)
	nc, err := net.Dial("tcp", h.srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patient))
	fmt.Fprint(nc,
		"GET /api/ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
			"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
	head := make([]byte,
		len("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"))
	if _, err := io.ReadFull(nc, head); err != nil ||
		!strings.HasSuffix(string(head), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n") {
		t.Fatalf("%q, %v", head, err)
	}
	m := protocol.Auth{Token: h.token(owner, roomA)}.Encode(time.Now())
	frame := []byte{fin | opText, 0x80 | 126, byte(len(m) >> 8), byte(len(m)), 0, 0, 0, 0} // a mask of zeros
	nc.Write(append(frame, m...))
	read := func() (byte, []byte) {
		b := make([]byte, 4)
		if _, err := io.ReadFull(nc, b[:2]); err != nil {
			t.Fatal(err)
		}
		n := int(b[1])
		if n == 126 {
			io.ReadFull(nc, b[2:])
			n = int(b[2])<<8 | int(b[3])
		}
		p := make([]byte, n)
		if _, err := io.ReadFull(nc, p); err != nil {
			t.Fatal(err)
		}
		return b[0], p
	}
	for _, want := range []string{`"auth.ok"`, `"room.snapshot"`} {
		if op, p := read(); op != fin|opText || !strings.Contains(string(p), want) {
			t.Errorf("%x %s, want %s", op, p, want)
		}
	}
	h.l.EndSession("s" + owner.String())
	if op, p := read(); op != fin|opClose || len(p) < 2 || int(p[0])<<8|int(p[1]) != 4003 {
		t.Errorf("%x %q", op, p)
	}
}
