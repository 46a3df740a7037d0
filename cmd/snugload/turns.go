package main

import (
	"context"
	"fmt"
	"time"

	"snug/cmd/snugload/internal/fanout"
	"snug/cmd/snugload/internal/figures"
	"snug/cmd/snugload/internal/usage"
	"snug/cmd/snugload/internal/watch"
)

var fanoutScenarios = []fanoutScenario{
	{"saturated", "as many events as the sender can take, while a number of them is always on its way", many, spread,
		func(o *options) (all []part) {
			for _, w := range o.windows {
				all = append(all, part{fmt.Sprintf("%d events on their way at a time", w),
					func(ctx context.Context, b *bench) (figures.Turn, error) { return saturate(ctx, b, w) }})
			}
			return all
		}, false},
	{"paced", "a fixed rate over all rooms, each event due at its time, whatever became of those before", many, spread,
		func(o *options) (all []part) {
			for _, r := range o.rates {
				all = append(all, part{fmt.Sprintf("%d deliveries a second", r), paced(float64(r) / float64(o.each))})
			}
			return all
		}, false},
	{"hot", "one room with many watchers, at a fixed rate", many, func(o *options) (int, int) { return 1, o.hot },
		func(o *options) []part {
			return []part{{fmt.Sprintf("%d events a second", o.hotRate), paced(float64(o.hotRate))}}
		}, false},
	{"storm", "many events that are due at once, and how long until the last one is there", many, spread,
		func(o *options) []part {
			return []part{{fmt.Sprintf("%d events at once", o.burst), storm}}
		}, false},
	{"stalled", "a fixed rate before and after every third watcher stopped reading; what is cut, and the others' " +
		"latency", once, func(o *options) (int, int) { return min(o.rooms, 4), o.each * 3 },
		func(o *options) []part {
			rate := float64(o.stalledRate) / float64(o.each*3)
			return []part{
				{fmt.Sprintf("%d deliveries a second, all read", o.stalledRate), pacedFor(rate, stalledFor)},
				{fmt.Sprintf("%d deliveries a second, a third stalled", o.stalledRate), stalled(rate)},
			}
		}, false},
	{"idle", "watchers of rooms in which nothing happens: memory, and the CPU of pings and heartbeats", once,
		func(o *options) (int, int) { return max(o.idle/o.each, 1), min(o.each, o.idle) },
		func(o *options) []part { return []part{{"nothing happens", idle}} }, true},
}

func many(o *options) int            { return o.cyclesOr(12) }
func once(*options) int              { return 1 }
func spread(o *options) (r, per int) { return o.rooms, o.each }

// What a run must be like to call its sender saturated: it must have been busy, and its watchers must not.
const (
	senderBusy   = 90 // percent, at least
	watchersBusy = 93 // percent, at most
)

// saturate keeps events on their way. Only if the sender was the limit there is a figure for what a delivery cost.
func saturate(ctx context.Context, b *bench, window int) (figures.Turn, error) {
	t, _, err := b.played(ctx, watch.Script{For: b.o.length, Window: window})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"p50", "p95", "p99"} {
		delete(t, name) // these measure the queue we made, not the sender
	}
	busy, known := t["busy"]
	why := ""
	switch {
	case !known || t["watchers' thread"] == 0:
		why = "how busy sender and watchers were isn't known in some turns, which don't count"
	case t["watchers' thread"] > watchersBusy:
		why = fmt.Sprintf("not saturated in some turns, which don't count: the watchers were the limit, "+
			"with more than %d %% of a core", watchersBusy)
	case busy < senderBusy:
		why = fmt.Sprintf("not saturated in some turns, which don't count: it was less than %d %% busy", senderBusy)
	}
	if why != "" {
		b.row.Note("%s", why)
		delete(t, "CPU")
		delete(t, "deliveries")
	}
	return t, nil
}

func paced(rate float64) func(context.Context, *bench) (figures.Turn, error) {
	return func(ctx context.Context, b *bench) (figures.Turn, error) {
		return pacedFor(rate, b.o.length)(ctx, b)
	}
}

func pacedFor(rate float64, length time.Duration) func(context.Context, *bench) (figures.Turn, error) {
	return func(ctx context.Context, b *bench) (figures.Turn, error) {
		t, _, err := b.played(ctx, watch.Script{For: length, Rate: rate})
		if t["watchers' thread"] > watchersBusy {
			b.row.Note("the watchers were busy for more than %d %%: latencies are theirs too", watchersBusy)
		}
		return t, err
	}
}

func storm(ctx context.Context, b *bench) (figures.Turn, error) {
	t, p, err := b.played(ctx, watch.Script{For: 20 * time.Millisecond, Burst: b.o.burst})
	if err == nil {
		t["all after"] = ms(p.Took)
	}
	return t, err
}

// stalledFor is how long stalled watchers have until they must be gone.
const stalledFor = 6 * time.Second

// stalled makes every third watcher stop reading. The time until they are cut off begins then, so it includes the time
// in which the kernel's buffers fill.
func stalled(rate float64) func(context.Context, *bench) (figures.Turn, error) {
	return func(ctx context.Context, b *bench) (figures.Turn, error) {
		all, err := b.c.Stall(3)
		if err != nil {
			return nil, err
		}
		began, left := time.Now(), all
		var first, last time.Duration
		t, _, err := b.played(ctx, watch.Script{For: stalledFor, Rate: rate, Each: func() error {
			r, err := b.p.Do(fanout.Order{Do: "watchers"})
			if now := r.Watchers - b.c.Watchers(); err == nil && now < left {
				left, last = now, time.Since(began)
				if first == 0 {
					first = last
				}
			}
			return err
		}})
		if err != nil {
			return nil, err
		}
		if t["stalled left"] = float64(left); left < all {
			t["first cut"] = ms(first)
		}
		if left == 0 {
			t["all cut"] = ms(last)
		}
		return t, nil
	}
}

// idleFor is how long idle watchers are looked at: some pings, and some heartbeats.
const idleFor = 30 * time.Second

// idle compares the sender's memory with what it used before its watchers connected, and looks at what it does
// meanwhile.
func idle(ctx context.Context, b *bench) (figures.Turn, error) {
	length := min(idleFor, b.o.length*15)
	if err := b.l.Tend(ctx, min(time.Second, length/4)); err != nil { // what connecting left to do
		return nil, err
	}
	now, err := b.memory()
	if err != nil {
		return nil, err
	}
	n := float64(b.c.Watchers())
	t := figures.Turn{"memory each": float64(now-b.empty) / n / 1000}
	before := usage.Process(b.p.Pid)
	if err := b.l.Tend(ctx, length); err != nil {
		return nil, err
	}
	after := usage.Process(b.p.Pid)
	if after.OK {
		t["idle CPU"] = 100 * float64(after.CPU-before.CPU) / float64(after.At.Sub(before.At))
		t["idle CPU each"] = t["idle CPU"] / 100 * 1e6 / n
	}
	if ended := b.c.Take().Ended; ended > 0 {
		t["readers cut"] = float64(ended)
	}
	return t, nil
}
