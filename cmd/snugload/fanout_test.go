package main

import (
	"context"
	"io"
	"testing"
	"time"

	"snug/cmd/snugload/internal/fanout"
	"snug/cmd/snugload/internal/figures"
	"snug/cmd/snugload/internal/watch"
)

// TestSenders drives both senders through each scenario as compare does, but within this process.
func TestSenders(t *testing.T) {
	live, err := newLive(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	floor, err := newFloor()
	if err != nil {
		t.Fatal(err)
	}
	o, err := parse([]string{"-rooms", "3", "-each", "2", "-length", "100ms"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]fanout.Sender{"live": live, "floor": floor} {
		t.Run(name, func(t *testing.T) {
			in, stop := io.Pipe()
			lines, out := io.Pipe()
			served := make(chan error, 1)
			go func() { served <- fanout.Serve(context.Background(), s, in, out) }()
			p := &fanout.Process{Name: name}
			if err := p.Connect(lines); err != nil {
				t.Fatal(err)
			}
			l, err := watch.New()
			if err != nil {
				t.Fatal(err)
			}
			b := &bench{o: o, l: l, p: p, row: &figures.Row{}}
			if err := b.gather(t.Context(), o.rooms, o.each); err != nil {
				t.Fatal(err)
			}
			if r, err := p.Do(fanout.Order{Do: "watchers"}); err != nil || r.Watchers != o.rooms*o.each {
				t.Errorf("%d watchers, %v", r.Watchers, err)
			}
			for _, s := range []watch.Script{
				{For: 50 * time.Millisecond, Window: 20}, {For: 100 * time.Millisecond, Rate: 300},
				{For: 10 * time.Millisecond, Burst: 600},
			} {
				f, _, err := b.played(t.Context(), s)
				if err != nil || f["deliveries"] == 0 || f["p50"] <= 0 || f["p50"] > 60_000 {
					t.Errorf("%+v: %v, %v", s, f, err)
				}
				for _, fault := range []string{"lost", "misrouted", "out of order", "readers cut"} {
					if f[fault] != 0 {
						t.Errorf("%+v: %v %s", s, f[fault], fault)
					}
				}
			}
			if n, err := b.c.Stall(3); err != nil || n != 2 || b.c.Watchers() != 4 {
				t.Errorf("%d stalled, %d read, %v", n, b.c.Watchers(), err)
			}
			if f, _, err := b.played(t.Context(), watch.Script{For: 20 * time.Millisecond, Burst: 30}); err != nil ||
				f["lost"] != 0 {
				t.Errorf("with stalled ones: %v, %v", f, err)
			}
			if f, err := idle(t.Context(), b); err != nil || f == nil {
				t.Errorf("idle: %v, %v", f, err)
			}
			if _, err := p.Do(fanout.Order{Do: "dance"}); err == nil {
				t.Error("an unknown order was obeyed")
			}
			l.Close()
			stop.Close()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}
