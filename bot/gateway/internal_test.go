package gateway

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zstd"
)

// TestBudget sends as fast as it may for five minutes: never more than 120 in
// any minute, always room for heartbeats, in order.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		type send struct {
			at   time.Time
			beat bool
		}
		sends := make(chan send, 10000)
		go func() {
			for tick := time.NewTicker(41250 * time.Millisecond); ; {
				select {
				case <-tick.C:
					b.spend()
					sends <- send{time.Now(), true}
				case <-ctx.Done():
					return
				}
			}
		}()
		for b.wait(ctx, nil) == nil {
			sends <- send{time.Now(), false}
		}
		synctest.Wait()
		close(sends)
		var log []send
		for s := range sends {
			log = append(log, s)
		}
		ordinary := 0
		for i, s := range log {
			in := 0
			for _, other := range log[i:] {
				if other.at.Sub(s.at) < budgetWindow {
					in++
				}
			}
			if in > budgetSends {
				t.Fatalf("%d sends within a minute", in)
			}
			if !s.beat {
				ordinary++
			}
		}
		if ordinary < 500 {
			t.Errorf("only %d ordinary sends in five minutes", ordinary)
		}
	})
}

func TestBudgetEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget()
		for b.take() == 0 {
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.wait(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait: %v", err)
		}
		gone := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(gone) })
		if err := b.wait(t.Context(), gone); !errors.Is(err, errGone) {
			t.Errorf("wait: %v", err)
		}
	})
}

// TestIdentifies starts 8 shards with max_concurrency 2 and 6 sessions left.
func TestIdentifiesTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewSessionStarts(slog.New(slog.DiscardHandler))
		l.Update(discord.SessionStartLimit{Total: 1000, Remaining: 6, ResetAfter: 3_600_000, MaxConcurrency: 2})
		began := time.Now()
		at := make([]chan time.Duration, 8)
		var shards sync.WaitGroup
		for shard := range at {
			at[shard] = make(chan time.Duration, 1)
			shards.Go(func() {
				release, err := l.Acquire(t.Context(), shard, func(time.Duration) {})
				if err != nil {
					t.Error(err)
					return
				}
				at[shard] <- time.Since(began)
				time.Sleep(100 * time.Millisecond) // dialling
				release(true)
			})
		}
		shards.Wait()
		times := map[int][]time.Duration{}
		for shard, c := range at {
			times[shard%2] = append(times[shard%2], <-c)
		}
		all := 0
		for group, ts := range times {
			for i, a := range ts {
				if a < time.Hour {
					all++
				}
				for _, b := range ts[i+1:] {
					if d := (a - b).Abs(); d < IdentifyGap+100*time.Millisecond {
						t.Errorf("group %d identified twice within %v", group, d)
					}
				}
			}
		}
		if all != 6 {
			t.Errorf("%d identifies before the limit was reset, 6 were left", all)
		}
		if n, known := l.Remaining(); !known || n != 998 {
			t.Errorf("%d left", n)
		}
	})
}

func TestIdentifiesGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewSessionStarts(slog.New(slog.DiscardHandler))
		l.Update(discord.SessionStartLimit{Total: 10, Remaining: 1, ResetAfter: 60_000, MaxConcurrency: 1})
		none := func(d time.Duration) { t.Errorf("waits %v", d) }
		for range 3 {
			release, err := l.Acquire(t.Context(), 0, none)
			if err != nil {
				t.Fatal(err)
			}
			release(false)
		}
		release, _ := l.Acquire(t.Context(), 0, none)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var told time.Duration
		if _, err := l.Acquire(ctx, 0, func(d time.Duration) { told = d }); !errors.Is(err, context.DeadlineExceeded) ||
			told != IdentifyGap {
			t.Errorf("Acquire: %v, told to wait %v", err, told)
		}
		release(true)
		ctx, cancel = context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		if _, err := l.Acquire(ctx, 0, func(d time.Duration) { told = d }); err == nil || told < 58*time.Second {
			t.Errorf("Acquire: %v, told to wait %v", err, told)
		}
		if release, err := l.Acquire(t.Context(), 0, func(time.Duration) {}); err != nil {
			t.Error(err)
		} else {
			release(true)
		}
	})
}

// TestPolicy judges endings one after another.
func TestPolicy(t *testing.T) {
	cfg := &Config{Backoff: time.Second, Rand: func() float64 { return .5 }}
	drop := errors.New("connection reset")
	closed := func(code int) error { return &websocket.CloseError{Code: code} }
	for _, tt := range []struct {
		name string
		ends []ending
		want verdict // of the last
	}{
		{"first dial fails", []ending{{err: drop}}, verdict{delay: time.Second, locate: true}},
		{
			"four dials fail", []ending{{err: drop}, {err: drop}, {err: drop}, {err: drop}},
			verdict{delay: 8 * time.Second, locate: true},
		},
		{
			"the fifth calls for help", []ending{{err: drop}, {err: drop}, {err: drop}, {err: drop}, {err: drop}},
			verdict{delay: 16 * time.Second, locate: true, alert: true},
		},
		{
			"the sixth does not again",
			[]ending{{err: drop}, {err: drop}, {err: drop}, {err: drop}, {err: drop}, {err: drop}},
			verdict{delay: 16 * time.Second, locate: true},
		},
		{
			"a ready connection drops",
			[]ending{{err: drop, hello: true, ready: true, readyFor: time.Hour, lasted: time.Hour}}, verdict{},
		},
		{
			"right after it was ready", []ending{{err: drop, hello: true, ready: true, lasted: 100 * time.Millisecond}},
			verdict{delay: 900 * time.Millisecond},
		},
		{
			"half-open", []ending{{err: errZombie, hello: true, ready: true, readyFor: time.Hour, lasted: time.Hour}},
			verdict{},
		},
		{
			"rate limited",
			[]ending{{err: closed(4008), hello: true, ready: true, readyFor: time.Hour, lasted: time.Hour}},
			verdict{delay: time.Second},
		},
		{
			"op 9", []ending{{err: &invalidSession{}, hello: true, resuming: true}},
			verdict{forget: true, delay: 3 * time.Second},
		},
		{
			"op 9 resumable", []ending{{err: &invalidSession{true}, hello: true, resuming: true}},
			verdict{delay: 3 * time.Second},
		},
		{
			"op 9 resumable thrice", resumes(3, ending{err: &invalidSession{true}, hello: true}),
			verdict{forget: true, delay: 4 * time.Second},
		},
		{
			"RESUME cut thrice", resumes(3, ending{err: drop, hello: true}),
			verdict{forget: true, delay: 4 * time.Second},
		},
		{
			"cut thrice, with dials that fail between",
			slices.Concat(resumes(2, ending{err: drop, hello: true}), resumes(2, ending{err: drop}),
				resumes(1, ending{err: drop, hello: true})),
			verdict{forget: true, delay: 16 * time.Second, alert: true},
		},
		{
			"cut thrice, but each time a part of the replay came",
			resumes(3, ending{err: drop, hello: true, moved: true}), verdict{delay: 4 * time.Second},
		},
		{
			"a replay that comes in parts for ever", resumes(10, ending{err: drop, hello: true, moved: true}),
			verdict{forget: true, delay: 16 * time.Second},
		},
		{
			"RESUME closed thrice", resumes(3, ending{err: closed(4000), hello: true}),
			verdict{forget: true, delay: 4 * time.Second},
		},
		{
			"neither RESUMED nor an event, thrice", resumes(3, ending{err: errNoReady, hello: true}),
			verdict{forget: true, delay: 4 * time.Second},
		},
		{"no HELLO nine times", resumes(9, ending{err: errNoHello}), verdict{delay: 16 * time.Second, locate: true}},
		{
			"no HELLO ten times", resumes(10, ending{err: errNoHello}),
			verdict{forget: true, delay: 16 * time.Second, locate: true},
		},
		{
			"no such host ten times", resumes(10, ending{err: &net.DNSError{IsNotFound: true}, byResume: true}),
			verdict{forget: true, delay: 16 * time.Second},
		},
		{
			"no certificate ten times", resumes(10, ending{err: x509.UnknownAuthorityError{}, byResume: true}),
			verdict{forget: true, delay: 16 * time.Second},
		},
		{
			"op 7 in place of RESUMED, thrice", resumes(3, ending{err: errReconnect, hello: true}),
			verdict{forget: true, delay: 4 * time.Second},
		},
		{
			"IDENTIFY refused", []ending{{err: &invalidSession{}, hello: true}},
			verdict{forget: true, delay: 3 * time.Second},
		},
		{
			"IDENTIFY refused twice", times(2, ending{err: &invalidSession{}, hello: true}),
			verdict{forget: true, delay: 3 * time.Second, locate: true},
		},
		{
			"IDENTIFY refused six times", times(6, ending{err: &invalidSession{}, hello: true}),
			verdict{forget: true, delay: 40 * time.Second, locate: true},
		},
		{
			"no READY for ever", times(60, ending{err: errNoReady, hello: true}),
			verdict{delay: 5 * time.Minute, locate: true},
		},
		{
			"session timed out", []ending{{err: closed(4009), hello: true, resuming: true}},
			verdict{forget: true, delay: time.Second},
		},
		{
			"too many connections", []ending{{err: &refusal{429, 7 * time.Second}}},
			verdict{delay: 7 * time.Second, locate: true},
		},
		{
			"compression refused", []ending{{err: &refusal{status: 400}}},
			verdict{delay: time.Second, locate: true, plain: true},
		},
		{
			"two broken streams", times(2, ending{err: &badStream{drop}, hello: true}),
			verdict{delay: 2 * time.Second, plain: true, locate: true},
		},
		{"two broken streams, weeks apart", times(2, bad(7*24*time.Hour)), verdict{}},
		{"two broken streams within a minute each", times(2, bad(50*time.Second)), verdict{plain: true}},
		{
			"a broken stream, a good one, a broken one",
			[]ending{
				bad(0), {err: drop, hello: true, ready: true, readyFor: time.Hour, lasted: time.Hour},
				bad(50 * time.Second),
			},
			verdict{},
		},
		{
			"an hour without compression",
			[]ending{{err: drop, hello: true, ready: true, plain: true, readyFor: time.Hour, lasted: time.Hour}},
			verdict{again: true},
		},
		{
			"a minute without compression",
			[]ending{{err: drop, hello: true, ready: true, plain: true, readyFor: time.Minute, lasted: time.Minute}},
			verdict{},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := policy{cfg: cfg}
			var got verdict
			for _, e := range tt.ends {
				got = p.after(e)
			}
			if got != tt.want {
				t.Errorf("got %+v\nexpected %+v", got, tt.want)
			}
		})
	}
}

func times(n int, e ending) []ending { return slices.Repeat([]ending{e}, n) }

// bad is a stream that could not be decoded after it was ready for so long.
func bad(after time.Duration) ending {
	return ending{
		err: &badStream{io.ErrUnexpectedEOF}, hello: true, ready: true, readyFor: after,
		lasted: max(after, time.Second),
	}
}

func resumes(n int, e ending) []ending {
	e.resuming = true
	return times(n, e)
}

// TestPolicyThrift lets everything fail after IDENTIFY, all day: the day's starts suffice.
func TestPolicyThrift(t *testing.T) {
	for name, err := range map[string]error{
		"refused": &invalidSession{}, "no READY": errNoReady, "cut": io.EOF,
		"closed": &websocket.CloseError{Code: 4000},
	} {
		p := policy{cfg: &Config{Backoff: time.Second, Rand: rand.Float64}}
		starts := 0
		for day := 24 * time.Hour; day > 0; starts++ {
			day -= p.after(ending{err: err, hello: true}).delay
		}
		if starts > 500 || starts < 200 {
			t.Errorf("%s: %d starts a day", name, starts)
		}
	}
}

// TestPolicyFlapping slows down a connection that never lasts, but not the first ten times.
func TestPolicyFlapping(t *testing.T) {
	p := policy{cfg: &Config{Backoff: time.Second, Rand: rand.Float64}}
	for n := 1; n <= 20; n++ {
		v := p.after(ending{
			err: errReconnect, hello: true, ready: true, resuming: true, lasted: time.Second, readyFor: time.Second,
		})
		if (n <= flapsForgiven) != (v.delay == 0) {
			t.Errorf("after %d: %v", n, v.delay)
		}
		if v.forget != (n%flapsForgiven == 0) { // a new session may last
			t.Errorf("after %d the session is given up: %v", n, v.forget)
		}
	}
}

func TestLabelsAreFew(t *testing.T) {
	for want, err := range map[string]error{
		"close_4000": &websocket.CloseError{Code: 4000}, "dropped": &websocket.CloseError{Code: 1006},
		"reconnect_asked": errReconnect,
		"invalid_session": &invalidSession{}, "heartbeat_timeout": errZombie, "hello_timeout": errBadHello,
		"ready_timeout": errNoReady,
		"bad_stream":    &badStream{io.EOF}, "refused_429": &refusal{status: 429}, "no_address": errNotReady(),
		"closed_by_us": errClosing,
	} {
		if got := label(err); got != want {
			t.Errorf("%v is %q, expected %q", err, got, want)
		}
	}
}

func TestSocketURL(t *testing.T) {
	for in, want := range map[string]string{
		"wss://gateway.discord.gg":     "wss://gateway.discord.gg/?compress=zstd-stream&encoding=json&v=10",
		"wss://x/y?v=9&compress=zlib":  "wss://x/y?compress=zstd-stream&encoding=json&v=10",
		"http://127.0.0.1:8081/gw":     "ws://127.0.0.1:8081/gw?compress=zstd-stream&encoding=json&v=10",
		"https://discord.example/gw":   "wss://discord.example/gw?compress=zstd-stream&encoding=json&v=10",
		"ftp://x":                      "",
		"gateway.discord.gg":           "",
		"wss://":                       "",
		"ws://%zz":                     "",
		"javascript:alert(document.x)": "",
	} {
		if got, err := socketURL(in, true); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
}

func envelopes() []string {
	return []string{
		`{"t":"VOICE_STATE_UPDATE","s":5,"op":0,"d":{"a":[1,{"b":"}"}],"c":"\"{"}}`,
		`{"op":10,"d":{"heartbeat_interval":41250},"s":null,"t":null}`,
		`{"op":11}`, `{"op":9,"d":false}`, `{"op":1,"d":251}`, `{"op":7,"d":null}`, `{"op":0,"d":[],"t":"X","s":1}`,
		` {"op": 0, "d": {"x": 1}, "t": "READY", "s": 2} `, `{"t":"\u0041","s":1,"op":0,"d":"x"}`, `{"op":0,"extra":1}`,
		`{"op":0,"op":1}`, `{}`, `{"s":1}`, `[]`, `{"op":0,"d":{}`, `{"op":0}}`, `{"op":0,"d":}`,
		`{"op":0,"d":{"x":1}]}`, `{"op":00}`, `{"op":-1}`, ``, `{"op":0,"s":1e3}`,
		`{"Op":3}`, `{"op":0,"d":"\`, `{"op":0,"d":tru,"t":"x"}`,
	}
}

// FuzzEnvelope compares the quick way with encoding/json's.
func FuzzEnvelope(f *testing.F) {
	for _, s := range envelopes() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		quick, ok := splitEnvelope(b)
		if !ok {
			return
		}
		var v struct {
			Op   disgo.Opcode    `json:"op"`
			Seq  int             `json:"s"`
			Kind disgo.EventType `json:"t"`
			Data json.RawMessage `json:"d"`
		}
		if err := json.Unmarshal(b, &v); err != nil {
			// Only the data may be malformed: it is validated where it is decoded.
			if len(quick.data) == 0 || json.Valid(quick.data) {
				t.Fatalf("%q is not JSON (%v), but was taken for %+v", b, err, quick)
			}
			return
		}
		if quick.op != v.Op || quick.seq != v.Seq || quick.kind != v.Kind || !bytes.Equal(quick.data, v.Data) {
			t.Fatalf("%q: %+v, expected %+v", b, quick, v)
		}
	})
}

func TestEnvelope(t *testing.T) {
	taken := 0
	for _, s := range envelopes() {
		if _, ok := splitEnvelope([]byte(s)); ok {
			taken++
		}
	}
	if taken < 7 {
		t.Errorf("the quick way took only %d", taken)
	}
	for _, s := range []string{``, `[]`, `{}`, `{"op":0,"d":{}`, `{"op":"x"}`} {
		if m, err := parseEnvelope([]byte(s)); err == nil {
			t.Errorf("%q was taken for %+v", s, m)
		}
	}
	m, err := parseEnvelope([]byte(` {"op": 0, "d": {"x": 1}, "t": "READY", "s": 2} `))
	if err != nil || m.op != 0 || m.seq != 2 || m.kind != "READY" || string(m.data) != `{"x": 1}` {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestInflate gives messages of all sizes, an empty flush, and two streams one after the other.
func TestInflate(t *testing.T) {
	z, err := newInflater()
	if err != nil {
		t.Fatal(err)
	}
	defer z.close()
	var buf bytes.Buffer
	enc, _ := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, 0, 100, 16 << 10, 16<<10 + 1, 128 << 10, 128<<10 + 1, 3 << 20, 1, 0, 5} {
		text := make([]byte, size)
		for i := range text {
			text[i] = byte('a' + rnd.IntN(20))
		}
		buf.Reset()
		_, _ = enc.Write(text)
		_ = enc.Flush()
		got, err := z.inflate(buf.Bytes())
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%d bytes came out as %d: %v", size, len(got), err)
		}
	}
	buf.Reset()
	_ = enc.Close()
	enc.Reset(&buf)
	_, _ = io.WriteString(enc, "again")
	_ = enc.Flush()
	if got, err := z.inflate(buf.Bytes()); err != nil || string(got) != "again" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := z.inflate([]byte(strings.Repeat("x", 100))); err == nil {
		t.Error("rubbish was decoded")
	}
}

func TestStateLogs(t *testing.T) {
	s := State{Phase: Waiting, Delay: time.Second, Failures: 2, Reason: errZombie}
	if got := fmt.Sprint(s.LogValue()); !strings.Contains(got, "waiting") || !strings.Contains(got, "1s") ||
		!strings.Contains(got, "half-open") {
		t.Error(got)
	}
}
