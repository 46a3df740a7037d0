package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"snug/shared/terminal"
	"strings"
	"text/tabwriter"
	"time"
)

// figures are the results of one turn of one sender. 0 means not measured.
type figures struct {
	perSecond     float64       // deliveries
	cpu           float64       // microseconds per delivery
	p50, p95, p99 time.Duration // from the event to the watcher
	bytes         float64       // per watcher
	cut           time.Duration // until the last stalled watcher was cut off
	wrong         uint64        // events that did not follow the previous one
	stalled, left int           // watchers that stalled, and those of them that were not cut off
}

// bench is a sender with its watchers, in one scenario.
type bench struct {
	p      *process
	c      *crowd
	rooms  int
	per    int
	before reply // before the watchers connected
}

type scenario struct {
	name, what string
	cycles     func(o options) int
	size       func(o options) (rooms, per int)
	turn       func(ctx context.Context, o options, b *bench) (figures, error)
}

var scenarios = []scenario{
	{"saturated", "as many events as it takes, over all rooms", many, spread, saturate},
	{"hot", "one room, at a fixed rate", many, func(o options) (int, int) { return 1, o.hot },
		func(ctx context.Context, o options, b *bench) (figures, error) {
			return pace(ctx, o.length, b, o.hotRate, nothing)
		}},
	{"paced", "a fixed rate over all rooms", many, spread,
		func(ctx context.Context, o options, b *bench) (figures, error) {
			return pace(ctx, o.length, b, o.paced/float64(b.per), nothing)
		}},
	{
		"idle", "watchers of rooms in which nothing happens", once,
		func(o options) (int, int) { return max(o.idle/o.each, 1), min(o.each, o.idle) }, weigh,
	},
	{
		"stalled", "as paced, and a third of the watchers stop reading", once,
		func(o options) (int, int) { return min(o.rooms, 4), o.each * 3 }, stall,
	},
}

func nothing() error                { return nil }
func many(o options) int            { return o.cycles }
func once(options) int              { return 1 }
func spread(o options) (r, per int) { return o.rooms, o.each }

func compare(ctx context.Context, o options, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	all := append(senders{{"floor", []string{self, "-serve", "floor"}}, {"live", []string{self, "-serve", "live"}}},
		o.senders...)
	for _, name := range strings.Split(o.scenarios, ",") {
		s := scenarios[slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })]
		results, err := s.run(ctx, o, all)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		rooms, per := s.size(o)
		fmt.Fprintf(out, "\n%s: %s; %d rooms × %d watchers, medians of %d turns\n", s.name, s.what, rooms, per,
			s.cycles(o))
		table(out, all, results)
	}
	return nil
}

// run returns each sender's figures, one turn in each cycle.
func (s scenario) run(ctx context.Context, o options, all senders) (results [][]figures, err error) {
	var benches []*bench
	defer func() {
		for _, b := range benches {
			if b.c != nil {
				b.c.close()
			}
			err = errors.Join(err, b.p.end())
		}
	}()
	rooms, per := s.size(o)
	for _, n := range all {
		p, err := start(ctx, n, o.pin)
		if err != nil {
			return nil, err
		}
		b := &bench{p: p, rooms: rooms, per: per}
		benches = append(benches, b)
		tokens, err := p.do(order{Do: "tokens", Rooms: rooms})
		if err != nil {
			return nil, err
		}
		if b.before, err = p.do(order{Do: "stat"}); err != nil {
			return nil, err
		}
		if b.c, err = gather(ctx, p.addr, tokens.Tokens, per); err != nil {
			return nil, err
		}
	}
	results = make([][]figures, len(all))
	bar := terminal.Steps(os.Stderr, s.cycles(o)*len(benches), s.name)
	defer bar.Done()
	for cycle := range s.cycles(o) {
		for i := range benches {
			k := (i + cycle) % len(benches)
			f, err := s.turn(ctx, o, benches[k])
			if err != nil {
				return nil, err
			}
			results[k] = append(results[k], f)
			bar.Add(1)
		}
	}
	return results, nil
}

// table prints medians, and the medians of the ratios to the first sender in the same cycle.
func table(out io.Writer, all senders, results [][]figures) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "sender\tdeliveries/s\tCPU µs\t× floor\tp50\tp95\tp99\t× floor\tkB each\tcut after\tleft\twrong\t\n")
	for i, r := range results {
		ratio := func(f func(figures) float64) string {
			return cell("%.2f", median(len(r), func(j int) float64 {
				if f(results[0][j]) == 0 {
					return 0
				}
				return f(r[j]) / f(results[0][j])
			}))
		}
		col := func(format string, f func(figures) float64) string {
			return cell(format, median(len(r), func(j int) float64 { return f(r[j]) }))
		}
		ms := func(f func(figures) time.Duration) string {
			return col("%.2f ms", func(g figures) float64 { return f(g).Seconds() * 1e3 })
		}
		last := r[len(r)-1]
		left, wrong := "-", uint64(0)
		if last.stalled > 0 {
			left = fmt.Sprintf("%d of %d", last.left, last.stalled)
		}
		for _, f := range r {
			wrong += f.wrong
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", all[i].name,
			col("%.0f", func(f figures) float64 { return f.perSecond }),
			col("%.2f", func(f figures) float64 { return f.cpu }),
			ratio(func(f figures) float64 { return f.cpu }),
			ms(func(f figures) time.Duration { return f.p50 }), ms(func(f figures) time.Duration { return f.p95 }),
			ms(func(f figures) time.Duration { return f.p99 }),
			ratio(func(f figures) float64 { return float64(f.p99) }),
			col("%.1f", func(f figures) float64 { return f.bytes / 1000 }),
			ms(func(f figures) time.Duration { return f.cut }), left, wrong)
	}
	_ = t.Flush()
}

func cell(format string, v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func median(n int, f func(int) float64) float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = f(i)
	}
	slices.Sort(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
