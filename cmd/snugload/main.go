// Command snugload measures what Snug costs, beside what it could cost at least and beside other programs. snugload
// -help says what it measures and how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"snug/cmd/snugload/internal/fanout"
	"snug/cmd/snugload/internal/figures"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "snugload:", err)
		os.Exit(1)
	}
}

// scenario is something to measure.
type scenario struct {
	name, says string
	measure    func(ctx context.Context, o *options) ([]figures.Table, error)
}

// scenarios returns all of them, in the order in which they run.
func scenarios() (all []scenario) {
	for _, s := range fanoutScenarios {
		all = append(all, scenario{s.name, s.what, s.measure})
	}
	return append(all, programScenarios...)
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) > 1 && args[0] == "be" {
		return be(ctx, args[1], args[2:], in, out)
	}
	o, err := parse(args, os.Stderr)
	if err != nil {
		return err
	}
	if o.watch.url != "" {
		return observe(ctx, o, out)
	}
	if o.pin {
		if err := pin(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "not pinned:", err)
			o.pin = false
		}
	}
	defer o.forget()
	for _, s := range scenarios() {
		if !o.chosen[s.name] {
			continue
		}
		tables, err := s.measure(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for _, t := range tables {
			print := t.Text
			if o.json {
				print = t.JSON
			}
			if err := print(out); err != nil {
				return err
			}
		}
	}
	return nil
}

// be is what snugload's own processes do: a sender, or the simulator.
func be(ctx context.Context, what string, args []string, in io.Reader, out io.Writer) error {
	switch what {
	case "live":
		s, err := newLive(ctx)
		if err != nil {
			return err
		}
		return fanout.Serve(ctx, s, in, out)
	case "floor":
		s, err := newFloor()
		if err != nil {
			return err
		}
		return fanout.Serve(ctx, s, in, out)
	case "discord":
		if len(args) == 1 {
			return serveWorld(ctx, args[0], in, out)
		}
	}
	return fmt.Errorf("snugload can't be %q; it starts itself as live, floor or discord", what)
}
