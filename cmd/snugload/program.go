package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// programScenarios measure the whole program.
//
// Snug and the simulator are one process in whole, openings, web and start.
var programScenarios = []scenario{
	{"guilds", "starting with a bot that is in thousands of servers, with an empty data folder and with that of the " +
		"process before; beside other bots with -bot", measureGuilds},
	{"whole", "people join, leave and mute themselves in a simulated Discord; from there through gateway, bot and " +
		"hub to watchers' WebSockets", measureWhole},
	{"openings", "opening rooms, one after the other and at once", measureOpenings},
	{"web", "pages a second, and how long until their first byte", measureWeb},
	{"start", "snug demo: how long until it is ready, and its memory", measureStart},
}

// bound is a command, bound to CPU 0 if -pin asks for that.
func (o *options) bound(command []string) []string {
	if o.pin {
		return pinned(command)
	}
	return command
}

// build builds snug, unless it is given or was built before.
func (o *options) build(ctx context.Context) (err error) {
	if o.snug != "" {
		return nil
	}
	if o.built, err = os.MkdirTemp("", "snugload"); err != nil {
		return err
	}
	to := filepath.Join(o.built, "snug")
	build := exec.CommandContext(ctx, "go", "build", "-o", to, "snug/cmd/snug")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building snug: %w. Build it yourself and name it with -snug", err)
	}
	o.snug = to
	return nil
}

// The log lines of snug that mark how far it is.
const (
	readyLine  = "Snug is ready"
	servedLine = "all servers are loaded"
)

// mark is a line of the log that says how far Snug is.
type mark struct {
	what string
	at   time.Duration // since the start
}

// program is a running snug.
type program struct {
	cmd   *exec.Cmd
	marks <-chan mark
}

// env is what Snug needs to know to use a simulator.
func (w *worldProcess) env() []string {
	return []string{
		"DISCORD_BOT_TOKEN=" + w.info.Token, "DISCORD_CLIENT_ID=" + w.info.ID, "DISCORD_CLIENT_SECRET=" + w.info.Secret,
		"SNUG_DISCORD_URL=" + w.info.URL, "SNUG_ADDR=127.0.0.1:0", "SNUG_BASE_URL=http://127.0.0.1:1",
		"SNUG_LOG_FORMAT=json", "SNUG_LOG_LEVEL=info",
	}
}

func startProgram(ctx context.Context, o *options, env []string, args ...string) (*program, error) {
	command := o.bound(append([]string{o.snug}, args...))
	p := &program{cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	p.cmd.Env = append(os.Environ(), env...)
	log, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.marks = follow(log, began)
	return p, nil
}

func (p *program) pid() int { return p.cmd.Process.Pid }

// next waits for the next mark.
func (p *program) next() (mark, error) {
	m, ok := <-p.marks
	if !ok {
		return m, errors.New("snug ended, or took too long; run it by hand to see why")
	}
	return m, nil
}

func (p *program) end() error {
	_ = p.cmd.Process.Signal(os.Interrupt)
	for range p.marks { // until its log ends
	}
	return p.cmd.Wait()
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
