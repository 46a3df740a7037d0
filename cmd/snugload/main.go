// Command snugload measures dashboard/live: what a delivery costs, its latency, the memory of an
// idle watcher, and the effect of a stalled one on others.
//
// Each sender under test runs in its own process. By default these are Snug's (live) and a plain
// loop of non-blocking sends of one encoded frame to each watcher (floor), which is the minimum
// that the kernel requires. The senders take turns, several times within one run; the ratios
// between them are what matters, because times differ between machines and from hour to hour. A
// sender is any program that speaks the small protocol of sender.go on its standard input and
// output, so others can be compared too: -sender node="node server.js".
//
// With -url it watches a running Snug instead and reports the latency of its messages.
//
// snugload guilds measures something else: how `snug serve` starts with a bot that is in thousands of servers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "snugload:", err)
		os.Exit(1)
	}
}

// options are the command-line flags.
type options struct {
	serve     string // run as this sender, or as the simulator of `snugload guilds`
	populate  string // what is in that simulator
	scenarios string
	cycles    int
	length    time.Duration
	rooms     int
	each      int
	ahead     int
	hot       int
	hotRate   float64
	paced     float64
	idle      int
	pin       bool
	senders   senders

	url, cookie, guild, room string
	watchers                 int
	duration                 time.Duration
}

// senders are the programs to compare, in the given order.
type senders []namedCommand

type namedCommand struct {
	name    string
	command []string
}

func (s *senders) String() string { return "" }

func (s *senders) Set(v string) error {
	name, command, ok := strings.Cut(v, "=")
	if !ok || name == "" || command == "" {
		return errors.New(`write it like node="node server.js"`)
	}
	*s = append(*s, namedCommand{name, strings.Fields(command)})
	return nil
}

func parse(args []string, errOut io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("snugload", flag.ContinueOnError)
	f.SetOutput(errOut)
	f.StringVar(&o.serve, "serve", "",
		"be a sender, live or floor, or discord, the simulator (used by snugload itself)")
	f.StringVar(&o.populate, "populate", "", "with -serve discord: guilds,channels,members")
	f.StringVar(&o.scenarios, "scenarios", "saturated,hot,paced,idle,stalled", "what to measure")
	f.IntVar(&o.cycles, "cycles", 12, "turns of each sender")
	f.DurationVar(&o.length, "length", 2*time.Second, "length of a turn")
	f.IntVar(&o.rooms, "rooms", 500, "rooms, in saturated, paced and stalled")
	f.IntVar(&o.each, "each", 4, "watchers of each room")
	f.IntVar(&o.ahead, "ahead", 2, "events of each room on their way at a time, in saturated")
	f.IntVar(&o.hot, "hot", 2000, "watchers of the one room of hot")
	f.Float64Var(&o.hotRate, "hot-rate", 200, "its events a second")
	f.Float64Var(&o.paced, "paced", 10000, "deliveries a second, in paced and stalled")
	f.IntVar(&o.idle, "idle", 5000, "watchers of idle")
	f.BoolVar(&o.pin, "pin", runtime.NumCPU() > 1, "pin senders to processor 0 and watchers to 1, with taskset")
	f.Var(&o.senders, "sender", `another sender: name="command with arguments"; may be repeated`)
	f.StringVar(&o.url, "url", "", "watch the Snug at this address instead, e.g. http://127.0.0.1:8080")
	f.StringVar(&o.cookie, "cookie", "", "with -url: the session's cookie, name=value")
	f.StringVar(&o.guild, "guild", "", "with -url: the server's id")
	f.StringVar(&o.room, "room", "", "with -url: the room's id; none: the server's page")
	f.IntVar(&o.watchers, "watchers", 100, "with -url: connections")
	f.DurationVar(&o.duration, "for", 30*time.Second, "with -url: how long")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag; see snugload -help", f.Arg(0))
	}
	if o.cycles < 1 || o.rooms < 1 || o.each < 1 || o.ahead < 1 || o.hot < 1 || o.idle < 1 || o.watchers < 1 ||
		o.length < 100*time.Millisecond {
		return o, errors.New("counts must be at least 1, and -length at least 100ms")
	}
	for _, s := range strings.Split(o.scenarios, ",") {
		if !slices.ContainsFunc(scenarios, func(c scenario) bool { return c.name == s }) {
			return o, fmt.Errorf("unknown scenario %q; choose from saturated, hot, paced, idle and stalled", s)
		}
	}
	return o, nil
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) > 0 && args[0] == "guilds" {
		o, err := parseGuilds(args[1:], os.Stderr)
		if err != nil {
			return err
		}
		return measureGuilds(ctx, o, out)
	}
	o, err := parse(args, os.Stderr)
	if err != nil {
		return err
	}
	switch {
	case o.serve == "discord":
		return serveWorld(ctx, o.populate, in, out)
	case o.serve != "":
		return serve(ctx, o.serve, in, out)
	case o.url != "":
		return observe(ctx, o, out)
	}
	if o.pin {
		if err := pin(ctx); err != nil {
			fmt.Fprintln(out, "not pinned:", err)
			o.pin = false
		}
	}
	return compare(ctx, o, out)
}
