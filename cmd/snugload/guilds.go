package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// guildOptions are the flags of `snugload guilds`.
type guildOptions struct {
	guilds   []int
	channels int
	members  int
	cycles   int
	settle   time.Duration
	snug     string // the program to measure; "": build it
	pin      bool
	json     bool
	profile  string // folder for CPU profiles; "": none
}

func parseGuilds(args []string, errOut io.Writer) (guildOptions, error) {
	var o guildOptions
	f := flag.NewFlagSet("snugload guilds", flag.ContinueOnError)
	f.SetOutput(errOut)
	sizes := f.String("guilds", "1000,5000", "how many servers the bot is in; several, separated by commas, take turns")
	f.IntVar(&o.channels, "channels", 50, "channels of each")
	f.IntVar(&o.members, "members", 20, "members of each")
	f.IntVar(&o.cycles, "cycles", 3, "starts of each kind")
	f.DurationVar(&o.settle, "settle", 6*time.Second, "how long to wait before memory is measured again")
	f.StringVar(&o.snug, "snug", "", "the snug to measure; none: it is built")
	f.BoolVar(&o.pin, "pin", runtime.NumCPU() > 1, "pin Snug to processor 0 and the simulator to 1, with taskset")
	f.BoolVar(&o.json, "json", false, "print JSON, one line for each size and kind of start")
	f.StringVar(&o.profile, "profile", "", "also write CPU profiles of the starts to this folder")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag; see snugload guilds -help", f.Arg(0))
	}
	for _, s := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-guilds %q: write numbers above 0, separated by commas", *sizes)
		}
		o.guilds = append(o.guilds, n)
	}
	if o.channels < 1 || o.members < 1 || o.cycles < 1 || o.settle < 0 {
		return o, errors.New("counts must be at least 1")
	}
	return o, nil
}

// startFigures are the results of one start of `snug serve`.
type startFigures struct {
	Ready   float64 `json:"ready_s"`    // until the shard is connected
	Served  float64 `json:"served_s"`   // until every server is loaded: a command in any of them works
	CPU     float64 `json:"cpu_s"`      // used until then, user and system
	After   float64 `json:"cpu_more_s"` // used while settling: the checkpoint
	Peak    float64 `json:"peak_mb"`    // most resident memory, up to the end of settling
	Settled float64 `json:"settled_mb"` // resident memory after settling
}

// startSummary are the medians of the starts of one kind.
type startSummary struct {
	Guilds int    `json:"guilds"`
	Kind   string `json:"kind"` // cold or resume
	Starts int    `json:"starts"`
	startFigures
}

// measureGuilds starts Snug with a bot that is in many servers: with an empty data folder, and again with the
// folder that this left, so that it resumes. Sizes take turns. The simulator has a process of its own.
func measureGuilds(ctx context.Context, o guildOptions, out io.Writer) error {
	tmp, err := os.MkdirTemp("", "snugload")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if o.snug == "" {
		o.snug = filepath.Join(tmp, "snug")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.snug, "snug/cmd/snug")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building snug: %w. Build it yourself and name it with -snug", err)
		}
	}
	if o.pin { // the simulator inherits it
		if err := pin(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "not pinned:", err)
			o.pin = false
		}
	}
	got := map[int]map[string][]startFigures{}
	for cycle := range o.cycles {
		for _, n := range o.guilds {
			if got[n] == nil {
				got[n] = map[string][]startFigures{}
			}
			data := filepath.Join(tmp, fmt.Sprintf("%d-%d", n, cycle))
			cold, resumed, err := bothStarts(ctx, o, n, data)
			if err != nil {
				return fmt.Errorf("%d servers: %w", n, err)
			}
			got[n]["cold"], got[n]["resume"] = append(got[n]["cold"], cold), append(got[n]["resume"], resumed)
			if err := errors.Join(os.RemoveAll(data), os.RemoveAll(data+"-first")); err != nil {
				return err
			}
		}
	}
	var all []startSummary
	for _, n := range o.guilds {
		for _, kind := range []string{"cold", "resume"} {
			all = append(all, startSummary{n, kind, o.cycles, medianStart(got[n][kind])})
		}
	}
	return printStarts(out, o, all)
}

// bothStarts starts Snug twice with the same simulator and data folder.
func bothStarts(ctx context.Context, o guildOptions, n int, data string) (cold, resumed startFigures, err error) {
	w, err := startWorld(ctx, o, n)
	if err != nil {
		return cold, resumed, err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	// A bot's very first start registers its commands, which takes a request for each server it is in.
	short := o
	short.settle, short.profile = 0, ""
	if _, err := w.startSnug(ctx, short, data+"-first", "first"); err != nil {
		return cold, resumed, err
	}
	if err := w.do("populate"); err != nil {
		return cold, resumed, err
	}
	if cold, err = w.startSnug(ctx, o, data, "cold"); err != nil {
		return cold, resumed, err
	}
	resumed, err = w.startSnug(ctx, o, data, "resume")
	return cold, resumed, err
}

// worldProcess is a simulator in a process of its own.
type worldProcess struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	info worldInfo
}

func startWorld(ctx context.Context, o guildOptions, n int) (*worldProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worldProcess{cmd: exec.CommandContext(ctx, self, "-serve", "discord", "-populate",
		fmt.Sprintf("%d,%d,%d", n, o.channels, o.members))}
	w.cmd.Stderr = os.Stderr
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	lines, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	w.out = json.NewDecoder(lines)
	if err := w.out.Decode(&w.info); err != nil {
		return nil, errors.Join(fmt.Errorf("the simulator did not start: %w", err), w.end())
	}
	return w, nil
}

// do has the simulator do something: "populate" it, or "try" a command in some of the servers, which fails if Snug
// can't do it.
func (w *worldProcess) do(what string) error {
	if _, err := io.WriteString(w.in, what+"\n"); err != nil {
		return err
	}
	var t tried
	if err := w.out.Decode(&t); err != nil {
		return err
	}
	if len(t.Refused) > 0 {
		return fmt.Errorf("snug said that all servers are loaded, and %d of %d refused a command: %q",
			len(t.Refused), t.Guilds, t.Refused[0])
	}
	return nil
}

func (w *worldProcess) end() error {
	_ = w.in.Close()
	return w.cmd.Wait()
}

// The log lines of `snug serve` that mark how far it is.
const (
	readyLine  = "Snug is ready"
	servedLine = "all servers are loaded"
)

// startSnug measures one start, until Snug has been stopped again.
func (w *worldProcess) startSnug(ctx context.Context, o guildOptions, data, kind string) (f startFigures, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	command := []string{o.snug, "serve"}
	if o.pin {
		command = pinned(command)
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "DISCORD_BOT_TOKEN="+w.info.Token, "DISCORD_CLIENT_ID="+w.info.ID,
		"DISCORD_CLIENT_SECRET="+w.info.Secret, "SNUG_DISCORD_URL="+w.info.URL, "SNUG_ADDR=127.0.0.1:0",
		"SNUG_BASE_URL=http://127.0.0.1:1", "SNUG_DATA="+data, "SNUG_LOG_FORMAT=json", "SNUG_LOG_LEVEL=info")
	var profile func() error
	if o.profile != "" {
		var addr string
		if addr, err = freeAddress(); err != nil {
			return f, err
		}
		cmd.Env = append(cmd.Env, "SNUG_OPS_ADDR="+addr)
		file := filepath.Join(o.profile, fmt.Sprintf("%s-%d.pprof", kind, w.info.Guilds))
		profile = func() error { return fetchProfile(ctx, addr, file) }
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		return f, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return f, err
	}
	profiled := make(chan error, 1)
	if profile != nil {
		go func() { profiled <- profile() }()
	} else {
		profiled <- nil
	}
	marks := follow(log, began)
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		for range marks { // until its log ends
		}
		err = errors.Join(err, cmd.Wait())
	}()
	for f.Ready == 0 || f.Served == 0 {
		m, ok := <-marks
		switch {
		case !ok:
			return f, errors.New("snug ended, or took more than five minutes; run it by hand to see why")
		case m.what == readyLine:
			f.Ready = m.at.Seconds()
		case m.what == servedLine:
			f.Served = m.at.Seconds()
			f.CPU = usageOf(cmd.Process.Pid).cpu
		}
	}
	if err := w.do("try"); err != nil {
		return f, err
	}
	select {
	case <-time.After(o.settle):
	case <-ctx.Done():
		return f, ctx.Err()
	}
	u := usageOf(cmd.Process.Pid)
	f.After, f.Peak, f.Settled = u.cpu-f.CPU, u.peak, u.rss
	return f, <-profiled
}

// mark is a line of the log that says how far Snug is.
type mark struct {
	what string
	at   time.Duration // since the start
}

// follow reads a JSON log until it ends, and returns the marks in it. What else is a warning or an error is shown.
func follow(log io.Reader, began time.Time) <-chan mark {
	marks := make(chan mark, 16)
	go func() {
		defer close(marks)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var l struct{ Level, Msg string }
			if json.Unmarshal(lines.Bytes(), &l) != nil {
				continue
			}
			if l.Msg == readyLine || l.Msg == servedLine {
				select {
				case marks <- mark{l.Msg, time.Since(began)}:
				default:
				}
			}
			if l.Level == "ERROR" || l.Level == "WARN" && !strings.HasPrefix(l.Msg, "the setup has") {
				fmt.Fprintln(os.Stderr, lines.Text())
			}
		}
	}()
	return marks
}

func medianStart(all []startFigures) startFigures {
	of := func(f func(startFigures) float64) float64 {
		return median(len(all), func(i int) float64 { return f(all[i]) })
	}
	return startFigures{
		Ready:   of(func(f startFigures) float64 { return f.Ready }),
		Served:  of(func(f startFigures) float64 { return f.Served }),
		CPU:     of(func(f startFigures) float64 { return f.CPU }),
		After:   of(func(f startFigures) float64 { return f.After }),
		Peak:    of(func(f startFigures) float64 { return f.Peak }),
		Settled: of(func(f startFigures) float64 { return f.Settled }),
	}
}

func printStarts(out io.Writer, o guildOptions, all []startSummary) error {
	if o.json {
		enc := json.NewEncoder(out)
		for _, s := range all {
			if err := enc.Encode(s); err != nil {
				return err
			}
		}
		return nil
	}
	fmt.Fprintf(out, "servers of %d channels and %d members, medians of %d starts\n", o.channels, o.members, o.cycles)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "servers\tstart\tready\tall served\tCPU\tCPU after\tpeak MB\tsettled MB\t\n")
	for _, s := range all {
		fmt.Fprintf(t, "%d\t%s\t%.2f s\t%.2f s\t%.2f s\t%.2f s\t%.0f\t%.0f\t\n", s.Guilds, s.Kind, s.Ready, s.Served,
			s.CPU, s.After, s.Peak, s.Settled)
	}
	return t.Flush()
}

// processUsage is what a process has used.
type processUsage struct{ cpu, peak, rss float64 } // seconds, MB, MB

// usageOf reads /proc; zeros where there is none.
func usageOf(pid int) (u processUsage) {
	read := func(name string) string {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name)) // "" without /proc
		return string(b)
	}
	if _, rest, ok := strings.Cut(read("stat"), ") "); ok {
		fields := strings.Fields(rest) // from the third on; see proc_pid_stat(5)
		user, _ := strconv.ParseFloat(fields[11], 64)
		system, _ := strconv.ParseFloat(fields[12], 64)
		u.cpu = (user + system) / 100
	}
	for line := range strings.Lines(read("status")) {
		name, rest, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		switch name {
		case "VmHWM":
			u.peak = kb / 1e3
		case "VmRSS":
			u.rss = kb / 1e3
		}
	}
	return u
}
