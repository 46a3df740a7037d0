package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
)

const (
	goodbyeTimeout = 250 * time.Millisecond // to send a close frame
	lingerTimeout  = 500 * time.Millisecond // to wait for Discord's close frame when the shard is closed
)

// link is one WebSocket connection, from HELLO to its end. The run goroutine reads and handles
// events; a second goroutine, which serve waits for, sends heartbeats.
type link struct {
	s       *Shard
	ws      *websocket.Conn
	cp      Checkpoint // the session it resumes, zero for a new one
	release func(sent bool)
	lost    time.Time
	fails   int
	budget  *budget
	gone    chan struct{} // closed at the end
	pulse   chan struct{} // op 1: Discord wants a heartbeat now

	// Only for the run goroutine.
	frame    bytes.Buffer
	z        *inflater
	interval time.Duration // of heartbeats; 0 before HELLO
	seq      int           // last handled
	ready    bool
	readyAt  time.Time
	lastAck  time.Time

	busy       atomic.Bool  // the handler is running
	spent      atomic.Int64 // nanoseconds spent in the handler in total
	heartbeats heartbeats

	wmu sync.Mutex // one writer at a time

	mu  sync.Mutex
	why error // the first reason it ended for
}

func newLink(s *Shard, ws *websocket.Conn, cp Checkpoint, release func(bool), lost time.Time, fails int) *link {
	ws.SetReadLimit(maxFrame)
	return &link{
		s: s, ws: ws, cp: cp, seq: cp.Seq, release: release, lost: lost, fails: fails,
		budget: newBudget(), gone: make(chan struct{}), pulse: make(chan struct{}, 1),
	}
}

// end ends the link with a reason. Only the first one counts.
func (l *link) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = why
		_ = l.ws.SetReadDeadline(time.Unix(1, 0))
	}
}

// setDeadline sets a deadline, d from now, for the next message; 0 removes it.
func (l *link) setDeadline(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		return
	}
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	_ = l.ws.SetReadDeadline(at)
}

func (l *link) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// serve handles messages until the connection ends, and returns why it did.
func (l *link) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stopEnd := context.AfterFunc(ctx, func() { l.end(errClosing) })
	stopKill := context.AfterFunc(l.s.hard, func() { _ = l.ws.Close() })
	var heart sync.WaitGroup
	err := l.loop(ctx, &heart)
	if why := l.reason(); why != nil {
		err = why
	}
	stopEnd()
	cancel()
	close(l.gone)
	l.s.mu.Lock()
	l.s.link = nil
	l.s.mu.Unlock()
	l.goodbye(err)
	stopKill()
	_ = l.ws.Close()
	heart.Wait()
	if l.z != nil {
		l.z.close()
	}
	return err
}

// loop reads and handles messages.
func (l *link) loop(ctx context.Context, heart *sync.WaitGroup) error {
	l.setDeadline(l.s.cfg.HelloTimeout)
	for {
		b, err := l.read()
		if err != nil {
			return l.explain(err)
		}
		if len(b) == 0 {
			continue
		}
		m, err := parseEnvelope(b)
		if err != nil {
			l.s.gauges.event(outcomeBroken)
			l.s.log.Error("cannot parse a message from Discord: skipped it", "bytes", len(b), "err", err)
			continue
		}
		if err := l.handle(ctx, heart, m); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return errClosing // don't start on the next event
		}
	}
}

// watchLease ends the link when the lease runs out, before another process can take it.
func (l *link) watchLease(ctx context.Context) {
	for {
		left := l.s.cfg.Lease()
		if left <= 0 {
			l.end(errNoLease)
			return
		}
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

// explain turns a read timeout into an error that names what didn't arrive.
func (l *link) explain(err error) error {
	var timeout net.Error // gorilla hides os.ErrDeadlineExceeded
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		return err
	}
	if l.interval == 0 {
		return errNoHello
	}
	return errNoReady
}

// handle handles one message; an error ends the link.
func (l *link) handle(ctx context.Context, heart *sync.WaitGroup, m envelope) error {
	switch m.op {
	case disgo.OpcodeDispatch:
		if l.s.cfg.Lease() <= 0 {
			return errNoLease // Discord repeats it when the session is resumed
		}
		l.dispatch(m)
	case disgo.OpcodeHeartbeat:
		select {
		case l.pulse <- struct{}{}:
		default:
		}
	case disgo.OpcodeReconnect:
		return errReconnect
	case disgo.OpcodeInvalidSession:
		var resumable bool
		_ = json.Unmarshal(m.data, &resumable) // if it's unclear, it isn't resumable
		return &invalidSession{resumable: resumable}
	case disgo.OpcodeHello:
		if l.interval > 0 {
			return nil
		}
		if err := l.hello(m); err != nil {
			return err
		}
		heart.Go(func() { l.beat(ctx) })
		heart.Go(func() { l.watchLease(ctx) })
	case disgo.OpcodeHeartbeatACK:
		l.ack()
	default:
		l.s.log.Debug("ignored a message with an unknown opcode", "op", int(m.op))
	}
	return nil
}

// hello answers HELLO with RESUME or IDENTIFY.
func (l *link) hello(m envelope) error {
	var d disgo.MessageDataHello
	if err := json.Unmarshal(m.data, &d); err != nil || d.HeartbeatInterval <= 0 {
		return errBadHello
	}
	l.interval = time.Duration(d.HeartbeatInterval) * time.Millisecond
	l.setDeadline(l.s.cfg.ReadyTimeout)
	cfg := &l.s.cfg
	if cfg.Lease() <= 0 {
		return errNoLease
	}
	if l.cp.Resumable() {
		l.s.enter(State{Phase: Resuming, Failures: l.fails})
		return l.sendNow(disgo.OpcodeResume,
			disgo.MessageDataResume{Token: cfg.Token, SessionID: l.cp.SessionID, Seq: l.cp.Seq})
	}
	l.s.enter(State{Phase: Identifying, Failures: l.fails})
	err := l.sendNow(disgo.OpcodeIdentify, disgo.MessageDataIdentify{
		Token:          cfg.Token,
		Properties:     disgo.IdentifyCommandDataProperties{OS: runtime.GOOS, Browser: "snug", Device: "snug"},
		LargeThreshold: cfg.LargeThreshold,
		Shard:          &[2]int{cfg.ShardID, cfg.ShardCount},
		Intents:        cfg.Intents,
		Presence:       l.s.Presence(),
	})
	l.release(err == nil)
	return err
}

// sendNow sends a message that must not wait: a heartbeat, IDENTIFY or RESUME.
func (l *link) sendNow(op disgo.Opcode, data disgo.MessageData) error {
	b, err := json.Marshal(disgo.Message{Op: op, D: data})
	if err != nil {
		return err
	}
	l.budget.spend()
	return l.write(b)
}

// write sends one message. After an error the connection can't be used any more.
func (l *link) write(b []byte) error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	_ = l.ws.SetWriteDeadline(time.Now().Add(l.s.cfg.WriteTimeout))
	l.s.gauges.sent()
	return l.ws.WriteMessage(websocket.TextMessage, b)
}

// read returns one message, decompressed. It is valid until the next read.
func (l *link) read() ([]byte, error) {
	kind, r, err := l.ws.NextReader()
	if err != nil {
		return nil, err
	}
	if l.frame.Cap() > keepBuffer {
		l.frame = bytes.Buffer{}
	}
	l.frame.Reset()
	if _, err := l.frame.ReadFrom(r); err != nil {
		return nil, err
	}
	b := l.frame.Bytes()
	if kind == websocket.BinaryMessage {
		if b, err = l.inflate(b); err != nil {
			return nil, err
		}
	}
	l.s.gauges.read(l.frame.Len(), len(b))
	return b, nil
}

// inflate decompresses a frame, if it is compressed: even a server that was asked to compress may
// send text, or plain JSON in binary frames.
func (l *link) inflate(frame []byte) ([]byte, error) {
	if l.z == nil {
		if !bytes.HasPrefix(frame, zstdMagic) {
			return frame, nil
		}
		z, err := newInflater()
		if err != nil {
			return nil, &badStream{err}
		}
		l.z = z
	}
	b, err := l.z.inflate(frame)
	if err != nil {
		return nil, &badStream{err}
	}
	return b, nil
}

// goodbye sends a close frame, unless Discord closed first. When the shard is being closed it waits
// briefly for the answer, so that closing the socket can't overtake the frame.
func (l *link) goodbye(err error) {
	if closeCode(err) != 0 {
		return
	}
	code, text := closeResumable, "reconnecting"
	if errors.Is(err, errClosing) {
		l.s.mu.Lock()
		code, text = l.s.closeCode, l.s.closeText
		l.s.mu.Unlock()
	}
	if l.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text),
		time.Now().Add(goodbyeTimeout)) != nil {
		return
	}
	if errors.Is(err, errClosing) {
		raw := l.ws.NetConn()
		_ = raw.SetReadDeadline(time.Now().Add(lingerTimeout))
		_, _ = io.Copy(io.Discard, raw)
	}
}
