package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"snug/cmd/snugload/internal/fanout"
	"snug/cmd/snugload/internal/figures"
	"snug/cmd/snugload/internal/usage"
	"snug/cmd/snugload/internal/watch"
	"snug/shared/terminal"
)

// bench is a sender with its watchers, in one scenario.
type bench struct {
	o     *options
	l     *watch.Loop
	p     *fanout.Process
	c     *watch.Crowd
	empty int64 // memory of the sender before the watchers connected
	row   *figures.Row
}

// fanoutScenario is one in which senders send events to watchers.
type fanoutScenario struct {
	name, what string
	turns      func(o *options) int
	size       func(o *options) (rooms, per int)
	parts      func(o *options) []part
	alone      bool // one sender after the other: together they would have too many connections
}

// part is a table of a scenario: all its parts take turns with the same watchers.
type part struct {
	what string
	turn func(ctx context.Context, b *bench) (figures.Turn, error)
}

// senders returns the programs to compare: the first is what the others' figures are divided by.
func (o *options) senders() ([]namedCommand, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	all := append([]namedCommand{
		{"floor", []string{self, "be", "floor"}}, {"snug", []string{self, "be", "live"}},
	}, o.others...)
	for i := range all {
		all[i].command = o.bound(all[i].command)
	}
	return all, nil
}

// measure returns a table for each part. Within a cycle each sender has one turn in each part, and every cycle begins
// with another sender.
func (s *fanoutScenario) measure(ctx context.Context, o *options) (tables []figures.Table, err error) {
	all, err := o.senders()
	if err != nil {
		return nil, err
	}
	rooms, per := s.size(o)
	parts := s.parts(o)
	for _, p := range parts {
		what := fmt.Sprintf("%s; %d rooms × %d watchers, medians of %d turns", p.what, rooms, per, s.turns(o))
		t := figures.Table{Scenario: s.name, What: what, Columns: fanoutColumns}
		for _, n := range all {
			t.Rows = append(t.Rows, figures.Row{Subject: n.name})
		}
		tables = append(tables, t)
	}
	bar := terminal.Steps(os.Stderr, s.turns(o)*len(parts)*len(all), s.name)
	defer bar.Done()
	at := 0
	for group := range slices.Chunk(all, s.together(all)) {
		rows := make([][]*figures.Row, len(parts))
		for i := range parts {
			for k := range group {
				rows[i] = append(rows[i], &tables[i].Rows[at+k])
			}
		}
		at += len(group)
		if err := s.takeTurns(ctx, o, group, rows, func() { bar.Add(1) }); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

// together returns how many of the senders there are at a time.
func (s *fanoutScenario) together(all []namedCommand) int {
	if s.alone {
		return 1
	}
	return len(all)
}

// takeTurns runs some senders and adds what they measure to rows, which are by part and sender.
func (s *fanoutScenario) takeTurns(
	ctx context.Context, o *options, group []namedCommand, rows [][]*figures.Row, done func(),
) (err error) {
	l, err := watch.New()
	if err != nil {
		return err
	}
	var benches []*bench
	defer func() {
		l.Close()
		for _, b := range benches {
			err = errors.Join(err, b.p.End())
		}
	}()
	rooms, per := s.size(o)
	for _, n := range group {
		b := &bench{o: o, l: l}
		if b.p, err = fanout.Start(ctx, n.name, n.command); err != nil {
			return err
		}
		benches = append(benches, b)
		if err := b.gather(ctx, rooms, per); err != nil {
			return err
		}
	}
	for cycle := range s.turns(o) {
		for i, p := range s.parts(o) {
			for k := range benches {
				k = (k + cycle) % len(benches)
				b := benches[k]
				b.row = rows[i][k]
				t, err := b.turn(ctx, p, fmt.Sprintf("%s-%d-%s-%d.pprof", s.name, i+1, b.p.Name, cycle+1))
				if err != nil {
					return fmt.Errorf("%s: %w", b.p.Name, err)
				}
				b.row.Turns = append(b.row.Turns, t)
				done()
			}
		}
	}
	return nil
}

// turn has a turn, and a CPU profile of it if one is wanted.
func (b *bench) turn(ctx context.Context, p part, file string) (t figures.Turn, err error) {
	if b.o.profile == "" {
		return p.turn(ctx, b)
	}
	path, err := filepath.Abs(filepath.Join(b.o.profile, file))
	if err != nil {
		return nil, err
	}
	if _, err := b.p.Do(fanout.Order{Do: "profile", File: path}); err != nil {
		return nil, err
	}
	t, err = p.turn(ctx, b)
	_, e := b.p.Do(fanout.Order{Do: "profile"})
	return t, errors.Join(err, e)
}

func (b *bench) gather(ctx context.Context, rooms, per int) error {
	tokens, err := b.p.Do(fanout.Order{Do: "tokens", Rooms: rooms})
	if err != nil {
		return err
	}
	if b.empty, err = b.memory(); err != nil {
		return err
	}
	if b.c, err = b.l.Gather(ctx, b.p.Addr, tokens.Tokens, per); errors.Is(err, syscall.EMFILE) {
		err = fmt.Errorf("%w: raise the limit with ulimit -n, or have fewer watchers", err)
	}
	return err
}

// memory returns the sender's resident memory after it has collected its garbage.
func (b *bench) memory() (int64, error) {
	_, err := b.p.Do(fanout.Order{Do: "settle"})
	now, _ := usage.Memory(b.p.Pid)
	return now, err
}

var fanoutColumns = []figures.Column{
	{Name: "deliveries", Unit: "/s"},
	{Name: "CPU", Unit: "µs", Tens: 2, Ratio: true},
	{Name: "p50", Unit: "ms", Tens: 2},
	{Name: "p95", Unit: "ms", Tens: 2},
	{Name: "p99", Unit: "ms", Tens: 2, Ratio: true},
	{Name: "all after", Unit: "ms", Tens: 1, Ratio: true},
	{Name: "memory each", Unit: "kB", Tens: 1, Ratio: true},
	{Name: "idle CPU", Unit: "% of a core", Tens: 2, Ratio: true},
	{Name: "idle CPU each", Unit: "µs/s", Tens: 2},
	{Name: "connected", Unit: "/s"},
	{Name: "first cut", Unit: "ms"},
	{Name: "all cut", Unit: "ms"},
	{Name: "stalled left", Sum: true},
	{Name: "lost", Sum: true},
	{Name: "misrouted", Sum: true},
	{Name: "out of order", Sum: true},
	{Name: "readers cut", Sum: true},
	{Name: "busy", Unit: "%"},
	{Name: "watchers' thread", Unit: "%"},
	{Name: "it could take", Unit: "/s"},
	{Name: "others' CPU", Unit: "%"},
}

// played runs a script, and returns what there is to say about it whatever it was.
func (b *bench) played(ctx context.Context, s watch.Script) (figures.Turn, watch.Played, error) {
	b.c.Take()
	before, machine := usage.Process(b.p.Pid), usage.Machine()
	self := usage.Process(os.Getpid())
	played, err := b.l.Play(ctx, b.c, b.p, s)
	if err != nil {
		return nil, played, err
	}
	after := usage.Process(b.p.Pid)
	n := b.c.Take()
	t := figures.Turn{
		"lost": float64(n.Lost), "misrouted": float64(n.Misrouted), "out of order": float64(n.Misplaced),
		"readers cut": float64(n.Ended),
	}
	if n.Received > 0 {
		t["deliveries"] = float64(n.Received) / played.Took.Seconds()
		t["p50"], t["p95"], t["p99"] = ms(n.Late.Quantile(.5)), ms(n.Late.Quantile(.95)), ms(n.Late.Quantile(.99))
		if after.OK {
			t["CPU"] = float64(after.CPU-before.CPU) / 1e3 / float64(n.Received)
		}
	}
	if busy := after.BusySince(before); busy >= 0 {
		t["busy"] = 100 * min(busy, 1)
	}
	if played.Busy >= 0 {
		t["watchers' thread"] = 100 * played.Busy
		t["it could take"] = t["deliveries"] / max(played.Busy, .001)
	}
	if after.OK {
		ours := after.CPU - before.CPU + usage.Process(os.Getpid()).CPU - self.CPU
		t["others' CPU"] = 100 * max(float64(usage.Machine()-machine-ours)/float64(after.At.Sub(before.At)), 0)
	}
	return t, played, nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }
