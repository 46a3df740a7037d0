package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"snug/cmd/snugload/internal/figures"
	"snug/cmd/snugload/internal/usage"
)

var startColumns = []figures.Column{
	{Name: "ready", Unit: "s", Tens: 2, Ratio: true},      // until the shard is connected
	{Name: "all loaded", Unit: "s", Tens: 2, Ratio: true}, // until a command in any server works
	{Name: "CPU", Unit: "s", Tens: 2, Ratio: true},        // used until then
	{Name: "CPU after", Unit: "s", Tens: 2},               // used while settling: the checkpoint
	{Name: "peak", Unit: "MB"},                            // most resident memory, up to the end of settling
	{Name: "memory", Unit: "MB", Ratio: true},             // after settling
}

// measureGuilds starts Snug with a bot that is in many servers: with an empty data folder, and again with the
// folder that this left, so that it resumes. Sizes take turns. The simulator has a process of its own.
func measureGuilds(ctx context.Context, o *options) (tables []figures.Table, err error) {
	if err := o.build(ctx); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "snugload")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	cycles := o.cyclesOr(3)
	kinds := []string{"cold", "resume"}
	for _, n := range o.guilds {
		for _, kind := range kinds {
			rows := []figures.Row{{Subject: "snug"}}
			for _, b := range o.bots {
				if kind == "cold" {
					rows = append(rows, figures.Row{Subject: b.name})
				}
			}
			tables = append(tables, figures.Table{
				Scenario: "guilds", Columns: startColumns, Rows: rows,
				What: fmt.Sprintf("%s start with %d servers of %d channels and %d members, medians of %d", kind, n,
					o.channels, o.members, cycles),
			})
		}
	}
	for cycle := range cycles {
		for i, n := range o.guilds {
			data := filepath.Join(tmp, fmt.Sprintf("%d-%d", n, cycle))
			turns, err := oneOfEach(ctx, o, n, data)
			if err != nil {
				return nil, fmt.Errorf("%d servers: %w", n, err)
			}
			cold, resumed := &tables[i*len(kinds)], &tables[i*len(kinds)+1]
			resumed.Rows[0].Turns = append(resumed.Rows[0].Turns, turns[0])
			for k, turn := range turns[1:] {
				cold.Rows[k].Turns = append(cold.Rows[k].Turns, turn)
			}
			if err := errors.Join(os.RemoveAll(data), os.RemoveAll(data+"-first")); err != nil {
				return nil, err
			}
		}
	}
	return tables, nil
}

// oneOfEach starts Snug twice with the same simulator and data folder, and every other bot once: what it returns is
// Snug's second start, its first one, and the others'.
func oneOfEach(ctx context.Context, o *options, n int, data string) (turns []figures.Turn, err error) {
	w, err := startWorld(ctx, o, n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	// A bot's very first start registers its commands, which takes a request for each server it is in.
	short := *o
	short.settle, short.profile = 0, ""
	if _, err := w.startSnug(ctx, &short, data+"-first", "first"); err != nil {
		return nil, err
	}
	if err := w.do("populate"); err != nil {
		return nil, err
	}
	cold, err := w.startSnug(ctx, o, data, "cold")
	if err != nil {
		return nil, err
	}
	resumed, err := w.startSnug(ctx, o, data, "resume")
	if err != nil {
		return nil, err
	}
	turns = []figures.Turn{resumed, cold}
	for _, b := range o.bots {
		t, err := w.startBot(ctx, o, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.name, err)
		}
		turns = append(turns, t)
	}
	return turns, nil
}

// worldProcess is a simulator in a process of its own.
type worldProcess struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	info worldInfo
}

func startWorld(ctx context.Context, o *options, n int) (*worldProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worldProcess{cmd: exec.CommandContext(ctx, self, "be", "discord",
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

// startSnug measures one start, until Snug has been stopped again.
func (w *worldProcess) startSnug(ctx context.Context, o *options, data, kind string) (t figures.Turn, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	env := append(w.env(), "SNUG_DATA="+data)
	profiled := make(chan error, 1)
	profiled <- nil
	if o.profile != "" {
		addr, err := freeAddress()
		if err != nil {
			return nil, err
		}
		env = append(env, "SNUG_OPS_ADDR="+addr)
		<-profiled
		file := filepath.Join(o.profile, fmt.Sprintf("%s-%d.pprof", kind, w.info.Guilds))
		go func() { profiled <- fetchProfile(ctx, addr, file) }()
	}
	s, err := startProgram(ctx, o, env, "serve")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	t = figures.Turn{}
	for t["all loaded"] == 0 || t["ready"] == 0 {
		m, err := s.next()
		if err != nil {
			return nil, err
		}
		switch m.what {
		case readyLine:
			t["ready"] = m.at.Seconds()
		case servedLine:
			t["all loaded"] = m.at.Seconds()
			t["CPU"] = usage.Process(s.pid()).CPU.Seconds()
		}
	}
	if err := w.do("try"); err != nil {
		return nil, err
	}
	select {
	case <-time.After(o.settle):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now, peak := usage.Memory(s.pid())
	t["CPU after"] = usage.Process(s.pid()).CPU.Seconds() - t["CPU"]
	t["peak"], t["memory"] = float64(peak)/1e6, float64(now)/1e6
	return t, <-profiled
}
