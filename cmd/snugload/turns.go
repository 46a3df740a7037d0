package main

import (
	"context"
	"time"
)

// measured returns the figures for what happens during do.
func measured(b *bench, do func() error) (figures, error) {
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

// saturate keeps some events of each room in flight.
func saturate(ctx context.Context, o options, b *bench) (figures, error) {
	f, err := measured(b, func() error {
		base, made := b.c.received(), 0
		tick := time.NewTicker(500 * time.Microsecond)
		defer tick.Stop()
		for end := time.Now().Add(o.length); time.Now().Before(end); {
			done := int(b.c.received()-base) / b.per
			if room := b.rooms*o.ahead - (made - done); room >= b.rooms/2 {
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
	f.p50, f.p95, f.p99 = 0, 0, 0 // these measure the queue we made, not the sender
	return f, err
}

// settle waits until everything is received, or nothing has arrived for a while.
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

// pace makes events at a rate, and calls look from time to time.
func pace(ctx context.Context, length time.Duration, b *bench, rate float64, look func() error) (figures, error) {
	return measured(b, func() error {
		base := b.c.received()
		before, err := b.p.do(order{Do: "pace", Rooms: b.rooms, Rate: rate})
		if err != nil {
			return err
		}
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(length); time.Now().Before(end); {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := look(); err != nil {
				return err
			}
		}
		after, err := b.p.do(order{Do: "stop"})
		if err != nil {
			return err
		}
		return settle(ctx, b, base+(after.Events-before.Events)*uint64(len(b.c.all)/b.rooms))
	})
}

// weigh compares the sender's memory with what it used before its watchers connected.
func weigh(_ context.Context, _ options, b *bench) (figures, error) {
	r, err := b.p.do(order{Do: "stat"})
	return figures{bytes: float64(r.RSS-b.before.RSS) / float64(len(b.c.all))}, err
}

// stall makes every third watcher stop reading. The time until they are cut off includes the time
// in which the kernels' buffers fill.
func stall(ctx context.Context, o options, b *bench) (figures, error) {
	var still, others []*watcher
	for i, w := range b.c.all {
		if i%3 == 0 {
			still = append(still, w)
			w.stop()
		} else {
			others = append(others, w)
		}
	}
	all := b.c
	b.c = &crowd{all: others}
	began, left, cut := time.Now(), len(still), time.Duration(0)
	f, err := pace(ctx, max(o.length, 6*time.Second), b, o.paced/float64(b.per), func() error {
		r, err := b.p.do(order{Do: "watchers"})
		if now := r.Watchers - len(others); err == nil && now < left {
			left, cut = now, time.Since(began)
		}
		return err
	})
	b.c = all
	f.stalled, f.left, f.cut = len(still), left, cut
	for _, w := range still {
		w.resume()
	}
	return f, err
}
