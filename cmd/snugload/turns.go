package main

import (
	"context"
	"time"
)

const ahead = 8 // events of each room on their way at a time, when saturated

// measured gives the figures of what happens during do.
func measured(b *bench, per int, do func() error) (figures, error) {
	counts := make([]uint64, len(histogram{}.n))
	for _, w := range b.c.all {
		w.late.drain(counts)
	}
	clear(counts)
	before, err := b.p.do(order{Do: "cpu"})
	if err != nil {
		return figures{}, err
	}
	got, began := b.c.received(), time.Now()
	if err := do(); err != nil {
		return figures{}, err
	}
	took := time.Since(began)
	after, err := b.p.do(order{Do: "cpu"})
	if err != nil {
		return figures{}, err
	}
	var f figures
	if n := b.c.received() - got; n > 0 {
		f.perSecond = float64(n) / took.Seconds()
		f.cpu = float64(after.CPU-before.CPU) / 1e3 / float64(n)
	}
	for _, w := range b.c.all {
		w.late.drain(counts)
		f.wrong += w.jumps.Swap(0)
	}
	f.p50, f.p95, f.p99 = quantile(counts, .5), quantile(counts, .95), quantile(counts, .99)
	return f, nil
}

// saturate keeps some events of each room on their way.
func saturate(ctx context.Context, o options, b *bench) (figures, error) {
	f, err := measured(b, b.per, func() error {
		base, made := b.c.received(), 0
		tick := time.NewTicker(500 * time.Microsecond)
		defer tick.Stop()
		for end := time.Now().Add(o.length); time.Now().Before(end); {
			done := int(b.c.received()-base) / b.per
			if room := b.rooms*ahead - (made - done); room >= b.rooms {
				if _, err := b.p.do(order{Do: "credit", Rooms: b.rooms, N: room}); err != nil {
					return err
				}
				made += room
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return settle(ctx, b, base+uint64(made*b.per))
	})
	f.p50, f.p95, f.p99 = 0, 0, 0 // they tell of the queue we made, not of the sender
	return f, err
}

// settle waits until all is received, or nothing has come for a while.
func settle(ctx context.Context, b *bench, want uint64) error {
	last, since := b.c.received(), time.Now()
	for last < want && time.Since(since) < 500*time.Millisecond {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if n := b.c.received(); n != last {
			last, since = n, time.Now()
		}
	}
	return nil
}

// pace makes events at a rate.
func pace(ctx context.Context, o options, b *bench, rate float64) (figures, error) {
	return measured(b, b.per, func() error {
		base := b.c.received()
		before, err := b.p.do(order{Do: "pace", Rooms: b.rooms, Rate: rate})
		if err != nil {
			return err
		}
		select {
		case <-time.After(o.length):
		case <-ctx.Done():
			return ctx.Err()
		}
		after, err := b.p.do(order{Do: "stop"})
		if err != nil {
			return err
		}
		return settle(ctx, b, base+(after.Events-before.Events)*uint64(b.per))
	})
}

// weigh compares the sender's memory with what it was before its watchers came.
func weigh(_ context.Context, _ options, b *bench) (figures, error) {
	r, err := b.p.do(order{Do: "stat"})
	return figures{bytes: float64(r.RSS-b.before.RSS) / float64(len(b.c.all))}, err
}

// stall has every third watcher stop reading.
func stall(ctx context.Context, o options, b *bench) (figures, error) {
	var still, others []*watcher
	for i, w := range b.c.all {
		if i%3 == 0 {
			still = append(still, w)
			w.mute.Store(true)
			shrink(w.nc)
		} else {
			others = append(others, w)
		}
	}
	long := o
	long.length = max(o.length, 6*time.Second) // to fill what kernels hold for them
	all := b.c
	b.c = &crowd{all: others}
	began := time.Now()
	f, err := pace(ctx, long, b, o.paced/float64(o.each))
	b.c = all
	f.stalled, f.left = len(still), len(still)
	for _, w := range still {
		if w.mute.Swap(false) {
			close(w.wake)
		}
	}
	time.Sleep(100 * time.Millisecond) // for them to find out
	for _, w := range still {
		if at := w.ended.Load(); at > 0 {
			f.left--
			f.cut = max(f.cut, time.Unix(0, at).Sub(began))
		}
	}
	return f, err
}
