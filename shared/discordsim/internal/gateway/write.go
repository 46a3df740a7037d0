package gateway

import (
	"bytes"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"snug/shared/discordsim/internal/etf"
	"snug/shared/discordsim/internal/faults"
)

// encoder encodes a payload as one WebSocket message. The bytes are valid until the next call.
type encoder interface {
	encode(p []byte) (kind int, data []byte, err error)
}

func newEncoder(compress string, etf bool) encoder {
	switch compress {
	case "zlib-stream":
		e := &zlibStream{}
		e.w = zlib.NewWriter(&e.buf)
		return e
	case "zstd-stream":
		e := &zstdStream{}
		// The options are constant and valid, so there can't be an error.
		e.w, _ = zstd.NewWriter(&e.buf, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
			zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(256<<10))
		return e
	}
	if etf {
		return plainTerms{}
	}
	return plainText{}
}

type plainText struct{}

func (plainText) encode(p []byte) (int, []byte, error) { return websocket.TextMessage, p, nil }

type plainTerms struct{}

func (plainTerms) encode(p []byte) (int, []byte, error) { return websocket.BinaryMessage, p, nil }

// zlibPayload compresses each large message separately: IDENTIFY with compress true, in JSON only.
type zlibPayload struct{}

func (zlibPayload) encode(p []byte) (int, []byte, error) {
	if len(p) < 512 {
		return websocket.TextMessage, p, nil
	}
	var buf bytes.Buffer
	w := zlib.NewWriter(&buf)
	if _, err := w.Write(p); err != nil {
		return 0, nil, err
	}
	err := w.Close()
	return websocket.BinaryMessage, buf.Bytes(), err
}

// zlibStream uses one compression context for the whole connection and flushes after each message.
type zlibStream struct {
	buf bytes.Buffer
	w   *zlib.Writer
}

func (e *zlibStream) encode(p []byte) (int, []byte, error) {
	e.buf.Reset()
	if _, err := e.w.Write(p); err != nil {
		return 0, nil, err
	}
	err := e.w.Flush()
	return websocket.BinaryMessage, e.buf.Bytes(), err
}

type zstdStream struct {
	buf bytes.Buffer
	w   *zstd.Encoder
}

func (e *zstdStream) encode(p []byte) (int, []byte, error) {
	e.buf.Reset()
	if _, err := e.w.Write(p); err != nil {
		return 0, nil, err
	}
	err := e.w.Flush()
	return websocket.BinaryMessage, e.buf.Bytes(), err
}

// writeLoop is the connection's only writer.
func (c *conn) writeLoop() {
	defer func() {
		if z, ok := c.encoder().(*zstdStream); ok {
			_ = z.w.Close() // returns its buffers
		}
	}()
	for {
		if !c.flush() {
			if !c.closing.Load() {
				_ = c.ws.Close()
			}
			return
		}
		select {
		case <-c.wake:
		case <-c.done:
			c.flush()
			return
		}
	}
}

// flush writes the queue, then dispatches, then pending guilds. It returns false if the connection has to end.
func (c *conn) flush() bool {
	for {
		if c.silent.Load() {
			return true
		}
		busy := false
		for _, f := range c.takeControl() {
			busy = true
			if !c.writeFrame(f) {
				return false
			}
		}
		sess := c.session()
		if sess == nil {
			if busy {
				continue
			}
			return true
		}
		for _, it := range sess.after(c.cursor.Load(), 128) {
			busy = true
			if !c.writeItem(sess, it) {
				return false
			}
			if c.hasControl() {
				break
			}
		}
		if c.overrun.Load() {
			c.writeClose(closeUnknown)
			return false
		}
		if !busy && !c.s.streamGuild(sess) {
			return true
		}
	}
}

func (c *conn) hasControl() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.control) > 0 }

func (c *conn) writeFrame(f frame) bool {
	switch {
	case f.drop:
		return false
	case f.code != 0:
		c.writeClose(f.code)
		return false
	}
	return c.write(f.data)
}

// writeClose sends a close frame. The reader continues until the client has answered, for at most a
// second: closing at once could overtake the frame.
func (c *conn) writeClose(code int) {
	c.closing.Store(true)
	msg := websocket.FormatCloseMessage(code, closeReasons[code])
	_ = c.ws.WriteControl(websocket.CloseMessage, msg, time.Now().Add(time.Second))
	_ = c.ws.NetConn().SetReadDeadline(time.Now().Add(time.Second))
}

// writeItem sends one dispatch, with the faults that match it.
func (c *conn) writeItem(sess *session, it item) bool {
	if it.only != nil && it.only != c {
		c.cursor.Store(it.seq)
		return true
	}
	where := faults.Target{App: sess.app.ID, Shard: sess.shard, HasShard: true, Event: it.name, Guild: it.guild}
	if f, ok := c.s.faults.Take(faults.Delay, where); ok && !c.wait(it.at.Add(f.Pause())) {
		return false
	}
	times := 1
	if _, ok := c.s.faults.Take(faults.Duplicate, where); ok {
		times = 2
	}
	if _, ok := c.s.faults.Take(faults.Unknown, where); ok {
		it.data = plant(it.data)
	}
	if _, ok := c.s.faults.Take(faults.Garbled, where); ok {
		it.data = []byte(`"garbled"`)
	}
	if hook := c.s.opts.OnDispatch; hook != nil {
		hook(Dispatch{Time: time.Now(), Queued: it.at, Event: it.name, Application: sess.app.ID, Guild: it.guild,
			User: it.user, Shard: sess.shard, Sequence: it.seq})
	}
	p := make([]byte, 0, len(it.data)+len(it.name)+40)
	p = append(append(append(p, `{"t":"`...), it.name...), `","s":`...)
	p = append(append(strconv.AppendInt(p, it.seq, 10), `,"op":0,"d":`...), it.data...)
	p = append(p, '}')
	for range times {
		if !c.write(p) {
			return false
		}
	}
	c.cursor.Store(it.seq)
	return true
}

// wait blocks the writer until a time; it returns false if the connection ends first.
func (c *conn) wait(until time.Time) bool {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.done:
		return false
	}
}

func (c *conn) encoder() encoder { c.mu.Lock(); defer c.mu.Unlock(); return c.enc }

func (c *conn) write(p []byte) bool {
	if c.etf {
		var err error
		if p, err = etf.Encode(p); err != nil {
			c.s.opts.Log.Error("cannot encode a payload as ETF", "err", err)
			return false
		}
	}
	kind, data, err := c.encoder().encode(p)
	if err != nil {
		c.s.opts.Log.Error("cannot compress a payload", "err", err)
		return false
	}
	_ = c.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.ws.WriteMessage(kind, data) == nil
}
