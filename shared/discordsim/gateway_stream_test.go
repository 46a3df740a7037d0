package discordsim_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	"snug/shared/discordsim"
)

func TestHandshakeUnderEveryCompression(t *testing.T) {
	for _, compress := range []string{"", "zlib-stream", "zstd-stream", "payload"} {
		t.Run("compress="+compress, func(t *testing.T) {
			w := start(t)
			query := "?v=10&encoding=json"
			more := map[string]any{}
			switch compress {
			case "payload":
				more["compress"] = true
			case "":
			default:
				query += "&compress=" + compress
			}
			c := w.dial(query)
			c.decompress(compress)
			c.hello()
			c.send(1, nil)
			if p := c.next(); p.Op != 11 {
				t.Fatalf("op %d instead of a heartbeat ACK", p.Op)
			}
			r := c.identify("Bot "+w.Application.BotToken, more)
			if r.V != 10 || len(r.Guilds) != 1 || !r.Guilds[0].Unavailable || r.Shard != [2]int{0, 1} ||
				r.ResumeURL == "" {
				t.Errorf("READY: %+v", r)
			}
			var g struct {
				ID          string            `json:"id"`
				Unavailable *bool             `json:"unavailable"`
				Channels    []json.RawMessage `json:"channels"`
			}
			c.until("GUILD_CREATE", &g)
			if g.ID != w.Guild.ID.String() || g.Unavailable == nil || *g.Unavailable || len(g.Channels) != 6 {
				t.Errorf("GUILD_CREATE: %+v", g)
			}
		})
	}
}

// decompress makes the client read what the query asked for.
func (c *client) decompress(kind string) {
	switch kind {
	case "zlib-stream", "zstd-stream":
		c.stream(kind)
	case "payload":
		c.read = func() ([]byte, error) {
			k, raw, err := c.ws.ReadMessage()
			if err != nil || k != 2 {
				return raw, err
			}
			z, err := zlib.NewReader(bytes.NewReader(raw))
			if err != nil {
				return nil, err
			}
			return io.ReadAll(z)
		}
	}
}

// stream reads one context for the whole connection: each message is flushed,
// so the decoder gives one JSON value for each.
func (c *client) stream(kind string) {
	pr, pw := io.Pipe()
	c.t.Cleanup(func() { pw.Close(); pr.Close() })
	values := make(chan json.RawMessage)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(values)
		var r io.Reader
		if kind == "zlib-stream" {
			z, err := zlib.NewReader(pr)
			if err != nil {
				return
			}
			r = z
		} else {
			z, err := zstd.NewReader(pr, zstd.WithDecoderConcurrency(1))
			if err != nil {
				return
			}
			defer z.Close()
			r = z
		}
		dec := json.NewDecoder(r)
		for {
			var v json.RawMessage
			if dec.Decode(&v) != nil {
				return
			}
			values <- v
		}
	}()
	c.t.Cleanup(func() {
		pw.Close()
		for range values {
		}
		<-done
	})
	c.read = func() ([]byte, error) {
		k, raw, err := c.ws.ReadMessage()
		if err != nil {
			return nil, err
		}
		if k != 2 {
			return nil, errors.New("a stream is sent in binary messages")
		}
		if kind == "zlib-stream" && !bytes.HasSuffix(raw, []byte{0, 0, 0xff, 0xff}) {
			return nil, errors.New("a message does not end with a flush")
		}
		if _, err := pw.Write(raw); err != nil {
			return nil, err
		}
		return <-values, nil
	}
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
