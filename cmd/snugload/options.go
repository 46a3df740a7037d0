package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are what to measure, and how.
type options struct {
	chosen map[string]bool
	cycles int // 0: as each scenario likes
	length time.Duration
	json   bool
	pin    bool
	others namedCommands
	bots   namedCommands

	rooms, each, hot, hotRate, idle, burst, stalledRate int
	windows, rates                                      []int

	snug                     string // the program to measure; "": it is built
	built                    string // the folder with what was built
	guilds                   []int
	channels, members        int
	settle                   time.Duration
	wholeRate, wholeWatchers int
	profile                  string

	watch struct {
		url, cookie, guild, room string
		watchers                 int
		duration                 time.Duration
	}
}

// namedCommand is a program to compare with.
type namedCommand struct {
	name    string
	command []string
}

type namedCommands []namedCommand

func (s *namedCommands) String() string { return "" }

func (s *namedCommands) Set(v string) error {
	name, command, ok := strings.Cut(v, "=")
	if !ok || name == "" || strings.TrimSpace(command) == "" {
		return errors.New(`write it like node="node server.js"`)
	}
	*s = append(*s, namedCommand{name, strings.Fields(command)})
	return nil
}

// numbers is a flag: numbers above 0, separated by commas.
type numbers struct{ to *[]int }

func (n numbers) String() string {
	if n.to == nil {
		return ""
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*n.to), " ", ","), "[]")
}

func (n numbers) Set(v string) error {
	*n.to = nil
	for s := range strings.SplitSeq(v, ",") {
		i, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || i < 1 {
			return errors.New("write numbers above 0, separated by commas")
		}
		*n.to = append(*n.to, i)
	}
	return nil
}

const help = `snugload measures what Snug costs. Usage:

  snugload [SCENARIO ...] [flags]

Without names it runs those of the fan-out. Each prints a table, or with -json a line for each row.

%s
How it measures
  Fan-out compares what Snug's live view sends (snug) with a plain loop of non-blocking sends of one encoded frame to
  each watcher (floor), which is the least that the kernel requires, and with each -sender. Each has a process of its
  own. They take turns, several in one run. Take the ratios: times differ between machines and from hour to hour.
  Every figure is a median; after a ratio, the middle half of the turns is in parentheses.

  Rates are kept whatever happens: an event's latency counts from when it was due, so a sender that is late can't hide
  it. Each watcher checks every event: its room, its number, its time. What was lost, came to the wrong room or out of
  order has a column, and everything but 0 there is a fault.

  Watchers are read by one thread with epoll. Its own share of a core is in the table, and how much it could take. A
  turn is saturated only if the sender was busy for %d %% and the watchers for less than %d %%; others don't count, and
  the table says so. "Others' CPU" is what the rest of the machine did meanwhile: do not trust a run with much of it.
  On other systems than Linux each watcher has a goroutine, how busy they are is unknown, and nothing is called
  saturated.

  CPU is that of the sender's process a delivery. Memory is resident, after collecting garbage.

With -url it watches a running Snug instead, as somebody who is signed in, and reports how late its messages come.

Flags
`

func parse(args []string, errOut io.Writer) (*options, error) {
	o := &options{
		chosen: map[string]bool{}, windows: []int{256, 1000, 4000}, rates: []int{10_000, 50_000},
		guilds: []int{1000, 5000},
	}
	f := flag.NewFlagSet("snugload", flag.ContinueOnError)
	f.SetOutput(errOut)
	f.IntVar(&o.cycles, "cycles", 0, "turns of each; 0: 12 in fan-out, 3 elsewhere, 1 in stalled and idle")
	f.DurationVar(&o.length, "length", 2*time.Second, "length of a turn")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.BoolVar(&o.pin, "pin", runtime.NumCPU() > 1,
		"pin what is measured to processor 0 and the rest to 1, with taskset")
	f.IntVar(&o.rooms, "rooms", 500, "rooms, in saturated, paced and storm")
	f.IntVar(&o.each, "each", 4, "watchers of each room")
	f.Var(numbers{&o.windows}, "windows", "saturated: how many events are on their way")
	f.Var(numbers{&o.rates}, "rates", "paced: deliveries a second")
	f.IntVar(&o.hot, "hot", 2000, "hot: watchers of the room")
	f.IntVar(&o.hotRate, "hot-rate", 100, "hot: events a second")
	f.IntVar(&o.burst, "burst", 10_000, "storm: events at once")
	f.IntVar(&o.stalledRate, "stalled-rate", 10_000, "stalled: deliveries a second")
	f.IntVar(&o.idle, "idle", 10_000, "idle: watchers")
	f.Var(&o.others, "sender",
		`fan-out: another one, as name="command with arguments"; may be repeated. internal/fanout says what it must do`)
	f.StringVar(&o.snug, "snug", "", "whole program: the snug to measure; none: it is built")
	f.Var(numbers{&o.guilds}, "guilds", "guilds: how many servers the bot is in")
	f.IntVar(&o.channels, "channels", 50, "guilds: channels of each")
	f.IntVar(&o.members, "members", 20, "guilds: members of each")
	f.DurationVar(&o.settle, "settle", 6*time.Second, "guilds: how long to wait before memory is measured again")
	f.Var(&o.bots, "bot",
		`guilds: another bot, as name="command"; may be repeated. guilds_bot.go says what it must do`)
	f.IntVar(&o.wholeRate, "whole-rate", 100, "whole: events a second")
	f.IntVar(&o.wholeWatchers, "whole-watchers", 100, "whole: watchers, over all rooms")
	f.StringVar(&o.profile, "profile", "",
		"also write CPU profiles to this folder, in fan-out and guilds: for go tool pprof FILE ...")
	f.StringVar(&o.watch.url, "url", "", "the address of a running Snug, e.g. http://127.0.0.1:8080")
	f.StringVar(&o.watch.cookie, "cookie", "", "with -url: the session's cookie, name=value")
	f.StringVar(&o.watch.guild, "guild", "", "with -url: the server's id")
	f.StringVar(&o.watch.room, "room", "", "with -url: the room's id; none: the server's page")
	f.IntVar(&o.watch.watchers, "watchers", 100, "with -url: connections")
	f.DurationVar(&o.watch.duration, "for", 30*time.Second, "with -url: how long")
	f.Usage = func() {
		fmt.Fprintf(errOut, help, listed(), senderBusy, watchersBusy)
		f.PrintDefaults()
	}
	names := args
	if i := slices.IndexFunc(args, func(s string) bool { return strings.HasPrefix(s, "-") }); i >= 0 {
		names = args[:i]
	}
	if err := f.Parse(args[len(names):]); err != nil {
		return nil, err
	}
	return o, o.check(names, f.Args())
}

// listed names the scenarios with what they do.
func listed() string {
	var b strings.Builder
	for i, s := range scenarios() {
		switch i {
		case 0:
			b.WriteString("Fan-out\n")
		case len(fanoutScenarios):
			b.WriteString("\nThe whole program\n")
		}
		text := s.says
		for head := s.name; text != ""; head = "" {
			line := text
			if len(text) > 100 {
				line = text[:strings.LastIndexByte(text[:100], ' ')]
			}
			fmt.Fprintf(&b, "  %-11s %s\n", head, line)
			text = strings.TrimPrefix(text[len(line):], " ")
		}
	}
	return b.String()
}

func (o *options) check(names, rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("%q comes after flags; write scenarios first. See snugload -help", rest[0])
	}
	for _, n := range names {
		if !slices.ContainsFunc(scenarios(), func(s scenario) bool { return s.name == n }) {
			return fmt.Errorf("there is no scenario %q; snugload -help lists them", n)
		}
		o.chosen[n] = true
	}
	if len(names) == 0 {
		for _, s := range fanoutScenarios {
			o.chosen[s.name] = true
		}
	}
	for _, n := range []int{
		o.rooms, o.each, o.hot, o.hotRate, o.burst, o.stalledRate, o.idle, o.channels, o.members, o.wholeRate,
		o.wholeWatchers, o.watch.watchers,
	} {
		if n < 1 {
			return errors.New("counts and rates must be at least 1")
		}
	}
	if o.cycles < 0 || o.length < 100*time.Millisecond || o.settle < 0 {
		return errors.New("-cycles and -settle must be at least 0, and -length at least 100ms")
	}
	if o.rooms > 99_999 || o.idle/o.each > 99_999 {
		return errors.New("there can be 99,999 rooms at most")
	}
	return nil
}

func (o *options) cyclesOr(n int) int {
	if o.cycles > 0 {
		return o.cycles
	}
	return n
}

// forget removes what was built.
func (o *options) forget() {
	if o.built != "" {
		_ = os.RemoveAll(o.built)
	}
}
