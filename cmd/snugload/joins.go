package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"
	"time"
)

// joinOptions are the flags of `snugload joins`.
type joinOptions struct {
	guildOptions
	perGuild int // rooms of each guild
	seats    int // people of each room
	rate     int // events a second
	length   time.Duration
}

func parseJoins(args []string, errOut io.Writer) (joinOptions, error) {
	var o joinOptions
	f := flag.NewFlagSet("snugload joins", flag.ContinueOnError)
	f.SetOutput(errOut)
	guilds := f.Int("guilds", 20, "how many servers the bot is in")
	f.IntVar(&o.perGuild, "rooms", 25, "rooms of each")
	f.IntVar(&o.seats, "people", 4, "people of each room")
	f.IntVar(&o.rate, "rate", 1000, "events a second")
	f.DurationVar(&o.length, "for", 10*time.Second, "length of a turn")
	f.IntVar(&o.cycles, "cycles", 3, "turns of each kind of event")
	f.StringVar(&o.snug, "snug", "", "the snug to measure; none: it is built")
	f.BoolVar(&o.pin, "pin", runtime.NumCPU() > 1, "pin Snug to processor 0 and the simulator to 1, with taskset")
	f.BoolVar(&o.json, "json", false, "print JSON, one line for each turn")
	f.StringVar(&o.profile, "profile", "", "also write CPU profiles of the turns to this folder")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag; see snugload joins -help", f.Arg(0))
	}
	if *guilds < 1 || o.perGuild < 1 || o.perGuild > 50 || o.seats < 1 || o.rate < 1 || o.cycles < 1 ||
		o.length < time.Second {
		return o, errors.New("counts must be at least 1, -rooms at most 50, and -for at least 1s")
	}
	o.guilds, o.channels, o.members = []int{*guilds}, 10, o.perGuild*o.seats
	return o, nil
}

// joinFigures are the results of one turn.
type joinFigures struct {
	Kind   string  `json:"kind"`   // joins or mutes
	Rate   float64 `json:"rate"`   // events a second that the simulator dispatched
	CPU    float64 `json:"cpu_us"` // of each, including what was left to do when the last was dispatched
	P50    float64 `json:"p50_ms"` // from Discord's event until the frame is with a watcher
	P95    float64 `json:"p95_ms"`
	P99    float64 `json:"p99_ms"`
	Missed int     `json:"missed"` // events of the watched server whose frame had not come after two seconds
}

// measureJoins opens rooms in a bot's servers, has people join and leave them (and, to compare, mute themselves) at a
// steady rate, and measures what that costs `snug serve` and when a signed-in watcher of one server has it.
func measureJoins(ctx context.Context, o joinOptions, out io.Writer) error {
	tmp, err := os.MkdirTemp("", "snugload")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := o.prepare(ctx, tmp); err != nil {
		return err
	}
	w, err := startWorld(ctx, o.guildOptions, o.guilds[0])
	if err != nil {
		return err
	}
	err = joinTurns(ctx, o, w, filepath.Join(tmp, "data"), out)
	return errors.Join(err, w.end())
}

func joinTurns(ctx context.Context, o joinOptions, w *worldProcess, data string, out io.Writer) (err error) {
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	ops, err := freeAddress()
	if err != nil {
		return err
	}
	if err := w.do("populate"); err != nil {
		return err
	}
	s, err := w.serveSnug(ctx, o.guildOptions, data, addr, "SNUG_OPS_ADDR="+ops)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	if _, _, err := s.await(); err != nil {
		return err
	}
	if err := w.do(fmt.Sprintf("rooms %d %d http://%s", o.perGuild, o.seats, addr)); err != nil {
		return err
	}
	var all []joinFigures
	for cycle := range o.cycles {
		for _, kind := range []string{"mutes", "joins"} {
			profiled := make(chan error, 1)
			profiled <- nil
			if o.profile != "" && cycle == 0 {
				<-profiled
				file := filepath.Join(o.profile, kind+".pprof")
				go func() { profiled <- fetchProfile(ctx, ops, file, o.length) }()
			}
			before := usageOf(s.cmd.Process.Pid).cpu
			var f joinFigures
			err := w.ask(fmt.Sprintf("%s %d %d", kind, o.rate, o.length.Milliseconds()), &f)
			if err := errors.Join(err, <-profiled); err != nil {
				return err
			}
			f.Kind = kind
			f.CPU = (s.rest(ctx) - before) * 1e6 / (f.Rate * o.length.Seconds())
			all = append(all, f)
		}
	}
	return printJoins(out, o, all)
}

// rest waits until Snug has done what was left, half a minute at most, and returns the CPU time it has used.
func (s *snugProcess) rest(ctx context.Context) float64 {
	const look, idle = 500 * time.Millisecond, 0.05
	last := usageOf(s.cmd.Process.Pid).cpu
	for range 60 {
		select {
		case <-time.After(look):
		case <-ctx.Done():
		}
		now := usageOf(s.cmd.Process.Pid).cpu
		if now-last < idle*look.Seconds() {
			return now
		}
		last = now
	}
	return last
}

func printJoins(out io.Writer, o joinOptions, all []joinFigures) error {
	if o.json {
		enc := json.NewEncoder(out)
		for _, f := range all {
			if err := enc.Encode(f); err != nil {
				return err
			}
		}
		return nil
	}
	fmt.Fprintf(out, "%d servers of %d rooms of %d people\n", o.guilds[0], o.perGuild, o.seats)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "events\ta second\tCPU of each\tp50\tp95\tp99\tmissed\t\n")
	for _, f := range all {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f µs\t%.1f ms\t%.1f ms\t%.1f ms\t%d\t\n", f.Kind, f.Rate, f.CPU, f.P50, f.P95,
			f.P99, f.Missed)
	}
	return t.Flush()
}
