package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSenders drives both senders as compare does, but within this process.
func TestSenders(t *testing.T) {
	for _, kind := range []string{"live", "floor"} {
		t.Run(kind, func(t *testing.T) {
			in, orders := io.Pipe()
			replies, out := io.Pipe()
			served := make(chan error, 1)
			go func() { served <- serve(context.Background(), kind, in, out) }()
			p := &process{name: kind, in: orders, out: bufio.NewReader(replies)}
			r, err := p.reply()
			if err != nil {
				t.Fatal(err)
			}
			const rooms, per, events = 3, 2, 60
			tokens, err := p.do(order{Do: "tokens", Rooms: rooms})
			if err != nil {
				t.Fatal(err)
			}
			c, err := gather(t.Context(), r.Addr, tokens.Tokens, per)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := p.do(order{Do: "watchers"}); err != nil || r.Watchers != rooms*per {
				t.Errorf("%d watchers, %v", r.Watchers, err)
			}
			b := &bench{p: p, c: c, rooms: rooms, per: per}
			f, err := measured(b, func() error {
				if _, err := p.do(order{Do: "credit", Rooms: rooms, N: events}); err != nil {
					return err
				}
				return settle(t.Context(), b, events*per)
			})
			if err != nil || c.received() != events*per || f.wrong != 0 || f.p50 <= 0 || f.p50 > time.Minute {
				t.Errorf("received %d, figures %+v, %v", c.received(), f, err)
			}
			if f, err = pace(t.Context(), 200*time.Millisecond, b, 300, nothing); err != nil || f.perSecond == 0 {
				t.Errorf("paced %+v, %v", f, err)
			}
			if _, err := p.do(order{Do: "dance"}); err == nil {
				t.Error("an unknown order was obeyed")
			}
			c.close()
			orders.Close()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{
		{"-scenarios", "fast"}, {"-cycles", "0"}, {"more"}, {"-sender", "node"}, {"-length", "1ms"}, {"-nonsense"},
	} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
	o, err := parse([]string{"-sender", "node=node server.js"}, io.Discard)
	if err != nil || len(o.senders) != 1 || o.senders[0].name != "node" || len(o.senders[0].command) != 2 {
		t.Errorf("%+v, %v", o.senders, err)
	}
	if err := run(t.Context(), []string{"-url", "nowhere"}, nil, io.Discard); err == nil {
		t.Error("an address without a host was taken")
	}
}

func TestHistogram(t *testing.T) {
	h := &histogram{}
	for i := range 1000 {
		h.add(int64(i+1) * 1000)
	}
	counts := make([]uint64, len(h.n))
	h.drain(counts)
	for q, want := range map[float64]time.Duration{.5: 500 * time.Microsecond, .99: 990 * time.Microsecond} {
		if got := quantile(counts, q); got < want || got > want*107/100 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	for i := range 60 * 16 {
		if v := upper(i); slot(uint64(v)) != i {
			t.Fatalf("the highest of slot %d is %d, which is in %d", i, v, slot(uint64(v)))
		}
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	table(&out, senders{{name: "floor"}, {name: "live"}}, [][]figures{{{cpu: 2}, {cpu: 4}}, {{cpu: 1}, {cpu: 3}}})
	if !strings.Contains(out.String(), "0.62") { // the median of 0.5 and 0.75
		t.Errorf("%s", &out)
	}
	if b, err := json.Marshal(order{Do: "pace", Rate: 1.5}); err != nil || !strings.Contains(string(b), `"rate":1.5`) {
		t.Errorf("%s, %v", b, err)
	}
}
