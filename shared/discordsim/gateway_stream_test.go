package discordsim_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zstd"

	"snug/shared/discordsim"
)

func TestHandshakeUnderEveryCompression(t *testing.T) {
	for _, encoding := range []string{"json", "etf"} {
		for _, compress := range []string{"", "zlib-stream", "zstd-stream", "payload"} {
			t.Run(encoding+"&compress="+compress, func(t *testing.T) {
				w := start(t)
				c := w.dialAs(encoding, compress)
				c.hello()
				c.send(1, nil)
				if p := c.next(); p.Op != 11 {
					t.Fatalf("op %d instead of a heartbeat ACK", p.Op)
				}
				r := c.identify("Bot "+w.Application.BotToken, map[string]any{"compress": compress == "payload"})
				if r.V != 10 || len(r.Guilds) != 1 || !r.Guilds[0].Unavailable || r.Shard != [2]int{0, 1} ||
					r.ResumeURL == "" {
					t.Errorf("READY: %+v", r)
				}
				var g struct {
					ID          json.Number       `json:"id"`
					Unavailable *bool             `json:"unavailable"`
					Channels    []json.RawMessage `json:"channels"`
				}
				c.until("GUILD_CREATE", &g)
				if g.ID.String() != w.Guild.ID.String() || g.Unavailable == nil || *g.Unavailable ||
					len(g.Channels) != 6 {
					t.Errorf("GUILD_CREATE: %+v", g)
				}
			})
		}
	}
}

// dialAs opens a connection with an encoding and a compression: of the stream, or of payloads.
func (w *world) dialAs(encoding, compress string) *client {
	query := "?v=10&encoding=" + encoding
	if strings.HasSuffix(compress, "-stream") {
		query += "&compress=" + compress
	}
	c := w.dial(query)
	c.etf = encoding == "etf"
	switch {
	case strings.HasSuffix(compress, "-stream"):
		c.stream(compress == "zlib-stream")
	case compress == "payload" && !c.etf:
		c.payloads()
	}
	return c
}

// payloads makes the client read payloads each of which may be compressed.
func (c *client) payloads() {
	c.read = func() ([]byte, error) {
		k, raw, err := c.ws.ReadMessage()
		if err != nil || k != websocket.BinaryMessage {
			return raw, err
		}
		z, err := zlib.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	}
}

// stream makes the client read one context for the whole connection. As each message is flushed, what there is so far
// can be read up to the end of the last one.
func (c *client) stream(isZlib bool) {
	var all bytes.Buffer
	read := 0
	c.read = func() ([]byte, error) {
		k, raw, err := c.ws.ReadMessage()
		if err != nil {
			return nil, err
		}
		if k != websocket.BinaryMessage {
			return nil, errors.New("a stream is sent in binary messages")
		}
		if isZlib && !bytes.HasSuffix(raw, []byte{0, 0, 0xff, 0xff}) {
			return nil, errors.New("a message does not end with a flush")
		}
		all.Write(raw)
		whole, err := inflate(isZlib, all.Bytes())
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("a stream that ended: %w", err)
		}
		message := whole[read:]
		read = len(whole)
		return message, nil
	}
}

// inflate decompresses the beginning of a stream.
func inflate(isZlib bool, data []byte) ([]byte, error) {
	if isZlib {
		z, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	}
	z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return io.ReadAll(z)
}

func TestResumeReplaysWhatWasMissed(t *testing.T) {
	w := start(t)
	w.join(w.Users[4], w.Lounge.ID) // so that no session begins there meanwhile
	c, r := w.login(nil)
	seq := c.seq
	if err := w.inject(discordsim.Fault{Kind: discordsim.FaultDrop}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.tryNext(); err == nil {
		t.Fatal("the socket was not cut")
	}
	for _, u := range w.Users[:3] {
		if _, err := w.JoinVoice(w.Guild.ID, u.ID, w.Lounge.ID, discordsim.VoiceFlags{}); err != nil {
			t.Fatal(err)
		}
	}
	c = w.dial("?v=10&encoding=json")
	c.hello()
	c.send(6, map[string]any{"token": w.Application.BotToken, "session_id": r.SessionID, "seq": seq})
	for _, u := range w.Users[:3] {
		p := c.next()
		var v struct {
			UserID string          `json:"user_id"`
			Member json.RawMessage `json:"member"`
		}
		if err := json.Unmarshal(p.D, &v); err != nil || p.T != "VOICE_STATE_UPDATE" || v.UserID != u.ID.String() ||
			v.Member == nil {
			t.Fatalf("replayed %s %s", p.T, p.D)
		}
		if seq++; *p.S != seq {
			t.Fatalf("sequence %d, want %d", *p.S, seq)
		}
	}
	if p := c.next(); p.T != "RESUMED" {
		t.Fatalf("%s instead of RESUMED", p.T)
	}
}
